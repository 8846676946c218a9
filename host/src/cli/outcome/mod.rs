//! `ferry outcome`

mod import;
mod record;

use super::context::Context;
use super::failure::CliError;

/// Record what happened with contacts, so that it is sent to the CRM
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Record(record::Args),
    Import(import::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Record(args) => record::run(args, context),
        Command::Import(args) => import::run(&args, context),
    }
}
