//! `ferry plugin test`

use std::path::PathBuf;

use ferry::app::advice::Class;
use ferry::app::kit;
use ferry::conformance::{Report, Verdict};

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Try a plugin against the rules of the contract, without a CRM
///
/// Cassettes stand for the CRM: calls with the requests that they are expected to make, and the answers. Each call is made as
/// it is recorded, then with trouble at every single request. Nothing is installed, and no connection is opened. The exit code
/// is 0 where every check passes or had nothing to try, and 6 where one fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin
    file: PathBuf,

    /// The folder with its cassettes
    #[arg(long, value_name = "DIR")]
    cassettes: Option<PathBuf>,

    /// Makes the rows that a mapper is tried on
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let trying = context.trying()?;
    let report =
        context.block_on(async { Ok(kit::test(trying, &args.file, args.cassettes.as_deref(), args.seed).await?) })?;
    let document = serde_json::json!({ "passed": report.passed(), "report": report });
    context.output.answer(&document, || checks(&report))?;
    if !context.output.json {
        context.output.table(&measures(&report))?;
        context.output.note(&format!("imports {}", report.imports.join(" ")));
    }
    if report.passed() { Ok(()) } else { Err(CliError::Diagnosed(Class::Plugin)) }
}

fn checks(report: &Report) -> Table {
    let mut table =
        Table::new(&["check", "result", "tried", "rule, and what breaks it"], "nothing was tried").numbers(&[2]);
    for check in &report.checks {
        let verdict = match check.verdict() {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::NotTried => "not tried",
        };
        table.row(vec![check.id.to_owned(), verdict.to_owned(), check.tried.to_string(), check.rule.to_owned()]);
        for finding in &check.findings {
            table.row(vec![
                String::new(),
                String::new(),
                String::new(),
                format!("{}: {}", finding.place, finding.problem),
            ]);
        }
        let more = check.failed as usize - check.findings.len();
        if more > 0 {
            table.row(vec![String::new(), String::new(), String::new(), format!("and {more} more")]);
        }
    }
    table
}

fn measures(report: &Report) -> Table {
    let limits = &report.limits;
    let mut table =
        Table::new(&["verb", "calls", "most memory", "most host calls", "longest"], "no call was made").numbers(&[1]);
    for measure in &report.measures {
        table.row(vec![
            measure.verb.to_owned(),
            measure.calls.to_string(),
            format!("{:.1} of {} MiB", measure.memory_bytes as f64 / f64::from(1 << 20), limits.memory_mib),
            format!("{} of {}", measure.host_calls, limits.host_calls),
            format!("{} ms of {} s", measure.milliseconds, limits.call_seconds),
        ]);
    }
    table
}
