//! `ferry contacts`

mod export;
mod list;
mod show;

use super::context::Context;
use super::failure::CliError;

/// Look at contacts and refused rows, export contacts
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Show(show::Args),
    Export(export::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Export(args) => export::run(&args, context),
    }
}
