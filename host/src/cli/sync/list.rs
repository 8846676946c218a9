//! `ferry sync list`

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::model::sync::Sync;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::{self, Timing};
use crate::cli::failure::CliError;
use crate::cli::table::Table;
use ferry::model::filter;

/// List the syncs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let syncs = tenant.syncs()?;
    let timings = syncs.iter().map(|sync| timing(&tenant, sync)).collect::<Result<Vec<_>, _>>()?;
    let document: Vec<_> = syncs.iter().zip(&timings).map(|(sync, timing)| entry(sync, timing)).collect();
    context.output.answer(&document, || {
        let headers = ["name", "connection", "object", "only", "outbound", "runs"];
        let mut table = Table::new(&headers, "no syncs yet: `ferry sync create NAME ..`");
        for (sync, timing) in syncs.iter().zip(&timings) {
            let mut only: Vec<String> = sync.filter.iter().map(filter::show).collect();
            only.extend(sync.segment.iter().map(|id| format!("segment {id}")));
            let outbound: Vec<&str> = sync.outbound.keys().map(|kind| kind.as_str()).collect();
            table.row(vec![
                sync.id.to_string(),
                sync.connection.to_string(),
                sync.object.clone(),
                only.join("; "),
                outbound.join(" "),
                timing.words(),
            ]);
        }
        table
    })
}

/// A sync, and when it runs.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    sync: serde_json::Value,
    #[serde(flatten)]
    timing: &'a Timing,
}

fn entry<'a>(sync: &Sync, timing: &'a Timing) -> Entry<'a> {
    Entry { sync: documents::sync(sync), timing }
}

fn timing(tenant: &Tenant, sync: &Sync) -> Result<Timing, AppError> {
    Ok(Timing::of(&tenant.timetable(&sync.id)?, tenant.next_run(&sync.id)?, sync.abilities.gone))
}
