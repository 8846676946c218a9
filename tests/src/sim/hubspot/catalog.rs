//! Property definitions: what each object has from the start, and their JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kinds::Kind;
use crate::sim::stamp;

/// A property's definition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) label: String,
    /// `string`, `number`, `bool`, `date`, `datetime`, `enumeration`, `phone_number`, ….
    pub(crate) kind: String,
    pub(crate) field: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) options: Vec<Choice>,
    /// Values are kept by HubSpot: `READ_ONLY_VALUE` when written.
    pub(crate) read_only: bool,
    /// No two records have the same value, and a record is found by it.
    pub(crate) unique: bool,
    pub(crate) hubspot_defined: bool,
    /// The options are elsewhere (owners), so the value is not checked against `options`.
    pub(crate) external_options: bool,
    pub(crate) form_field: bool,
    pub(crate) hidden: bool,
    pub(crate) archived: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

/// One option of an enumeration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) hidden: bool,
}

/// The properties of one object by name.
pub(crate) type Catalog = BTreeMap<String, Property>;

impl Property {
    pub(crate) fn to_json(&self) -> Value {
        let options: Vec<Value> =
            self.options.iter().enumerate().map(|(order, choice)| choice.to_json(order)).collect();
        let mut body = json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field,
            "groupName": self.group, "description": self.description, "options": options,
            "displayOrder": -1, "calculated": self.field == "calculation_equation",
            "externalOptions": self.external_options, "hasUniqueValue": self.unique, "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined, "formField": self.form_field, "archived": self.archived,
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {"archivable": !self.hubspot_defined, "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only, "readOnlyOptions": self.hubspot_defined},
            "createdAt": stamp::iso(self.created_ms), "updatedAt": stamp::iso(self.updated_ms),
        });
        if self.name == "hubspot_owner_id" {
            body["referencedObjectType"] = "OWNER".into();
        }
        body
    }
}

impl Choice {
    pub(crate) fn new(value: &str, label: &str) -> Self {
        Self { label: label.to_owned(), value: value.to_owned(), hidden: false }
    }

    fn to_json(&self, order: usize) -> Value {
        json!({"label": self.label, "value": self.value, "displayOrder": order, "hidden": self.hidden, "description": ""})
    }
}

/// Stages of the sales life, in the order in which a record moves through them.
pub(crate) const LIFECYCLE: [&str; 8] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

/// Values of the custom property `lead_source`.
pub(crate) const LEAD_SOURCES: [&str; 7] =
    ["web", "referral", "trade_show", "cold_call", "partner", "webinar", "advertisement"];

/// Values of `hs_lead_status`.
pub(crate) const LEAD_STATUSES: [&str; 8] =
    ["NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"];

/// name, label, `type/fieldType`, options joined by commas; a leading `=` in the type marks what HubSpot keeps itself.
type Line = (&'static str, &'static str, &'static str, &'static str);

const CONTACT: &[Line] = &[
    ("createdate", "Create Date", "=datetime/date", ""),
    ("lastmodifieddate", "Last Modified Date", "=datetime/date", ""),
    ("hs_lastmodifieddate", "Object last modified date/time", "=datetime/date", ""),
    ("email", "Email", "string/text", ""),
    ("firstname", "First Name", "string/text", ""),
    ("lastname", "Last Name", "string/text", ""),
    ("salutation", "Salutation", "string/text", ""),
    ("phone", "Phone Number", "string/phonenumber", ""),
    ("mobilephone", "Mobile Phone Number", "string/phonenumber", ""),
    ("company", "Company Name", "string/text", ""),
    ("jobtitle", "Job Title", "string/text", ""),
    ("website", "Website URL", "string/text", ""),
    ("address", "Street Address", "string/text", ""),
    ("city", "City", "string/text", ""),
    ("zip", "Postal Code", "string/text", ""),
    ("state", "State/Region", "string/text", ""),
    ("country", "Country/Region", "string/text", ""),
    ("lifecyclestage", "Lifecycle Stage", "enumeration/radio", "@lifecycle"),
    ("hs_lead_status", "Lead Status", "enumeration/radio", "@status"),
    (
        "hs_analytics_source",
        "Original Source",
        "=enumeration/select",
        "ORGANIC_SEARCH,PAID_SEARCH,EMAIL_MARKETING,SOCIAL_MEDIA,REFERRALS,OTHER_CAMPAIGNS,DIRECT_TRAFFIC,OFFLINE,PAID_SOCIAL",
    ),
    ("hs_language", "Preferred language", "enumeration/select", "en,de,fr,es,pl,ja"),
    ("hs_email_optout", "Unsubscribed from all email", "bool/booleancheckbox", ""),
    ("hs_merged_object_ids", "Merged object IDs", "=enumeration/checkbox", "@external"),
    ("hs_calculated_merged_vids", "Merged vids with timestamps of a contact", "=string/text", ""),
    ("hs_searchable_calculated_phone_number", "Calculated phone number", "=string/text", ""),
    ("notes_last_contacted", "Last Contacted", "=datetime/date", ""),
    ("num_associated_deals", "Number of Associated Deals", "=number/number", ""),
    ("associatedcompanyid", "Primary Associated Company ID", "=number/number", ""),
];

