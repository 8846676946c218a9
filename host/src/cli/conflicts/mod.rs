//! `ferry conflicts`

mod decide;
mod list;
mod show;

use super::context::Context;
use super::failure::CliError;

/// Look at values that we and the CRM have both changed, and decide which stands
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Show(show::Args),
    Decide(decide::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Decide(args) => decide::run(args, context),
    }
}
