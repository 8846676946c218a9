//! `ferry contacts`

mod export;
mod import;
mod joining;
mod list;
mod set;
mod show;

use super::context::Context;
use super::failure::CliError;
pub(super) use set::tell_decided;
pub(super) use show::find;

/// Look at contacts and refused rows; change, join, import and export contacts
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Show(show::Args),
    Set(set::Args),
    Link(joining::LinkArgs),
    Merge(joining::MergeArgs),
    Split(joining::SplitArgs),
    Export(export::Args),
    Import(Box<import::Args>),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Set(args) => set::run(&args, context),
        Command::Link(args) => joining::link(&args, context),
        Command::Merge(args) => joining::merge(&args, context),
        Command::Split(args) => joining::split(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Import(args) => import::run(&args, context),
    }
}
