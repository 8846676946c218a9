//! What is left of the requests that a CRM account may make in a day, and until when that will last; and what was learned of its
//! limits, to be known after a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// What the CRM last said of the day's allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyState {
    pub remaining: Option<u64>,
    pub limit: Option<u64>,
    /// When it said so.
    pub at: Instant,
    /// The allowance is used up, and nothing is sent before this.
    pub blocked_until: Option<Instant>,
    /// When it will be used up if the account, whoever uses it, goes on as in the last hour; none where that can't be said yet.
    pub used_up_at: Option<Instant>,
}

impl DailyState {
    /// For people, as in `200 of 1000 requests are left today; used up at 14:20 at this rate`, in UTC. None where the CRM has not
    /// told what is left.
    pub fn describe(&self) -> Option<String> {
        let of = self.limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        let mut text = format!("{}{of} requests are left today", self.remaining?);
        if let Some(until) = self.blocked_until {
            text.push_str(&format!("; nothing is sent before {until}"));
        } else if let Some(at) = self.used_up_at.filter(|at| at.since(self.at) < DAY) {
            let at = jiff::Timestamp::from_microsecond(at.0).map(|at| at.strftime("%H:%M").to_string());
            text.push_str(&format!("; used up at {} UTC at this rate", at.unwrap_or_default()));
        }
        if self.is_below(BACKFILL_LEAVES_PERCENT) {
            text.push_str("; what is left is kept from backfills and sweeps");
        }
        Some(text)
    }

    /// Whether less than this share is left, in percent, as far as both are known.
    pub fn is_below(&self, percent: u64) -> bool {
        let (Some(remaining), Some(limit)) = (self.remaining, self.limit) else { return false };
        remaining.saturating_mul(100) < limit.saturating_mul(percent)
    }
}

/// What a day's increments and outcomes need: backfills and sweeps leave so much of the day's allowance, in percent.
pub const BACKFILL_LEAVES_PERCENT: u64 = 10;

/// What an hour's outcomes need: increments leave so much, in percent.
pub const INCREMENT_LEAVES_PERCENT: u64 = 2;

/// What was learned of an account's allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedAllowance {
    /// Of which account, as the host names it.
    pub account: String,
    pub rates: Vec<LearnedRate>,
    pub daily: Option<DailyState>,
    /// Whether the CRM itself said how long the day's allowance is used up.
    pub told: bool,
    /// What was left of the day at moments of the last hour, oldest first.
    pub looks: Vec<(Instant, u64)>,
    /// Buckets for which the CRM asked for silence, and until when.
    pub pauses: BTreeMap<String, Instant>,
    pub at: Instant,
}

/// A limit as the CRM's headers told it, beside what the manifest declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedRate {
    pub bucket: String,
    pub declared_requests: u32,
    pub declared_per_ms: u32,
    pub limit: u32,
    pub per_ms: u64,
    /// Requests that counted against it then.
    pub used: u32,
}

/// An allowance is for a day: what would last longer is not used up.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
