//! Writes: through version 2, and as a person in the CRM makes them.

use serde_json::{Map, Value, json};

use super::account::{Account, Table};
use super::errors::{ApiError, Outcome};
use super::validate;
use crate::sim::server::{Reply, Request};

fn body(request: &Request) -> Result<Value, ApiError> {
    if !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(ApiError::new(415, "ERR_UNSUPPORTED_MEDIA_TYPE", "the body must be JSON"));
    }
    serde_json::from_slice(&request.body).map_err(|_| ApiError::new(400, "ERR_BAD_REQUEST", "the body is no JSON"))
}

fn saved(account: &mut Account, table: Table, id: u64, status: u16) -> Outcome {
    let shown = account.live(table, id)?.show(id);
    Ok(Reply::json(status, &json!({"success": true, "data": shown})))
}

pub(crate) fn create(account: &mut Account, table: Table, request: &Request) -> Outcome {
    let given = validate::checked(account, table, &body(request)?)?;
    let needed = match table {
        Table::Deals => Some("title"),
        Table::Activities | Table::Leads => None,
        Table::Persons | Table::Organizations => Some("name"),
    };
    if let Some(needed) = needed.filter(|needed| !given.contains_key(*needed)) {
        return Err(ApiError::validation(needed, "Required"));
    }
    let id = insert(account, table, given, "api");
    saved(account, table, id, 201)
}

pub(crate) fn update(account: &mut Account, table: Table, id: u64, request: &Request) -> Outcome {
    let given = validate::checked(account, table, &body(request)?)?;
    change(account, table, id, given, "api")?;
    saved(account, table, id, 200)
}

pub(crate) fn delete(account: &mut Account, table: Table, id: u64, by: &'static str) -> Outcome {
    let at_ms = account.write_ms();
    let record = account.live(table, id)?;
    record.deleted = true;
    record.updated_ms = at_ms;
    account.note(table, id, "delete", &Map::new(), by);
    Ok(Reply::json(200, &json!({"success": true, "data": {"id": id}})))
}

pub(crate) fn insert(account: &mut Account, table: Table, given: Map<String, Value>, by: &'static str) -> u64 {
    let at_ms = account.write_ms();
    let id = account.insert(table, validate::complete(table, given.clone()), at_ms);
    account.note(table, id, "create", &given, by);
    id
}

pub(crate) fn change(
    account: &mut Account,
    table: Table,
    id: u64,
    given: Map<String, Value>,
    by: &'static str,
) -> Result<(), ApiError> {
    let at_ms = account.write_ms();
    let record = account.live(table, id)?;
    validate::merge(table, &mut record.values, given.clone());
    record.updated_ms = at_ms;
    account.note(table, id, "update", &given, by);
    Ok(())
}

/// Merges `other` into `primary`, which keeps its id; where it has no value it gets the other's.
pub(crate) fn merge(account: &mut Account, table: Table, primary: u64, other: u64) -> Result<(), ApiError> {
    if primary == other {
        return Err(ApiError::new(400, "ERR_BAD_REQUEST", "a record can't be merged with itself"));
    }
    let at_ms = account.write_ms();
    account.live(table, primary)?;
    let lost = account.live(table, other)?;
    lost.deleted = true;
    lost.updated_ms = at_ms;
    let values = lost.values.clone();
    let kept = account.live(table, primary)?;
    for (name, value) in values {
        let empty = kept.values.get(&name).is_none_or(|held| held.is_null() || *held == json!([]));
        if empty {
            kept.values.insert(name, value);
        }
    }
    kept.merged = Some(other);
    kept.updated_ms = at_ms;
    account.note(table, primary, "merge", &Map::from_iter([("merge_what_id".to_owned(), json!(other))]), "user");
    Ok(())
}
