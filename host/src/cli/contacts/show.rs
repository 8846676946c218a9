//! `ferry contacts show`, and how a person names a contact.

use ferry::app::Tenant;
use ferry::model::contact::Contact;
use ferry::model::id::ContactId;
use ferry::model::sync::MatchKey;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::moment;
use crate::cli::table::Table;

/// Show one contact with its attributes and its records in the CRM
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An id as in c17, an e-mail address, or a phone number as in +4930123456
    contact: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let contact = find(&context.tenant()?, &args.contact)?;
    context.output.answer(&documents::Contact::from(&contact), || sheet(&contact))?;
    if context.output.json { Ok(()) } else { links(&contact, context) }
}

/// The contact that a person named.
pub(crate) fn find(tenant: &Tenant, text: &str) -> Result<Contact, CliError> {
    if let Ok(id) = text.parse::<ContactId>() {
        return Ok(tenant.contact(id)?);
    }
    let key = if text.contains('@') { MatchKey::Email } else { MatchKey::Phone };
    if key == MatchKey::Phone && !text.starts_with('+') {
        let what = format!("`{text}` names no contact");
        return Err(CliError::usage(
            what,
            "give an id as in c17, an e-mail address, or a phone number as in +4930123456",
        ));
    }
    Ok(tenant.find_contact(key, text)?)
}

fn sheet(contact: &Contact) -> Table {
    let mut rows = vec![
        ("contact", contact.id.to_string()),
        ("created", moment(contact.created)),
        ("changed", moment(contact.changed)),
    ];
    rows.extend(contact.attributes.iter().map(|(name, value)| (&**name, value.to_cell())));
    Table::sheet(rows)
}

fn links(contact: &Contact, context: &Context) -> Result<(), CliError> {
    if contact.links.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["sync", "connection", "object", "record", "modified", "gone"], "");
    for link in &contact.links {
        table.row(vec![
            link.sync.to_string(),
            link.source.connection.to_string(),
            link.source.object.to_string(),
            link.record.clone(),
            link.modified.map(moment).unwrap_or_default(),
            link.gone.map(moment).unwrap_or_default(),
        ]);
    }
    context.output.line("")?;
    context.output.table(&table)
}
