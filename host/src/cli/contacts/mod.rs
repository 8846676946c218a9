//! `ferry contacts`

mod export;
mod list;
mod set;
mod show;

use super::context::Context;
use super::failure::CliError;
pub(super) use set::tell_decided;
pub(super) use show::find;

/// Look at contacts and refused rows, change and export contacts
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Show(show::Args),
    Set(set::Args),
    Export(export::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Set(args) => set::run(&args, context),
        Command::Export(args) => export::run(&args, context),
    }
}
