//! `ferry connection list`

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::moment;
use crate::cli::table::Table;

/// List the connections
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let connections = context.tenant()?.connections()?;
    let document: Vec<_> = connections.iter().map(documents::connection).collect();
    context.output.answer(&document, || {
        let headers = ["name", "plugin", "account", "added"];
        let mut table = Table::new(&headers, "no connections yet: `ferry connection add NAME --plugin PLUGIN`");
        for connection in &connections {
            let account = connection.account.as_ref();
            table.row(vec![
                connection.id.to_string(),
                connection.plugin.to_string(),
                account
                    .map_or_else(|| "not checked".to_owned(), |account| format!("{} ({})", account.name, account.id)),
                moment(connection.created),
            ]);
        }
        table
    })
}
