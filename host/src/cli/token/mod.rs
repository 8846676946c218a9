//! `ferry token`

mod create;
mod list;
mod revoke;

use super::context::Context;
use super::failure::CliError;

/// Make and revoke tokens, with which your platform speaks to the API of `ferry serve --listen`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Create(create::Args),
    List(list::Args),
    Revoke(revoke::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Create(args) => create::run(&args, context),
        Command::List(args) => list::run(&args, context),
        Command::Revoke(args) => revoke::run(&args, context),
    }
}
