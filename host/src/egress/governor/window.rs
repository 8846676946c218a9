//! One limit: so many requests in so long. Pure: time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::allowance::LearnedRate;
use crate::model::http::Lane;
use crate::model::manifest::Rate;
use crate::model::time::Instant;

/// The most requests that are remembered one by one; a larger limit is watched in proportionally shorter pieces.
const MAX_REMEMBERED: u32 = 10_000;

/// One in so many of a limit's requests is for outcomes alone.
const LEFT_FOR_OUTCOMES: u32 = 10;

/// When a window has room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Now,
    At(Instant),
    /// Everything is taken by requests under way: known when one of them ends.
    WhenOneEnds,
}

/// A window that rolls: at no time have more than `limit` requests been answered within `per`, those under way counted
/// as answered last. The CRM sees a request somewhere between its start and its answer, so whatever its own clock and
/// the network do, it never sees more.
#[derive(Debug)]
pub(super) struct Window {
    rate: Rate,
    limit: u32,
    per: Duration,
    in_flight: u32,
    /// When requests were answered, oldest first; and those of other programs that the CRM's headers tell of.
    recent: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(rate: &Rate) -> Self {
        let mut window =
            Self { rate: rate.clone(), limit: 1, per: Duration::ZERO, in_flight: 0, recent: VecDeque::new() };
        window.set(rate.requests, Duration::from_millis(rate.per_ms.into()));
        window
    }

    fn set(&mut self, requests: u32, per: Duration) {
        let pieces = requests.div_ceil(MAX_REMEMBERED).max(1);
        self.limit = (requests / pieces).max(1);
        self.per = per.max(Duration::from_millis(1)) / pieces;
    }

    pub(super) fn bucket(&self) -> &str {
        &self.rate.bucket
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn per(&self) -> Duration {
        self.per
    }

    /// Takes back what was noted by a clock that has since been set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        self.recent.iter_mut().for_each(|answered| *answered = answered.minus(by));
    }

    /// What was learned, to be known after a restart.
    pub(super) fn learned(&mut self, now: Instant) -> LearnedRate {
        self.forget(now);
        LearnedRate {
            bucket: self.rate.bucket.clone(),
            declared_requests: self.rate.requests,
            declared_per_ms: self.rate.per_ms,
            limit: self.limit,
            per_ms: u64::try_from(self.per.as_millis()).unwrap_or(u64::MAX),
            used: self.used(),
        }
    }

    /// Takes over what was learned of the same declared limit. What was used then counts as used at that time.
    pub(super) fn restore(&mut self, learned: &LearnedRate, at: Instant) {
        let declared = (&self.rate.bucket, self.rate.requests, self.rate.per_ms);
        if declared != (&learned.bucket, learned.declared_requests, learned.declared_per_ms) {
            return;
        }
        self.limit = learned.limit.clamp(1, MAX_REMEMBERED);
        self.per = Duration::from_millis(learned.per_ms.max(1));
        self.recent.extend(std::iter::repeat_n(at, learned.used.min(self.limit) as usize));
    }

    /// Requests that may start now.
    pub(super) fn remaining(&mut self, now: Instant) -> u32 {
        self.forget(now);
        self.limit.saturating_sub(self.used())
    }

    /// Whether there is room for one of a lane: a tenth is left for outcomes, so that they do not wait for a backfill that has
    /// just used up everything.
    pub(super) fn room(&mut self, lane: Lane, now: Instant) -> Room {
        self.forget(now);
        let limit = if lane == Lane::Outcome { self.limit } else { self.limit - self.limit / LEFT_FOR_OUTCOMES };
        let excess = (self.used() + 1).saturating_sub(limit);
        match excess.checked_sub(1) {
            None => Room::Now,
            Some(nth) => match self.recent.get(nth as usize) {
                Some(answered) => Room::At(answered.plus(self.per)),
                None => Room::WhenOneEnds,
            },
        }
    }

    pub(super) fn begin(&mut self) {
        self.in_flight += 1;
    }

    pub(super) fn end(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.recent.push_back(now);
    }

    /// Takes over what the CRM says in the headers that the manifest names. To be called before `end`.
    pub(super) fn learn(&mut self, header: impl Fn(&str) -> Option<u64>, now: Instant) {
        let read = |name: &Option<String>| name.as_deref().and_then(&header);
        let limit = read(&self.rate.limit_header).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let interval = read(&self.rate.interval_header).filter(|ms| *ms > 0).map(Duration::from_millis);
        let remaining = read(&self.rate.remaining_header);
        if limit.is_some() || interval.is_some() {
            let per = interval.unwrap_or(Duration::from_millis(self.rate.per_ms.into()));
            self.set(limit.unwrap_or(self.rate.requests), per);
        }
        let Some(remaining) = remaining.and_then(|n| u32::try_from(n).ok()) else { return };
        self.forget(now);
        // The CRM may not have seen all that is under way, so this counts too few of the others, never too many.
        let others = self.limit.saturating_sub(remaining).saturating_sub(self.used());
        self.recent.extend(std::iter::repeat_n(now, others as usize));
    }

    fn used(&self) -> u32 {
        self.in_flight + u32::try_from(self.recent.len()).unwrap_or(u32::MAX)
    }

