//! The fields of an object: Pipedrive's own as this connector flattens them, and an account's, which go by a key of 40 characters.
//! A part of a value (the currency of an amount, the town of an address) is a field of its own, `<field>.<part>`.

mod standard;

use ferry_sdk::connector::{Choice, Failure, Field, Kind};
use ferry_sdk::http::Request;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::api::{self, Api, List, PAGE_MOST};
use crate::objects::{ACTIVITIES, LEADS, Standard};
use crate::values::Reading;

pub(crate) use standard::{Known, known};

/// An object can't have so many fields: a list that goes on beyond is broken.
const PAGES_MOST: usize = 20;

/// A field as version 2 describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CrmField {
    pub(crate) field_code: String,
    #[serde(default)]
    field_name: String,
    #[serde(default)]
    pub(crate) field_type: String,
    #[serde(default)]
    is_custom_field: bool,
    #[serde(default)]
    options: Option<Vec<CrmOption>>,
}

#[derive(Debug, Clone, Deserialize)]
struct CrmOption {
    #[serde(default)]
    id: Json,
    #[serde(default)]
    label: String,
}

#[derive(Deserialize)]
struct ActivityType {
    key_string: String,
    name: String,
    #[serde(default)]
    active_flag: Option<bool>,
}

#[derive(Deserialize)]
struct LeadLabel {
    id: String,
    name: String,
}

/// Whether a name is the key of an account's own field.
pub(crate) fn is_key(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Every field of an object, as the host shows and checks it.
pub(crate) fn fields(api: &Api<'_>, object: &Standard) -> Result<Vec<Field>, Failure> {
    let described = described(api, object)?;
    let listed = if *object == ACTIVITIES {
        Some(("type", activity_types(api)?))
    } else if *object == LEADS {
        Some(("label_ids", lead_labels(api)?))
    } else {
        None
    };
    // Deals have fields of the same names, and other words for them.
    let labels = if *object == LEADS { &[][..] } else { &described };
    let mut fields: Vec<Field> = Vec::new();
    for known in known(object) {
        let choices = match &listed {
            Some((name, choices)) if *name == known.name => choices.clone(),
            _ => choices_of(known, &described),
        };
        fields.push(own(known, labels, choices));
    }
    let custom = described.iter().filter(|field| field.is_custom_field).flat_map(CrmField::fields);
    fields.extend(custom.map(|field| Field { writable: field.writable && object.is_written(), ..field }));
    Ok(fields)
}

/// What Pipedrive says of the fields, its own and the account's.
pub(crate) fn described(api: &Api<'_>, object: &Standard) -> Result<Vec<CrmField>, Failure> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES_MOST {
        let mut request = Request::get(api::fields(object)).query("limit", PAGE_MOST);
        if let Some(cursor) = &cursor {
            request = request.query("cursor", cursor);
        }
        let list: List<CrmField> = api.json(request, object.name)?;
        all.extend(list.data.unwrap_or_default());
        let next = list.additional_data.and_then(|more| more.next_cursor);
        match next {
            None => return Ok(all),
            next if next == cursor => return Err(Failure::malformed("the next page of the fields is this one")),
            next => cursor = next,
        }
    }
    Err(Failure::malformed("the list of fields does not end"))
}

fn activity_types(api: &Api<'_>) -> Result<Vec<Choice>, Failure> {
    let list: List<ActivityType> = api.json(Request::get(api::first("activityTypes")), "activity types")?;
    let choice = |kind: ActivityType| Choice {
        value: kind.key_string,
        label: kind.name,
        hidden: kind.active_flag == Some(false),
    };
    Ok(list.data.unwrap_or_default().into_iter().map(choice).collect())
}

fn lead_labels(api: &Api<'_>) -> Result<Vec<Choice>, Failure> {
    let list: List<LeadLabel> = api.json(Request::get(api::first("leadLabels")), "lead labels")?;
    let choice = |label: LeadLabel| Choice { value: label.id, label: label.name, hidden: false };
    Ok(list.data.unwrap_or_default().into_iter().map(choice).collect())
}

fn choices_of(known: &Known, described: &[CrmField]) -> Vec<Choice> {
    let field = described.iter().find(|field| field.field_code == known.name);
    let field = field.filter(|_| matches!(known.kind, Kind::Choice | Kind::Choices));
    field.map(CrmField::choices).unwrap_or_default()
}

fn own(known: &Known, described: &[CrmField], choices: Vec<Choice>) -> Field {
    let field = described.iter().find(|field| field.field_code == known.name);
    let label = field.map(|field| field.field_name.clone()).filter(|label| !label.is_empty());
    Field {
        name: known.name.to_owned(),
        label: label.unwrap_or_else(|| known.label.to_owned()),
        kind: known.kind,
        choices,
        refers_to: known.refers_to.iter().map(|object| (*object).to_owned()).collect(),
        required: known.required,
        writable: known.writable,
        unique: known.name == "id",
        custom: false,
        derived: false,
        length: None,
    }
}

