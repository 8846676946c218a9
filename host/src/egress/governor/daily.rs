//! The account's daily allowance, as far as the CRM tells. Pure: time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use memchr::memmem;

pub use crate::model::allowance::DailyState;
use crate::model::allowance::{BACKFILL_LEAVES_PERCENT, INCREMENT_LEAVES_PERCENT, LearnedAllowance};
use crate::model::http::Lane;
use crate::model::manifest::Daily;
use crate::model::time::Instant;

/// How long nothing is sent after the allowance ran out and the CRM did not say for how long: often enough to notice
/// its midnight, seldom enough to be no burden.
const PROBE: Duration = Duration::from_secs(5 * 60);

/// What was told is of one day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long use is looked back at: long enough to even out bursts, short enough to notice a backfill.
const RATE_OVER: Duration = Duration::from_secs(60 * 60);

/// Answers closer together than this count as one look.
const LOOKS_APART: Duration = Duration::from_secs(60);

/// What was left at moments of the last hour, oldest first.
#[derive(Debug, Default)]
struct Looks(VecDeque<(Instant, u64)>);

impl Looks {
    fn add(&mut self, now: Instant, remaining: u64) {
        // More than before is another day.
        if self.0.back().is_some_and(|(at, last)| remaining > *last || *at > now) {
            self.0.clear();
        }
        // The latest is always there; those before it keep their distance.
        let is_close = |newer: Instant, older: Instant| newer.since(older) < LOOKS_APART;
        if let [.., (older, _), (newer, _)] = *self.0.make_contiguous()
            && is_close(newer, older)
        {
            self.0.pop_back();
        }
        self.0.push_back((now, remaining));
        while self.0.len() > 2 && now.since(self.0[1].0) >= RATE_OVER {
            self.0.pop_front();
        }
    }

    fn used_up_at(&self) -> Option<Instant> {
        let ((first, before), (last, left)) = (*self.0.front()?, *self.0.back()?);
        let used = before.checked_sub(left).filter(|used| *used > 0)?;
        let span = last.since(first);
        if span < LOOKS_APART {
            return None;
        }
        Some(last.plus(span.mul_f64(left as f64 / used as f64)))
    }
}

#[derive(Debug, Default)]
pub(super) struct Allowance {
    declared: Option<Daily>,
    last: Option<DailyState>,
    /// Whether the CRM said how long it is used up.
    told: bool,
    looks: Looks,
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

    /// Whether the allowance is used up, or what is left of it is not for this lane; and for how long if the CRM said so.
    pub(super) fn blocked(&self, lane: Lane, now: Instant) -> Option<Option<Duration>> {
        let last = self.last.as_ref()?;
        if let Some(until) = last.blocked_until.filter(|until| *until > now) {
            return Some(self.told.then(|| until.since(now)));
        }
        let leaves = match lane {
            Lane::Outcome => return None,
            Lane::Webhook | Lane::Increment => INCREMENT_LEAVES_PERCENT,
            Lane::Backfill | Lane::Sweep => BACKFILL_LEAVES_PERCENT,
        };
        // What was told is asked about anew from time to time: meanwhile it may be another day.
        (last.is_below(leaves) && now.since(last.at) < PROBE).then_some(None)
    }

