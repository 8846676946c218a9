//! `ferry plugin pack`

use std::path::PathBuf;

use ferry::app::plugins;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Pack a component and its manifest into one file that can be shipped
///
/// Takes a component, or a core module with an embedded component type. The settings schema and the presets that the
/// manifest names are packed too, so that the file is all there is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The component or core module, as the compiler made it
    component: PathBuf,

    /// The manifest; what it names lies beside it
    #[arg(long, short, default_value = "plugin.toml", value_name = "FILE")]
    manifest: PathBuf,

    /// Where to write [default: `<id>.wasm` in the current directory]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let (package, path) = plugins::pack(&args.component, &args.manifest, args.out.as_deref())?;
    let identity = &package.manifest.plugin;
    if context.output.json {
        let document =
            json!({ "file": path, "id": identity.id, "version": identity.version, "digest": package.digest });
        return context.output.document(&document);
    }
    let text = format!("packed {} {} into {}", identity.id, identity.version, path.display());
    context.output.note(&text);
    Ok(())
}
