//! `ferry audience remove`

use ferry::model::id::AudienceId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Remove an audience; contacts stay, and no events are given
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The audience
    name: AudienceId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    context.block_on(async { Ok(tenant.remove_audience(&args.name).await?) })?;
    context.output.removed("audience", args.name.as_str())
}
