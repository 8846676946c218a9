//! `ferry outcome record`

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::app::outcomes::NewOutcome;
use ferry::model::id::ContactId;
use ferry::model::outcome::OutcomeKind;
use ferry::model::sync::MatchKey;
use ferry::model::time::Instant;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Record one outcome; it is sent at the next run of each sync that sends its kind
///
/// call: disposition duration_s summary direction from_number to_number recording_url agent;
/// qualification: result score reason; appointment: title starts_at ends_at location notes;
/// note: text; task: title due_at notes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What happened: call, qualification, appointment, note or task
    kind: OutcomeKind,

    #[command(flatten)]
    who: Who,

    /// Your own id of it: recording the same id twice records it once
    #[arg(long)]
    id: Option<String>,

    /// When it happened, as in 2026-11-23T14:30:00Z; now without it
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Instant>,

    /// What there is to tell, as in disposition=connected duration_s=83
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
}

/// Whom it happened with.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// The contact's id, as in c17
    #[arg(long, value_name = "ID")]
    contact: Option<ContactId>,

    /// The contact's e-mail address
    #[arg(long)]
    email: Option<String>,

    /// The contact's phone number, as in +4930123456
    #[arg(long)]
    phone: Option<String>,
}

fn instant(text: &str) -> Result<Instant, String> {
    text.trim().parse::<Instant>().map_err(|error| format!("`{text}` {error}"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`: write it as NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn contact(
    tenant: &Tenant,
    id: Option<ContactId>,
    email: Option<&str>,
    phone: Option<&str>,
) -> Result<Option<ContactId>, AppError> {
    Ok(match (id, email, phone) {
        (Some(id), ..) => Some(id),
        (None, Some(email), _) => Some(tenant.find_contact(MatchKey::Email, email)?.id),
        (None, None, Some(phone)) => Some(tenant.find_contact(MatchKey::Phone, phone)?.id),
        (None, None, None) => None,
    })
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let Args { kind, who, id, at, values } = args;
    let Some(contact) = contact(&tenant, who.contact, who.email.as_deref(), who.phone.as_deref())? else {
        return Err(CliError::usage("no contact is named", "give --contact, --email or --phone"));
    };
    let recorded = tenant.record_outcome(NewOutcome { id, contact, kind, at, values })?;
    if context.output.json {
        return context.output.document(&json!({
            "id": recorded.outcome_id, "contact": contact, "entries": recorded.entries, "already": recorded.already,
        }));
    }
    let entries: Vec<String> = recorded.entries.iter().map(ToString::to_string).collect();
    context.output.note(&if recorded.already {
        format!("{} was recorded before: nothing was done", recorded.outcome_id)
    } else {
        format!("recorded {} of {contact} as {}", recorded.outcome_id, entries.join(", "))
    });
    Ok(())
}
