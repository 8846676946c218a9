//! `ferry outbox list`

use ferry::app::error::problem_line;
use ferry::model::id::SyncId;
use ferry::model::outcome::{self, Delivery};

use crate::cli::context::Context;
use crate::cli::documents::{OutboxEntry, Values};
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List what waits, oldest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those that a person must look at
    #[arg(long)]
    dead: bool,

    /// Only those of this sync
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let wanted = |entry: &outcome::OutboxEntry| {
        (!args.dead || entry.is_dead()) && args.sync.as_ref().is_none_or(|sync| &entry.sync == sync)
    };
    let found = tenant.outbox().filter(|entry| entry.as_ref().map_or(true, wanted));
    if context.output.json {
        for entry in found {
            context.output.json_line(&OutboxEntry::of(&entry?, Values::Veiled))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["id", "sync", "kind", "contact", "outcome", "state", "details"], "nothing waits");
    for entry in found {
        let entry = entry?;
        let (state, details) = delivery(&entry.delivery);
        table.row(vec![
            entry.id.to_string(),
            entry.sync.to_string(),
            entry.outcome.kind.as_str().to_owned(),
            entry.outcome.contact.to_string(),
            entry.outcome.id.clone(),
            state.to_owned(),
            details,
        ]);
    }
    context.output.table(&table)
}

/// The state of an entry in one word, and what to know of it.
pub(super) fn delivery(delivery: &Delivery) -> (&'static str, String) {
    match delivery {
        Delivery::Waiting { attempts: 0, .. } => ("waiting", String::new()),
        Delivery::Waiting { attempts, not_before } => ("waiting", format!("{attempts} tries, next after {not_before}")),
        Delivery::Unknown { set: Some(_), .. } => {
            ("sent", "in a set that the CRM works on by itself; runs collect it".to_owned())
        }
        Delivery::Unknown { .. } => ("unknown", "the answer was lost; the next run finds out".to_owned()),
        Delivery::Dead { problems, remedy, .. } => {
            let lines: Vec<String> = problems.iter().map(problem_line).collect();
            ("dead", format!("{}; try: {remedy}", lines.join("; ")))
        }
    }
}
