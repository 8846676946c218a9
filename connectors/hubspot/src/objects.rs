//! HubSpot's objects: which there are, what each can do, and what is particular about it.

use ferry_sdk::connector::{Abilities, Failure, Object};
use ferry_sdk::http::Request;
use ferry_sdk::log;
use serde::Deserialize;

use crate::api::{Api, is_name};

/// HubSpot's search shows a write "a few moments" later and promises no bound; connectors that looked back less than
/// minutes are known to have lost records. Looking back costs little, for unchanged records are recognised.
const LATENESS_MS: u32 = 5 * 60 * 1_000;

/// An object that every account has.
pub(crate) struct Standard {
    pub(crate) name: &'static str,
    label: &'static str,
    pub(crate) type_id: &'static str,
    /// How webhooks call it: the first part of `contact.creation`.
    pub(crate) event: Option<&'static str>,
    /// Logged beside a contact: it has no unique value of its own.
    pub(crate) is_activity: bool,
}

const fn record(name: &'static str, label: &'static str, type_id: &'static str, event: &'static str) -> Standard {
    Standard { name, label, type_id, event: Some(event), is_activity: false }
}

const fn activity(name: &'static str, label: &'static str, type_id: &'static str) -> Standard {
    Standard { name, label, type_id, event: None, is_activity: true }
}

/// Type ids: HubSpot's documentation, "Understanding the CRM APIs", object type ids.
pub(crate) const STANDARD: [Standard; 7] = [
    record("contacts", "Contacts", "0-1", "contact"),
    record("companies", "Companies", "0-2", "company"),
    record("deals", "Deals", "0-3", "deal"),
    activity("calls", "Calls", "0-48"),
    activity("meetings", "Meetings", "0-47"),
    activity("notes", "Notes", "0-46"),
    activity("tasks", "Tasks", "0-27"),
];

/// The standard object of this name or type id.
pub(crate) fn standard(object: &str) -> Option<&'static Standard> {
    STANDARD.iter().find(|standard| standard.name == object || standard.type_id == object)
}

pub(crate) fn is_activity(object: &str) -> bool {
    standard(object).is_some_and(|standard| standard.is_activity)
}

/// The property that tells when a record last changed. Contacts have their own: their `hs_lastmodifieddate` may be empty.
pub(crate) fn stamp(object: &str) -> &'static str {
    match standard(object) {
        Some(standard) if standard.name == "contacts" => "lastmodifieddate",
        _ => "hs_lastmodifieddate",
    }
}

/// # Errors
/// `missing` for a name that can't be one of HubSpot's.
pub(crate) fn checked(object: &str) -> Result<&str, Failure> {
    if is_name(object) { Ok(object) } else { Err(Failure::Missing(object.to_owned())) }
}

#[derive(Deserialize)]
struct Schemas {
    results: Vec<Schema>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    object_type_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    fully_qualified_name: Option<String>,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    archived: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Labels {
    singular: Option<String>,
    plural: Option<String>,
}

/// The standard objects and the account's own.
pub(crate) fn list(api: &Api<'_>) -> Result<Vec<Object>, Failure> {
    let mut objects: Vec<Object> = STANDARD.iter().map(Standard::object).collect();
    match api.json::<Schemas>(Request::get(api.schemas()), "custom objects") {
        Ok(schemas) => {
            objects.extend(schemas.results.into_iter().filter(Schema::is_custom).map(Schema::object));
        }
        // Only some plans have objects of their own, and a sign-in may well do without them; `check` names the permission.
        Err(Failure::Forbidden(_) | Failure::Missing(_) | Failure::Permanent(_)) => {
            log::info("the account's own objects can't be listed with this sign-in");
        }
        Err(failure) => return Err(failure),
    }
    Ok(objects)
}

/// The type id of an object, which lists go by.
pub(crate) fn type_id(api: &Api<'_>, object: &str) -> Result<String, Failure> {
    if let Some(standard) = standard(object) {
        return Ok(standard.type_id.to_owned());
    }
    if is_type_id(object) {
        return Ok(object.to_owned());
    }
    let schemas: Schemas = api.json(Request::get(api.schemas()), object)?;
    let named = |schema: &Schema| schema.name == object || schema.fully_qualified_name.as_deref() == Some(object);
    let found = schemas.results.into_iter().find(named);
    found.map(|schema| schema.object_type_id).ok_or_else(|| Failure::Missing(object.to_owned()))
}

fn is_type_id(object: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    object.split_once('-').is_some_and(|(class, number)| is_number(class) && is_number(number))
}

fn common() -> Abilities {
    Abilities::PULL
        | Abilities::WINDOWS
        | Abilities::PARTITIONS
        | Abilities::GONE
        | Abilities::CREATE
        | Abilities::UPDATE
        | Abilities::UPSERT
        | Abilities::DELETE
        | Abilities::LINKS
}

impl Standard {
    fn object(&self) -> Object {
        let abilities = common() | if self.is_activity { Abilities::KEYED } else { Abilities::RECEIVE };
        let (name, label) = (self.name.to_owned(), self.label.to_owned());
        Object { name, label, custom: false, abilities, lateness: LATENESS_MS }
    }
}

impl Schema {
    fn is_custom(&self) -> bool {
        !self.archived && standard(&self.object_type_id).is_none() && is_name(&self.object_type_id)
    }