    fn forget(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|answered| answered.plus(self.per) <= now) {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant(ms * 1_000)
    }

    fn rate(requests: u32, per_ms: u32) -> Rate {
        Rate {
            bucket: "account".into(),
            requests,
            per_ms,
            remaining_header: Some("remaining".into()),
            limit_header: Some("limit".into()),
            interval_header: Some("interval".into()),
        }
    }

    fn says<'a>(headers: &'a [(&'a str, u64)]) -> impl Fn(&str) -> Option<u64> + 'a {
        |name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    #[test]
    fn a_window_never_holds_more_than_its_limit() {
        let mut window = Window::new(&rate(2, 1_000));
        window.begin();
        window.begin();
        let room = |window: &mut Window, ms| window.room(Lane::Increment, at(ms));
        assert_eq!(room(&mut window, 0), Room::WhenOneEnds);
        window.end(at(300));
        assert_eq!(room(&mut window, 300), Room::At(at(1_300)));
        window.end(at(400));
        assert_eq!(room(&mut window, 1_299), Room::At(at(1_300)));
        assert_eq!(room(&mut window, 1_300), Room::Now);
        window.begin();
        assert_eq!(room(&mut window, 1_300), Room::At(at(1_400)));
    }

    #[test]
    fn a_tenth_is_left_for_outcomes() {
        let mut window = Window::new(&rate(20, 1_000));
        for ms in 0..18 {
            assert_eq!(window.room(Lane::Backfill, at(ms)), Room::Now);
            window.begin();
            window.end(at(ms));
        }
        assert_eq!(window.room(Lane::Backfill, at(20)), Room::At(at(1_000)));
        for _ in 0..2 {
            assert_eq!(window.room(Lane::Outcome, at(20)), Room::Now);
            window.begin();
            window.end(at(20));
        }
        assert_eq!(window.room(Lane::Outcome, at(20)), Room::At(at(1_000)));
        assert_eq!(window.room(Lane::Backfill, at(20)), Room::At(at(1_002)));
    }

    #[test]
    fn what_was_learned_outlives_the_process() {
        let mut before = Window::new(&rate(100, 10_000));
        before.begin();
        before.learn(says(&[("limit", 190), ("interval", 5_000), ("remaining", 150)]), at(0));
        before.end(at(0));
        let learned = before.learned(at(10));
        let mut after = Window::new(&rate(100, 10_000));
        after.restore(&learned, at(10));
        assert_eq!((after.limit(), after.per(), after.remaining(at(20))), (190, Duration::from_secs(5), 150));
        assert_eq!(after.remaining(at(5_011)), 190);
        // Of a limit that is declared otherwise now nothing is known.
        let mut other = Window::new(&rate(50, 10_000));
        other.restore(&learned, at(10));
        assert_eq!((other.limit(), other.remaining(at(20))), (50, 50));
    }

    #[test]
    fn a_clock_that_is_set_back_lets_nobody_wait_for_as_long_as_that() {
        let mut window = Window::new(&rate(1, 1_000));
        window.begin();
        window.end(at(86_400_000));
        window.set_back(Duration::from_secs(86_400));
        assert_eq!(window.room(Lane::Outcome, at(0)), Room::At(at(1_000)));
    }

    #[test]
    fn the_crm_knows_its_limits_better() {
        let mut window = Window::new(&rate(100, 10_000));
        window.begin();
        window.learn(says(&[("limit", 190), ("interval", 5_000)]), at(0));
        window.end(at(0));
        assert_eq!((window.limit(), window.per(), window.remaining(at(0))), (190, Duration::from_secs(5), 189));
    }

    #[test]
    fn what_others_use_of_the_account_is_counted_once() {
        let mut window = Window::new(&rate(10, 1_000));
        window.begin();
        window.learn(says(&[("remaining", 4)]), at(0));
        window.end(at(0));
        assert_eq!(window.remaining(at(0)), 4);
        window.begin();
        window.learn(says(&[("remaining", 3)]), at(10));
        window.end(at(10));
        assert_eq!(window.remaining(at(10)), 3);
        assert_eq!(window.remaining(at(1_000)), 9);
    }

    #[test]
    fn a_lowered_limit_holds_at_once() {
        let mut window = Window::new(&rate(4, 1_000));
        for ms in 0..4 {
            window.begin();
            window.end(at(ms));
        }
        window.learn(says(&[("limit", 2)]), at(10));
        assert_eq!(window.room(Lane::Increment, at(10)), Room::At(at(1_002)));
    }

    #[test]
    fn a_large_limit_is_watched_in_pieces() {
        let mut window = Window::new(&rate(1_000_000, 86_400_000));
        assert_eq!((window.limit(), window.per()), (10_000, Duration::from_secs(864)));
        assert_eq!(window.room(Lane::Increment, at(0)), Room::Now);
    }

    #[test]
    fn nonsense_in_headers_changes_nothing() {
        let mut window = Window::new(&rate(10, 1_000));
        window.learn(says(&[("limit", 0), ("interval", 0), ("remaining", u64::MAX)]), at(0));
        assert_eq!((window.limit(), window.per(), window.remaining(at(0))), (10, Duration::from_secs(1), 10));
    }
}
