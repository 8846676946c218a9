//! `ferry audit`

mod list;
mod verify;

use super::context::Context;
use super::failure::CliError;

/// Look at who changed what, and prove that the log is whole
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Verify(verify::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
    }
}
