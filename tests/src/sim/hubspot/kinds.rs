//! The kinds of objects: names, type ids, stamps, scopes and what a list shows unasked.

/// What is the same for all records of one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kind {
    /// `contacts`, `calls`; of a custom object its `p…_name`.
    pub(crate) name: String,
    /// `contact`; also accepted in paths.
    pub(crate) singular: String,
    /// `0-1`; custom objects `2-…`.
    pub(crate) type_id: String,
    /// `createdate` or `hs_createdate`.
    pub(crate) created_property: &'static str,
    /// `lastmodifieddate` or `hs_lastmodifieddate`.
    pub(crate) modified_property: &'static str,
    /// Shown when no properties are asked for, beside the id and the two stamps.
    pub(crate) default_properties: Vec<String>,
    /// Must be set on create.
    pub(crate) required: Vec<String>,
    /// Looked through by a search's `query`.
    pub(crate) searchable: Vec<String>,
    /// The middle part of `crm.objects.{}.read`.
    pub(crate) scope: &'static str,
    /// Where new ids begin.
    pub(crate) first_id: u64,
}

impl Kind {
    /// Whether a path segment means this object.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.singular.eq_ignore_ascii_case(name) || self.type_id == name
    }

    /// Calls, meetings, notes, tasks: what is logged on a record's timeline.
    pub(crate) fn is_engagement(&self) -> bool {
        matches!(self.type_id.as_str(), "0-27" | "0-46" | "0-47" | "0-48" | "0-49" | "0-18")
    }

    /// `Contact`, `CALL`: as HubSpot's messages name it.
    pub(crate) fn shout(&self) -> String {
        self.singular.to_uppercase()
    }

    /// `Contact`: at the start of a message.
    pub(crate) fn title(&self) -> String {
        let mut letters = self.singular.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// The kind of a custom object.
    pub(crate) fn custom(name: &str, singular: &str, type_id: String, first_id: u64) -> Self {
        let mut kind = engagement(name, singular, "", &[], &[]);
        kind.type_id = type_id;
        kind.scope = "custom";
        kind.first_id = first_id;
        kind
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn engagement(name: &str, singular: &str, type_id: &str, required: &[&str], searchable: &[&str]) -> Kind {
    Kind {
        name: name.to_owned(),
        singular: singular.to_owned(),
        type_id: type_id.to_owned(),
        created_property: "hs_createdate",
        modified_property: "hs_lastmodifieddate",
        default_properties: Vec::new(),
        required: texts(required),
        searchable: texts(searchable),
        scope: "contacts",
        first_id: 30_000_000_001,
    }
}

fn standard(name: &str, singular: &str, type_id: &str, first_id: u64, shown: &[&str]) -> Kind {
    Kind {
        created_property: "createdate",
        default_properties: texts(shown),
        searchable: texts(shown),
        first_id,
        ..engagement(name, singular, type_id, &[], &[])
    }
}

/// The objects that every account has.
pub(crate) fn standard_kinds() -> Vec<Kind> {
    let contacts = standard("contacts", "contact", "0-1", 10_000, &["email", "firstname", "lastname"]);
    let companies = standard("companies", "company", "0-2", 5_000_000_001, &["domain", "name"]);
    let deals =
        standard("deals", "deal", "0-3", 9_000_000_001, &["amount", "closedate", "dealname", "dealstage", "pipeline"]);
    let tickets = standard(
        "tickets",
        "ticket",
        "0-5",
        12_000_000_001,
        &["content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "subject"],
    );
    vec![
        Kind {
            modified_property: "lastmodifieddate",
            searchable: texts(&["firstname", "lastname", "email", "phone", "company"]),
            ..contacts
        },
        Kind { scope: "companies", ..companies },
        Kind { scope: "deals", ..deals },
        Kind { scope: "tickets", ..tickets },
        engagement("calls", "call", "0-48", &["hs_timestamp"], &["hs_call_title", "hs_call_body"]),
        engagement("meetings", "meeting", "0-47", &["hs_timestamp"], &["hs_meeting_title", "hs_meeting_body"]),
        engagement("notes", "note", "0-46", &["hs_timestamp"], &["hs_note_body"]),
        engagement("tasks", "task", "0-27", &["hs_timestamp"], &["hs_task_subject", "hs_task_body"]),
    ]
}
