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
    held: Mutex<HashMap<K, Held>>,
    /// A place came free when there were few.
    freed: Notify,
}

/// Of one holder. Whoever waits because of what it holds itself is not woken for the others, and one at a time: hundreds may wait.
#[derive(Default)]
struct Held {
    places: usize,
    freed: Arc<Notify>,
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
        (taken(&self.lock()), self.most)
    }

    /// A place, if there is one for this holder now.
    pub fn try_take(self: &Arc<Self>, holder: &K) -> Option<Share<K>> {
        let mut held = self.lock();
        let (taken, own) = (taken(&held), held.get(holder).map_or(0, |held| held.places));
        let within = match own {
            0 => taken < self.most,
            own => own < self.most.div_ceil(2) && taken < self.for_all(),
        };
        within.then(|| {
            held.entry(holder.clone()).or_default().places += 1;
            Share { of: Arc::clone(self), holder: holder.clone() }
        })
    }

    /// A place, once there is one for this holder.
    pub async fn take(self: &Arc<Self>, holder: &K) -> Share<K> {
        self.take_within(holder, || usize::MAX).await
    }

    /// As [`Shares::take`], once the holder has less than `most` gives. That is asked again when it gives one back.
    pub async fn take_within(self: &Arc<Self>, holder: &K, most: impl Fn() -> usize) -> Share<K> {
        loop {
            let next = Arc::clone(&self.lock().entry(holder.clone()).or_default().freed);
            // Both hear of what happens from here on.
            let (own_freed, freed) = (next.notified(), self.freed.notified());
            let own = self.lock().get(holder).map_or(0, |held| held.places);
            if let Some(share) = (own < most()).then(|| self.try_take(holder)).flatten() {
                // There may be room for more than one place came free.
                next.notify_one();
                return share;
            }
            tokio::select! {
                () = own_freed => {}
                () = freed => {}
            }
        }
    }

    /// Returns when none is taken.
    pub async fn all_free(&self) {
        loop {
            let freed = self.freed.notified();
            if taken(&self.lock()) == 0 {
                return;
            }
            freed.await;
        }
    }
}

impl<K: Eq + Hash> Shares<K> {
    /// Places for those who hold some.
    fn for_all(&self) -> usize {
        self.most - self.most / 4
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn taken<K>(held: &HashMap<K, Held>) -> usize {
    held.values().map(|held| held.places).sum()
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.of.lock();
        let were_few = taken(&held) >= self.of.for_all();
        if let Some(own) = held.get_mut(&self.holder) {
            own.places = own.places.saturating_sub(1);
            own.freed.notify_one();
            // Nobody waits who would have to hear of the next one.
            if own.places == 0 && Arc::strong_count(&own.freed) == 1 {
                held.remove(&self.holder);
            }
        }
        let is_free = taken(&held) == 0;
        drop(held);
        if were_few || is_free {
            self.of.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake};

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

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_what_it_holds_itself_is_not_woken_for_others() {
        let shares = Shares::new(16);
        let mut greedy = greedy(&shares, "a");
        let (holder, woken) = (named("a"), Arc::new(Woken::default()));
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        let mut waiting = std::pin::pin!(shares.take(&holder));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        for _ in 0..100 {
            drop(shares.try_take(&named("b")));
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        greedy.pop();
        assert!(woken.0.load(Ordering::Relaxed) > 0);
        assert!(waiting.as_mut().poll(&mut context).is_ready());
    }

    fn poll<F: Future>((one, take): &mut (Arc<Woken>, Pin<Box<F>>)) -> Poll<F::Output> {
        take.as_mut().poll(&mut Context::from_waker(&Arc::clone(one).into()))
    }

    #[tokio::test]
    async fn of_hundreds_that_wait_a_few_are_woken_for_each_place() {
        let shares = Shares::new(16);
        let (holder, held) = (named("a"), greedy(&shares, "a"));
        let woken: Vec<_> = (0..200).map(|_| Arc::new(Woken::default())).collect();
        let all = || woken.iter().map(|one| one.0.load(Ordering::Relaxed)).sum::<usize>();
        let mut waiting: Vec<_> = woken.iter().map(|one| (Arc::clone(one), Box::pin(shares.take(&holder)))).collect();
        assert!(waiting.iter_mut().all(|take| poll(take).is_pending()));
        drop(held);
        // Whoever was woken looks, takes what there is, and is done with it at once.
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain_mut(|take| take.0.0.load(Ordering::Relaxed) == 0 || poll(take).is_pending());
            assert!(waiting.len() < before, "{before} wait for ever");
        }
        assert!(all() <= 2 * woken.len(), "{} were woken", all());
    }

    #[tokio::test]
    async fn who_waited_gets_all_that_more_room_lets_in() {
        let shares = Shares::new(16);
        let (holder, most) = (named("a"), AtomicUsize::new(1));
        let first = shares.try_take(&holder).unwrap();
        let take = || Box::pin(shares.take_within(&holder, || most.load(Ordering::Relaxed)));
        let mut waiting: Vec<_> = (0..5).map(|_| take()).collect();
        assert!(futures::future::join_all(&mut waiting).now_or_never().is_none());
        most.store(4, Ordering::Relaxed);
        drop(first);
        let taken: Vec<Share> = waiting.iter_mut().filter_map(FutureExt::now_or_never).collect();
        assert_eq!(taken.len(), 4);
    }

    #[test]
    fn a_workspace_alone_is_not_kept_from_working() {
        assert_eq!(greedy(&Shares::new(1), "a").len(), 1);
        assert_eq!(greedy(&Shares::new(2), "a").len(), 1);
        assert_eq!(greedy(&Shares::new(8), "a").len(), 4);
    }
}