    /// Named by its type id: that is how webhooks and lists call it, and it outlives a change of the name.
    fn object(self) -> Object {
        let label = self.labels.plural.or(self.labels.singular).unwrap_or(self.name);
        let abilities = common() | Abilities::RECEIVE;
        Object { name: self.object_type_id, label, custom: true, abilities, lateness: LATENESS_MS }
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::connector::Call;
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};
    use serde_json::json;

    use super::*;

    fn with<T>(http: &FakeHttp, ask: impl Fn(&Api<'_>) -> T) -> T {
        let signature = FakeSignature::default();
        let call: Call<'_> = call("{}", 0, http, &signature);
        ask(&Api::open(&call).unwrap())
    }

    fn schemas() -> serde_json::Value {
        json!({"results": [
            {"objectTypeId": "2-77", "name": "cars", "fullyQualifiedName": "p1_cars", "labels": {"singular": "Car", "plural": "Cars"}},
            {"objectTypeId": "2-78", "name": "old", "labels": {}, "archived": true},
        ]})
    }

    #[test]
    fn the_accounts_own_objects_stand_behind_the_standard_ones() {
        let http = FakeHttp::new().expect(Method::Get, "/crm/v3/schemas", Ok(json(200, &schemas())));
        let objects = with(&http, |api| list(api).unwrap());
        let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(names, ["contacts", "companies", "deals", "calls", "meetings", "notes", "tasks", "2-77"]);
        let own = objects.last().unwrap();
        let expected = Object {
            name: "2-77".into(),
            label: "Cars".into(),
            custom: true,
            abilities: common() | Abilities::RECEIVE,
            lateness: 300_000,
        };
        assert_eq!(own, &expected);
    }

    #[test]
    fn only_activities_can_be_created_twice_without_harm() {
        for standard in &STANDARD {
            let abilities = standard.object().abilities;
            let can = |ability| abilities & ability == ability;
            assert_eq!(can(Abilities::KEYED), standard.is_activity, "{}", standard.name);
            assert!(!can(Abilities::CONDITIONAL));
        }
    }

    #[test]
    fn an_account_without_own_objects_still_has_the_standard_ones() {
        let refused = json!({"category": "MISSING_SCOPES", "errors": [{"context": {"requiredGranularScopes": ["crm.schemas.custom.read"]}}]});
        let http = FakeHttp::new().expect(Method::Get, "/crm/v3/schemas", Ok(json(403, &refused)));
        assert_eq!(with(&http, |api| list(api).unwrap().len()), 7);
        let http = FakeHttp::new().expect(Method::Get, "/crm/v3/schemas", Ok(answer(502, &[], "")));
        assert_eq!(
            with(&http, |api| list(api).unwrap_err()),
            Failure::Temporary("HubSpot answered with status 502".into())
        );
    }

    #[test]
    fn type_ids_are_known_or_looked_up() {
        let http = FakeHttp::new().expect(Method::Get, "/crm/v3/schemas", Ok(json(200, &schemas())));
        let ids = with(&http, |api| ["contacts", "2-5", "p1_cars"].map(|object| type_id(api, object).unwrap()));
        assert_eq!(ids, ["0-1", "2-5", "2-77"]);
        assert_eq!(stamp("contacts"), "lastmodifieddate");
        assert_eq!(stamp("0-1"), "lastmodifieddate");
        assert_eq!(stamp("companies"), "hs_lastmodifieddate");
        assert_eq!(checked("../x"), Err(Failure::Missing("../x".into())));
    }
}
