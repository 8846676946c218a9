//! What can be synced.

use ferry_sdk::connector::{Abilities, Failure, Object};

/// How far behind the newest stamp a record may still appear. Pipedrive does not say; its own clients leave a minute.
const LATENESS_MS: u32 = 60_000;

/// An object of Pipedrive's, and what its different parts call it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standard {
    /// In paths and for the host.
    pub(crate) name: &'static str,
    label: &'static str,
    /// Where its fields are.
    pub(crate) fields: &'static str,
    /// As filters call it.
    pub(crate) filter: &'static str,
    /// As the list of changes calls it.
    pub(crate) item: &'static str,
    /// The scopes of an OAuth app that open it.
    pub(crate) scope: &'static str,
}

pub(crate) const PERSONS: Standard = Standard {
    name: "persons",
    label: "Persons",
    fields: "personFields",
    filter: "people",
    item: "person",
    scope: "contacts",
};

pub(crate) const ORGANIZATIONS: Standard = Standard {
    name: "organizations",
    label: "Organizations",
    fields: "organizationFields",
    filter: "org",
    item: "organization",
    scope: "contacts",
};

pub(crate) const DEALS: Standard =
    Standard { name: "deals", label: "Deals", fields: "dealFields", filter: "deals", item: "deal", scope: "deals" };

pub(crate) const ACTIVITIES: Standard = Standard {
    name: "activities",
    label: "Activities",
    fields: "activityFields",
    filter: "activity",
    item: "activity",
    scope: "activities",
};

pub(crate) static ALL: [Standard; 4] = [PERSONS, ORGANIZATIONS, DEALS, ACTIVITIES];

pub(crate) fn checked(name: &str) -> Result<&'static Standard, Failure> {
    ALL.iter().find(|object| object.name == name).ok_or_else(|| Failure::Missing(name.to_owned()))
}

pub(crate) fn list() -> Vec<Object> {
    ALL.iter().map(Standard::object).collect()
}

impl Standard {
    fn object(&self) -> Object {
        // No field is unique in Pipedrive, so there is neither an upsert nor a create that may be repeated.
        let mut abilities = Abilities::PULL
            | Abilities::WINDOWS
            | Abilities::GONE
            | Abilities::CREATE
            | Abilities::UPDATE
            | Abilities::DELETE;
        if *self != ORGANIZATIONS {
            abilities = abilities | Abilities::LINKS;
        }
        let (name, label) = (self.name.to_owned(), self.label.to_owned());
        Object { name, label, custom: false, abilities, lateness: LATENESS_MS }
    }
}
