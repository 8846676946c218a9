//! Lists of version 2: filtered, sorted, behind a cursor that belongs to one question.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::account::{Account, Record, Table};
use super::errors::{ApiError, Outcome};
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 500;
const IDS_MAX: usize = 100;
const CUSTOM_FIELDS_MAX: usize = 15;

const KNOWN: [&str; 16] = [
    "limit",
    "cursor",
    "ids",
    "filter_id",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "custom_fields",
    "include_fields",
    "owner_id",
    "org_id",
    "person_id",
    "deal_id",
    "status",
    "done",
];

/// The filters that a company has made for itself: id, name and what they let through.
pub(crate) const FILTERS: [(u64, &str, Table); 3] = [
    (9, "Persons with an organization", Table::Persons),
    (10, "All deals", Table::Deals),
    (11, "Leads about an organization", Table::Leads),
];

struct Asked {
    limit: usize,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    ids: Option<Vec<u64>>,
    filter: Option<u64>,
    by_stamp: fn(&Record) -> i64,
    descending: bool,
    /// Sort key and id of the last record of the page before.
    after: Option<(i64, u64)>,
    only: Vec<(String, String)>,
    custom: Option<Vec<String>>,
}

pub(crate) fn list(account: &Account, table: Table, request: &Request) -> Outcome {
    let asked = asked(table, request)?;
    let mut found: Vec<((i64, u64), &Record)> = account
        .table(table)
        .iter()
        .filter(|(id, record)| !record.deleted && lets_through(&asked, **id, record))
        .map(|(id, record)| (((asked.by_stamp)(record), *id), record))
        .collect();
    found.sort_by_key(|(key, _)| *key);
    if asked.descending {
        found.reverse();
    }
    let behind =
        |key: (i64, u64)| asked.after.is_none_or(|after| if asked.descending { key < after } else { key > after });
    found.retain(|(key, _)| behind(*key));
    let more = found.len() > asked.limit;
    found.truncate(asked.limit);
    let cursor = found.last().filter(|_| more).map(|(key, _)| cursor(request, *key));
    let data: Vec<Value> = found.iter().map(|((_, id), record)| show(&asked, *id, record)).collect();
    Ok(Reply::json(200, &json!({"success": true, "data": data, "additional_data": {"next_cursor": cursor}})))
}

fn show(asked: &Asked, id: u64, record: &Record) -> Value {
    let mut shown = record.show(id);
    if let (Some(wanted), Some(own)) = (&asked.custom, shown["custom_fields"].as_object_mut()) {
        own.retain(|key, _| wanted.contains(key));
    }
    shown
}

fn lets_through(asked: &Asked, id: u64, record: &Record) -> bool {
    // Whole seconds are compared, as they are shown.
    let updated_ms = record.updated_ms.div_euclid(1_000) * 1_000;
    let in_time =
        asked.since_ms.is_none_or(|since| updated_ms >= since) && asked.until_ms.is_none_or(|until| updated_ms < until);
    let chosen = match (&asked.filter, &asked.ids) {
        // Beside a filter, ids and the others are ignored.
        (Some(9), _) => return in_time && record.values.get("org_id").is_some_and(Value::is_number),
        (Some(_), _) => return in_time,
        (None, Some(ids)) => ids.contains(&id),
        (None, None) => true,
    };
    let same = |(name, wanted): &(String, String)| {
        record
            .values
            .get(name)
            .is_some_and(|held| held.as_str().map_or_else(|| held.to_string(), str::to_owned) == *wanted)
    };
    in_time && chosen && asked.only.iter().all(same)
}

/// The question that a cursor belongs to.
fn question(request: &Request) -> String {
    let mut pairs: Vec<String> = request
        .query
        .iter()
        .filter(|(name, _)| name != "cursor")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort();
    format!("{}?{}", request.path, pairs.join("&"))
}

fn cursor(request: &Request, (stamp, id): (i64, u64)) -> String {
    URL_SAFE_NO_PAD.encode(json!([stamp, id, question(request)]).to_string())
}

fn read_cursor(request: &Request, text: &str) -> Option<(i64, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (stamp, id, question): (i64, u64, String) = serde_json::from_slice(&bytes).ok()?;
    (question == self::question(request)).then_some((stamp, id))
}

fn asked(table: Table, request: &Request) -> Result<Asked, ApiError> {
    let refuse = |name: &str, why: &str| ApiError::validation(name, why);
    if let Some((unknown, _)) = request.query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return Err(refuse(unknown, "Unrecognized parameter"));
    }
    let instant = |name: &str| {
        let given = request.query(name);
        let parsed = given.map(|text| text.parse::<jiff::Timestamp>().map(|_| stamp::parse(text).unwrap_or_default()));
        parsed.transpose().map_err(|_| refuse(name, "Expected RFC3339"))
    };
    let limit = request
        .query("limit")
        .map_or(Ok(LIMIT_DEFAULT), |text| text.parse().map_err(|_| refuse("limit", "Expected integer")))?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(refuse("limit", "must be between 1 and 500"));
    }
    let ids = request.query("ids").map(|text| text.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>());
    let ids = ids.transpose().map_err(|_| refuse("ids", "Expected integers"))?;
    if ids.as_ref().is_some_and(|ids| ids.len() > IDS_MAX) {
        return Err(refuse("ids", "must be at most 100"));
    }
    let custom = request.query("custom_fields").map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>());
    if custom.as_ref().is_some_and(|keys| keys.len() > CUSTOM_FIELDS_MAX) {
        return Err(refuse("custom_fields", "must be at most 15"));
    }
    let by_stamp: fn(&Record) -> i64 = match request.query("sort_by") {
        None | Some("id") => |_| 0,
        Some("update_time") => |record| record.updated_ms.div_euclid(1_000),
        Some("add_time") => |record| record.added_ms.div_euclid(1_000),
        Some(_) => return Err(refuse("sort_by", "Invalid enum value")),
    };
    let descending = match request.query("sort_direction") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(refuse("sort_direction", "Invalid enum value")),
    };
    let after = request
        .query("cursor")
        .map(|text| read_cursor(request, text).ok_or_else(|| refuse("cursor", "Invalid cursor")));
    let names = ["owner_id", "org_id", "person_id", "deal_id", "status", "done"];
    let only = request.query.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect();
    Ok(Asked {
        limit,
        since_ms: instant("updated_since")?,
        until_ms: instant("updated_until")?,
        ids,
        filter: filter(table, request)?,
        by_stamp,
        descending,
        after: after.transpose()?,
        only,
        custom,
    })
}

pub(crate) fn filter(table: Table, request: &Request) -> Result<Option<u64>, ApiError> {
    let Some(text) = request.query("filter_id") else { return Ok(None) };
    let id = FILTERS.iter().find(|(id, _, of)| id.to_string() == text && *of == table).map(|(id, ..)| *id);
    id.map(Some).ok_or_else(|| ApiError::not_found("Filter"))
}
