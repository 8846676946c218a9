//! Which records changed or went in a window: `/updated` and `/deleted`. Seconds are ignored, as in the real thing.

use serde_json::{Value, json};

use super::errors::{ApiError, Outcome};
use super::org::{At, Org};
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// The longest window, and how far back updates are told.
const UPDATED_MS: i64 = 30 * DAY_MS;
/// How long deleted records are told of.
const DELETED_MS: i64 = 15 * DAY_MS;

fn window(org: &Org, request: &Request, back_ms: i64) -> Result<(i64, i64), ApiError> {
    let instant = |name: &str| {
        // A plus sign in a query is a space where it was not escaped.
        let text = request.query(name)?.replace(' ', "+").replace("+0000", "Z");
        stamp::parse(&text).map(|ms| ms - ms.rem_euclid(MINUTE_MS))
    };
    let bad = |name: &str| ApiError::bad("INVALID_REPLICATION_DATE", format!("{name} is missing or no instant"));
    let (start, end) = (instant("start").ok_or_else(|| bad("start"))?, instant("end").ok_or_else(|| bad("end"))?);
    if end <= start {
        return Err(ApiError::bad(
            "INVALID_REPLICATION_DATE",
            "endDate must be at least one minute greater than startDate",
        ));
    }
    if start < org.now_ms() - back_ms {
        let message =
            format!("startDate before org replication enablement date or older than {} days", back_ms / DAY_MS);
        return Err(ApiError::bad("INVALID_REPLICATION_DATE", message));
    }
    // What happened in this very millisecond is told already.
    Ok((start, end.min(org.now_ms() + 1)))
}

/// `GET /sobjects/X/updated/?start=&end=`
pub(crate) fn updated(org: &Org, at: At, request: &Request) -> Outcome {
    let (start, end) = window(org, request, UPDATED_MS)?;
    let changed = org.table(at).by_stamp(start..=end - 1).filter(|record| record.deleted_ms.is_none());
    let ids: Vec<_> = changed.map(|record| org.id(at, record.number)).collect();
    Ok(Reply::json(200, &json!({"ids": ids, "latestDateCovered": stamp::iso_millis(end, "+0000")})))
}

/// `GET /sobjects/X/deleted/?start=&end=`
pub(crate) fn deleted(org: &Org, at: At, request: &Request) -> Outcome {
    let (start, end) = window(org, request, DELETED_MS)?;
    let gone = org.table(at).walk(0..=u64::MAX).filter_map(|record| {
        let ms = record.deleted_ms.filter(|ms| (start..end).contains(ms))?;
        Some(json!({"id": org.id(at, record.number), "deletedDate": stamp::iso_millis(ms, "+0000")}))
    });
    let gone: Vec<Value> = gone.collect();
    Ok(Reply::json(
        200,
        &json!({"deletedRecords": gone, "earliestDateAvailable": stamp::iso_millis(org.now_ms() - DELETED_MS, "+0000"),
            "latestDateCovered": stamp::iso_millis(end, "+0000")}),
    ))
}
