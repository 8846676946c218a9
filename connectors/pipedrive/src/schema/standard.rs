//! Pipedrive's own fields. Facts: the OpenAPI file of version 2 and <https://developers.pipedrive.com/docs/api/v1>.

use ferry_sdk::connector::Kind;

use crate::objects::{ACTIVITIES, DEALS, LEADS, ORGANIZATIONS, Standard};
use crate::values::Reading;

/// One of Pipedrive's own fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) reading: Reading,
    pub(crate) writable: bool,
    pub(crate) required: bool,
    pub(crate) refers_to: &'static [&'static str],
}

const fn written(name: &'static str, label: &'static str, kind: Kind, reading: Reading) -> Known {
    Known { name, label, kind, reading, writable: true, required: false, refers_to: &[] }
}

const fn read(name: &'static str, label: &'static str, kind: Kind, reading: Reading) -> Known {
    Known { writable: false, ..written(name, label, kind, reading) }
}

const fn needed(name: &'static str, label: &'static str) -> Known {
    Known { required: true, ..written(name, label, Kind::Text, Reading::Text) }
}

const fn reference(name: &'static str, label: &'static str, to: &'static [&'static str]) -> Known {
    Known { refers_to: to, ..written(name, label, Kind::Reference, Reading::Text) }
}

const fn about(name: &'static str, label: &'static str, to: &'static [&'static str]) -> Known {
    Known { writable: false, ..reference(name, label, to) }
}

const ID: Known = read("id", "ID", Kind::Integer, Reading::Integer);
const ADDED: Known = read("add_time", "Created", Kind::Instant, Reading::Instant);
const UPDATED: Known = read("update_time", "Updated", Kind::Instant, Reading::Instant);
const OWNER: Known = reference("owner_id", "Owner", &["users"]);
const ORGANIZATION: Known = reference("org_id", "Organization", &["organizations"]);
const PERSON: Known = reference("person_id", "Person", &["persons"]);
const LABELS: Known = written("label_ids", "Labels", Kind::Choices, Reading::Texts);
const VISIBLE: Known = written("visible_to", "Visible to", Kind::Integer, Reading::Integer);

static PERSON_FIELDS: [Known; 22] = [
    ID,
    needed("name", "Name"),
    read("first_name", "First name", Kind::Text, Reading::Text),
    read("last_name", "Last name", Kind::Text, Reading::Text),
    written("email", "Primary e-mail", Kind::Email, Reading::Primary),
    written("emails", "All e-mails", Kind::Choices, Reading::All),
    written("phone", "Primary phone", Kind::Phone, Reading::Primary),
    written("phones", "All phones", Kind::Choices, Reading::All),
    written("job_title", "Job title", Kind::Text, Reading::Text),
    ORGANIZATION,
    OWNER,
    LABELS,
    VISIBLE,
    written("birthday", "Birthday", Kind::Date, Reading::Date),
    written("notes", "Notes", Kind::LongText, Reading::Text),
    written("postal_address", "Address", Kind::Text, Reading::Text),
    read("postal_address.locality", "Town", Kind::Text, Reading::Text),
    read("postal_address.postal_code", "Postal code", Kind::Text, Reading::Text),
    read("postal_address.country", "Country", Kind::Text, Reading::Text),
    written("marketing_status", "Marketing status", Kind::Choice, Reading::Text),
    ADDED,
    UPDATED,
];

static ORGANIZATION_FIELDS: [Known; 12] = [
    ID,
    needed("name", "Name"),
    OWNER,
    LABELS,
    VISIBLE,
    written("website", "Website", Kind::Url, Reading::Text),
    written("address", "Address", Kind::Text, Reading::Text),
    read("address.locality", "Town", Kind::Text, Reading::Text),
    read("address.postal_code", "Postal code", Kind::Text, Reading::Text),
    read("address.country", "Country", Kind::Text, Reading::Text),
    ADDED,
    UPDATED,
];

