//! `ferry contacts set`

use ferry::app::decisions::Decided;
use serde_json::json;

use super::show::find;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Change attributes of a contact; syncs with `--outbound change=..` take it to the CRM
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An id as in c17, an e-mail address, or a phone number as in +4930123456
    contact: String,

    /// What to set, as in city=Ulm; nothing after `=` takes the value away
    #[arg(value_name = "ATTRIBUTE=VALUE", required = true, value_parser = pair)]
    values: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let form = || format!("`{text}` has no `=`: write it as in city=Ulm");
    let (name, value) = text.split_once('=').ok_or_else(form)?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let contact = find(&tenant, &args.contact)?.id;
    let decided = context.block_on(async { Ok(tenant.set_attributes(contact, &args.values).await?) })?;
    tell_decided(&decided, context)
}

/// Says what a person's decision came to.
pub(crate) fn tell_decided(decided: &Decided, context: &Context) -> Result<(), CliError> {
    if context.output.json {
        let contact = documents::Contact::from(&decided.contact);
        return context.output.document(&json!({ "contact": contact, "entries": decided.entries }));
    }
    let entries: Vec<String> = decided.entries.iter().map(ToString::to_string).collect();
    context.output.note(&if entries.is_empty() {
        format!("{} is as you want it", decided.contact.id)
    } else {
        format!("{} is as you want it; the CRM will know by {}", decided.contact.id, entries.join(", "))
    });
    Ok(())
}
