//! The burst of two seconds and the token budget of the day.

use std::collections::VecDeque;

use super::auth::Caller;
use super::errors::ApiError;
use crate::sim::server::Reply;

const BURST_MS: i64 = 2_000;
const DAY_MS: i64 = 86_400_000;

/// What a company may use: one seat of the smallest plan.
pub(crate) const PER_DAY: u64 = 30_000;

#[derive(Debug, Default)]
pub(crate) struct Limits {
    burst: VecDeque<i64>,
    day: i64,
    used: u64,
}

/// Requests in two seconds: 20 for a user's token, 80 for an app.
fn most(caller: Caller) -> usize {
    if caller == Caller::App { 80 } else { 20 }
}

impl Limits {
    /// Counts a request that costs so many tokens, or refuses it.
    pub(crate) fn admit(&mut self, caller: Caller, cost: u64, now_ms: i64) -> Result<(), ApiError> {
        let day = now_ms.div_euclid(DAY_MS);
        if day != self.day {
            (self.day, self.used) = (day, 0);
        }
        // A clock that was set back leaves stamps in the future; they count for nothing.
        self.burst.retain(|at_ms| (0..BURST_MS).contains(&(now_ms - at_ms)));
        if self.burst.len() >= most(caller) || self.used + cost > PER_DAY {
            return Err(exceeded());
        }
        self.burst.push_back(now_ms);
        self.used += cost;
        Ok(())
    }

    /// Adds the headers that tell a caller what is left.
    pub(crate) fn describe(&self, caller: Caller, reply: Reply, now_ms: i64) -> Reply {
        let first = self.burst.front().copied().unwrap_or(now_ms);
        let reset_s = (first + BURST_MS - now_ms).max(0).unsigned_abs().div_ceil(1_000);
        reply
            .with_header("x-ratelimit-limit", most(caller))
            .with_header("x-ratelimit-remaining", most(caller).saturating_sub(self.burst.len()))
            .with_header("x-ratelimit-reset", reset_s)
            .with_header("x-daily-ratelimit-token-limit", PER_DAY)
            .with_header("x-daily-ratelimit-token-remaining", PER_DAY.saturating_sub(self.used))
    }

    /// Uses the day's budget up but for so many tokens.
    pub(crate) fn leave(&mut self, tokens: u64, now_ms: i64) {
        self.day = now_ms.div_euclid(DAY_MS);
        self.used = PER_DAY.saturating_sub(tokens);
    }
}

pub(crate) fn exceeded() -> ApiError {
    ApiError::new(429, "ERR_RATE_LIMIT", "request over limit")
}
