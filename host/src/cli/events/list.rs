//! `ferry events list`

use ferry::app::error::AppError;
use ferry::model::event::Event;
use ferry::model::id::{AudienceId, EventId};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List who has entered and left audiences, oldest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those of this audience
    #[arg(long, value_name = "NAME")]
    audience: Option<AudienceId>,

    /// The most to show
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,

    /// Begin with this event
    #[arg(long, value_name = "ID", default_value = "e1")]
    from: EventId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    context.block_on(async { Ok(tenant.follow_contacts().await?) })?;
    let wanted = |event: &Event| args.audience.as_ref().is_none_or(|audience| &event.audience == audience);
    let events = tenant.events(args.from).filter(|event| event.as_ref().map_or(true, wanted)).take(args.limit);
    if context.output.json {
        for event in events {
            context.output.json_line(&documents::Event::from(&event?))?;
        }
        return Ok(());
    }
    let events = events.collect::<Result<Vec<_>, AppError>>()?;
    let mut table = Table::new(&["id", "at", "type", "audience", "contact"], "no events");
    for event in &events {
        table.row(vec![
            event.id.to_string(),
            event.at.to_string(),
            event.kind.name().to_owned(),
            event.audience.to_string(),
            event.contact.to_string(),
        ]);
    }
    context.output.table(&table)?;
    if let Some(last) = events.last().filter(|_| events.len() == args.limit) {
        let next = EventId(last.id.0 + 1);
        context.output.note(&format!("there may be more: --from {next}, or --limit"));
    }
    Ok(())
}
