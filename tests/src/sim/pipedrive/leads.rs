//! Leads, which version 2 has only to search: ids in the form of UUIDs, stamps with milliseconds, pages by offset.

use serde_json::{Value, json};

use super::account::{Account, Record, Table};
use super::errors::{ApiError, Outcome};
use super::first::{LIMIT_DEFAULT, LIMIT_MAX, done};
use super::list;
use crate::sim::mix;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

const KNOWN: [&str; 7] = ["limit", "start", "person_id", "organization_id", "filter_id", "updated_since", "sort"];

/// The id that the API gives to a lead: the order of ids and the order of leads have nothing to do with each other.
pub(crate) fn uuid(number: u64) -> String {
    let noise = mix(number, 17);
    format!("{:08x}-{:04x}-4000-8000-{number:012x}", noise >> 32, noise & 0xffff)
}

/// The lead that an id stands for; none where no lead could have it.
pub(crate) fn number(id: &str) -> Option<u64> {
    let number = u64::from_str_radix(id.rsplit_once('-')?.1, 16).ok()?;
    (uuid(number) == id).then_some(number)
}

/// `GET /api/v1/leadLabels`
pub(crate) fn labels() -> Outcome {
    done(&json!([{"id": "f08b42a0-4e75-11ea-9643-03698ef1cfd6", "name": "Hot", "color": "red"},
        {"id": "f08b42a1-4e75-11ea-9643-03698ef1cfd6", "name": "Cold", "color": "blue"}]))
}

/// `GET /api/v1/leads/{id}`, archived or not
pub(crate) fn one(account: &Account, id: &str) -> Outcome {
    let found = number(id).and_then(|number| Some((number, account.table(Table::Leads).get(&number)?)));
    let (number, record) =
        found.filter(|(_, record)| !record.deleted).ok_or_else(|| ApiError::not_found(Table::Leads.item()))?;
    done(&show(number, record))
}

/// `GET /api/v1/leads` and `GET /api/v1/leads/archived`
pub(crate) fn list(account: &Account, request: &Request, archived: bool) -> Outcome {
    let bad = |name: &str| ApiError::new(400, "ERR_BAD_REQUEST", format!("{name} is not valid"));
    if let Some((unknown, _)) = request.query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return Err(bad(unknown));
    }
    let whole = |name: &str, default: usize| {
        request.query(name).map_or(Ok(default), |text| text.parse().map_err(|_| bad(name)))
    };
    let (start, limit) = (whole("start", 0)?, whole("limit", LIMIT_DEFAULT)?);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(bad("limit"));
    }
    let since = request.query("updated_since").map(|text| stamp::parse(text).ok_or_else(|| bad("updated_since")));
    let since_ms = since.transpose()?.unwrap_or(i64::MIN);
    let about_organization = list::filter(Table::Leads, request)?.is_some();
    let is_wanted = |record: &Record| {
        let held = |name: &str| record.values.get(name).unwrap_or(&Value::Null);
        let same = |name: &str| request.query(name).is_none_or(|id| held(name).as_u64() == id.parse().ok());
        !record.deleted
            && (*held("is_archived") == json!(true)) == archived
            && record.updated_ms >= since_ms
            && (!about_organization || held("organization_id").is_number())
            && same("person_id")
            && same("organization_id")
    };
    let mut found: Vec<(u64, &Record)> = account
        .table(Table::Leads)
        .iter()
        .map(|(number, record)| (*number, record))
        .filter(|(_, record)| is_wanted(record))
        .collect();
    match request.query("sort") {
        None | Some("add_time" | "add_time ASC") => found.sort_by_key(|(number, record)| (record.added_ms, *number)),
        Some("update_time" | "update_time ASC") => found.sort_by_key(|(number, record)| (record.updated_ms, *number)),
        Some(_) => return Err(bad("sort")),
    }
    let more = found.len() > start + limit;
    let data: Vec<Value> =
        found.into_iter().skip(start).take(limit).map(|(number, record)| show(number, record)).collect();
    let next = more.then_some(start + limit);
    let pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more, "next_start": next});
    Ok(Reply::json(
        200,
        &json!({"success": true, "data": if data.is_empty() { Value::Null } else { data.into() },
        "additional_data": {"pagination": pagination}}),
    ))
}

pub(crate) fn show(number: u64, record: &Record) -> Value {
    let mut shown = record.values.clone();
    shown.remove("is_deleted");
    shown.insert("id".to_owned(), json!(uuid(number)));
    shown.insert("add_time".to_owned(), json!(stamp::iso(record.added_ms)));
    shown.insert("update_time".to_owned(), json!(stamp::iso(record.updated_ms)));
    shown.into()
}
