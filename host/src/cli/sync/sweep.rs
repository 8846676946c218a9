//! `ferry sync sweep`

use ferry::model::id::SyncId;
use ferry::sync::{Stopper, Swept, SyncError};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Compare the ids of both sides: fetch what was missed, mark what is gone from the CRM
///
/// Nothing is marked before everything has been seen, and each record that seems to be gone is asked for once more.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// Agree that more than a tenth of the records are marked as gone
    #[arg(long)]
    agree: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let (run, swept) = context.block_on(async {
        let (progress, stopper) = (context.output.progress(), Stopper::default());
        let _watching = context.output.console.stop_on_interrupt(stopper.clone());
        match tenant.sweep_sync(&args.name, args.agree, &progress, &stopper).await {
            Err(ferry::app::error::AppError::Sync(SyncError::Stopped)) => Err(CliError::Stopped),
            other => Ok(other?),
        }
    })?;
    let Swept { theirs, fetched, gone, outside } = swept;
    let document = json!({
        "run": documents::Run::from(&run), "theirs": theirs, "fetched": fetched, "gone": gone, "outside": outside,
    });
    context.output.answer(&document, || {
        Table::sheet(vec![
            ("in the CRM", theirs.to_string()),
            ("fetched", fetched.to_string()),
            ("gone", gone.to_string()),
            ("left the filter", outside.to_string()),
        ])
    })
}
