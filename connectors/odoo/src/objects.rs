//! What can be synced: a few models of Odoo's own, and those that an admin names.

use ferry_sdk::connector::{Abilities, Failure, Object};
use serde_json::json;

use crate::api::Api;
use crate::failure;

pub(crate) const PARTNER: &str = "res.partner";
pub(crate) const EVENT: &str = "calendar.event";
pub(crate) const ACTIVITY: &str = "mail.activity";
pub(crate) const MESSAGE: &str = "mail.message";

/// In the order in which they are shown, with what people call them; which of them there are depends on the apps of the database.
const STANDARD: [(&str, &str); 5] = [
    (PARTNER, "Contacts"),
    ("crm.lead", "Leads and opportunities"),
    (EVENT, "Events"),
    (ACTIVITY, "Activities"),
    (MESSAGE, "Messages and notes"),
];

/// A record has the stamp of the beginning of its transaction, and shows when that ends: imports take minutes.
const LATENESS_MS: u32 = 5 * 60_000;

/// One of the standard models or of those in the settings; whether the database has it, its answers tell.
pub(crate) fn checked<'a>(api: &Api<'_>, name: &'a str) -> Result<&'a str, Failure> {
    let is_known =
        STANDARD.iter().any(|(model, _)| *model == name) || api.settings.models.iter().any(|own| own == name);
    is_known.then_some(name).ok_or_else(|| Failure::Missing(name.to_owned()))
}

/// Whether the key's user may read a model.
pub(crate) enum Access {
    Open,
    Closed,
}

/// The models that the database has, with their labels. Which there are, only administrators may look up; everybody may ask each.
pub(crate) fn present(api: &Api<'_>) -> Result<Vec<(String, String, Access)>, Failure> {
    let own = api.settings.models.iter().filter(|own| STANDARD.iter().all(|(model, _)| model != own));
    let standard = STANDARD.iter().map(|(model, label)| ((*model).to_owned(), (*label).to_owned()));
    let all: Vec<(String, String)> = standard.chain(own.map(|model| (model.clone(), model.clone()))).collect();
    let trials = all.iter().map(|(model, _)| api.search_read(model, &json!([]), 1, &["id"]).repeatable()).collect();
    let mut present = Vec::new();
    for ((model, label), answer) in all.into_iter().zip(api.send_all(trials)) {
        let response = answer?;
        if response.is_success() {
            present.push((model, label, Access::Open));
            continue;
        }
        match failure::of(&response, &model) {
            Failure::Missing(_) => {}
            Failure::Forbidden(_) => present.push((model, label, Access::Closed)),
            other => return Err(other),
        }
    }
    Ok(present)
}

pub(crate) fn list(api: &Api<'_>) -> Result<Vec<Object>, Failure> {
    let object = |(name, label, _): (String, String, Access)| Object {
        custom: STANDARD.iter().all(|(model, _)| *model != name),
        abilities: abilities(),
        lateness: LATENESS_MS,
        name,
        label,
    };
    Ok(present(api)?.into_iter().map(object).collect())
}

fn abilities() -> Abilities {
    Abilities::PULL
        | Abilities::WINDOWS
        | Abilities::GONE
        | Abilities::CREATE
        | Abilities::UPDATE
        | Abilities::DELETE
        | Abilities::LINKS
        | Abilities::KEYED
}
