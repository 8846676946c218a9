//! `ferry sync runs`

use ferry::model::id::SyncId;
use ferry::model::sync::{Run, RunEnd};

use super::run::{rows, took};
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::{moment, told, word};
use crate::cli::table::Table;

/// List the runs of a sync, newest first, with what they did and why they failed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// The most to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let runs = context.tenant()?.runs(&args.name, None, args.limit)?;
    if context.output.json {
        return runs.iter().try_for_each(|run| context.output.json_line(&documents::Run::from(run)));
    }
    context.output.table(&table(&runs))
}

fn table(runs: &[Run]) -> Table {
    let mut table = Table::new(&["run", "direction", "started", "took", "rows", "result"], "it has not run yet");
    table = table.numbers(&[4]);
    for run in runs {
        let result = match &run.end {
            RunEnd::Running => format!("running: {}", told(&run.counts)),
            RunEnd::Done => told(&run.counts),
            RunEnd::Failed { code, message, .. } => format!("failed ({code}): {message}"),
        };
        table.row(vec![
            run.id.to_string(),
            word(&run.direction),
            moment(run.started),
            took(run),
            rows(run).to_string(),
            result,
        ]);
    }
    table
}
