//! Salesforce's objects: which there are, what each can do, and what is particular about it.

use ferry_sdk::connector::{Abilities, Failure, Object};
use ferry_sdk::http::Request;
use serde::Deserialize;

use crate::api::{Api, is_name};
use crate::schema;

/// A record is stamped when it is written and seen when its transaction ends, which takes up to ten minutes.
const LATENESS_MS: u32 = 10 * 60 * 1_000;

/// Those that connections are made for; beside them come the org's own.
pub(crate) const STANDARD: [&str; 6] = ["Contact", "Lead", "Account", "Opportunity", "Task", "Event"];

/// Logged beside a person: they have no unique value of their own.
pub(crate) fn is_activity(object: &str) -> bool {
    matches!(object, "Task" | "Event")
}

/// Whether records of the object can be merged into one another.
pub(crate) fn is_merged(object: &str) -> bool {
    matches!(object, "Contact" | "Lead" | "Account")
}

/// Whether records of the object can become one of another: a lead becomes a contact, and can't be changed any more.
pub(crate) fn is_converted(object: &str) -> bool {
    object == "Lead"
}

/// # Errors
/// `missing` for a name that can't be one of Salesforce's.
pub(crate) fn checked(object: &str) -> Result<&str, Failure> {
    if is_name(object) { Ok(object) } else { Err(Failure::Missing(object.to_owned())) }
}

#[derive(Deserialize)]
pub(crate) struct Described {
    pub(crate) name: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    custom: bool,
    #[serde(default)]
    queryable: bool,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    deletable: bool,
    #[serde(default, rename = "customSetting")]
    custom_setting: bool,
}

impl Described {
    /// What the sign-in may not do with it.
    pub(crate) fn lacks(&self) -> impl Iterator<Item = &'static str> {
        let rights = [(self.queryable, "read"), (self.createable, "create"), (self.updateable, "update")];
        rights.into_iter().filter_map(|(there, right)| (!there).then_some(right))
    }

    fn is_offered(&self) -> bool {
        let is_own = self.custom && self.name.ends_with("__c") && !self.custom_setting;
        self.queryable && (is_own || STANDARD.contains(&self.name.as_str()))
    }

    fn abilities(&self, keyed: bool) -> Abilities {
        let mut abilities =
            Abilities::PULL | Abilities::WINDOWS | Abilities::PARTITIONS | Abilities::GONE | Abilities::LINKS;
        for (there, ability) in [
            (self.createable, Abilities::CREATE),
            (self.updateable, Abilities::UPDATE | Abilities::CONDITIONAL),
            (self.createable && self.updateable, Abilities::UPSERT),
            (self.deletable, Abilities::DELETE),
            (keyed, Abilities::KEYED),
        ] {
            if there {
                abilities = abilities | ability;
            }
        }
        abilities
    }
}

/// Every object that the sign-in may see.
pub(crate) fn all(api: &Api<'_>) -> Result<Vec<Described>, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        sobjects: Vec<Described>,
    }
    Ok(api.json::<Answer>(Request::get(api.path("/sobjects")), "sobjects")?.sobjects)
}

/// The standard objects first, then the org's own.
pub(crate) fn list(api: &Api<'_>) -> Result<Vec<Object>, Failure> {
    let mut offered: Vec<Described> = all(api)?.into_iter().filter(Described::is_offered).collect();
    let place = |object: &Described| STANDARD.iter().position(|name| *name == object.name).unwrap_or(STANDARD.len());
    offered.sort_by(|one, other| (place(one), &one.name).cmp(&(place(other), &other.name)));
    let mut objects = Vec::with_capacity(offered.len());
    for object in offered {
        let keyed = is_activity(&object.name) && schema::has_key_field(api, &object.name)?;
        let abilities = object.abilities(keyed);
        let label = if object.label.is_empty() { object.name.clone() } else { object.label };
        objects.push(Object { name: object.name, label, custom: object.custom, abilities, lateness: LATENESS_MS });
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_orgs_own_objects_stand_behind_the_standard_ones_and_keys_are_looked_for() {
        let object = |name: &str, custom: bool| {
            json!({"name": name, "label": format!("{name}s"), "custom": custom,
            "queryable": true, "createable": true, "updateable": true, "deletable": false})
        };
        let objects = json!({"sobjects": [object("Car__c", true), object("Task", false), object("Contact", false),
            object("ApexClass", false), object("Car__History", true)]});
        let fields = json!({"name": "Task", "fields": [{"name": "Ferry_Id__c", "type": "string", "externalId": true, "unique": true}]});
        let http = FakeHttp::new()
            .expect(Method::Get, "/services/data/v67.0/sobjects", Ok(json(200, &objects)))
            .expect(Method::Get, "/services/data/v67.0/sobjects/Task/describe", Ok(json(200, &fields)));
        let signature = FakeSignature::default();
        let found = list(&Api::open(&call("{}", 0, &http, &signature)).unwrap()).unwrap();
        let keyed = |object: &Object| object.abilities & Abilities::KEYED == Abilities::KEYED;
        let shown: Vec<(&str, &str, bool, bool)> =
            found.iter().map(|object| (&*object.name, &*object.label, object.custom, keyed(object))).collect();
        let expected =
            [("Contact", "Contacts", false, false), ("Task", "Tasks", false, true), ("Car__c", "Car__cs", true, false)];
        assert_eq!(shown, expected);
    }
}
