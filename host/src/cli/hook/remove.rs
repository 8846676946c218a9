//! `ferry hook remove`

use ferry::model::id::HookId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Remove a hook, with what waits for it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The hook
    name: HookId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    context.block_on(async { Ok(tenant.remove_hook(&args.name).await?) })?;
    context.output.removed("hook", args.name.as_str())
}
