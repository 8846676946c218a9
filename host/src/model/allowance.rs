//! What is left of the requests that a CRM account may make in a day, and until when that will last.

use std::time::Duration;

use super::time::Instant;

/// What the CRM last said of the day's allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        Some(text)
    }
}

/// An allowance is for a day: what would last longer is not used up.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