const COMPANY: &[Line] = &[
    ("name", "Company name", "string/text", ""),
    ("domain", "Company Domain Name", "string/text", ""),
    ("phone", "Phone Number", "string/phonenumber", ""),
    ("city", "City", "string/text", ""),
    ("country", "Country/Region", "string/text", ""),
    ("industry", "Industry", "enumeration/select", "COMPUTER_SOFTWARE,MACHINERY,RETAIL,HEALTH_WELLNESS_AND_FITNESS"),
    ("numberofemployees", "Number of Employees", "number/number", ""),
    ("annualrevenue", "Annual Revenue", "number/number", ""),
    ("description", "Description", "string/textarea", ""),
    ("lifecyclestage", "Lifecycle Stage", "enumeration/radio", "@lifecycle"),
];

const DEAL: &[Line] = &[
    ("dealname", "Deal Name", "string/text", ""),
    ("amount", "Amount", "number/number", ""),
    ("closedate", "Close Date", "datetime/date", ""),
    ("pipeline", "Pipeline", "enumeration/select", "default"),
    (
        "dealstage",
        "Deal Stage",
        "enumeration/radio",
        "appointmentscheduled,qualifiedtobuy,presentationscheduled,decisionmakerboughtin,contractsent,closedwon,closedlost",
    ),
    ("description", "Deal Description", "string/textarea", ""),
];

const TICKET: &[Line] = &[
    ("subject", "Ticket name", "string/text", ""),
    ("content", "Ticket description", "string/textarea", ""),
    ("hs_pipeline", "Pipeline", "enumeration/select", "0"),
    ("hs_pipeline_stage", "Ticket status", "enumeration/radio", "1,2,3,4"),
    ("hs_ticket_priority", "Priority", "enumeration/select", "LOW,MEDIUM,HIGH,URGENT"),
];

const CALL: &[Line] = &[
    ("hs_call_title", "Call Title", "string/text", ""),
    ("hs_call_body", "Call notes", "string/html", ""),
    ("hs_call_direction", "Call direction", "enumeration/select", "INBOUND,OUTBOUND"),
    ("hs_call_disposition", "Call outcome", "enumeration/select", "@external"),
    ("hs_call_duration", "Call duration", "number/number", ""),
    ("hs_call_from_number", "From number", "string/text", ""),
    ("hs_call_to_number", "To Number", "string/text", ""),
    ("hs_call_recording_url", "Recording URL", "string/text", ""),
    (
        "hs_call_status",
        "Call status",
        "enumeration/select",
        "BUSY,CALLING_CRM_USER,CANCELED,COMPLETED,CONNECTING,FAILED,IN_PROGRESS,NO_ANSWER,QUEUED,RINGING",
    ),
    ("hs_call_source", "Call Source", "enumeration/select", "INTEGRATIONS_PLATFORM"),
];

const MEETING: &[Line] = &[
    ("hs_meeting_title", "Meeting name", "string/text", ""),
    ("hs_meeting_body", "Meeting description", "string/html", ""),
    ("hs_internal_meeting_notes", "Internal meeting notes", "string/html", ""),
    ("hs_meeting_external_url", "External URL", "string/text", ""),
    ("hs_meeting_location", "Meeting location", "string/text", ""),
    ("hs_meeting_start_time", "Meeting start time", "datetime/date", ""),
    ("hs_meeting_end_time", "Meeting end time", "datetime/date", ""),
    ("hs_meeting_outcome", "Meeting outcome", "enumeration/select", "SCHEDULED,COMPLETED,RESCHEDULED,NO_SHOW,CANCELED"),
];

const NOTE: &[Line] = &[("hs_note_body", "Note body", "string/html", "")];

