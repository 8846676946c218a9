//! `ferry sync status`

use std::collections::BTreeMap;

use ferry::app::syncs::SyncStatus;
use ferry::model::id::SyncId;
use ferry::model::sync::{Run, RunEnd};

use crate::cli::context::Context;
use crate::cli::documents::{self, Timing};
use crate::cli::failure::CliError;
use crate::cli::output::{moment, word};
use crate::cli::table::Table;

/// Show how far syncs have come, what failed, what waits
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync; all of them without it
    name: Option<SyncId>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let statuses = match &args.name {
        Some(name) => vec![tenant.sync_status(name)?],
        None => tenant.sync_statuses()?,
    };
    let document: Vec<_> = statuses.iter().map(documents::Status::from).collect();
    context.output.answer(&document, || table(&statuses))?;
    for status in &statuses {
        if let Some(note) = failed(status) {
            context.output.note(&note);
        }
    }
    let allowances =
        statuses.iter().filter_map(|status| Some((&status.sync.connection, status.allowance.as_ref()?.describe()?)));
    for (connection, allowance) in allowances.collect::<BTreeMap<_, _>>() {
        context.output.note(&format!("{connection}: {allowance}"));
    }
    Ok(())
}

fn table(statuses: &[SyncStatus]) -> Table {
    let headers = ["sync", "linked", "refused", "conflicts", "waiting", "dead", "seen until", "last run", "runs"];
    let mut table = Table::new(&headers, "no syncs yet: `ferry sync create NAME ..`").numbers(&[1, 2, 3, 4, 5]);
    for status in statuses {
        let state = &status.state;
        table.row(vec![
            status.sync.id.to_string(),
            state.linked.to_string(),
            state.refused.to_string(),
            status.conflicts.to_string(),
            status.waiting.to_string(),
            status.dead.to_string(),
            state.high_water.map_or_else(|| "never".to_owned(), moment),
            status.last_run.as_ref().map_or_else(|| "none".to_owned(), last_run),
            Timing::of(&status.timetable, status.next, status.sync.abilities.gone).words(),
        ]);
    }
    table
}

fn last_run(run: &Run) -> String {
    let end = match &run.end {
        RunEnd::Running => "running".to_owned(),
        RunEnd::Done => "done".to_owned(),
        RunEnd::Failed { code, .. } => format!("failed: {code}"),
    };
    format!("{} {}, {}, {end}", run.id, word(&run.direction), moment(run.started))
}

fn failed(status: &SyncStatus) -> Option<String> {
    match &status.last_run.as_ref()?.end {
        RunEnd::Failed { message, remedy, .. } => Some(format!("{}: {message}\n  try: {remedy}", status.sync.id)),
        _ => None,
    }
}