impl CrmField {
    fn choices(&self) -> Vec<Choice> {
        let choice = |option: &CrmOption| {
            let value = match &option.id {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            Choice { value, label: option.label.clone(), hidden: false }
        };
        self.options.iter().flatten().map(choice).collect()
    }

    /// The field itself, and a field for each part of its value.
    fn fields(&self) -> Vec<Field> {
        let whole = self.field(self.field_code.clone(), self.field_name.clone(), self.kind());
        let parts = self.parts().iter().map(|(part, label, kind)| {
            let label = format!("{} ({label})", self.field_name);
            Field { choices: Vec::new(), ..self.field(format!("{}.{part}", self.field_code), label, *kind) }
        });
        std::iter::once(whole).chain(parts).collect()
    }

    fn field(&self, name: String, label: String, kind: Kind) -> Field {
        let refers_to = match self.field_type.as_str() {
            "user" => vec!["users".to_owned()],
            "org" => vec!["organizations".to_owned()],
            "people" => vec!["persons".to_owned()],
            "deal" => vec!["deals".to_owned()],
            _ => Vec::new(),
        };
        Field {
            choices: self.choices(),
            refers_to,
            required: false,
            writable: self.is_writable() && (!name.contains('.') || self.is_composed()),
            unique: false,
            custom: true,
            // Pipedrive's own formulas are fields of the numeric kind that can't be told from others.
            derived: false,
            // https://pipedrive.readme.io/docs/core-api-concepts-custom-fields: "Text .. up to 255 characters".
            length: matches!(self.field_type.as_str(), "varchar" | "varchar_auto" | "phone").then_some(255),
            name,
            label,
            kind,
        }
    }

    fn is_writable(&self) -> bool {
        !matches!(self.field_type.as_str(), "json" | "picture" | "deals" | "lead" | "project" | "activity")
    }

    /// Whether a value is written whole, from its parts.
    pub(crate) fn is_composed(&self) -> bool {
        matches!(self.field_type.as_str(), "monetary" | "daterange" | "timerange")
    }

    /// Whether its value is an object even where only `value` is given.
    pub(crate) fn is_boxed(&self) -> bool {
        self.is_composed() || matches!(self.field_type.as_str(), "address" | "time")
    }

    fn kind(&self) -> Kind {
        match self.field_type.as_str() {
            "int" => Kind::Integer,
            "double" | "monetary" => Kind::Decimal,
            "boolean" => Kind::Boolean,
            "date" | "daterange" => Kind::Date,
            "enum" => Kind::Choice,
            "set" => Kind::Choices,
            "text" => Kind::LongText,
            "phone" => Kind::Phone,
            "user" | "org" | "people" | "deal" => Kind::Reference,
            "json" | "picture" => Kind::Opaque,
            _ => Kind::Text,
        }
    }

    fn parts(&self) -> &'static [(&'static str, &'static str, Kind)] {
        match self.field_type.as_str() {
            "monetary" => &[("currency", "currency", Kind::Text)],
            "daterange" => &[("until", "until", Kind::Date)],
            "timerange" => &[("until", "until", Kind::Text)],
            "address" => &[
                ("locality", "town", Kind::Text),
                ("postal_code", "postal code", Kind::Text),
                ("country", "country", Kind::Text),
            ],
            _ => &[],
        }
    }

    /// How to read the value, or a part of it.
    fn reading(&self, part: Option<&str>) -> Option<Reading> {
        let kind = match part {
            None => self.kind(),
            Some(part) => self.parts().iter().find(|(name, ..)| *name == part).map(|(.., kind)| *kind)?,
        };
        Some(match kind {
            Kind::Integer => Reading::Integer,
            Kind::Decimal => Reading::Decimal,
            Kind::Boolean => Reading::Boolean,
            Kind::Date => Reading::Date,
            Kind::Choices => Reading::Texts,
            _ => Reading::Text,
        })
    }
}

/// How these fields are read, in their order; asks for the account's own fields only where one is named.
///
/// # Errors
/// `missing` with the first name that the object does not have.
pub(crate) fn readings(api: &Api<'_>, object: &Standard, names: &[&str]) -> Result<Vec<Reading>, Failure> {
    let own = names.iter().any(|name| is_key(base(name)));
    let described = if own { described(api, object)? } else { Vec::new() };
    names
        .iter()
        .map(|name| reading(object, &described, name).ok_or_else(|| Failure::Missing((*name).to_owned())))
        .collect()
}

fn reading(object: &Standard, described: &[CrmField], name: &str) -> Option<Reading> {
    if let Some(known) = known(object).iter().find(|known| known.name == name) {
        return Some(known.reading);
    }
    custom(described, name).and_then(|field| field.reading(part(name)))
}

/// The account's own field that a name, or the part it names, belongs to.
pub(crate) fn custom<'a>(described: &'a [CrmField], name: &str) -> Option<&'a CrmField> {
    described.iter().find(|field| field.is_custom_field && field.field_code == base(name))
}

impl CrmField {
    pub(crate) fn reading_of(&self, name: &str) -> Reading {
        self.reading(part(name)).unwrap_or(Reading::Text)
    }
}

/// The field of a name: what stands before its part.
pub(crate) fn base(name: &str) -> &str {
    name.split_once('.').map_or(name, |(base, _)| base)
}

/// The part of a value that a name means, if any.
pub(crate) fn part(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, part)| part)
}

#[cfg(test)]
mod tests;
