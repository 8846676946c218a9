//! `ferry sync plan`

use std::path::PathBuf;

use ferry::app::words::counted;
use ferry::model::contact::AttributeName;
use ferry::model::id::SyncId;
use ferry::model::outcome::OutboxEntry;
use ferry::model::sync::MappingSpec;
use ferry::model::value::Value;
use ferry::sync::{OutboundPlan, Outlook, Plan, TrialRow, Verdict};
use serde_json::json;

use super::test::{describe, note_outbound, outgoing, row};
use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::output::{Output, told};
use crate::cli::table::Table;

/// Say what a changed mapping would do to every contact; asks the CRM nothing and writes nothing
///
/// Works on the rows as the CRM last gave them, and on what waits in the outbox. Listed is what would be added, changed (with the policy that decides) or
/// refused; with --json one document per row, and the sums last.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// The mapping to plan [default: the one that the sync has]
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,

    /// The most rows to list; all are planned
    #[arg(long, default_value_t = 20, value_name = "N", conflicts_with = "all")]
    limit: usize,

    /// List every row that would change
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let mapping = match &args.mapping {
        Some(path) => Some(MappingSpec {
            mapper: tenant.sync(&args.name)?.mapping.mapper,
            configuration: context.output.text_of(path)?,
        }),
        None => None,
    };
    let mut listed =
        Listed { output: &context.output, left: if args.all { usize::MAX } else { args.limit }, failed: None };
    let plan = context.block_on(async {
        let mut tell = |record: &str, verdict: &Verdict, values: &[(AttributeName, Value)]| {
            listed.row(record, verdict, values);
        };
        Ok(tenant.plan_mapping(&args.name, mapping, &mut tell).await?)
    })?;
    let out = context.block_on(async {
        let mut tell = |entry: &OutboxEntry, outlook: &Outlook| listed.entry(entry, outlook);
        Ok(tenant.plan_outbound(&args.name, &mut tell).await?)
    })?;
    if let Some(error) = listed.failed {
        return Err(error);
    }
    sum(&plan, &out, &context.output)?;
    if !context.output.json {
        note_outbound(&out, context);
    }
    Ok(())
}

fn sum(plan: &Plan, out: &OutboundPlan, output: &Output) -> Result<(), CliError> {
    if output.json {
        return output.json_line(&json!({ "counts": plan.counts, "rekeyed": plan.rekeyed, "outbound": out }));
    }
    output.note(&format!(
        "{} planned, nothing written: {}",
        counted(plan.counts.rows, "stored row"),
        told(&plan.counts)
    ));
    if plan.rekeyed > 0 {
        output.note(&format!(
            "{} would get another e-mail or phone: `sync apply` wants --agree",
            counted(plan.rekeyed, "contact")
        ));
    }
    Ok(())
}

/// Rows go out as they come: there may be a million of them.
struct Listed<'a> {
    output: &'a Output,
    left: usize,
    failed: Option<CliError>,
}

impl Listed<'_> {
    fn row(&mut self, record: &str, verdict: &Verdict, values: &[(AttributeName, Value)]) {
        if matches!(verdict, Verdict::Unchanged(_) | Verdict::Skipped(_)) || self.left == 0 || self.failed.is_some() {
            return;
        }
        let planned = TrialRow { record: record.to_owned(), verdict: verdict.clone(), values: values.to_vec() };
        let (verdict, details) = describe(&planned);
        self.say(record, &verdict, details, || row(&planned));
    }

    fn entry(&mut self, entry: &OutboxEntry, outlook: &Outlook) {
        if self.left > 0 && self.failed.is_none() {
            let (what, details) = outlook.describe();
            self.say(&entry.record, &what, details, || outgoing(entry.id, &entry.record, outlook));
        }
    }

    fn say(&mut self, record: &str, what: &str, details: String, document: impl FnOnce() -> serde_json::Value) {
        self.left -= 1;
        let said = if self.output.json {
            self.output.json_line(&document())
        } else {
            let mut table = Table::new(&[], "");
            table.row(vec![format!("{record:<12}"), format!("{what:<16}"), details]);
            self.output.table(&table)
        };
        self.failed = said.err();
    }
}
