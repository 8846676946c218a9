//! `ferry plugin sign`

use std::path::PathBuf;

use ferry::app::plugins;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::secrets;

/// The private key, for build machines that keep no files.
const KEY_VARIABLE: &str = "FERRY_SIGNING_KEY";

/// Sign a packed plugin with a publisher's key
///
/// The signature covers the digest of each part: component, manifest, settings schema, presets, licence, icon. One that is
/// there is replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin
    file: PathBuf,

    /// The private key as PEM [default: what FERRY_SIGNING_KEY holds]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Where to write [default: into the packed plugin itself]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let Some(key) = secrets::read(args.key.as_deref(), KEY_VARIABLE, &context.output)? else {
        return Err(CliError::content(
            "there is no key to sign with",
            format!("name one with --key FILE, or put it into {KEY_VARIABLE}"),
        ));
    };
    let (package, path) = plugins::sign(&args.file, key.expose(), args.out.as_deref())?;
    let identity = &package.manifest.plugin;
    let key = package.signed.map(|signed| signed.key);
    if context.output.json {
        let document = json!({
            "file": path, "id": identity.id, "version": identity.version, "digest": package.digest, "key": key,
        });
        return context.output.document(&document);
    }
    context.output.note(&format!("signed {} {} in {}", identity.id, identity.version, path.display()));
    Ok(())
}
