//! `ferry conflicts list`

use ferry::model::id::SyncId;
use ferry::model::value::Value;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List what has to be decided
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those of this sync
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,

    /// The most to show
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    if let Some(sync) = &args.sync {
        tenant.sync(sync)?;
    }
    let mut table = Table::new(
        &["contact", "attribute", "ours", "theirs", "agreed", "sync", "record"],
        "nothing has to be decided",
    );
    for conflict in tenant.conflicts(args.sync.as_ref()).take(args.limit) {
        let conflict = conflict?;
        let ours = tenant.contact(conflict.contact)?.get(&conflict.attribute).cloned().unwrap_or(Value::Null);
        if context.output.json {
            context.output.json_line(&documents::conflict(&conflict, &ours))?;
            continue;
        }
        table.row(vec![
            conflict.contact.to_string(),
            conflict.attribute,
            ours.to_cell(),
            conflict.theirs.to_cell(),
            conflict.base.to_cell(),
            conflict.sync.to_string(),
            conflict.record,
        ]);
    }
    if context.output.json { Ok(()) } else { context.output.table(&table) }
}
