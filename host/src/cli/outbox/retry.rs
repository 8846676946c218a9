//! `ferry outbox retry`

use ferry::model::id::OutboxId;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Send writes again at the next run, once their cause is mended
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The entries, as `ferry outbox list` names them
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<OutboxId>,

    /// All dead ones
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let retried = context.block_on(async { Ok(tenant.retry(&args.ids).await?) })?;
    if context.output.json {
        return context.output.document(&json!({ "retried": retried }));
    }
    context.output.note(&format!("{retried} to be sent at the next run"));
    Ok(())
}
