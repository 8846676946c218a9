//! What the unfinished calls of one plugin in one workspace have computed, and how long they rest for it in the background.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls that have computed so much together rest as long as they compute: twice what one of them took that ended well, within
/// these bounds. A page of a hundred takes less than half of the upper one in every language that there is an SDK for; a page of a
/// compiled connector takes less than the lower one.
const EASE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_millis(50);

/// Calls of it that may run at once at first, and while they compute for long and do not end. Those that are well go on beside them.
pub(super) const LEAST_PLACES: usize = 4;

/// How slowly a group forgets what a heavy call took: each that ends takes off a share of this.
const MEMORY: u64 = 32;

/// The most that calls rest for a turn, in times of that turn: what is left to them all is a fortieth of a core.
const MOST_REST: f64 = 40.0;

/// The calls of one plugin in one workspace.
#[derive(Debug)]
pub(super) struct Group {
    /// Microseconds that calls have computed that have not ended.
    unfinished: AtomicU64,
    /// Microseconds that calls had computed which ended badly, as far as none has ended well since.
    spoilt: AtomicU64,
    /// Microseconds that the heavier ones of its calls have taken lately that ended well.
    proven: AtomicU64,
    /// Calls that have ended well since they last computed for long.
    well: AtomicUsize,
    rests_until: Mutex<Instant>,
}

/// One call. What it has computed counts until it ends, or where it ends badly until another one ends well.
#[derive(Debug)]
pub(super) struct Guest {
    group: Arc<Group>,
    /// Microseconds.
    computed: AtomicU64,
    is_well: AtomicBool,
}

impl Default for Group {
    fn default() -> Self {
        let (unfinished, spoilt, proven, well) = Default::default();
        Self { unfinished, spoilt, proven, well, rests_until: Mutex::new(Instant::now()) }
    }
}

impl Group {
    fn unfinished(&self) -> Duration {
        let spoilt = Duration::from_micros(self.spoilt.load(Ordering::Relaxed)).min(*EASE.end());
        Duration::from_micros(self.unfinished.load(Ordering::Relaxed)) + spoilt
    }

    /// Whether its calls have computed so much that a new one is likely to do the same.
    pub(super) fn is_tiresome(&self) -> bool {
        self.unfinished() > self.ease()
    }

    /// How many calls of it may run at once: one more with each that ends well, for hundreds may come before the first has shown
    /// whether it ends.
    pub(super) fn places(&self) -> usize {
        LEAST_PLACES.saturating_add(self.well.load(Ordering::Relaxed))
    }

    /// The same for calls whose places are held for whole runs: only those that compute for long count.
    pub(super) fn places_of_runs(&self) -> usize {
        if self.is_tiresome() { LEAST_PLACES } else { usize::MAX }
    }

    fn ease(&self) -> Duration {
        let proven = Duration::from_micros(self.proven.load(Ordering::Relaxed));
        (2 * proven).clamp(*EASE.start(), *EASE.end())
    }

    /// One of its calls had a turn. The more they have computed without an end, the longer they rest, by the square.
    pub(super) fn rest_after(&self, turn: Duration, now: Instant) {
        let rest = turn.mul_f64(self.unfinished().div_duration_f64(self.ease()).powi(2).min(MOST_REST));
        let mut until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(now) + rest;
    }

