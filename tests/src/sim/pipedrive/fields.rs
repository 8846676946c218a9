//! The fields of each object: what version 2 tells of them, and what a write of them may hold.

use serde_json::{Value, json};

use super::account::Table;

pub(crate) const LEAD_SOURCE: &str = "3f6b8a1c2d4e5f60718293a4b5c6d7e8f9012345";
pub(crate) const BUDGET: &str = "b1946ac92492d2347c6235b4d2611184deadbeef";
pub(crate) const CUSTOMER_NUMBER: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
pub(crate) const TOPICS: &str = "d41d8cd98f00b204e9800998ecf8427ed41d8cd9";

/// What a write may put into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing: the CRM fills it.
    Nothing,
    Text,
    Whole,
    Number,
    Flag,
    Date,
    /// `HH:MM` or `HH:MM:SS`.
    Clock,
    /// The id of a record of this table; a user or another small thing where none is named.
    Id(Option<Table>),
    /// Ids of labels.
    Ids,
    /// `[{value, primary, label}]`, at most one of them primary.
    Entries,
    /// `{value, ..}`.
    Place,
    /// `[{person_id, primary}]`.
    Participants,
    /// The id of a lead.
    Lead,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

pub(crate) type Field = (&'static str, &'static str, Takes);

const COMMON: [Field; 5] = [
    ("id", "int", Takes::Nothing),
    ("owner_id", "user", Takes::Id(None)),
    ("add_time", "date", Takes::Nothing),
    ("update_time", "date", Takes::Nothing),
    ("is_deleted", "boolean", Takes::Nothing),
];

const PERSONS: [Field; 13] = [
    ("name", "varchar", Takes::Text),
    ("first_name", "varchar", Takes::Nothing),
    ("last_name", "varchar", Takes::Nothing),
    ("emails", "varchar", Takes::Entries),
    ("phones", "phone", Takes::Entries),
    ("org_id", "org", Takes::Id(Some(Table::Organizations))),
    ("label_ids", "set", Takes::Ids),
    ("visible_to", "visible_to", Takes::Whole),
    ("job_title", "varchar", Takes::Text),
    ("birthday", "date", Takes::Date),
    ("notes", "text", Takes::Text),
    ("postal_address", "address", Takes::Place),
    ("marketing_status", "varchar", Takes::OneOf(&["no_consent", "unsubscribed", "subscribed", "archived"])),
];

const ORGANIZATIONS: [Field; 5] = [
    ("name", "varchar", Takes::Text),
    ("address", "address", Takes::Place),
    ("label_ids", "set", Takes::Ids),
    ("visible_to", "visible_to", Takes::Whole),
    ("website", "varchar", Takes::Text),
];

const DEALS: [Field; 14] = [
    ("title", "varchar", Takes::Text),
    ("value", "monetary", Takes::Number),
    ("currency", "varchar", Takes::Text),
    ("person_id", "people", Takes::Id(Some(Table::Persons))),
    ("org_id", "org", Takes::Id(Some(Table::Organizations))),
    ("pipeline_id", "int", Takes::Id(None)),
    ("stage_id", "stage", Takes::Id(None)),
    ("status", "status", Takes::OneOf(&["open", "won", "lost"])),
    ("probability", "int", Takes::Whole),
    ("lost_reason", "varchar", Takes::Text),
    ("expected_close_date", "date", Takes::Date),
    ("label_ids", "set", Takes::Ids),
    ("won_time", "date", Takes::Nothing),
    ("lost_time", "date", Takes::Nothing),
];

/// What a call, a meeting and so on are called in `type`.
pub(crate) const ACTIVITY_TYPES: [&str; 6] = ["call", "meeting", "task", "deadline", "email", "lunch"];

