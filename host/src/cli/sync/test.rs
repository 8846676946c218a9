//! `ferry sync test`

use ferry::model::contact::AttributeName;
use ferry::model::id::SyncId;
use ferry::model::value::Value;
use ferry::sync::{Change, TrialReport, TrialRow, Verdict};
use serde_json::{Value as Json, json};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::told;
use crate::cli::table::Table;

/// Try a sync on a sample: mapped rows, problems, what would change; writes nothing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// How many rows to try
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    sample: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let report = context.block_on(async { Ok(tenant.test_sync(&args.name, args.sample).await?) })?;
    context.output.answer(&document(&report), || table(&report))?;
    let of = report.total.map(|total| format!(" of {total}")).unwrap_or_default();
    context.output.note(&format!("{}{of} rows tried, nothing written: {}", report.rows.len(), told(&report.counts)));
    Ok(())
}

fn table(report: &TrialReport) -> Table {
    let mut table = Table::new(&["record", "would be", "details"], "no record passes the filter");
    for row in &report.rows {
        let (verdict, details) = describe(row);
        table.row(vec![row.record.clone(), verdict, details]);
    }
    table
}

pub(super) fn describe(row: &TrialRow) -> (String, String) {
    match &row.verdict {
        Verdict::Created(_) => ("created".to_owned(), shown(&row.values)),
        Verdict::Linked(contact, changes) if changes.is_empty() => (format!("linked to {contact}"), shown(&row.values)),
        Verdict::Linked(contact, changes) => (format!("linked to {contact}"), changed(changes)),
        Verdict::Changed(contact, changes) => (format!("changed {contact}"), changed(changes)),
        Verdict::Unchanged(contact) => (format!("unchanged {contact}"), shown(&row.values)),
        Verdict::Skipped(reason) => ("skipped".to_owned(), reason.clone()),
        Verdict::Refused(reason) => ("refused".to_owned(), reason.describe()),
    }
}

fn shown(values: &[(AttributeName, Value)]) -> String {
    let filled = values.iter().filter(|(_, value)| *value != Value::Null);
    let cells: Vec<String> = filled.map(|(name, value)| format!("{name}={}", value.to_cell())).collect();
    cells.join(" ")
}

fn changed(changes: &[Change]) -> String {
    let nothing = |value: &Value| if *value == Value::Null { "nothing".to_owned() } else { value.to_cell() };
    let words: Vec<String> = changes
        .iter()
        .map(|change| {
            let (before, after) = (nothing(&change.before), nothing(&change.after));
            format!("{}: {before} -> {after} ({})", change.attribute, change.policy.as_str())
        })
        .collect();
    words.join("; ")
}

fn document(report: &TrialReport) -> Json {
    let rows: Vec<Json> = report.rows.iter().map(row).collect();
    json!({ "rows": rows, "counts": report.counts, "total": report.total })
}

pub(super) fn row(row: &TrialRow) -> Json {
    let verdict = match &row.verdict {
        Verdict::Created(_) => json!({ "kind": "created" }),
        Verdict::Linked(contact, list) => json!({ "kind": "linked", "contact": contact, "changes": changes(list) }),
        Verdict::Changed(contact, list) => json!({ "kind": "changed", "contact": contact, "changes": changes(list) }),
        Verdict::Unchanged(contact) => json!({ "kind": "unchanged", "contact": contact }),
        Verdict::Skipped(reason) => json!({ "kind": "skipped", "reason": reason }),
        Verdict::Refused(reason) => {
            json!({ "kind": "refused", "reason": documents::reason(reason), "message": reason.describe() })
        }
    };
    let values = documents::values(row.values.iter().map(|(name, value)| (&**name, value)));
    json!({ "record": row.record, "verdict": verdict, "values": values })
}

fn changes(changes: &[Change]) -> Vec<Json> {
    let document = |change: &Change| {
        json!({
            "attribute": &*change.attribute, "before": change.before.to_json(), "after": change.after.to_json(),
            "policy": change.policy,
        })
    };
    changes.iter().map(document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry::model::id::ContactId;
    use ferry::model::policy::Policy;
    use ferry::model::refusal::RefusalReason;
    use ferry::model::value::Problem;

    #[test]
    fn a_trial_tells_what_would_become_of_each_row() {
        let text = |text: &str| Value::Text(text.to_owned());
        let values = vec![("email".into(), text("ada@example.com")), ("phone".into(), Value::Null)];
        let (attribute, before, after) = ("stage".into(), Value::Null, text("lead"));
        let change = Change { attribute, before, after, policy: Policy::Crm };
        let problems = vec![Problem { field: Some("phone".into()), message: "is no phone number".into() }];
        let verdicts = [
            Verdict::Created(ContactId(1)),
            Verdict::Linked(ContactId(2), vec![change.clone()]),
            Verdict::Changed(ContactId(3), vec![change]),
            Verdict::Unchanged(ContactId(4)),
            Verdict::Skipped("test record".into()),
            Verdict::Refused(RefusalReason::Problems(problems)),
        ];
        let rows = verdicts.into_iter().enumerate().map(|(index, verdict)| TrialRow {
            record: (101 + index).to_string(),
            verdict,
            values: values.clone(),
        });
        let report = TrialReport { rows: rows.collect(), counts: Default::default(), total: None };
        assert_eq!(
            table(&report).render(None),
            "RECORD  WOULD BE      DETAILS\n\
             101     created       email=ada@example.com\n\
             102     linked to c2  stage: nothing -> lead (crm)\n\
             103     changed c3    stage: nothing -> lead (crm)\n\
             104     unchanged c4  email=ada@example.com\n\
             105     skipped       test record\n\
             106     refused       phone: is no phone number\n"
        );
    }
}
