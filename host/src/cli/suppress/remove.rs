//! `ferry suppress remove`

use super::Who;
use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Take somebody off the list: they enter the audiences that are for them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    who: Who,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let who = args.who.named()?;
    let tenant = context.tenant()?;
    context.block_on(async { Ok(tenant.unsuppress(&who).await?) })?;
    context.output.removed("suppression", &who.parts().1)
}
