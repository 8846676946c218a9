//! `ferry audience members`

use ferry::app::error::AppError;
use ferry::model::id::{AudienceId, ContactId};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List who belongs to an audience, and since when
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The audience
    name: AudienceId,

    /// The most to show
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,

    /// Begin with this contact
    #[arg(long, value_name = "ID", default_value = "c1")]
    from: ContactId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    context.block_on(async { Ok(tenant.follow_contacts().await?) })?;
    let members = tenant.members(&args.name, args.from)?.take(args.limit);
    if context.output.json {
        for member in members {
            context.output.json_line(&documents::Member::from(&member?))?;
        }
        return Ok(());
    }
    let members = members.collect::<Result<Vec<_>, AppError>>()?;
    let mut table = Table::new(&["contact", "since"], "nobody belongs to it");
    for member in &members {
        table.row(vec![member.contact.to_string(), member.since.to_string()]);
    }
    context.output.table(&table)?;
    if let Some(last) = members.last().filter(|_| members.len() == args.limit) {
        let next = ContactId(last.contact.0 + 1);
        context.output.note(&format!("there may be more: --from {next}, or --limit"));
    }
    Ok(())
}
