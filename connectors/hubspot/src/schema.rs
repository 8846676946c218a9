//! The properties of an object: as fields for the host, and as readings for the parser.

use std::collections::HashMap;

use ferry_sdk::connector::{Choice, Failure, Field, Kind};
use ferry_sdk::http::Request;
use serde::Deserialize;

use crate::api::Api;
use crate::associations;
use crate::objects;
use crate::values::Reading;

/// HubSpot's documentation, "Engagements | Notes": the body of a note.
const NOTE_BODY_MOST: u32 = 65_536;

/// Activities are ordered by it: a create without it is answered with 400.
pub(crate) const ACTIVITY_TIME: &str = "hs_timestamp";

#[derive(Deserialize)]
pub(crate) struct Properties {
    pub(crate) results: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Property {
    pub(crate) name: String,
    #[serde(default)]
    label: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    field_type: String,
    #[serde(default)]
    pub(crate) group_name: Option<String>,
    #[serde(default)]
    options: Option<Vec<PropertyOption>>,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    referenced_object_type: Option<String>,
    #[serde(default)]
    pub(crate) has_unique_value: bool,
    #[serde(default)]
    hubspot_defined: Option<bool>,
    #[serde(default)]
    modification_metadata: Option<Modification>,
    #[serde(default)]
    pub(crate) archived: bool,
}

#[derive(Deserialize)]
struct PropertyOption {
    label: String,
    value: String,
    #[serde(default)]
    hidden: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modification {
    #[serde(default)]
    read_only_value: bool,
}

/// What is asked of HubSpot for the properties of an object.
pub(crate) fn request(api: &Api<'_>, object: &str) -> Request {
    Request::get(api.properties(object))
}

/// Every property of an object and its links, as the host shows and checks them.
pub(crate) fn fields(api: &Api<'_>, object: &str) -> Result<Vec<Field>, Failure> {
    let properties: Properties = api.json(request(api, object), object)?;
    let present = properties.results.into_iter().filter(|property| !property.archived);
    Ok(present.map(|property| property.field(object)).chain(associations::fields(object)).collect())
}

impl Property {
    fn reading(&self) -> Reading {
        Reading::of(&self.name, &self.kind, &self.field_type)
    }

    fn field(self, object: &str) -> Field {
        let is_activity = objects::is_activity(object);
        let read_only = self.modification_metadata.as_ref().is_some_and(|meta| meta.read_only_value);
        let is_contact_email =
            self.name == "email" && objects::standard(object).is_some_and(|it| it.name == "contacts");
        Field {
            kind: self.kind(),
            refers_to: self.reference().map(str::to_owned).into_iter().collect(),
            // HubSpot requires nothing of records; only activities must have a time.
            required: is_activity && self.name == ACTIVITY_TIME,
            writable: !read_only && !self.calculated && self.name != "hs_object_id",
            // A company's domain is looked at for duplicates, but several may have the same.
            unique: self.has_unique_value || is_contact_email || self.name == "hs_object_id",
            custom: !self.hubspot_defined.unwrap_or(false),
            derived: self.calculated,
            length: (self.name == "hs_note_body").then_some(NOTE_BODY_MOST),
            label: if self.label.is_empty() { self.name.clone() } else { self.label },
            choices: self.options.unwrap_or_default().into_iter().map(PropertyOption::choice).collect(),
            name: self.name,
        }
    }

    /// The object that the property points at: an owner's options are not in the property, but at an address of their own.
    fn reference(&self) -> Option<&str> {
        self.referenced_object_type.as_deref().map(|object| if object == "OWNER" { "owners" } else { object })
    }