    pub(super) fn rests_until(&self) -> Instant {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    pub(super) fn of(group: Arc<Group>) -> Self {
        Self { group, computed: AtomicU64::new(0), is_well: AtomicBool::new(false) }
    }

    pub(super) fn group(&self) -> &Group {
        &self.group
    }

    pub(super) fn has_computed(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.computed.fetch_add(micros, Ordering::Relaxed);
        self.group.unfinished.fetch_add(micros, Ordering::Relaxed);
        if self.group.is_tiresome() {
            self.group.well.store(0, Ordering::Relaxed);
        }
    }

    /// It has ended well: others like it may take as long.
    pub(super) fn ended_well(&self) {
        self.is_well.store(true, Ordering::Relaxed);
        self.group.spoilt.store(0, Ordering::Relaxed);
        self.group.well.fetch_add(1, Ordering::Relaxed);
        let computed = self.computed.load(Ordering::Relaxed);
        let learned = |before: u64| Some(computed.max(before - before.saturating_sub(computed).div_ceil(MEMORY)));
        // It gives an error only where there is nothing to set.
        let _ = self.group.proven.fetch_update(Ordering::Relaxed, Ordering::Relaxed, learned);
    }

    pub(super) fn computed(&self) -> Duration {
        Duration::from_micros(self.computed.load(Ordering::Relaxed))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let computed = *self.computed.get_mut();
        self.group.unfinished.fetch_sub(computed, Ordering::Relaxed);
        if !*self.is_well.get_mut() {
            self.group.spoilt.fetch_add(computed, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(group: &Group, turn: Duration, from: Instant) -> Duration {
        group.rest_after(turn, from);
        group.rests_until() - from
    }

    #[test]
    fn who_computes_without_an_end_rests_longer_and_longer_and_who_ends_does_not() {
        let group = Arc::new(Group::default());
        let (now, turn) = (Instant::now() + Duration::from_secs(1), Duration::from_millis(10));
        let one = Guest::of(Arc::clone(&group));
        one.has_computed(Duration::from_millis(6));
        assert!(rest(&group, turn, now) < turn / 2 && !group.is_tiresome());
        let others: Vec<Guest> = (0..15).map(|_| Guest::of(Arc::clone(&group))).collect();
        others.iter().for_each(|guest| guest.has_computed(Duration::from_millis(20)));
        assert_eq!(rest(&group, turn, now + Duration::from_secs(1)), 40 * turn);
        assert!(group.is_tiresome());
        // Turns side by side are rested for one after the other.
        assert_eq!(rest(&group, turn, now + Duration::from_secs(1)), 80 * turn);
        // Nor does it help to be stopped; only an end does.
        drop(others);
        assert!(rest(&group, turn, now + Duration::from_secs(9)) > 25 * turn && group.is_tiresome());
        one.ended_well();
        assert!(rest(&group, turn, now + Duration::from_secs(99)) < turn / 2 && !group.is_tiresome());
    }

    #[test]
    fn whose_heavy_calls_end_may_compute_for_longer_for_a_while() {
        let group = Arc::new(Group::default());
        let end = |millis| {
            let guest = Guest::of(Arc::clone(&group));
            guest.has_computed(Duration::from_millis(millis));
            guest.ended_well();
        };
        assert_eq!(group.ease(), *EASE.start());
        end(16);
        assert_eq!(group.ease(), Duration::from_millis(32));
        // Light ones in between are no news at once.
        (0..5).for_each(|_| end(0));
        assert!(group.ease() > Duration::from_millis(25), "{:?}", group.ease());
        end(10_000);
        assert_eq!(group.ease(), *EASE.end());
        (0..1_000).for_each(|_| end(0));
        assert_eq!(group.ease(), *EASE.start());
        assert_eq!(group.unfinished(), Duration::ZERO);
    }

    #[test]
    fn each_call_that_ends_well_makes_room_for_one_more_until_one_does_not() {
        let group = Arc::new(Group::default());
        (0..12).for_each(|_| Guest::of(Arc::clone(&group)).ended_well());
        assert_eq!(group.places(), LEAST_PLACES + 12);
        let endless = Guest::of(Arc::clone(&group));
        endless.has_computed(*EASE.end() * 2);
        assert_eq!((group.places(), group.places_of_runs()), (LEAST_PLACES, LEAST_PLACES));
        endless.ended_well();
        drop(endless);
        assert_eq!((group.places(), group.places_of_runs()), (LEAST_PLACES + 1, usize::MAX));
    }
}
