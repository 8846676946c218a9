//! `ferry sync remove`

use ferry::model::id::SyncId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Remove a sync, its progress and its outbox; contacts stay
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    context.tenant()?.remove_sync(&args.name)?;
    context.output.removed("sync", args.name.as_str())
}
