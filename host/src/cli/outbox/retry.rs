//! `ferry outbox retry` and `discard`

use ferry::app::outcomes::Wanted;
use ferry::model::id::{OutboxId, SyncId};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Send writes again at the next run, once their cause is mended
#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    which: Which,
}

/// Give dead writes up: their outcomes will never be sent
#[derive(Debug, clap::Args)]
pub(crate) struct Discard {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The entries, as `ferry outbox list` names them
    ids: Vec<OutboxId>,

    /// All dead ones of this sync
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,

    /// All dead ones
    #[arg(long)]
    all: bool,
}

impl Which {
    fn wanted(&self) -> Wanted {
        if self.ids.is_empty() { Wanted::Dead(self.sync.clone()) } else { Wanted::These(self.ids.clone()) }
    }
}

pub(crate) fn retry(args: &Retry, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let retried = context.block_on(async { Ok(tenant.retry(&args.which.wanted()).await?) })?;
    if context.output.json {
        return context.output.document(&json!({ "retried": retried }));
    }
    context.output.note(&format!("{retried} to be sent at the next run"));
    Ok(())
}

pub(crate) fn discard(args: &Discard, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let discarded = context.block_on(async { Ok(tenant.discard(&args.which.wanted()).await?) })?;
    if context.output.json {
        return context.output.document(&json!({ "discarded": discarded }));
    }
    context.output.note(&format!("{discarded} given up"));
    Ok(())
}
