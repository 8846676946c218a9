//! `ferry sync`

mod apply;
mod cancel;
mod create;
mod drift;
mod list;
mod plan;
mod policy;
mod remove;
mod run;
mod runs;
mod schedule;
mod show;
mod status;
mod sweep;
mod test;
mod verify;

use super::context::Context;
use super::failure::CliError;
pub(super) use create::match_key;
pub(super) use policy::policy;
pub(super) use run::table as run_table;
pub(super) use test::tell as trial;

/// Create syncs, try them, run them, look after them
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Create(Box<create::Args>),
    List(list::Args),
    Show(show::Args),
    Policy(policy::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Rollback(apply::RollbackArgs),
    Test(test::Args),
    Run(run::Args),
    Runs(runs::Args),
    Cancel(cancel::Args),
    Schedule(schedule::Args),
    /// Let nothing of a sync begin by itself
    Pause(schedule::Named),
    /// Let a paused sync run by its schedule again
    Resume(schedule::Named),
    Sweep(sweep::Args),
    Verify(verify::Args),
    Drift(drift::Args),
    Status(status::Args),
    Remove(remove::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Create(args) => create::run(*args, context),
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Plan(args) => plan::run(&args, context),
        Command::Apply(args) => apply::run(&args, context),
        Command::Rollback(args) => apply::roll_back(&args, context),
        Command::Policy(args) => policy::run(args, context),
        Command::Test(args) => test::run(&args, context),
        Command::Run(args) => run::run(&args, context),
        Command::Runs(args) => runs::run(&args, context),
        Command::Cancel(args) => cancel::run(&args, context),
        Command::Schedule(args) => schedule::run(&args, context),
        Command::Pause(args) => schedule::pause(&args, true, context),
        Command::Resume(args) => schedule::pause(&args, false, context),
        Command::Sweep(args) => sweep::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Drift(args) => drift::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
    }
}