const ACTIVITIES: [Field; 16] = [
    ("subject", "varchar", Takes::Text),
    ("type", "varchar", Takes::OneOf(&ACTIVITY_TYPES)),
    ("due_date", "date", Takes::Date),
    ("due_time", "time", Takes::Clock),
    ("duration", "time", Takes::Clock),
    ("done", "boolean", Takes::Flag),
    ("note", "text", Takes::Text),
    ("public_description", "text", Takes::Text),
    ("location", "address", Takes::Place),
    ("busy", "boolean", Takes::Flag),
    // It is the first of the participants; writing both would contradict.
    ("person_id", "people", Takes::Nothing),
    ("participants", "json", Takes::Participants),
    ("org_id", "org", Takes::Id(Some(Table::Organizations))),
    ("deal_id", "deal", Takes::Id(Some(Table::Deals))),
    ("lead_id", "lead", Takes::Lead),
    ("marked_as_done_time", "date", Takes::Nothing),
];

/// As they are kept: version 1 shows them and takes none here.
const LEADS: [Field; 13] = [
    ("title", "varchar", Takes::Nothing),
    ("person_id", "people", Takes::Nothing),
    ("organization_id", "org", Takes::Nothing),
    ("label_ids", "set", Takes::Nothing),
    ("value", "monetary", Takes::Nothing),
    ("expected_close_date", "date", Takes::Nothing),
    ("source_name", "varchar", Takes::Nothing),
    ("origin", "varchar", Takes::Nothing),
    ("origin_id", "varchar", Takes::Nothing),
    ("channel", "enum", Takes::Nothing),
    ("channel_id", "varchar", Takes::Nothing),
    ("is_archived", "boolean", Takes::Nothing),
    ("was_seen", "boolean", Takes::Nothing),
];

fn own(table: Table) -> &'static [Field] {
    match table {
        Table::Persons => &PERSONS,
        Table::Organizations => &ORGANIZATIONS,
        Table::Deals => &DEALS,
        Table::Activities => &ACTIVITIES,
        Table::Leads => &LEADS,
    }
}

pub(crate) fn all(table: Table) -> impl Iterator<Item = &'static Field> {
    own(table).iter().chain(&COMMON)
}

pub(crate) fn takes(table: Table, name: &str) -> Option<Takes> {
    all(table).find(|(known, ..)| *known == name).map(|(.., takes)| *takes)
}

/// A field of the company's own: key, label, kind, and its options with their ids.
pub(crate) type OwnField = (&'static str, &'static str, &'static str, &'static [(u64, &'static str)]);

/// The company's own fields; activities have none.
pub(crate) fn custom(table: Table) -> &'static [OwnField] {
    match table {
        Table::Persons => &[
            (LEAD_SOURCE, "Lead source", "enum", &[(11, "Trade show"), (12, "Website"), (13, "Referral")]),
            (BUDGET, "Budget", "monetary", &[]),
            (CUSTOMER_NUMBER, "Customer number", "varchar", &[]),
            (TOPICS, "Topics", "set", &[(21, "Garden"), (22, "Sports")]),
        ],
        _ => &[],
    }
}

/// The description of all fields of an object.
pub(crate) fn described(table: Table) -> Vec<Value> {
    let own = all(table).map(|(code, kind, takes)| {
        let options =
            (*takes == Takes::Ids).then(|| json!([{"id": 3, "label": "Hot lead"}, {"id": 4, "label": "Customer"}]));
        json!({"field_code": code, "field_name": label(code), "field_type": kind, "is_custom_field": false,
            "is_optional_response_field": false, "options": options, "subfields": null})
    });
    let custom = custom(table).iter().map(|(code, label, kind, options)| {
        let options: Vec<Value> = options.iter().map(|(id, label)| json!({"id": id, "label": label})).collect();
        json!({"field_code": code, "field_name": label, "field_type": kind, "is_custom_field": true,
            "is_optional_response_field": false, "options": (!options.is_empty()).then_some(options), "subfields": null})
    });
    own.chain(custom).collect()
}

fn label(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
