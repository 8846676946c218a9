//! `ferry sync run`

use std::path::PathBuf;
use std::sync::Arc;

use ferry::app::Tenant;
use ferry::app::kept::Keeper;
use ferry::app::syncs::{RunOptions, RunReport};
use ferry::model::id::SyncId;
use ferry::model::mapping::Direction;
use ferry::model::sync::Run;
use ferry::sync::{Stopper, SyncError};
use ferry::trace::Trace;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::{Output, told, word};
use crate::cli::table::Table;

/// Traces of one sync and verb in a folder: beyond, somebody should tidy up.
const MOST_FILES: usize = 1_000;

/// Run a sync: records in, then outcomes out
///
/// Everything is committed page by page: after Ctrl-C, a crash or an error the next run goes on where this one stopped.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// Only read from the CRM
    #[arg(long, conflicts_with = "outbound_only")]
    inbound_only: bool,

    /// Only write to the CRM
    #[arg(long)]
    outbound_only: bool,

    /// How many parts of a first run are read side by side, where the connector can part them
    #[arg(long, default_value_t = ferry::sync::PARTITIONS, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    partitions: u32,

    /// Keep here what crossed the boundary of each call that fails, to be sent to the plugin's author; it holds records, and no
    /// credentials. `ferry plugin replay` runs such a file again
    #[arg(long, value_name = "DIR")]
    keep_traces: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let report = context.block_on(watched(args, &tenant, context))?;
    let document = json!({
        "inbound": report.inbound.as_ref().map(documents::Run::from),
        "outbound": report.outbound.as_ref().map(documents::Run::from),
    });
    context.output.answer(&document, || table(report.inbound.iter().chain(&report.outbound)))?;
    let refused = report.inbound.as_ref().map_or(0, |run| run.counts.refused);
    if refused > 0 {
        context
            .output
            .note(&format!("`ferry contacts list --sync {} --refused` says why rows were refused", args.name));
    }
    if report.inbound.as_ref().is_some_and(|run| run.counts.held > 0) {
        context.output.note("`ferry conflicts list` shows what has to be decided");
    }
    if let Some(run) = &report.inbound {
        for drift in tenant.drifts(&args.name)?.iter().filter(|drift| drift.run == run.id) {
            context.output.note(&format!("field `{}` {}", drift.field, super::drift::told(&drift.change)));
        }
    }
    if report.outbound.as_ref().is_some_and(|run| run.counts.dead > 0) {
        context.output.note("`ferry outbox list --dead` says why writes were refused");
    }
    Ok(())
}

async fn watched(args: &Args, tenant: &Tenant, context: &Context) -> Result<RunReport, CliError> {
    let (inbound, outbound) = (!args.outbound_only, !args.inbound_only);
    let keeper = args.keep_traces.as_ref().map(|folder| {
        let (folder, output) = (folder.clone(), context.output.clone());
        Arc::new(TraceFiles { folder, sync: args.name.clone(), output }) as Arc<dyn Keeper>
    });
    let options = RunOptions { inbound, outbound, partitions: args.partitions, keeper };
    let progress = context.output.progress();
    let stopper = Stopper::default();
    let _watching = context.output.console.stop_on_interrupt(stopper.clone());
    let result = tenant.run_sync(&args.name, options, &progress, &stopper).await;
    drop(progress);
    match result {
        Err(ferry::app::error::AppError::Sync(SyncError::Stopped)) => Err(CliError::Stopped),
        other => Ok(other?),
    }
}

/// Files of one folder, none of which is overwritten. A new file is its owner's alone.
struct TraceFiles {
    folder: PathBuf,
    sync: SyncId,
    output: Output,
}

impl Keeper for TraceFiles {
    fn keep(&self, trace: &Trace) {
        let name = |number: usize| self.folder.join(format!("{}-{}-{number}.json", self.sync, trace.call.verb()));
        let text = trace.to_text();
        let free = (1..=MOST_FILES).map(name).find(|path| self.output.console.read(path).is_err());
        let Some(path) = free else {
            return self.output.note(&format!("`{}` is full of traces: this one is not kept", self.folder.display()));
        };
        match self.output.new_file(&path, text.as_bytes()) {
            Ok(()) => self.output.note(&format!("kept the failed call in {}", path.display())),
            // The run is worth more than its trace.
            Err(error) => error.report(&self.output),
        }
    }
}

pub(in crate::cli) fn table<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Table {
    let mut table =
        Table::new(&["run", "direction", "rows", "took", "result"], "this sync has nothing to do").numbers(&[2]);
    for run in runs {
        table.row(vec![run.id.to_string(), word(&run.direction), rows(run).to_string(), took(run), told(&run.counts)]);
    }
    table
}

/// What was read, or what was sent.
pub(super) fn rows(run: &Run) -> u64 {
    match run.direction {
        Direction::Inbound => run.counts.rows,
        Direction::Outbound => run.counts.delivered + run.counts.retried + run.counts.dead,
    }
}

pub(super) fn took(run: &Run) -> String {
    run.ended.map(|ended| format!("{:.1} s", ended.since(run.started).as_secs_f64())).unwrap_or_default()
}
