//! `ferry connection check`

use ferry::model::id::ConnectionId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Ask the CRM who the account is and which permissions are missing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection
    connection: ConnectionId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let connection = context.block_on(async { Ok(tenant.check_connection(&args.connection).await?) })?;
    super::answer(&connection, &tenant, context)
}
