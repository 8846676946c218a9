//! `ferry hook`

mod add;
mod list;
mod remove;
mod retry;

use super::context::Context;
use super::failure::CliError;

/// Let events be posted to your platform as signed webhooks, while `ferry serve` runs
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Add(add::Args),
    List(list::Args),
    Retry(retry::Args),
    Remove(remove::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add(args) => add::run(args, context),
        Command::List(args) => list::run(&args, context),
        Command::Retry(args) => retry::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
    }
}
