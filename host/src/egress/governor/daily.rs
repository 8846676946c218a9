//! The account's daily allowance, as far as the CRM tells. Pure: time is an argument.

use std::time::Duration;

use memchr::memmem;

use crate::model::manifest::Daily;
use crate::model::time::Instant;

/// How long nothing is sent after the allowance ran out and the CRM did not say for how long: often enough to notice
/// its midnight, seldom enough to be no burden.
const PROBE: Duration = Duration::from_secs(5 * 60);

/// What the CRM last said of the day's allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyState {
    pub remaining: Option<u64>,
    pub limit: Option<u64>,
    /// When it said so.
    pub at: Instant,
    /// The allowance is used up, and nothing is sent before this.
    pub blocked_until: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Allowance {
    declared: Option<Daily>,
    last: Option<DailyState>,
    /// Whether the CRM said how long it is used up.
    told: bool,
}

impl Allowance {
    pub(super) fn declare(&mut self, daily: Option<&Daily>) {
        if self.declared.as_ref() != daily {
            *self = Self { declared: daily.cloned(), ..Self::default() };
        }
    }

    pub(super) fn state(&self, now: Instant) -> Option<DailyState> {
        let mut state = self.last.clone()?;
        state.blocked_until = state.blocked_until.filter(|until| *until > now);
        Some(state)
    }

    /// Whether the allowance is used up, and for how long if the CRM said so.
    pub(super) fn blocked(&self, now: Instant) -> Option<Option<Duration>> {
        let until = self.last.as_ref()?.blocked_until.filter(|until| *until > now)?;
        Some(self.told.then(|| until.since(now)))
    }

    pub(super) fn learn(
        &mut self,
        status: u16,
        header: impl Fn(&str) -> Option<u64>,
        body: &[u8],
        retry_after: Option<Duration>,
        now: Instant,
    ) {
        let Some(daily) = &self.declared else { return };
        let remaining = daily.remaining_header.as_deref().and_then(&header);
        let limit = daily.limit_header.as_deref().and_then(&header);
        let marked = status == 429
            && daily.exhausted_marker.as_deref().is_some_and(|marker| memmem::find(body, marker.as_bytes()).is_some());
        let used_up = marked || remaining == Some(0);
        if !used_up && remaining.is_none() && limit.is_none() {
            return;
        }
        self.told = used_up && retry_after.is_some();
        self.last = Some(DailyState {
            remaining: if marked { Some(0) } else { remaining },
            limit: limit.or(self.last.as_ref().and_then(|last| last.limit)),
            at: now,
            blocked_until: used_up.then(|| now.plus(retry_after.unwrap_or(PROBE))),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_000_000);

    fn allowance() -> Allowance {
        let mut allowance = Allowance::default();
        allowance.declare(Some(&Daily {
            remaining_header: Some("left".into()),
            limit_header: Some("most".into()),
            exhausted_marker: Some("\"policyName\":\"DAILY\"".into()),
        }));
        allowance
    }

    #[test]
    fn the_crms_headers_tell_what_is_left() {
        let mut allowance = allowance();
        let header = |name: &str| if name == "left" { Some(7) } else { Some(250_000) };
        allowance.learn(200, header, b"", None, NOW);
        let told = DailyState { remaining: Some(7), limit: Some(250_000), at: NOW, blocked_until: None };
        assert_eq!((allowance.state(NOW), allowance.blocked(NOW)), (Some(told), None));
    }

    #[test]
    fn a_429_of_the_day_blocks_for_as_long_as_it_says() {
        let mut allowance = allowance();
        let body = br#"{"policyName":"DAILY"}"#;
        allowance.learn(429, |_| None, body, Some(Duration::from_secs(90)), NOW);
        assert_eq!(allowance.blocked(NOW), Some(Some(Duration::from_secs(90))));
        assert_eq!(allowance.blocked(NOW.plus(Duration::from_secs(90))), None);
    }

    #[test]
    fn a_day_used_up_for_an_unknown_time_is_probed() {
        let mut allowance = allowance();
        allowance.learn(200, |name| (name == "left").then_some(0), b"", None, NOW);
        assert_eq!(allowance.blocked(NOW), Some(None));
        assert_eq!(allowance.blocked(NOW.plus(PROBE)), None);
    }

    #[test]
    fn another_429_says_nothing_of_the_day() {
        let mut allowance = allowance();
        allowance.learn(429, |_| None, br#"{"policyName":"SECONDLY"}"#, None, NOW);
        allowance.learn(200, |_| None, br#"{"policyName":"DAILY"}"#, None, NOW);
        assert_eq!((allowance.state(NOW), allowance.blocked(NOW)), (None, None));
    }
}
