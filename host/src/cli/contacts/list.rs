//! `ferry contacts list`

use ferry::app::Tenant;
use ferry::model::contact::Contact;
use ferry::model::id::{ContactId, SyncId};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Attributes that a table shows, so that it fits a terminal; `--json` and `contacts show` have them all.
const MOST_COLUMNS: usize = 6;

/// Shown first where they are there: what a person knows a contact by.
const FIRST: [&str; 5] = ["first_name", "last_name", "name", "email", "phone"];

/// List contacts, or the rows that could not become one and why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only contacts that this sync has linked
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,

    /// The most to show
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,

    /// Begin with this contact
    #[arg(long, value_name = "ID", default_value = "c1")]
    from: ContactId,

    /// The refused rows instead, with their reasons
    #[arg(long)]
    refused: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    if args.refused { refused(args, &tenant, context) } else { contacts(args, &tenant, context) }
}

fn contacts(args: &Args, tenant: &Tenant, context: &Context) -> Result<(), CliError> {
    if let Some(sync) = &args.sync {
        tenant.sync(sync)?;
    }
    let wanted = |contact: &Contact| args.sync.as_ref().is_none_or(|sync| contact.link(sync).is_some());
    let found = tenant.contacts(args.from).filter(|contact| contact.as_ref().map_or(true, wanted)).take(args.limit);
    if context.output.json {
        for contact in found {
            context.output.json_line(&documents::Contact::from(&contact?))?;
        }
        return Ok(());
    }
    let contacts = found.collect::<Result<Vec<_>, _>>()?;
    context.output.table(&table(&contacts))?;
    if let Some(last) = contacts.last().filter(|_| contacts.len() == args.limit) {
        let next = ContactId(last.id.0 + 1);
        context.output.note(&format!("there may be more: --from {next}, or --limit"));
    }
    Ok(())
}

fn table(contacts: &[Contact]) -> Table {
    let mut names: Vec<&str> =
        FIRST.into_iter().filter(|name| contacts.iter().any(|c| c.get(name).is_some())).collect();
    for (name, _) in contacts.iter().flat_map(|contact| &contact.attributes) {
        if names.len() < MOST_COLUMNS && !names.contains(&&**name) {
            names.push(name);
        }
    }
    names.truncate(MOST_COLUMNS);
    let headers: Vec<&str> = ["id"].into_iter().chain(names.iter().copied()).collect();
    let mut table = Table::new(&headers, "no contacts: `ferry sync run NAME` brings them in").spare_from(3);
    for contact in contacts {
        let cell = |name: &&str| contact.get(name).map(|value| value.to_cell()).unwrap_or_default();
        table.row([contact.id.to_string()].into_iter().chain(names.iter().map(cell)).collect());
    }
    table
}

fn refused(args: &Args, tenant: &Tenant, context: &Context) -> Result<(), CliError> {
    let syncs = match &args.sync {
        Some(sync) => vec![tenant.sync(sync)?.id],
        None => tenant.syncs()?.into_iter().map(|sync| sync.id).collect(),
    };
    let found = syncs.iter().flat_map(|sync| tenant.refusals(sync)).take(args.limit);
    if context.output.json {
        for refusal in found {
            context.output.json_line(&documents::refusal(&refusal?))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["sync", "record", "run", "why"], "no row was refused");
    for refusal in found {
        let refusal = refusal?;
        let why = refusal.reason.describe();
        table.row(vec![refusal.sync.to_string(), refusal.record, refusal.run.to_string(), why]);
    }
    context.output.table(&table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry::model::time::Instant;
    use ferry::model::value::Value;

    #[test]
    fn people_are_shown_by_what_they_are_known_by() {
        let contact = |id, attributes: &[(&str, &str)]| Contact {
            id: ContactId(id),
            created: Instant(0),
            changed: Instant(0),
            attributes: attributes.iter().map(|(name, value)| ((*name).into(), Value::Text((*value).into()))).collect(),
            links: vec![],
        };
        let contacts = [
            contact(1, &[("stage", "lead"), ("email", "ada@example.com"), ("first_name", "Ada")]),
            contact(2, &[("phone", "+4930123456")]),
        ];
        assert_eq!(
            table(&contacts).render(None),
            "ID  FIRST_NAME  EMAIL            PHONE        STAGE\n\
             c1  Ada         ada@example.com               lead\n\
             c2                               +4930123456\n"
        );
    }
}