const TASK: &[Line] = &[
    ("hs_task_subject", "Task Title", "string/text", ""),
    ("hs_task_body", "Notes", "string/html", ""),
    ("hs_task_status", "Task Status", "enumeration/select", "NOT_STARTED,IN_PROGRESS,WAITING,COMPLETED,DEFERRED"),
    ("hs_task_priority", "Priority", "enumeration/select", "NONE,LOW,MEDIUM,HIGH"),
    ("hs_task_type", "Task Type", "enumeration/select", "CALL,EMAIL,LINKED_IN,MEETING,TODO"),
];

/// What every object has.
const COMMON: &[Line] = &[
    ("hs_object_id", "Record ID", "=number/number", ""),
    ("hs_createdate", "Object create date/time", "=datetime/date", ""),
    ("hs_lastmodifieddate", "Object last modified date/time", "=datetime/date", ""),
    ("hubspot_owner_id", "Owner", "enumeration/select", "@external"),
];

/// What every logged activity has beside.
const ENGAGEMENT: &[Line] = &[
    ("hs_timestamp", "Activity date", "datetime/date", ""),
    ("hs_activity_type", "Call and meeting type", "string/text", ""),
];

/// What seeded accounts have added to their contacts.
const CONTACT_CUSTOM: &[Line] = &[
    ("lead_source", "Lead source", "enumeration/select", "@source"),
    ("lead_score", "Lead score", "number/number", ""),
    ("date_of_birth_custom", "Birthday", "date/date", ""),
    ("vip", "VIP", "bool/booleancheckbox", ""),
    ("interests", "Interests", "enumeration/checkbox", "garden,sports,travel,music"),
    ("customer_number", "Customer number", "string/text", ""),
];

/// The properties that an object of this kind has from the start.
pub(crate) fn catalog_of(kind: &Kind, now_ms: i64) -> Catalog {
    let (own, custom): (&[Line], &[Line]) = match kind.type_id.as_str() {
        "0-1" => (CONTACT, CONTACT_CUSTOM),
        "0-2" => (COMPANY, &[]),
        "0-3" => (DEAL, &[]),
        "0-5" => (TICKET, &[]),
        "0-48" => (CALL, &[]),
        "0-47" => (MEETING, &[]),
        "0-46" => (NOTE, &[]),
        "0-27" => (TASK, &[]),
        _ => (&[], &[]),
    };
    let mut catalog = Catalog::new();
    let group = format!("{}information", kind.singular);
    let mut add = |line: &Line, hubspot_defined: bool| {
        let property = define(line, &group, hubspot_defined, now_ms);
        catalog.insert(property.name.clone(), property);
    };
    COMMON.iter().chain(own).for_each(|line| add(line, true));
    if kind.created_property == "createdate" {
        add(&("createdate", "Create Date", "=datetime/date", ""), true);
    }
    if kind.is_engagement() {
        ENGAGEMENT.iter().for_each(|line| add(line, true));
    }
    custom.iter().for_each(|line| add(line, false));
    for name in ["email", "customer_number"].iter().filter(|_| kind.type_id == "0-1") {
        if let Some(property) = catalog.get_mut(*name) {
            property.unique = true;
        }
    }
    catalog
}

fn define(line: &Line, group: &str, hubspot_defined: bool, now_ms: i64) -> Property {
    let (name, label, types, options) = *line;
    let (kind, field) = types.trim_start_matches('=').split_once('/').unwrap_or(("string", "text"));
    Property {
        name: name.to_owned(),
        label: label.to_owned(),
        kind: kind.to_owned(),
        field: field.to_owned(),
        group: group.to_owned(),
        description: String::new(),
        options: if kind == "bool" { yes_no() } else { choices(options) },
        read_only: types.starts_with('='),
        unique: false,
        hubspot_defined,
        external_options: options == "@external",
        form_field: !types.starts_with('='),
        hidden: false,
        archived: false,
        created_ms: now_ms,
        updated_ms: now_ms,
    }
}

fn yes_no() -> Vec<Choice> {
    vec![Choice::new("true", "Yes"), Choice::new("false", "No")]
}

fn choices(options: &str) -> Vec<Choice> {
    let named = |values: &[&str]| values.iter().map(|value| Choice::new(value, &label_of(value))).collect();
    match options {
        "" | "@external" => Vec::new(),
        "@lifecycle" => named(&LIFECYCLE),
        "@source" => named(&LEAD_SOURCES),
        "@status" => named(&LEAD_STATUSES),
        listed => named(&listed.split(',').collect::<Vec<_>>()),
    }
}

/// `trade_show` -> `Trade show`.
fn label_of(value: &str) -> String {
    let text = value.replace('_', " ").to_lowercase();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
