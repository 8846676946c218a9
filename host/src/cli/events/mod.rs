//! `ferry events`

mod list;

use super::context::Context;
use super::failure::CliError;

/// Look at what happened to audiences
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
    }
}
