//! What was archived. Odoo keeps no trace of what was deleted or merged: such records are missing from a slice of ids, and from a walk
//! of all.

use ferry_sdk::connector::{Failure, Page, Window};
use ferry_sdk::time;
use ferry_sdk::value::Tombstone;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, PAGE_MOST, id};
use crate::schema;
use crate::values::{stamp, up};

#[derive(Deserialize)]
struct Archived {
    id: i64,
    write_date: String,
}

pub(crate) fn gone(api: &Api<'_>, model: &str, window: Window, token: Option<&str>) -> Result<Page, Failure> {
    let after = token.map_or(Some(0), id).ok_or(Failure::TokenExpired)?;
    // A model whose records can't be archived has no such field, and naming it would be a mistake.
    if !schema::described(api, model)?.contains_key("active") {
        return Ok(Page::of(Vec::new(), None));
    }
    let domain = json!([
        ["active", "=", false],
        ["write_date", ">=", stamp(up(window.since))],
        ["write_date", "<", stamp(up(window.before))],
        ["id", ">", after],
    ]);
    let records: Vec<Archived> = api.ask(api.search_archived(model, &domain, PAGE_MOST, &["write_date"]), model)?;
    let next = records.last().filter(|_| records.len() == PAGE_MOST).map(|last| last.id.to_string());
    let tombstone =
        |record: Archived| Tombstone { id: record.id.to_string(), at: time::instant(&record.write_date), into: None };
    Ok(Page { gone: records.into_iter().map(tombstone).collect(), ..Page::of(Vec::new(), next) })
}
