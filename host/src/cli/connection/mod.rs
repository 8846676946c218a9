//! `ferry connection`

mod add;
mod check;
mod list;
mod remove;
mod sign_in;

use ferry::app::Tenant;
use ferry::model::sync::Connection;
use ferry::server::documents::Allowance;
use ferry::vault::Summary;

use super::context::Context;
use super::documents;
use super::failure::CliError;
use super::table::Table;

/// Connect CRM accounts, check them, sign in again
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Add(Box<add::Args>),
    List(list::Args),
    Check(check::Args),
    SignIn(Box<sign_in::Args>),
    Remove(remove::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add(args) => add::run(*args, context),
        Command::List(args) => list::run(&args, context),
        Command::Check(args) => check::run(&args, context),
        Command::SignIn(args) => sign_in::run(*args, context),
        Command::Remove(args) => remove::run(&args, context),
    }
}

/// A connection that was just checked.
fn answer(connection: &Connection, tenant: &Tenant, context: &Context) -> Result<(), CliError> {
    warn_of_lacking(connection, context);
    let summary = tenant.sign_in_summary(&connection.id)?;
    let mut document = documents::connection(connection);
    document["sign_in"] = summary.as_ref().map(documents::sign_in).unwrap_or_default();
    let allowance = tenant.allowance(&connection.id)?;
    document["allowance"] = serde_json::to_value(allowance.as_ref().map(Allowance::from)).unwrap_or_default();
    context.output.answer(&document, || sheet(connection, summary.as_ref()))?;
    if let Some(text) = allowance.and_then(|allowance| allowance.describe()) {
        context.output.note(&text);
    }
    Ok(())
}

/// A connection as the last check told it.
fn sheet(connection: &Connection, summary: Option<&Summary>) -> Table {
    let account = connection.account.as_ref();
    Table::sheet(vec![
        ("connection", connection.id.to_string()),
        ("plugin", connection.plugin.to_string()),
        ("account", account.map(|account| format!("{} ({})", account.name, account.id)).unwrap_or_default()),
        ("time zone", account.and_then(|account| account.time_zone.clone()).unwrap_or_default()),
        ("lacking", account.map(|account| account.lacking.join(" ")).unwrap_or_default()),
        ("base", connection.base.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("signs in by", summary.map(|summary| summary.kind.to_owned()).unwrap_or_default()),
        ("address", summary.and_then(|summary| summary.instance.as_ref()).map(ToString::to_string).unwrap_or_default()),
        ("settings", settings(&connection.settings)),
    ])
}

/// `name=value` each, as `--set` takes them.
fn settings(text: &str) -> String {
    let settings = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).unwrap_or_default();
    let pairs = settings.iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    });
    pairs.collect::<Vec<_>>().join(" ")
}

/// Says on stderr which permissions are missing: a sync that needs one of them will fail.
fn warn_of_lacking(connection: &Connection, context: &Context) {
    let lacking = connection.account.iter().flat_map(|account| &account.lacking);
    let lacking: Vec<&str> = lacking.map(String::as_str).collect();
    if !lacking.is_empty() {
        context.output.note(&format!(
            "note: the sign-in lacks permissions: {}; an administrator of the CRM can give them",
            lacking.join(", ")
        ));
    }
}
