//! `ferry outbox`

mod list;
mod retry;

use super::context::Context;
use super::failure::CliError;

/// Look at writes that wait for the CRM or for a person, and retry them
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Retry(retry::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Retry(args) => retry::run(&args, context),
    }
}
