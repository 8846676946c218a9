//! `ferry sync test`

use ferry::app::words::counted;
use ferry::model::connector::Operation;
use ferry::model::contact::AttributeName;
use ferry::model::id::{OutboxId, SyncId};
use ferry::model::outcome::OutboxEntry;
use ferry::model::value::Value;
use ferry::sync::{Change, OutboundPlan, Outlook, TrialReport, TrialRow, Verdict};
use serde_json::{Value as Json, json};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::told;
use crate::cli::table::Table;

/// Try a sync on a sample: mapped rows, problems, what would change on both sides, what it costs; writes nothing
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
    let mut going = Vec::new();
    let (report, plan) = context.block_on(async {
        let report = tenant.test_sync(&args.name, args.sample).await?;
        let most = args.sample as usize;
        let mut tell = |entry: &OutboxEntry, outlook: &Outlook| {
            if going.len() < most {
                going.push((entry.id, entry.record.clone(), outlook.clone()));
            }
        };
        Ok((report, tenant.plan_outbound(&args.name, &mut tell).await?))
    })?;
    let mut shown = document(&report);
    let entries = going.iter().map(|(id, record, outlook)| outgoing(*id, record, outlook)).collect::<Vec<_>>();
    shown["outbound"] = json!({ "entries": entries, "sums": plan });
    context.output.answer(&shown, || {
        let mut table = table(&report);
        for (_, record, outlook) in &going {
            let (what, details) = outlook.describe();
            table.row(vec![record.clone(), what, details]);
        }
        table
    })?;
    context.output.note(&format!("{} tried, nothing written: {}", tried(&report), told(&report.counts)));
    if let Some(pages) = report.pages {
        context.output.note(&format!("reading everything takes {} or a few more", counted(pages, "call")));
    }
    note_outbound(&plan, context);
    Ok(())
}

/// How many rows of how many.
fn tried(report: &TrialReport) -> String {
    match report.total {
        Some(total) => format!("{} of {}", report.rows.len(), counted(total, "row")),
        None => counted(report.rows.len(), "row"),
    }
}

/// What would become of the rows of an import.
pub(in crate::cli) fn tell(report: &TrialReport, context: &Context) -> Result<(), CliError> {
    context.output.answer(&document(report), || table(report))?;
    context.output.note(&format!("{} tried, nothing written: {}", tried(report), told(&report.counts)));
    Ok(())
}

/// What would go out, in a sentence.
pub(super) fn note_outbound(plan: &OutboundPlan, context: &Context) {
    let OutboundPlan { written, left_out, refused, unknown, calls } = plan;
    if written + left_out + refused > 0 {
        let unknown =
            if *unknown > 0 { format!(" ({unknown} after asking whether they arrived)") } else { String::new() };
        context.output.note(&format!(
            "outbound: {written} written{unknown}, {left_out} not sent, {}; {} or a few more",
            counted(*refused, "dead letter"),
            counted(*calls, "call"),
        ));
    }
}

/// An entry of the outbox, as it would go out.
pub(super) fn outgoing(id: OutboxId, record: &str, outlook: &Outlook) -> Json {
    let would = match outlook {
        Outlook::Written { object, write, policies } => {
            let operation = match &write.operation {
                Operation::Create => "create",
                Operation::Update { .. } => "update",
                Operation::Upsert { .. } => "upsert",
                Operation::Delete { .. } => "delete",
            };
            let policies: serde_json::Map<String, Json> =
                policies.iter().map(|(name, policy)| (name.clone(), json!(policy))).collect();
            let values = documents::values(write.values.iter().map(|(name, value)| (name.as_str(), value)));
            json!({ "kind": operation, "object": object, "values": values, "policies": policies })
        }
        Outlook::LeftOut(reason) => json!({ "kind": "left-out", "reason": reason }),
        Outlook::Refused(_) => json!({ "kind": "refused", "message": outlook.describe().1 }),
    };
    json!({ "entry": id, "record": record, "would": would })
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
    json!({ "rows": rows, "counts": report.counts, "total": report.total, "pages": report.pages })
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
        let report = TrialReport { rows: rows.collect(), counts: Default::default(), total: None, pages: None };
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
