//! `ferry plugin remove`

use ferry::model::id::PluginId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Remove a plugin that no connection and no sync uses
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The id of the plugin
    id: PluginId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    context.tenant()?.remove_plugin(&args.id)?;
    context.output.removed("plugin", args.id.as_str())
}