    /// Takes back what was noted by a clock that has since been set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        if let Some(last) = &mut self.last {
            last.at = last.at.minus(by);
            last.blocked_until = last.blocked_until.map(|until| until.minus(by));
            last.used_up_at = last.used_up_at.map(|at| at.minus(by));
        }
        self.looks.0.iter_mut().for_each(|(at, _)| *at = at.minus(by));
    }

    /// Puts what was learned into what is kept.
    pub(super) fn keep(&self, learned: &mut LearnedAllowance) {
        learned.daily.clone_from(&self.last);
        learned.told = self.told;
        learned.looks = self.looks.0.iter().copied().collect();
    }

    /// Takes over what was learned, where the CRM may still mean it.
    pub(super) fn restore(&mut self, learned: &LearnedAllowance, now: Instant) {
        if self.declared.is_none() || now.since(learned.at) > DAY {
            return;
        }
        self.last.clone_from(&learned.daily);
        self.told = learned.told;
        self.looks = Looks(learned.looks.iter().copied().collect());
    }

    pub(super) fn learn<'h>(
        &mut self,
        status: u16,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        retry_after: Option<Duration>,
        now: Instant,
    ) {
        let Some(daily) = &self.declared else { return };
        let number = |name: &Option<String>| header(name.as_deref()?)?.trim().parse::<u64>().ok();
        let usage = daily.usage_header.as_deref().and_then(&header);
        let usage = usage.and_then(|text| usage_in(text, daily.usage_name.as_deref()));
        let remaining = number(&daily.remaining_header).or(usage.map(|(used, limit)| limit.saturating_sub(used)));
        let limit = number(&daily.limit_header).or(usage.map(|(_, limit)| limit));
        let marked = status == daily.exhausted_status
            && daily.exhausted_marker.as_deref().is_some_and(|marker| memmem::find(body, marker.as_bytes()).is_some());
        let used_up = marked || remaining == Some(0);
        if !used_up && remaining.is_none() && limit.is_none() {
            return;
        }
        self.told = used_up && retry_after.is_some();
        let remaining = if marked { Some(0) } else { remaining };
        if let Some(remaining) = remaining {
            self.looks.add(now, remaining);
        }
        self.last = Some(DailyState {
            remaining,
            limit: limit.or(self.last.as_ref().and_then(|last| last.limit)),
            at: now,
            blocked_until: used_up.then(|| now.plus(retry_after.unwrap_or(PROBE))),
            used_up_at: self.looks.used_up_at(),
        });
    }
}

