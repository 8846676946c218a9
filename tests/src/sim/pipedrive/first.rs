//! What only version 1 has: the user, filters, activity types and recent changes.

use serde_json::{Value, json};

use super::account::{Account, COMPANY_DOMAIN, COMPANY_ID, Record, Table, whole_second};
use super::errors::{ApiError, Outcome};
use super::fields::ACTIVITY_TYPES;
use super::list::FILTERS;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

pub(crate) const LIMIT_DEFAULT: usize = 100;
pub(crate) const LIMIT_MAX: usize = 500;

pub(crate) fn done(data: &Value) -> Outcome {
    Ok(Reply::json(200, &json!({"success": true, "data": data, "additional_data": null})))
}

pub(crate) fn me() -> Outcome {
    done(&json!({"id": 1, "name": "Robin Roe", "email": "owner@example.com", "timezone_name": "Europe/Berlin",
        "timezone_offset": "+01:00", "company_id": COMPANY_ID, "company_name": "Simulated Ltd", "company_domain": COMPANY_DOMAIN,
        "is_you": true, "active_flag": true}))
}

pub(crate) fn activity_types() -> Outcome {
    let types = ACTIVITY_TYPES
        .iter()
        .zip(1..)
        .map(|(key, id)| json!({"id": id, "key_string": key, "name": key, "active_flag": true}));
    done(&types.collect::<Vec<_>>().into())
}

pub(crate) fn filters(request: &Request) -> Outcome {
    let wanted = request.query("type");
    let shown = FILTERS.iter().filter(|(_, _, table)| wanted.is_none_or(|wanted| wanted == table.filter_type()));
    let shown = shown
        .map(|(id, name, table)| json!({"id": id, "name": name, "type": table.filter_type(), "active_flag": true}));
    done(&shown.collect::<Vec<_>>().into())
}

/// Changes since a stamp, the oldest first, deleted records too; version 1's stamps have a space and no zone.
pub(crate) fn recents(account: &Account, request: &Request) -> Outcome {
    let bad = |message: &str| ApiError::new(400, "ERR_BAD_REQUEST", message);
    let since = request.query("since_timestamp").ok_or_else(|| bad("since_timestamp is required"))?;
    let since_ms = stamp::parse(&format!("{}Z", since.replacen(' ', "T", 1))).filter(|_| since.len() == 19);
    let since_ms = since_ms.ok_or_else(|| bad("since_timestamp must be YYYY-MM-DD HH:MM:SS"))?;
    let number = |name: &str, default: usize| {
        request.query(name).map_or(Ok(default), |text| text.parse().map_err(|_| bad(name)))
    };
    let (start, limit) = (number("start", 0)?, number("limit", LIMIT_DEFAULT)?.min(LIMIT_MAX));
    let items = request.query_list("items");
    let tables =
        Table::SECOND.into_iter().filter(|table| items.is_empty() || items.iter().any(|item| item == table.item()));
    let mut changes: Vec<(i64, Table, u64, &Record)> = tables
        .flat_map(|table| account.table(table).iter().map(move |(id, record)| (record.updated_ms, table, *id, record)))
        .filter(|(at_ms, ..)| at_ms.div_euclid(1_000) * 1_000 >= since_ms)
        .collect();
    changes.sort_by_key(|(at_ms, table, id, _)| (*at_ms, *table, *id));
    let more = changes.len() > start + limit;
    let page: Vec<_> = changes.into_iter().skip(start).take(limit).collect();
    let last = page.last().map(|(at_ms, ..)| spaced(*at_ms));
    let data: Vec<Value> = page.into_iter().map(|(_, table, id, record)| change(table, id, record)).collect();
    let pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more});
    Ok(Reply::json(
        200,
        &json!({"success": true, "data": if data.is_empty() { Value::Null } else { data.into() },
        "additional_data": {"since_timestamp": since, "last_timestamp_on_page": last, "pagination": pagination}}),
    ))
}

fn spaced(ms: i64) -> String {
    whole_second(ms).replace('T', " ").trim_end_matches('Z').to_owned()
}

fn change(table: Table, id: u64, record: &Record) -> Value {
    let mut data = json!({"id": id, "update_time": spaced(record.updated_ms), "add_time": spaced(record.added_ms)});
    match table {
        Table::Deals => {
            data["deleted"] = json!(record.deleted);
            data["status"] = if record.deleted { json!("deleted") } else { record.values["status"].clone() };
        }
        _ => data["active_flag"] = json!(!record.deleted),
    }
    if let Some(merged) = record.merged {
        data["merge_what_id"] = json!(merged);
    }
    json!({"item": table.item(), "id": id, "data": data})
}
