//! `ferry plugin presets`

use std::path::PathBuf;

use ferry::model::id::PluginId;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List the mappings that a plugin brings along, show one, or copy one for editing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An installed plugin
    plugin: PluginId,

    /// Print this preset
    #[arg(long, value_name = "NAME", conflicts_with = "copy")]
    show: Option<String>,

    /// Copy this preset into a new file
    #[arg(long, value_name = "NAME", requires = "to")]
    copy: Option<String>,

    /// The file to copy into; it must not be there yet
    #[arg(long, value_name = "FILE", requires = "copy")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    if let Some(name) = &args.show {
        let text = tenant.preset(&args.plugin, name)?;
        return if context.output.json {
            context.output.document(&json!({ "preset": name, "text": text }))
        } else {
            context.output.text(&text)
        };
    }
    if let (Some(name), Some(path)) = (&args.copy, &args.to) {
        let text = tenant.preset(&args.plugin, name)?;
        context.output.new_file(path, text.as_bytes())?;
        if context.output.json {
            return context.output.document(&json!({ "preset": name, "file": path }));
        }
        context.output.note(&format!("copied `{name}` to {0}; use it with `--mapping {0}`", path.display()));
        return Ok(());
    }
    let presets = tenant.presets(&args.plugin)?;
    let names: Vec<&String> = presets.keys().collect();
    context.output.answer(&names, || {
        let mut table = Table::new(&["preset", "what it is"], "this plugin brings no presets along");
        for (name, text) in &presets {
            table.row(vec![name.clone(), about(text).to_owned()]);
        }
        table
    })
}

/// The first line of a preset, where it is a comment.
fn about(text: &str) -> &str {
    text.lines().next().and_then(|line| line.strip_prefix('#')).unwrap_or_default().trim()
}