/// Used, and the limit, of `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`: the one of this name, or the only one.
fn usage_in(text: &str, name: Option<&str>) -> Option<(u64, u64)> {
    text.split([';', ',']).find_map(|part| {
        let numbers = match (part.split_once('='), name) {
            (Some((found, numbers)), Some(name)) => (found.trim() == name).then_some(numbers)?,
            (Some((_, numbers)), None) => numbers,
            (None, Some(_)) => return None,
            (None, None) => part,
        };
        let (used, limit) = numbers.split_once('/')?;
        let digits = limit.find(|c: char| !c.is_ascii_digit()).unwrap_or(limit.len());
        Some((used.trim().parse().ok()?, limit.get(..digits)?.parse().ok()?))
    })
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
            usage_header: Some("usage".into()),
            usage_name: Some("api-usage".into()),
            exhausted_marker: Some("\"policyName\":\"DAILY\"".into()),
            exhausted_status: 429,
        }));
        allowance
    }

    #[test]
    fn the_crms_headers_tell_what_is_left() {
        let mut allowance = allowance();
        let header = |name: &str| match name {
            "left" => Some("7"),
            "most" => Some("250000"),
            _ => None,
        };
        allowance.learn(200, header, b"", None, NOW);
        let told =
            DailyState { remaining: Some(7), limit: Some(250_000), at: NOW, blocked_until: None, used_up_at: None };
        assert_eq!((allowance.state(NOW), allowance.blocked(Lane::Outcome, NOW)), (Some(told), None));
    }

    #[test]
    fn a_429_of_the_day_blocks_for_as_long_as_it_says() {
        let mut allowance = allowance();
        let body = br#"{"policyName":"DAILY"}"#;
        allowance.learn(429, |_| None, body, Some(Duration::from_secs(90)), NOW);
        assert_eq!(allowance.blocked(Lane::Outcome, NOW), Some(Some(Duration::from_secs(90))));
        assert_eq!(allowance.blocked(Lane::Outcome, NOW.plus(Duration::from_secs(90))), None);
    }

    #[test]
    fn a_day_used_up_for_an_unknown_time_is_probed() {
        let mut allowance = allowance();
        allowance.learn(200, |name| (name == "left").then_some("0"), b"", None, NOW);
        assert_eq!(allowance.blocked(Lane::Outcome, NOW), Some(None));
        assert_eq!(allowance.blocked(Lane::Outcome, NOW.plus(PROBE)), None);
    }

    #[test]
    fn the_end_of_a_day_is_for_what_is_urgent() {
        use Lane::{Backfill, Increment, Outcome, Sweep, Webhook};
        for (left, go) in [
            ("1000", vec![Outcome, Webhook, Increment, Backfill, Sweep]),
            ("999", vec![Outcome, Webhook, Increment]),
            ("199", vec![Outcome]),
        ] {
            let mut allowance = allowance();
            let header = |name: &str| match name {
                "left" => Some(left),
                "most" => Some("10000"),
                _ => None,
            };
            allowance.learn(200, header, b"", None, NOW);
            let lanes = [Outcome, Webhook, Increment, Backfill, Sweep];
            let may = |at| lanes.into_iter().filter(|lane| allowance.blocked(*lane, at).is_none()).collect::<Vec<_>>();
            assert_eq!(may(NOW), go, "with {left} left");
            // It may be another day by then.
            assert_eq!(may(NOW.plus(PROBE)), lanes);
        }
    }

    #[test]
    fn a_day_outlives_the_process_and_not_itself() {
        let mut before = allowance();
        let body = br#"{"policyName":"DAILY"}"#;
        before.learn(429, |_| None, body, Some(Duration::from_secs(7_200)), NOW);
        let mut learned = LearnedAllowance {
            account: "a".into(),
            rates: vec![],
            daily: None,
            told: false,
            looks: vec![],
            pauses: std::collections::BTreeMap::new(),
            at: NOW,
        };
        before.keep(&mut learned);
        let restored = |at: Instant| {
            let mut after = allowance();
            after.restore(&learned, at);
            after.blocked(Lane::Outcome, at)
        };
        let hours = |hours: u64| NOW.plus(Duration::from_secs(3_600 * hours));
        assert_eq!(restored(hours(1)), Some(Some(Duration::from_secs(3_600))));
        assert_eq!(restored(hours(3)), None);
        assert_eq!(restored(hours(25)), None);
    }

    #[test]
    fn one_header_may_tell_of_use_and_limit() {
        let mut allowance = allowance();
        let header = |name: &str| (name == "usage").then_some("per-app-api-usage=17/250(appName=x); api-usage=18/5000");
        allowance.learn(200, header, b"", None, NOW);
        let told =
            DailyState { remaining: Some(4_982), limit: Some(5_000), at: NOW, blocked_until: None, used_up_at: None };
        assert_eq!(allowance.state(NOW), Some(told));
        for (text, read) in [
            ("api-usage=5001/5000", Some((5_001, 5_000))),
            ("api-usage = 1 /2", Some((1, 2))),
            ("other=1/2", None),
            ("api-usage=18", None),
            ("api-usage=a/b", None),
            ("18/5000", None),
            ("", None),
        ] {
            assert_eq!(usage_in(text, Some("api-usage")), read, "{text}");
        }
        assert_eq!(usage_in("18/5000", None), Some((18, 5_000)));
    }

    #[test]
    fn the_rate_of_the_last_hour_says_when_the_day_is_used_up() {
        let mut allowance = allowance();
        let mut left = |minute: u64, left: u64| {
            let text = left.to_string();
            let now = NOW.plus(Duration::from_secs(60 * minute));
            allowance.learn(200, |name| (name == "left").then_some(text.as_str()), b"", None, now);
            let at = allowance.state(now)?.used_up_at?;
            Some(at.since(NOW).as_secs() / 60)
        };
        assert_eq!(left(0, 1_000), None);
        assert_eq!(left(0, 990), None);
        assert_eq!(left(10, 900), Some(100));
        assert_eq!(left(20, 900), Some(200));
        // What was long ago does not count any more, and another day begins anew.
        for minute in 21..=90 {
            left(minute, 900 - (minute - 20) * 10);
        }
        assert_eq!(left(90, 200), Some(110));
        assert_eq!(left(100, 1_000), None);
        assert_eq!(left(110, 1_000), None);
    }

    #[test]
    fn another_429_says_nothing_of_the_day() {
        let mut allowance = allowance();
        allowance.learn(429, |_| None, br#"{"policyName":"SECONDLY"}"#, None, NOW);
        allowance.learn(200, |_| None, br#"{"policyName":"DAILY"}"#, None, NOW);
        assert_eq!((allowance.state(NOW), allowance.blocked(Lane::Outcome, NOW)), (None, None));
    }
}
