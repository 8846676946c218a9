//! `ferry sync drift`

use ferry::model::drift::{Change, Drift};
use ferry::model::id::SyncId;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::output::word;
use crate::cli::table::Table;

/// Tell what has become of the CRM's fields, as the sync's runs noticed it, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let drifts = context.tenant()?.drifts(&args.name)?;
    let documents: Vec<_> = drifts.iter().map(document).collect();
    context.output.answer(&documents, || {
        let mut table = Table::new(&["field", "read", "what", "run", "at"], "no field has changed since the first run");
        for drift in &drifts {
            let read = if drift.is_read { "yes" } else { "" };
            table.row(vec![
                drift.field.clone(),
                read.to_owned(),
                told(&drift.change),
                drift.run.to_string(),
                drift.at.to_string(),
            ]);
        }
        table
    })
}

fn document(drift: &Drift) -> serde_json::Value {
    json!({
        "field": drift.field, "change": drift.change, "read": drift.is_read, "run": drift.run, "at": drift.at.to_string(),
    })
}

/// In words.
pub(super) fn told(change: &Change) -> String {
    match change {
        Change::Appeared => "is new".to_owned(),
        Change::Vanished => "is not there any more".to_owned(),
        Change::Kind { was, is } => format!("was of type {} and is of type {}", word(was), word(is)),
        Change::Choices { added, removed } => {
            let said = |what: &str, choices: &[String]| {
                (!choices.is_empty()).then(|| format!("{what} {}", choices.join(", ")))
            };
            let parts: Vec<String> =
                [said("has got", added), said("has lost", removed)].into_iter().flatten().collect();
            parts.join("; ")
        }
    }
}
