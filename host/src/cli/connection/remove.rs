//! `ferry connection remove`

use ferry::model::id::ConnectionId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Remove a connection that no sync uses, and its credentials
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection
    connection: ConnectionId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    context.block_on(async { Ok(tenant.remove_connection(&args.connection).await?) })?;
    context.output.removed("connection", args.connection.as_str())
}
