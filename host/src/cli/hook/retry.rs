//! `ferry hook retry`

use ferry::model::id::HookId;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Post at once what waits for a hook, and what was given up
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The hook
    name: HookId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let retried = context.block_on(async { Ok(tenant.retry_hook(&args.name).await?) })?;
    if context.output.json {
        return context.output.document(&json!({ "retried": retried }));
    }
    context.output.note(&format!("{retried} to be posted while `ferry serve` runs"));
    Ok(())
}
