//! `ferry sync verify`

use ferry::model::id::SyncId;
use ferry::sync::{Difference, Stopper, SyncError, Verified};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Read everything that the CRM has for a sync and compare it with what is stored; changes nothing
///
/// Told are the records that are missing here, extra here, or different, with the fields. With --json one document per
/// difference, and the sums last.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// The most differences to tell; all are counted
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let mut told = Vec::new();
    let sums = context.block_on(async {
        let stopper = Stopper::default();
        let _watching = context.output.console.stop_on_interrupt(stopper.clone());
        let mut tell = |difference| {
            if told.len() < args.limit {
                told.push(difference);
            }
        };
        match tenant.verify_sync(&args.name, &stopper, &mut tell).await {
            Err(ferry::app::error::AppError::Sync(SyncError::Stopped)) => Err(CliError::Stopped),
            other => Ok(other?),
        }
    })?;
    if context.output.json { documents(&told, &sums, context) } else { tables(&told, &sums, context) }
}

fn documents(told: &[Difference], sums: &Verified, context: &Context) -> Result<(), CliError> {
    for difference in told {
        context.output.json_line(&match difference {
            Difference::Missing { record } => json!({ "kind": "missing", "record": record }),
            Difference::Extra { record, contact } => json!({ "kind": "extra", "record": record, "contact": contact }),
            Difference::Different { record, contact, fields } => {
                json!({ "kind": "different", "record": record, "contact": contact, "fields": fields })
            }
        })?;
    }
    let Verified { theirs, equal, aside, missing, extra, different } = *sums;
    context.output.json_line(&json!({
        "theirs": theirs, "equal": equal, "aside": aside, "missing": missing, "extra": extra, "different": different,
        "complete": is_complete(sums),
    }))
}

fn tables(told: &[Difference], sums: &Verified, context: &Context) -> Result<(), CliError> {
    let mut table = Table::new(&["record", "is", "contact", "fields"], "nothing differs");
    for difference in told {
        let (record, is, contact, fields) = match difference {
            Difference::Missing { record } => (record, "missing here", None, String::new()),
            Difference::Extra { record, contact } => {
                (record, "not in the CRM or outside the filter", Some(contact), String::new())
            }
            Difference::Different { record, contact, fields } => {
                (record, "different", Some(contact), fields.join(", "))
            }
        };
        let contact = contact.map(ToString::to_string).unwrap_or_default();
        table.row(vec![record.clone(), is.to_owned(), contact, fields]);
    }
    context.output.table(&table)?;
    let Verified { theirs, equal, aside, missing, extra, different } = *sums;
    context.output.note(&format!(
        "{theirs} in the CRM: {equal} equal, {aside} refused or left out, {missing} missing, {different} different; {extra} extra"
    ));
    if !is_complete(sums) {
        context.output.note("`ferry sync run` brings in what has changed, `ferry sync sweep` what was missed");
    }
    Ok(())
}

fn is_complete(sums: &Verified) -> bool {
    sums.missing + sums.extra + sums.different == 0
}
