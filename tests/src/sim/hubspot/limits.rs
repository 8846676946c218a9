//! Rate limits: the rolling ten seconds, the second of the search, and the day.

use std::collections::VecDeque;

use super::errors::{ApiError, correlation_id};
use crate::sim::server::Reply;

const TEN_SECONDS_MS: i64 = 10_000;
const DAY_MS: i64 = 86_400_000;

/// What accounts may ask.
pub(crate) const SEARCHES_PER_SECOND: usize = 5;
/// An OAuth app, per installed account and ten seconds.
pub(crate) const OAUTH_PER_TEN_SECONDS: usize = 110;
/// A service key of a professional account, per ten seconds.
pub(crate) const KEY_PER_TEN_SECONDS: usize = 190;
/// A professional account, per day.
pub(crate) const PER_DAY: u64 = 625_000;

/// Requests of the last seconds and of the day.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    rolling: VecDeque<i64>,
    searches: VecDeque<i64>,
    day: i64,
    pub(crate) used_today: u64,
}

/// What kind of request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// By an OAuth token, not by a service key.
    pub(crate) oauth: bool,
    /// The search endpoints have a limit of their own.
    pub(crate) search: bool,
}

/// The policies that answer 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    TenSecondly,
    Secondly,
    Daily,
}

impl Limits {
    /// Counts a request, or refuses it.
    pub(crate) fn admit(&mut self, caller: Caller, now_ms: i64) -> Result<(), ApiError> {
        self.roll(now_ms);
        if self.used_today >= PER_DAY {
            return Err(exceeded(Policy::Daily));
        }
        if caller.search {
            if self.searches.len() >= SEARCHES_PER_SECOND {
                return Err(exceeded(Policy::Secondly));
            }
            self.searches.push_back(now_ms);
        } else {
            if self.rolling.len() >= ceiling(caller) {
                return Err(exceeded(Policy::TenSecondly));
            }
            self.rolling.push_back(now_ms);
        }
        self.used_today += 1;
        Ok(())
    }

    fn roll(&mut self, now_ms: i64) {
        let day = now_ms.div_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.used_today = 0;
        }
        // A clock that was set back leaves stamps in the future; they count for nothing.
        self.rolling.retain(|at_ms| (0..TEN_SECONDS_MS).contains(&(now_ms - at_ms)));
        self.searches.retain(|at_ms| (0..1_000).contains(&(now_ms - at_ms)));
    }

    /// Adds the headers that tell a caller what is left; searches have none, OAuth tokens no daily ones.
    pub(crate) fn describe(&self, caller: Caller, mut reply: Reply) -> Reply {
        if caller.search {
            return reply;
        }
        let max = ceiling(caller);
        reply = reply
            .with_header("x-hubspot-ratelimit-interval-milliseconds", TEN_SECONDS_MS)
            .with_header("x-hubspot-ratelimit-max", max)
            .with_header("x-hubspot-ratelimit-remaining", max.saturating_sub(self.rolling.len()));
        if caller.oauth {
            return reply;
        }
        let left = PER_DAY.saturating_sub(self.used_today);
        reply.with_header("x-hubspot-ratelimit-daily", PER_DAY).with_header("x-hubspot-ratelimit-daily-remaining", left)
    }
}

/// The headers of an account whose limit nobody meets.
pub(crate) fn describe_unlimited(caller: Caller, reply: Reply) -> Reply {
    if caller.search {
        return reply;
    }
    reply
        .with_header("x-hubspot-ratelimit-interval-milliseconds", TEN_SECONDS_MS)
        .with_header("x-hubspot-ratelimit-max", UNLIMITED)
        .with_header("x-hubspot-ratelimit-remaining", UNLIMITED)
}

/// More requests than a simulator can answer in ten seconds.
const UNLIMITED: usize = 1_000_000;

fn ceiling(caller: Caller) -> usize {
    if caller.oauth { OAUTH_PER_TEN_SECONDS } else { KEY_PER_TEN_SECONDS }
}

/// HubSpot's 429 of a policy.
pub(crate) fn exceeded(policy: Policy) -> ApiError {
    let (message, name) = match policy {
        Policy::TenSecondly => ("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING"),
        Policy::Secondly => ("You have reached your secondly limit.", "SECONDLY"),
        Policy::Daily => ("You have reached your daily limit.", "DAILY"),
    };
    let group = format!("publicapi:crm:{}:{}", super::account::PORTAL_ID, correlation_id(1));
    let error = ApiError::new(429, "RATE_LIMITS", message);
    error.with_extra("errorType", "RATE_LIMIT").with_extra("policyName", name).with_extra("groupName", group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_waits_a_second_and_the_rest_ten() {
        let mut limits = Limits::default();
        let (search, other) = (Caller { oauth: true, search: true }, Caller { oauth: true, search: false });
        let admitted =
            |limits: &mut Limits, caller, now_ms| (0..500).take_while(|_| limits.admit(caller, now_ms).is_ok()).count();
        assert_eq!(admitted(&mut limits, search, 1_000), 5);
        assert_eq!(admitted(&mut limits, search, 1_999), 0);
        assert_eq!(admitted(&mut limits, search, 2_000), 5);
        assert_eq!(admitted(&mut limits, other, 2_000), 110);
        assert_eq!(admitted(&mut limits, other, 11_999), 0);
        assert_eq!(admitted(&mut limits, other, 12_000), 110);
        let refused = limits.admit(other, 12_001).unwrap_err();
        assert_eq!((refused.status, refused.extra["policyName"].as_str()), (429, Some("TEN_SECONDLY_ROLLING")));
    }

    #[test]
    fn oauth_tokens_get_no_daily_headers_and_searches_none() {
        let limits = Limits::default();
        let names = |oauth, search| {
            let reply = limits.describe(Caller { oauth, search }, Reply::empty(200));
            reply.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(true, false).len(), 3);
        assert_eq!(names(false, false).len(), 5);
        assert_eq!(names(true, true).len(), 0);
    }
}
