//! `ferry objects`

use ferry::app::error::AppError;
use ferry::model::id::ConnectionId;

use super::context::Context;
use super::failure::CliError;
use super::table::Table;

/// List what can be synced of a CRM account
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The connection
    connection: ConnectionId,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let objects = context.block_on(async {
        let connector = tenant.connector(&args.connection).await?;
        Ok(connector.objects().await.map_err(|error| AppError::call(&args.connection, "objects", error))?)
    })?;
    context.output.answer(&objects, || {
        let mut table = Table::new(&["name", "label", "custom", "can"], "the CRM has no objects for this sign-in");
        for object in &objects {
            let custom = if object.custom { "yes" } else { "" };
            let can = object.abilities.names().join(" ");
            table.row(vec![object.name.clone(), object.label.clone(), custom.to_owned(), can]);
        }
        table
    })
}
