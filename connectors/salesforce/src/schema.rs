//! The fields of an object: as fields for the host, and as readings for the parser.

use ferry_sdk::connector::{Choice, Failure, Field, Kind};
use ferry_sdk::http::Request;
use serde::Deserialize;

use crate::api::Api;
use crate::values::Reading;

#[derive(Deserialize)]
struct Described {
    fields: Vec<CrmField>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CrmField {
    name: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    length: u32,
    nillable: bool,
    defaulted_on_create: bool,
    createable: bool,
    updateable: bool,
    unique: bool,
    calculated: bool,
    custom: bool,
    external_id: bool,
    picklist_values: Vec<PicklistValue>,
    reference_to: Vec<String>,
}

#[derive(Deserialize)]
struct PicklistValue {
    value: String,
    #[serde(default)]
    label: Option<String>,
    active: bool,
}

fn described(api: &Api<'_>, object: &str) -> Result<Vec<CrmField>, Failure> {
    let request = Request::get(api.object(object, "/describe"));
    let described: Described = api.json(request, object)?;
    Ok(described.fields.into_iter().filter(|field| !field.is_whole()).collect())
}

/// Every field of an object that the sign-in may see: those that field-level security hides are left out by Salesforce.
pub(crate) fn fields(api: &Api<'_>, object: &str) -> Result<Vec<Field>, Failure> {
    Ok(described(api, object)?.into_iter().map(CrmField::field).collect())
}

/// Whether the object has the field that keeps keys, and Salesforce keeps its values apart.
pub(crate) fn has_key_field(api: &Api<'_>, object: &str) -> Result<bool, Failure> {
    let fields = described(api, object)?;
    Ok(fields.iter().any(|field| field.name == api.settings.key_field && field.external_id && field.unique))
}

/// How to read these fields, in their order.
///
/// # Errors
/// `missing` with the first name that the object does not have, or that field-level security has begun to hide.
pub(crate) fn readings(api: &Api<'_>, object: &str, names: &[&str]) -> Result<Vec<Reading>, Failure> {
    let fields = described(api, object)?;
    let reading = |name: &&str| {
        let found = fields.iter().find(|field| field.name == **name);
        found.map(|field| Reading::of(&field.kind)).ok_or_else(|| Failure::Missing((*name).to_owned()))
    };
    names.iter().map(reading).collect()
}

impl CrmField {
    /// An address or a place on a map: its parts are fields of their own. A file's bytes are none that a row could hold.
    fn is_whole(&self) -> bool {
        matches!(self.kind.as_str(), "address" | "location" | "base64")
    }

    fn kind(&self) -> Kind {
        match self.kind.as_str() {
            "boolean" => Kind::Boolean,
            "int" | "long" => Kind::Integer,
            "double" | "currency" | "percent" => Kind::Decimal,
            "textarea" => Kind::LongText,
            "email" => Kind::Email,
            "phone" => Kind::Phone,
            "url" => Kind::Url,
            "datetime" => Kind::Instant,
            "date" => Kind::Date,
            "picklist" | "combobox" => Kind::Choice,
            "multipicklist" => Kind::Choices,
            "reference" => Kind::Reference,
            "id" | "string" | "encryptedstring" | "time" => Kind::Text,
            _ => Kind::Opaque,
        }
    }

    fn field(self) -> Field {
        let choice = |choice: PicklistValue| Choice {
            label: choice.label.unwrap_or_else(|| choice.value.clone()),
            value: choice.value,
            hidden: !choice.active,
        };
        Field {
            kind: self.kind(),
            required: self.createable && !self.nillable && !self.defaulted_on_create,
            writable: self.createable || self.updateable,
            // A field for look-ups, as a contact's e-mail, may hold one value twice.
            unique: self.unique || self.kind == "id",
            custom: self.custom,
            derived: self.calculated,
            length: (self.length > 0).then_some(self.length),
            label: if self.label.is_empty() { self.name.clone() } else { self.label },
            choices: self.picklist_values.into_iter().map(choice).collect(),
            refers_to: self.reference_to,
            name: self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};

    use super::*;

    const DESCRIBE: &str = include_str!("../fixtures/describe-contact.json");
    const TARGET: &str = "/services/data/v67.0/sobjects/Contact/describe";

    fn with<T>(ask: impl Fn(&Api<'_>) -> T) -> T {
        let http = FakeHttp::new().expect(Method::Get, TARGET, Ok(answer(200, &[], DESCRIBE)));
        let signature = FakeSignature::default();
        ask(&Api::open(&call("{}", 0, &http, &signature)).unwrap())
    }

    #[test]
    fn each_field_becomes_one_of_its_kind_and_compound_ones_are_left_out() {
        let fields = with(|api| fields(api, "Contact").unwrap());
        let shown: Vec<(&str, Kind, [bool; 5], Option<u32>)> = fields
            .iter()
            .map(|field| {
                let flags = [field.required, field.writable, field.unique, field.custom, field.derived];
                (field.name.as_str(), field.kind, flags, field.length)
            })
            .collect();
        let expected = [
            ("Id", Kind::Text, [false, false, true, false, false], Some(18)),
            ("LastName", Kind::Text, [true, true, false, false, false], Some(80)),
            ("Email", Kind::Email, [false, true, false, false, false], Some(80)),
            ("LeadSource", Kind::Choice, [false, true, false, false, false], Some(255)),
            ("AccountId", Kind::Reference, [false, true, false, false, false], Some(18)),
            ("Score__c", Kind::Decimal, [false, false, false, true, true], None),
            ("Ferry_Id__c", Kind::Text, [false, true, true, true, false], Some(64)),
            ("SystemModstamp", Kind::Instant, [false, false, false, false, false], None),
        ];
        assert_eq!(shown, expected);
        let source = &fields[3];
        let choice = |value: &str, hidden| Choice { value: value.into(), label: value.into(), hidden };
        assert_eq!(source.choices, [choice("Web", false), choice("Old", true)]);
        assert_eq!(fields[4].refers_to, ["Account"]);
    }

    #[test]
    fn a_field_that_is_hidden_from_now_on_is_missing() {
        assert_eq!(
            with(|api| readings(api, "Contact", &["Email", "Secret__c"])),
            Err(Failure::Missing("Secret__c".into()))
        );
        assert_eq!(with(|api| has_key_field(api, "Contact")), Ok(true));
        let http = FakeHttp::new().expect(
            Method::Get,
            "/services/data/v67.0/sobjects/Nope/describe",
            Ok(json(404, &serde_json::json!([{"errorCode": "NOT_FOUND", "message": "x"}]))),
        );
        let signature = FakeSignature::default();
        let api = Api::open(&call("{}", 0, &http, &signature)).unwrap();
        assert_eq!(fields(&api, "Nope"), Err(Failure::Missing("Nope".into())));
    }
}