static DEAL_FIELDS: [Known; 18] = [
    ID,
    needed("title", "Title"),
    written("value", "Value", Kind::Decimal, Reading::Decimal),
    written("currency", "Currency", Kind::Text, Reading::Text),
    PERSON,
    ORGANIZATION,
    OWNER,
    reference("pipeline_id", "Pipeline", &["pipelines"]),
    reference("stage_id", "Stage", &["stages"]),
    written("status", "Status", Kind::Choice, Reading::Text),
    written("probability", "Probability", Kind::Integer, Reading::Integer),
    written("lost_reason", "Lost reason", Kind::Text, Reading::Text),
    written("expected_close_date", "Expected close date", Kind::Date, Reading::Date),
    LABELS,
    read("won_time", "Won", Kind::Instant, Reading::Instant),
    read("lost_time", "Lost", Kind::Instant, Reading::Instant),
    ADDED,
    UPDATED,
];

/// As version 1 has them, and what is known of the person and the organization that a lead is about: a lead has no name and no way
/// to reach anybody.
static LEAD_FIELDS: [Known; 29] = [
    read("id", "ID", Kind::Text, Reading::Text),
    read("title", "Title", Kind::Text, Reading::Text),
    about("person_id", "Person", &["persons"]),
    about("organization_id", "Organization", &["organizations"]),
    about("owner_id", "Owner", &["users"]),
    read("label_ids", "Labels", Kind::Choices, Reading::Texts),
    read("value.amount", "Value", Kind::Decimal, Reading::Decimal),
    read("value.currency", "Value (currency)", Kind::Text, Reading::Text),
    read("expected_close_date", "Expected close date", Kind::Date, Reading::Date),
    read("source_name", "Source", Kind::Text, Reading::Text),
    read("origin", "Origin", Kind::Text, Reading::Text),
    read("origin_id", "Origin ID", Kind::Text, Reading::Text),
    read("channel", "Channel", Kind::Choice, Reading::Text),
    read("channel_id", "Channel ID", Kind::Text, Reading::Text),
    read("was_seen", "Seen", Kind::Boolean, Reading::Boolean),
    ADDED,
    UPDATED,
    read("person.name", "Person: name", Kind::Text, Reading::Text),
    read("person.first_name", "Person: first name", Kind::Text, Reading::Text),
    read("person.last_name", "Person: last name", Kind::Text, Reading::Text),
    read("person.email", "Person: primary e-mail", Kind::Email, Reading::Primary),
    read("person.emails", "Person: all e-mails", Kind::Choices, Reading::All),
    read("person.phone", "Person: primary phone", Kind::Phone, Reading::Primary),
    read("person.phones", "Person: all phones", Kind::Choices, Reading::All),
    read("person.job_title", "Person: job title", Kind::Text, Reading::Text),
    read("person.postal_address.locality", "Person: town", Kind::Text, Reading::Text),
    read("person.postal_address.country", "Person: country", Kind::Text, Reading::Text),
    read("organization.name", "Organization: name", Kind::Text, Reading::Text),
    read("organization.website", "Organization: website", Kind::Url, Reading::Text),
];

static ACTIVITY_FIELDS: [Known; 20] = [
    ID,
    written("subject", "Subject", Kind::Text, Reading::Text),
    written("type", "Type", Kind::Choice, Reading::Text),
    written("due_at", "Due", Kind::Instant, Reading::Due),
    written("due_date", "Due date", Kind::Date, Reading::Date),
    written("due_time", "Due time, in UTC", Kind::Text, Reading::Text),
    written("duration_s", "Duration in seconds", Kind::Integer, Reading::Duration),
    written("done", "Done", Kind::Boolean, Reading::Boolean),
    written("note", "Note", Kind::LongText, Reading::Text),
    written("public_description", "Description", Kind::LongText, Reading::Text),
    written("location", "Location", Kind::Text, Reading::Text),
    written("busy", "Busy", Kind::Boolean, Reading::Boolean),
    PERSON,
    ORGANIZATION,
    reference("deal_id", "Deal", &["deals"]),
    reference("lead_id", "Lead", &["leads"]),
    OWNER,
    read("marked_as_done_time", "Done at", Kind::Instant, Reading::Instant),
    ADDED,
    UPDATED,
];

pub(crate) fn known(object: &Standard) -> &'static [Known] {
    if *object == ORGANIZATIONS {
        &ORGANIZATION_FIELDS
    } else if *object == LEADS {
        &LEAD_FIELDS
    } else if *object == DEALS {
        &DEAL_FIELDS
    } else if *object == ACTIVITIES {
        &ACTIVITY_FIELDS
    } else {
        &PERSON_FIELDS
    }
}
