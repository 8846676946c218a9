//! `ferry outbox`

mod list;
mod retry;
mod show;

use super::context::Context;
use super::failure::CliError;

/// Look at writes that wait for the CRM or for a person, retry them or give them up
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Show(show::Args),
    Retry(retry::Retry),
    Discard(retry::Discard),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Retry(args) => retry::retry(&args, context),
        Command::Discard(args) => retry::discard(&args, context),
    }
}
