//! `ferry audience`

mod create;
mod list;
mod members;
mod remove;
mod show;

use ferry::model::audience::Audience;

use super::context::Context;
use super::failure::CliError;
use super::table::Table;

/// Sets of contacts by rule, kept up to date as contacts change
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Create(create::Args),
    List(list::Args),
    Show(show::Args),
    Members(members::Args),
    Remove(remove::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Create(args) => create::run(args, context),
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Members(args) => members::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
    }
}

fn sheet(audience: &Audience) -> Table {
    Table::sheet(vec![
        ("audience", audience.id.to_string()),
        ("rule", audience.rule.text().to_owned()),
        ("sync", audience.sync.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("members", audience.members.to_string()),
        ("created", audience.created.to_string()),
    ])
}