    fn kind(&self) -> Kind {
        if self.referenced_object_type.is_some() {
            return Kind::Reference;
        }
        match (self.reading(), self.kind.as_str(), self.field_type.as_str()) {
            (Reading::Integer, ..) => Kind::Integer,
            (Reading::Decimal, ..) => Kind::Decimal,
            (Reading::Boolean, ..) => Kind::Boolean,
            (Reading::Instant, ..) => Kind::Instant,
            (Reading::Date, ..) => Kind::Date,
            (Reading::Texts, ..) => Kind::Choices,
            (_, "enumeration", _) => Kind::Choice,
            (_, "phone_number", _) | (_, _, "phonenumber") => Kind::Phone,
            (_, "json" | "object_coordinates", _) => Kind::Opaque,
            (_, _, "textarea" | "html") => Kind::LongText,
            (_, "string", _) if self.name == "email" => Kind::Email,
            (_, "string", _) if matches!(self.name.as_str(), "website" | "hs_call_recording_url") => Kind::Url,
            _ => Kind::Text,
        }
    }
}

impl PropertyOption {
    fn choice(self) -> Choice {
        Choice { value: self.value, label: self.label, hidden: self.hidden }
    }
}

/// How to read these properties, in their order.
///
/// # Errors
/// `missing` with the first name that the object does not have.
pub(crate) fn readings(api: &Api<'_>, object: &str, names: &[&str]) -> Result<Vec<Reading>, Failure> {
    let properties: Properties = api.json(request(api, object), object)?;
    let known: HashMap<&str, Reading> =
        properties.results.iter().map(|property| (property.name.as_str(), property.reading())).collect();
    let reading = |name: &str| known.get(name).copied().or_else(|| associations::target(name).map(|_| Reading::Links));
    names.iter().map(|name| reading(name).ok_or_else(|| Failure::Missing((*name).to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};

    use super::*;

    const PROPERTIES: &str = include_str!("../fixtures/properties-contacts.json");

    fn fields_of(object: &str) -> Vec<Field> {
        let target = format!("/crm/v3/properties/{object}");
        let http = FakeHttp::new().expect(Method::Get, &target, Ok(answer(200, &[], PROPERTIES)));
        let signature = FakeSignature::default();
        fields(&Api::open(&call("{}", 0, &http, &signature)).unwrap(), object).unwrap()
    }

    #[test]
    fn each_property_becomes_a_field_of_its_kind() {
        let found: Vec<(String, Kind)> =
            fields_of("contacts").into_iter().map(|field| (field.name, field.kind)).collect();
        let expected = [
            ("email", Kind::Email),
            ("phone", Kind::Phone),
            ("annualrevenue", Kind::Decimal),
            ("hs_object_id", Kind::Integer),
            ("lastmodifieddate", Kind::Instant),
            ("date_of_birth", Kind::Date),
            ("hs_is_unworked", Kind::Boolean),
            ("opted_in", Kind::Boolean),
            ("lifecyclestage", Kind::Choice),
            ("interests", Kind::Choices),
            ("hubspot_owner_id", Kind::Reference),
            ("message", Kind::LongText),
            ("customer_number", Kind::Text),
            ("hs_timestamp", Kind::Instant),
            ("associations.companies", Kind::Choices),
            ("associations.deals", Kind::Choices),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn what_hubspot_derives_can_not_be_written() {
        let fields = fields_of("contacts");
        let flags = |name: &str| {
            let field = fields.iter().find(|field| field.name == name).unwrap();
            (field.writable, field.unique, field.derived, field.custom)
        };
        assert_eq!(flags("email"), (true, true, false, false));
        assert_eq!(flags("annualrevenue"), (true, false, false, false));
        assert_eq!(flags("hs_object_id"), (false, true, false, false));
        assert_eq!(flags("hs_is_unworked"), (false, false, true, false));
        assert_eq!(flags("customer_number"), (true, true, false, true));
    }

    #[test]
    fn options_become_choices_and_owners_a_reference() {
        let fields = fields_of("contacts");
        let stage = fields.iter().find(|field| field.name == "lifecyclestage").unwrap();
        let choice = |value: &str, label: &str, hidden| Choice { value: value.into(), label: label.into(), hidden };
        assert_eq!(stage.choices, vec![choice("lead", "Lead", false), choice("old", "Old", true)]);
        let owner = fields.iter().find(|field| field.name == "hubspot_owner_id").unwrap();
        assert_eq!(owner.refers_to, vec!["owners".to_owned()]);
    }

    #[test]
    fn only_activities_require_a_field() {
        let required = |object| -> Vec<String> {
            fields_of(object).into_iter().filter(|field| field.required).map(|field| field.name).collect()
        };
        assert_eq!(required("calls"), vec!["hs_timestamp".to_owned()]);
        assert_eq!(required("contacts"), Vec::<String>::new());
    }

    #[test]
    fn an_object_that_is_not_there_is_missing() {
        let http =
            FakeHttp::new().expect(Method::Get, "/crm/v3/properties/cars", Ok(json(404, &serde_json::json!({}))));
        let signature = FakeSignature::default();
        let api = Api::open(&call("{}", 0, &http, &signature)).unwrap();
        assert_eq!(fields(&api, "cars"), Err(Failure::Missing("cars".into())));
    }
}
