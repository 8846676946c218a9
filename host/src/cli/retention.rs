//! `ferry retention`

use ferry::app::words::counted;
use ferry::model::ledger::Retention;
use serde_json::json;

use super::context::Context;
use super::failure::CliError;
use super::table::Table;

/// Show or say how long the workspace keeps what is only there to explain
///
/// What is older is forgotten at once, as contacts change, and once a day by `ferry serve`. Where each value is from stays.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Days for which `ferry why` and `ferry history` know what was replaced
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(Retention::MOST_DAYS)))]
    ledger_days: Option<u32>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let mut retention = tenant.retention()?;
    let mut forgotten = 0;
    if let Some(ledger_days) = args.ledger_days {
        retention = Retention { ledger_days };
        forgotten = context.block_on(async { Ok(tenant.set_retention(retention).await?) })?;
    }
    let document = json!({ "ledger_days": retention.ledger_days, "forgotten": forgotten });
    context.output.answer(&document, || Table::sheet(vec![("ledger", counted(retention.ledger_days, "day"))]))?;
    if forgotten > 0 {
        context.output.note(&format!("{} had older entries, which are forgotten", counted(forgotten, "contact")));
    }
    Ok(())
}
