//! What can be synced: a few models that everybody has, and those that an admin names.

use ferry_sdk::connector::{Abilities, Failure, Object};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, PAGE_MOST, context, search_read};

pub(crate) const PARTY: &str = "party.party";
pub(crate) const OPPORTUNITY: &str = "sale.opportunity";
pub(crate) const NOTE: &str = "ir.note";

/// In the order in which they are shown; which of them there are depends on the modules of the database.
const STANDARD: [&str; 5] = [PARTY, "party.address", "party.contact_mechanism", OPPORTUNITY, NOTE];

/// A record has the stamp of the beginning of its transaction, and shows when that ends: imports take minutes.
const LATENESS_MS: u32 = 5 * 60_000;

/// One of the standard models or of those in the settings; whether the database has it, its answers tell.
pub(crate) fn checked<'a>(api: &Api<'_>, name: &'a str) -> Result<&'a str, Failure> {
    let is_known = STANDARD.contains(&name) || api.settings.models.iter().any(|model| model == name);
    is_known.then_some(name).ok_or_else(|| Failure::Missing(name.to_owned()))
}

pub(crate) fn list(api: &Api<'_>) -> Result<Vec<Object>, Failure> {
    #[derive(Deserialize)]
    struct Model {
        name: String,
        string: Option<String>,
    }
    let names = names(api);
    let question = search_read("ir.model", &json!([["name", "in", names]]), PAGE_MOST, &["name", "string"], context());
    let models: Vec<Model> = api.ask(question, "ir.model")?;
    let found = |name: &str| models.iter().find(|model| model.name == name);
    let object = |name: &str| {
        let label = found(name)?.string.clone().unwrap_or_else(|| name.to_owned());
        let custom = !STANDARD.contains(&name);
        Some(Object { name: name.to_owned(), label, custom, abilities: abilities(name), lateness: LATENESS_MS })
    };
    Ok(names.into_iter().filter_map(object).collect())
}

/// The models that are offered where the database has them.
pub(crate) fn names<'a>(api: &'a Api<'_>) -> Vec<&'a str> {
    let own = api.settings.models.iter().map(String::as_str).filter(|name| !STANDARD.contains(name));
    STANDARD.into_iter().chain(own).collect()
}

fn abilities(name: &str) -> Abilities {
    if name == NOTE {
        // Only an administrator may look for notes of which the record is not known.
        return Abilities::CREATE | Abilities::LINKS;
    }
    Abilities::PULL
        | Abilities::WINDOWS
        | Abilities::GONE
        | Abilities::CREATE
        | Abilities::UPDATE
        | Abilities::DELETE
        | Abilities::CONDITIONAL
        | Abilities::LINKS
}
