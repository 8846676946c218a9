//! `ferry sync schedule`, `pause` and `resume`

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::model::id::SyncId;
use ferry::model::schedule::{Schedule, Sending, Sweeping, Timetable};
use ferry::model::time::{Clock, SystemClock};

use crate::cli::context::Context;
use crate::cli::documents::Timing;
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

    /// When outcomes leave for the CRM: at-once, which is usual with a schedule, or with-runs
    #[arg(long, value_name = "WHEN")]
    outcomes: Option<Sending>,

    /// How often the ids of both sides are compared, as in 1d, or never; usually once a day, or once a week where the CRM tells
    /// what is gone
    #[arg(long, value_name = "SPAN")]
    sweep: Option<Sweeping>,

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
    let table = tenant.set_schedule(&args.name, schedule, args.outcomes, args.sweep)?;
    tell(&tenant, &args.name, &table, context)
}

pub(crate) fn pause(args: &Named, paused: bool, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let table = tenant.pause_sync(&args.name, paused)?;
    tell(&tenant, &args.name, &table, context)
}

fn tell(tenant: &Tenant, name: &SyncId, table: &Timetable, context: &Context) -> Result<(), CliError> {
    let timing = Timing::of(table, tenant.next_run(name)?, tenant.sync(name)?.abilities.gone);
    if context.output.json {
        return context.output.document(&timing);
    }
    context.output.note(&format!("`{name}`: {}{}", timing.words(), timing.sweeps()));
    Ok(())
}
