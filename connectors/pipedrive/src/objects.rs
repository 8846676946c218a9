//! What can be synced.

use ferry_sdk::connector::{Abilities, Failure, Object};

/// How far behind the newest stamp a record may still appear. Pipedrive does not say; its own clients leave a minute.
const LATENESS_MS: u32 = 60_000;

/// An object of Pipedrive's, and what its different parts call it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standard {
    /// In paths and for the host.
    pub(crate) name: &'static str,
    /// The version of the API that has its records.
    pub(crate) version: &'static str,
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
    version: "v2",
    label: "Persons",
    fields: "personFields",
    filter: "people",
    item: "person",
    scope: "contacts",
};

pub(crate) const ORGANIZATIONS: Standard = Standard {
    name: "organizations",
    version: "v2",
    label: "Organizations",
    fields: "organizationFields",
    filter: "org",
    item: "organization",
    scope: "contacts",
};

/// Not in version 2 but for their search. They have the own fields of deals, and no list tells which were deleted.
pub(crate) const LEADS: Standard = Standard {
    name: "leads",
    version: "v1",
    label: "Leads",
    fields: "dealFields",
    filter: "leads",
    item: "lead",
    scope: "leads",
};

pub(crate) const DEALS: Standard = Standard {
    name: "deals",
    version: "v2",
    label: "Deals",
    fields: "dealFields",
    filter: "deals",
    item: "deal",
    scope: "deals",
};

pub(crate) const ACTIVITIES: Standard = Standard {
    name: "activities",
    version: "v2",
    label: "Activities",
    fields: "activityFields",
    filter: "activity",
    item: "activity",
    scope: "activities",
};

pub(crate) static ALL: [Standard; 5] = [PERSONS, ORGANIZATIONS, LEADS, DEALS, ACTIVITIES];

pub(crate) fn checked(name: &str) -> Result<&'static Standard, Failure> {
    ALL.iter().find(|object| object.name == name).ok_or_else(|| Failure::Missing(name.to_owned()))
}

/// An object whose records are written here, and whose deletions Pipedrive tells.
pub(crate) fn written(name: &str) -> Result<&'static Standard, Failure> {
    let object = checked(name)?;
    let reason = || format!("{name} can only be read in Pipedrive");
    object.is_written().then_some(object).ok_or_else(|| Failure::Unsupported(reason()))
}

pub(crate) fn list() -> Vec<Object> {
    ALL.iter().map(Standard::object).collect()
}

impl Standard {
    pub(crate) fn is_written(&self) -> bool {
        *self != LEADS
    }

    fn object(&self) -> Object {
        let mut abilities = Abilities::PULL | Abilities::WINDOWS;
        // No field is unique in Pipedrive, so there is neither an upsert nor a create that may be repeated.
        if self.is_written() {
            abilities = abilities | Abilities::GONE | Abilities::CREATE | Abilities::UPDATE | Abilities::DELETE;
        }
        if self.is_written() && *self != ORGANIZATIONS {
            abilities = abilities | Abilities::LINKS;
        }
        let (name, label) = (self.name.to_owned(), self.label.to_owned());
        Object { name, label, custom: false, abilities, lateness: LATENESS_MS }
    }
}
