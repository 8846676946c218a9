//! `ferry sync cancel`

use ferry::model::id::SyncId;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Stop what runs of a sync after the page that it is at; the next run goes on from there
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let stopped = context.tenant()?.cancel_sync(&args.name)?;
    if context.output.json {
        return context.output.document(&json!({ "sync": args.name, "stopped": stopped }));
    }
    context.output.note(&format!("`{}` stops after its page", args.name));
    Ok(())
}
