//! What has failed is left alone for a while, longer with each time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::schedule;
use crate::model::time::Instant;

/// Failures in a row by key, and when each may be tried again. A clone shares them.
pub(super) struct Pauses<K> {
    /// The first of each.
    first: Duration,
    known: Arc<Mutex<HashMap<K, Pause>>>,
}

#[derive(Clone, Copy, Default)]
struct Pause {
    failures: u32,
    since: Instant,
    until: Instant,
}

impl<K> Clone for Pauses<K> {
    fn clone(&self) -> Self {
        Self { first: self.first, known: Arc::clone(&self.known) }
    }
}

impl<K: Eq + Hash> Pauses<K> {
    pub(super) fn new(first: Duration) -> Self {
        Self { first, known: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Pause>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn are_over(&self, key: &K, now: Instant) -> bool {
        // One that begins later was noted before the clock was set back.
        self.lock().get(key).is_none_or(|pause| pause.until <= now || pause.since > now)
    }

    pub(super) fn failed(&self, key: K, now: Instant) {
        let mut pauses = self.lock();
        let pause = pauses.entry(key).or_default();
        pause.failures = pause.failures.saturating_add(1);
        pause.since = now;
        pause.until = now.plus(schedule::pause_after(self.first, pause.failures));
    }

    pub(super) fn succeeded(&self, key: &K) {
        self.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_grows_with_each_failure_and_ends_with_success() {
        let (pauses, now) = (Pauses::new(Duration::from_secs(60)), Instant(0));
        assert!(pauses.are_over(&"a", now));
        pauses.failed("a", now);
        pauses.failed("a", now);
        assert!(!pauses.are_over(&"a", now.plus(Duration::from_secs(119))));
        assert!(pauses.are_over(&"a", now.plus(Duration::from_secs(120))));
        assert!(pauses.are_over(&"b", now));
        pauses.failed("c", now.plus(Duration::from_secs(86_400)));
        assert!(pauses.are_over(&"c", now), "the clock was a day ahead");
        pauses.succeeded(&"a");
        assert!(pauses.are_over(&"a", now));
    }
}
