//! `ferry audience show`

use ferry::model::id::AudienceId;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Show an audience
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The audience
    name: AudienceId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let audience = context.block_on(async {
        tenant.follow_contacts().await?;
        Ok(tenant.audience(&args.name)?)
    })?;
    context.output.answer(&documents::Audience::from(&audience), || super::sheet(&audience))
}
