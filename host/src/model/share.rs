//! What a machine has a fixed number of, shared among those who want it: none can take so much that another gets nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::id::WorkspaceId;

/// Who holds a place: a workspace, or what belongs to none, as the kit of plugins' authors.
pub type Holder = Option<WorkspaceId>;

/// So many places. A holder has at most half of them, and the last quarter is for those who hold none yet: whoever comes new
/// finds one, however many there are that want as much as they can get.
pub struct Shares<K: Eq + Hash = Holder> {
    most: usize,
    held: Mutex<HashMap<K, usize>>,
    freed: Notify,
}

/// A place, free again when it is dropped.
pub struct Share<K: Eq + Hash = Holder> {
    of: Arc<Shares<K>>,
    holder: K,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: Mutex::default(), freed: Notify::new() })
    }

    /// Places that are taken, of how many.
    pub fn taken(&self) -> (usize, usize) {
        (self.lock().values().sum(), self.most)
    }

    /// A place, if there is one for this holder now.
    pub fn try_take(self: &Arc<Self>, holder: &K) -> Option<Share<K>> {
        let mut held = self.lock();
        let (taken, own) = (held.values().sum::<usize>(), held.get(holder).copied().unwrap_or(0));
        let within = match own {
            0 => taken < self.most,
            own => own < self.most.div_ceil(2) && taken < self.most - self.most / 4,
        };
        within.then(|| {
            held.insert(holder.clone(), own + 1);
            Share { of: Arc::clone(self), holder: holder.clone() }
        })
    }

    /// A place, once there is one for this holder.
    pub async fn take(self: &Arc<Self>, holder: &K) -> Share<K> {
        loop {
            let freed = self.freed.notified();
            if let Some(share) = self.try_take(holder) {
                return share;
            }
            freed.await;
        }
    }

    /// Returns when none is taken.
    pub async fn all_free(&self) {
        loop {
            let freed = self.freed.notified();
            if self.lock().is_empty() {
                return;
            }
            freed.await;
        }
    }
}

impl<K: Eq + Hash> Shares<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.of.lock();
        match held.get_mut(&self.holder) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(held.remove(&self.holder)),
        }
        drop(held);
        self.of.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn named(name: &str) -> Holder {
        name.parse().ok()
    }

    /// As many as it can get.
    fn greedy(shares: &Arc<Shares>, name: &str) -> Vec<Share> {
        std::iter::from_fn(|| shares.try_take(&named(name))).collect()
    }

    #[test]
    fn whoever_comes_new_finds_a_place_however_greedy_the_others_are() {
        let shares = Shares::new(64);
        let taken: Vec<_> = ["a", "b", "c"].iter().map(|name| greedy(&shares, name)).collect();
        assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), [32, 16, 1]);
        let newcomers: Vec<_> = (0..15).map(|number| shares.try_take(&named(&format!("n{number}")))).collect();
        assert!(newcomers.iter().all(Option::is_some));
        assert_eq!(shares.taken(), (64, 64));
        drop(taken);
        drop(newcomers);
        assert_eq!((shares.taken(), greedy(&shares, "a").len()), ((0, 64), 32));
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_place_that_is_freed() {
        let shares = Shares::new(4);
        let mut held = greedy(&shares, "a");
        assert_eq!(held.len(), 2);
        let holder = named("a");
        let mut waiting = std::pin::pin!(shares.take(&holder));
        assert!(waiting.as_mut().now_or_never().is_none());
        held.pop();
        assert!(waiting.as_mut().now_or_never().is_some());
        let mut ended = std::pin::pin!(shares.all_free());
        assert!(ended.as_mut().now_or_never().is_none());
        drop(held);
        assert!(ended.as_mut().now_or_never().is_some());
    }

    #[test]
    fn a_workspace_alone_is_not_kept_from_working() {
        assert_eq!(greedy(&Shares::new(1), "a").len(), 1);
        assert_eq!(greedy(&Shares::new(2), "a").len(), 1);
        assert_eq!(greedy(&Shares::new(8), "a").len(), 4);
    }
}
