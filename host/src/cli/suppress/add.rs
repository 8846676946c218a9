//! `ferry suppress add`

use super::Who;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Put somebody on the list: they leave their audiences, and what waits in the outbox for them is put aside
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    who: Who,

    /// Why, as in 'asked on the phone'
    #[arg(long)]
    reason: Option<String>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let who = args.who.named()?;
    let tenant = context.tenant()?;
    let suppression = context.block_on(async { Ok(tenant.suppress(who, args.reason).await?) })?;
    let document = documents::Suppression::from(&suppression);
    if context.output.json {
        return context.output.document(&document);
    }
    context.output.note(&format!("{} {} is suppressed", document.by, document.value));
    Ok(())
}
