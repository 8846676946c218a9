//! The limit of the rolling 24 hours, and what is left of it.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::errors::ApiError;
use super::org::Org;
use crate::sim::server::Reply;

const DAY_MS: i64 = 86_400_000;

/// Requests are counted by the hour, which bounds the memory of a rolling day.
const HOUR_MS: i64 = 3_600_000;

/// Requests of the last 24 hours.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// (hour, requests), oldest first.
    hours: VecDeque<(i64, u64)>,
}

fn count(hours: &mut VecDeque<(i64, u64)>, now_ms: i64) {
    let hour = now_ms.div_euclid(HOUR_MS);
    hours.retain(|(old, _)| (0..DAY_MS / HOUR_MS).contains(&(hour - old)));
    match hours.back_mut().filter(|(last, _)| *last == hour) {
        Some((_, requests)) => *requests += 1,
        None => hours.push_back((hour, 1)),
    }
}

fn sum(hours: &VecDeque<(i64, u64)>, now_ms: i64) -> u64 {
    let hour = now_ms.div_euclid(HOUR_MS);
    let recent = hours.iter().filter(|(old, _)| (0..DAY_MS / HOUR_MS).contains(&(hour - old)));
    recent.map(|(_, requests)| requests).sum()
}

impl Limits {
    /// Requests of the last 24 hours.
    pub(crate) fn used(&self, now_ms: i64) -> u64 {
        sum(&self.hours, now_ms)
    }

    /// Counts a request.
    pub(crate) fn count_request(&mut self, now_ms: i64) {
        count(&mut self.hours, now_ms);
    }
}

/// Counts a request, or refuses it.
pub(crate) fn admit(org: &mut Org) -> Result<(), ApiError> {
    let now_ms = org.now_ms();
    if org.switches.limits && org.limits.used(now_ms) >= org.switches.daily_requests_max {
        return Err(exceeded());
    }
    org.limits.count_request(now_ms);
    Ok(())
}

/// The refusal of an org that has used up its day.
pub(crate) fn exceeded() -> ApiError {
    ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}

/// Adds the header that tells what is used.
pub(crate) fn describe(org: &Org, reply: Reply) -> Reply {
    let used = org.limits.used(org.now_ms());
    reply.with_header("sforce-limit-info", format!("api-usage={used}/{}", org.switches.daily_requests_max))
}

/// `GET /limits`
pub(crate) fn answer(org: &Org) -> Value {
    let now_ms = org.now_ms();
    let limit = |max: u64, used: u64| json!({"Max": max, "Remaining": max.saturating_sub(used)});
    json!({
        "DailyApiRequests": limit(org.switches.daily_requests_max, org.limits.used(now_ms)),
        "DailyBulkV2QueryJobs": limit(org.switches.daily_bulk_queries_max, org.jobs.queries(now_ms)),
        "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
        "DailyBulkApiBatches": limit(15_000, 0),
        "DailyStreamingApiEvents": limit(10_000, 0),
        "DataStorageMB": limit(1_024, 0),
        "FileStorageMB": limit(1_024, 0),
    })
}
