//! `ferry segments`

use ferry::app::error::AppError;
use ferry::model::id::ConnectionId;

use super::context::Context;
use super::failure::CliError;
use super::table::Table;

/// List the lists and saved views of an object
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The connection
    connection: ConnectionId,
    /// The object, as `ferry objects` names it
    object: String,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let segments = context.block_on(async {
        let connector = tenant.connector(&args.connection).await?;
        let segments = connector.segments(&args.object).await;
        Ok(segments.map_err(|error| AppError::call(&args.connection, "segments", error))?)
    })?;
    context.output.answer(&segments, || {
        let mut table =
            Table::new(&["id", "name", "size", "members"], "the CRM has no lists of this object").numbers(&[2]);
        for segment in &segments {
            let size = segment.size.map(|size| size.to_string()).unwrap_or_default();
            let members = if segment.changes_by_itself { "by a rule" } else { "by hand" };
            table.row(vec![segment.id.clone(), segment.name.clone(), size, members.to_owned()]);
        }
        table
    })
}
