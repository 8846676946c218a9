//! What became of writes whose answer was lost: what was created is known by its external id, what was deleted by the gap.

use ferry_sdk::connector::{Failure, Operation, Write, Written};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, id};
use crate::push::{EXTERNAL_MODULE, external_name};

/// An external id.
#[derive(Deserialize)]
struct Known {
    name: String,
    res_id: i64,
}

pub(crate) fn resolve(api: &Api<'_>, model: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, Failure> {
    let is_create = |write: &&Write| matches!(write.operation, Operation::Create);
    let names: Vec<String> = writes.iter().filter(is_create).map(|write| external_name(&write.key)).collect();
    let created = if names.is_empty() { Vec::new() } else { known(api, model, &names)? };
    writes
        .iter()
        .map(|write| match &write.operation {
            Operation::Create => {
                let name = external_name(&write.key);
                let known = created.iter().find(|known| known.name == name);
                Ok(known.map(|known| written(known.res_id.to_string(), true)))
            }
            Operation::Delete(text) => deleted(api, model, text),
            // Writing the same values again does no harm.
            Operation::Update(_) | Operation::Upsert(_) => Ok(None),
        })
        .collect()
}

fn written(id: String, created: bool) -> Written {
    Written { id, created, modified: None, version: None }
}

fn known(api: &Api<'_>, model: &str, names: &[String]) -> Result<Vec<Known>, Failure> {
    let domain = json!([["module", "=", EXTERNAL_MODULE], ["model", "=", model], ["name", "in", names]]);
    match api.ask(api.search_read("ir.model.data", &domain, names.len(), &["name", "res_id"]), "ir.model.data") {
        // Who may not look is told nothing: sent again, a create finds its own record.
        Err(Failure::Forbidden(_)) => Ok(Vec::new()),
        answer => answer,
    }
}

fn deleted(api: &Api<'_>, model: &str, text: &str) -> Result<Option<Written>, Failure> {
    #[derive(Deserialize)]
    struct Found {}
    let Some(record) = id(text) else { return Ok(None) };
    let found: Vec<Found> = api.ask(api.search_archived(model, &json!([["id", "=", record]]), 1, &["id"]), model)?;
    Ok(found.is_empty().then(|| written(text.to_owned(), false)))
}
