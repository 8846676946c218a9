//! The models of a small database with the apps for contacts, CRM, calendar and discussions, field by field.

use serde_json::{Value, json};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Char,
    Html,
    Integer,
    Float,
    Boolean,
    Date,
    Datetime,
    Selection(&'static [(&'static str, &'static str)]),
    Many2one(&'static str),
    Many2many(&'static str),
    /// The id of a record of the model that another field names.
    Many2oneReference,
    Binary,
}

/// A field of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) readonly: bool,
    /// Kept; what is not is computed when it is read, and can't be searched for.
    pub(crate) store: bool,
}

/// A model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    fields: &'static [Field],
}

const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, required: false, readonly: false, store: true }
}

const fn required(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { required: true, ..field(name, label, kind) }
}

const fn readonly(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { readonly: true, ..field(name, label, kind) }
}

/// What every model has.
const COMMON: [Field; 4] = [
    readonly("id", "ID", Kind::Integer),
    readonly("create_date", "Created on", Kind::Datetime),
    readonly("write_date", "Last Updated on", Kind::Datetime),
    Field { store: false, ..readonly("display_name", "Display Name", Kind::Char) },
];

const NAME: Field = required("name", "Name", Kind::Char);
const ACTIVE: Field = field("active", "Active", Kind::Boolean);

const PARTNER: [Field; 14] = [
    NAME,
    field("email", "Email", Kind::Char),
    field("phone", "Phone", Kind::Char),
    field("function", "Job Position", Kind::Char),
    field("street", "Street", Kind::Char),
    field("zip", "Zip", Kind::Char),
    field("city", "City", Kind::Char),
    field("is_company", "Is a Company", Kind::Boolean),
    field("parent_id", "Related Company", Kind::Many2one("res.partner")),
    field("country_id", "Country", Kind::Many2one("res.country")),
    field("comment", "Notes", Kind::Html),
    field("image_1920", "Image", Kind::Binary),
    field("x_source", "Lead source", Kind::Selection(&[("fair", "Trade fair"), ("web", "Website")])),
    ACTIVE,
];

const LEAD: [Field; 10] = [
    required("name", "Opportunity", Kind::Char),
    field("contact_name", "Contact Name", Kind::Char),
    field("partner_name", "Company Name", Kind::Char),
    field("email_from", "Email", Kind::Char),
    field("phone", "Phone", Kind::Char),
    field("partner_id", "Customer", Kind::Many2one("res.partner")),
    field("stage_id", "Stage", Kind::Many2one("crm.stage")),
    field("expected_revenue", "Expected Revenue", Kind::Float),
    field("type", "Type", Kind::Selection(&[("lead", "Lead"), ("opportunity", "Opportunity")])),
    ACTIVE,
];

const EVENT: [Field; 7] = [
    required("name", "Meeting Subject", Kind::Char),
    required("start", "Start", Kind::Datetime),
    required("stop", "Stop", Kind::Datetime),
    field("location", "Location", Kind::Char),
    field("description", "Description", Kind::Html),
    field("partner_ids", "Attendees", Kind::Many2many("res.partner")),
    ACTIVE,
];

const ACTIVITY: [Field; 6] = [
    field("summary", "Summary", Kind::Char),
    field("note", "Note", Kind::Html),
    required("date_deadline", "Due Date", Kind::Date),
    required("res_model_id", "Document Model", Kind::Many2one("ir.model")),
    required("res_id", "Related Document ID", Kind::Many2oneReference),
    ACTIVE,
];

const MESSAGE: [Field; 6] = [
    field("body", "Contents", Kind::Html),
    field("date", "Date", Kind::Datetime),
    field("model", "Related Document Model", Kind::Char),
    field("res_id", "Related Document ID", Kind::Many2oneReference),
    required("message_type", "Type", Kind::Selection(&[("comment", "Comment"), ("email", "Incoming Email")])),
    field("subtype_id", "Subtype", Kind::Many2one("mail.message.subtype")),
];

const DATA: [Field; 4] = [
    required("module", "Module", Kind::Char),
    required("name", "External Identifier", Kind::Char),
    required("model", "Model Name", Kind::Char),
    field("res_id", "Record ID", Kind::Many2oneReference),
];

/// All models, what others refer to first.
pub(crate) static ALL: [Model; 11] = [
    Model { name: "ir.model", label: "Models", fields: &[NAME, required("model", "Model", Kind::Char)] },
    Model { name: "ir.model.data", label: "Model Data", fields: &DATA },
    Model { name: "res.company", label: "Companies", fields: &[NAME] },
    Model { name: "res.country", label: "Country", fields: &[NAME, field("code", "Country Code", Kind::Char)] },
    Model { name: "crm.stage", label: "CRM Stages", fields: &[NAME] },
    Model { name: "mail.message.subtype", label: "Message subtypes", fields: &[NAME] },
    Model { name: "res.partner", label: "Contact", fields: &PARTNER },
    Model { name: "crm.lead", label: "Lead", fields: &LEAD },
    Model { name: "calendar.event", label: "Calendar Event", fields: &EVENT },
    Model { name: "mail.activity", label: "Activity", fields: &ACTIVITY },
    Model { name: "mail.message", label: "Message", fields: &MESSAGE },
];

impl Model {
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|model| model.name == name)
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        COMMON.iter().chain(self.fields)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }

    pub(crate) fn has_archive(&self) -> bool {
        self.field("active").is_some()
    }
}

impl Field {
    /// As `fields_get` tells it, but for what was not asked.
    pub(crate) fn describe(&self) -> Value {
        let (kind, relation) = match self.kind {
            Kind::Char => ("char", None),
            Kind::Html => ("html", None),
            Kind::Integer => ("integer", None),
            Kind::Float => ("float", None),
            Kind::Boolean => ("boolean", None),
            Kind::Date => ("date", None),
            Kind::Datetime => ("datetime", None),
            Kind::Selection(_) => ("selection", None),
            Kind::Many2one(model) => ("many2one", Some(model)),
            Kind::Many2many(model) => ("many2many", Some(model)),
            Kind::Many2oneReference => ("many2one_reference", None),
            Kind::Binary => ("binary", None),
        };
        let mut described = json!({"name": self.name, "string": self.label, "type": kind, "required": self.required,
            "readonly": self.readonly, "store": self.store, "searchable": self.store});
        if let Some(model) = relation {
            described["relation"] = json!(model);
        }
        if let Kind::Selection(choices) = self.kind {
            described["selection"] = json!(choices);
        }
        described
    }
}
