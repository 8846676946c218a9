//! `ferry outbox show`

use ferry::model::id::OutboxId;
use ferry::model::outcome::OutboxEntry;

use super::list;
use crate::cli::context::Context;
use crate::cli::documents::{self, Values};
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Show one write: where it stands, what the CRM said, what to do, what it carries
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The entry, as `ferry outbox list` names it
    id: OutboxId,

    /// Show the outcome's values, and not only their types and lengths
    #[arg(long)]
    values: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let entry = context.tenant()?.outbox_entry(args.id)?;
    let values = if args.values { Values::Shown } else { Values::Veiled };
    context.output.answer(&documents::OutboxEntry::of(&entry, values), || sheet(&entry, values))
}

fn sheet(entry: &OutboxEntry, values: Values) -> Table {
    let outcome = &entry.outcome;
    let (state, details) = list::delivery(&entry.delivery);
    let mut rows = vec![
        ("entry", entry.id.to_string()),
        ("sync", entry.sync.to_string()),
        ("contact", outcome.contact.to_string()),
        ("record", entry.record.clone()),
        ("kind", outcome.kind.as_str().to_owned()),
        ("outcome", outcome.id.clone()),
        ("at", outcome.at.to_string()),
        ("recorded", entry.created.to_string()),
        ("state", state.to_owned()),
        ("details", details),
    ];
    rows.extend(outcome.values.iter().map(|(name, value)| (name.as_str(), values.cell(value))));
    Table::sheet(rows)
}
