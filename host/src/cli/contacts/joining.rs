//! `ferry contacts link`, `merge` and `split`

use ferry::model::contact::Contact;
use ferry::model::id::{ContactId, SyncId};
use ferry::sync::Whom;

use super::show::find;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Say whose a held record is: that of a contact, or of a new one
#[derive(Debug, clap::Args)]
pub(crate) struct LinkArgs {
    /// The record, as `ferry contacts list --refused` names it
    record: String,

    /// The sync that holds it
    #[arg(long, value_name = "NAME")]
    sync: SyncId,

    /// The contact, as in c17
    #[arg(long, value_name = "ID", required_unless_present = "new", conflicts_with = "new")]
    contact: Option<ContactId>,

    /// It is somebody else: a new contact
    #[arg(long)]
    new: bool,
}

/// Make one contact of two that are one person
#[derive(Debug, clap::Args)]
pub(crate) struct MergeArgs {
    /// The contact that stays: an id, an e-mail address or a phone number; its values stand
    keep: String,

    /// The contact that becomes part of it, by its id
    other: ContactId,
}

/// Make a contact of its own of a record that is another person's
#[derive(Debug, clap::Args)]
pub(crate) struct SplitArgs {
    /// The contact: an id, an e-mail address or a phone number
    contact: String,

    /// The sync whose record is another person's
    #[arg(long, value_name = "NAME")]
    sync: SyncId,
}

pub(crate) fn link(args: &LinkArgs, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let whom = args.contact.map_or(Whom::New, Whom::Contact);
    let contact = context.block_on(async { Ok(tenant.link_record(&args.sync, &args.record, whom).await?) })?;
    tell(&contact, &format!("record {} is {}", args.record, contact.id), context)
}

pub(crate) fn merge(args: &MergeArgs, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let keep = find(&tenant, &args.keep)?.id;
    let contact = context.block_on(async { Ok(tenant.merge_contacts(keep, args.other).await?) })?;
    tell(&contact, &format!("{} is part of {}", args.other, contact.id), context)
}

pub(crate) fn split(args: &SplitArgs, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let from = find(&tenant, &args.contact)?.id;
    let contact = context.block_on(async { Ok(tenant.split_contact(from, &args.sync).await?) })?;
    tell(&contact, &format!("the record of `{}` is {}", args.sync, contact.id), context)
}

fn tell(contact: &Contact, note: &str, context: &Context) -> Result<(), CliError> {
    if context.output.json {
        return context.output.document(&documents::Contact::from(contact));
    }
    context.output.note(note);
    Ok(())
}
