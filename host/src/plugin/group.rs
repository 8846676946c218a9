//! What the unfinished calls of one plugin in one workspace have computed, and how long they rest for it in the background.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls that have computed so much together rest as long as they compute. A page of a hundred takes less in every language that
/// there is an SDK for.
const AT_EASE: Duration = Duration::from_millis(25);

/// The most that calls rest for a turn, in times of that turn: what is left to them is a fortieth of a core.
const MOST_REST: f64 = 40.0;

/// The calls of one plugin in one workspace.
#[derive(Debug)]
pub(super) struct Group {
    /// Microseconds that calls have computed that have not ended.
    unfinished: AtomicU64,
    rests_until: Mutex<Instant>,
}

/// One call. What it has computed counts until it ends.
#[derive(Debug)]
pub(super) struct Guest {
    group: Arc<Group>,
    /// Microseconds.
    computed: AtomicU64,
}

impl Default for Group {
    fn default() -> Self {
        Self { unfinished: AtomicU64::new(0), rests_until: Mutex::new(Instant::now()) }
    }
}

impl Group {
    fn unfinished(&self) -> Duration {
        Duration::from_micros(self.unfinished.load(Ordering::Relaxed))
    }

    /// Whether its calls have computed so much that a new one is likely to do the same.
    pub(super) fn is_tiresome(&self) -> bool {
        self.unfinished() > AT_EASE
    }

    /// One of its calls had a turn. The more they have computed without an end, the longer they rest, by the square.
    pub(super) fn rest_after(&self, turn: Duration, now: Instant) {
        let rest = turn.mul_f64(self.unfinished().div_duration_f64(AT_EASE).powi(2).min(MOST_REST));
        let mut until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(now) + rest;
    }

    pub(super) fn rests_until(&self) -> Instant {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    pub(super) fn of(group: Arc<Group>) -> Self {
        Self { group, computed: AtomicU64::new(0) }
    }

    pub(super) fn group(&self) -> &Group {
        &self.group
    }

    pub(super) fn has_computed(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.computed.fetch_add(micros, Ordering::Relaxed);
        self.group.unfinished.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn computed(&self) -> Duration {
        Duration::from_micros(self.computed.load(Ordering::Relaxed))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.group.unfinished.fetch_sub(*self.computed.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_computes_without_an_end_rests_longer_and_longer_and_who_ends_does_not() {
        let group = Arc::new(Group::default());
        let (now, turn) = (Instant::now() + Duration::from_secs(1), Duration::from_millis(10));
        let rest = |from: Instant| {
            group.rest_after(turn, from);
            group.rests_until() - from
        };
        let one = Guest::of(Arc::clone(&group));
        one.has_computed(Duration::from_millis(16));
        assert!(rest(now) < turn / 2 && !group.is_tiresome());
        let others: Vec<Guest> = (0..15).map(|_| Guest::of(Arc::clone(&group))).collect();
        others.iter().for_each(|guest| guest.has_computed(Duration::from_millis(20)));
        assert_eq!(rest(now + Duration::from_secs(1)), 40 * turn);
        assert!(group.is_tiresome());
        // Turns side by side are rested for one after the other.
        assert_eq!(rest(now + Duration::from_secs(1)), 80 * turn);
        drop(others);
        assert!(rest(now + Duration::from_secs(9)) < turn / 2 && !group.is_tiresome());
    }
}
