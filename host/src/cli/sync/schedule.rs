//! `ferry sync schedule`, `pause` and `resume`

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::model::id::SyncId;
use ferry::model::schedule::{Schedule, Timetable};
use ferry::model::time::{Clock, SystemClock};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Let a sync run by itself while `ferry serve` runs: every so often, or at set times
///
/// What was missed while no server ran is made up by one run. After a failure it is tried again, after one minute and then
/// after longer pauses, up to an hour.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    #[command(flatten)]
    when: When,

    /// The time zone of --cron, as in Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "cron")]
    time_zone: String,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct When {
    /// Once in each span, as in 15m, 2h or 1d
    #[arg(long, value_name = "SPAN")]
    every: Option<String>,

    /// At set times: minute, hour, day of month, month, day of week, as in '0 8 * * 1-5'
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,

    /// Only when a person runs it
    #[arg(long)]
    never: bool,
}

/// The sync that is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The sync
    name: SyncId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let schedule = match (&args.when.every, &args.when.cron) {
        (Some(every), _) => Some(Schedule::every(every)),
        (None, Some(cron)) => Some(Schedule::cron(cron, &args.time_zone, SystemClock.now())),
        (None, None) => None,
    };
    let schedule = schedule.transpose().map_err(AppError::from)?;
    let tenant = context.tenant()?;
    let table = tenant.set_schedule(&args.name, schedule)?;
    tell(&tenant, &args.name, &table, context)
}

pub(crate) fn pause(args: &Named, paused: bool, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let table = tenant.pause_sync(&args.name, paused)?;
    tell(&tenant, &args.name, &table, context)
}

fn tell(tenant: &Tenant, name: &SyncId, table: &Timetable, context: &Context) -> Result<(), CliError> {
    let next = tenant.next_run(name)?.map(|next| next.to_string());
    let schedule = table.schedule.as_ref().map(Schedule::describe);
    if context.output.json {
        return context.output.document(&json!({
            "sync": name, "schedule": schedule, "paused": table.paused, "next": next, "failures": table.failures,
        }));
    }
    context.output.note(&match (schedule, next) {
        (None, _) => format!("`{name}` runs only when a person runs it"),
        (Some(schedule), None) => format!("`{name}` is paused; its schedule is {schedule}"),
        (Some(schedule), Some(next)) => format!("`{name}` runs {schedule}, next at {next}, while `ferry serve` runs"),
    });
    Ok(())
}
