//! Lines of waiting requests, on a clock that a test moves.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;

use super::*;

/// Moves only when told; sleepers wake when their time has come.
#[derive(Default)]
struct HandClock {
    now: AtomicI64,
    moved: Notify,
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        let end = self.now().plus(span);
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.now() >= end {
                return;
            }
            moved.await;
        }
    }
}

impl HandClock {
    async fn to(&self, ms: i64) {
        self.now.store(ms * 1_000, Ordering::SeqCst);
        self.moved.notify_waiters();
        settle().await;
    }
}

/// Lets every task run until it waits again.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn rate(bucket: &str, requests: u32, per_ms: u32) -> Rate {
    Rate { bucket: bucket.into(), requests, per_ms, remaining_header: None, limit_header: None, interval_header: None }
}

const LATE: Instant = Instant(i64::MAX);

struct Line {
    clock: Arc<HandClock>,
    governor: Arc<Governor>,
    went: Arc<Mutex<Vec<String>>>,
}

impl Line {
    fn new(rates: &[Rate]) -> Self {
        let clock = Arc::new(HandClock::default());
        let shared: Arc<dyn Clock> = Arc::<HandClock>::clone(&clock);
        Self { clock, governor: Arc::new(Governor::new(shared, rates, None)), went: Arc::default() }
    }

    /// Sends, and is answered at once.
    async fn queue(&self, name: &str, lane: Lane, bucket: Option<&'static str>) -> tokio::task::JoinHandle<()> {
        let (governor, went, name) = (Arc::clone(&self.governor), Arc::clone(&self.went), name.to_owned());
        let task = tokio::spawn(async move {
            let permit = governor.acquire(lane, bucket, LATE).await;
            went.lock().unwrap().push(name);
            drop(permit);
        });
        settle().await;
        task
    }

    fn went(&self) -> Vec<String> {
        std::mem::take(&mut self.went.lock().unwrap())
    }
}

#[tokio::test]
async fn the_more_urgent_lane_goes_first_and_each_lane_in_order() {
    let line = Line::new(&[rate("account", 1, 1_000)]);
    line.queue("first", Lane::Sweep, None).await;
    for (name, lane) in [
        ("sweep", Lane::Sweep),
        ("backfill 1", Lane::Backfill),
        ("backfill 2", Lane::Backfill),
        ("outcome", Lane::Outcome),
        ("increment", Lane::Increment),
    ] {
        line.queue(name, lane, None).await;
    }
    assert_eq!((line.went(), line.governor.state().waiting), (vec!["first".to_owned()], 5));
    for (ms, name) in
        [(1_000, "outcome"), (2_000, "increment"), (3_000, "backfill 1"), (4_000, "backfill 2"), (5_000, "sweep")]
    {
        line.clock.to(ms - 1).await;
        assert_eq!(line.went(), Vec::<String>::new(), "before {ms} ms");
        line.clock.to(ms).await;
        assert_eq!(line.went(), [name]);
    }
    assert_eq!(line.governor.state().waiting, 0);
}

#[tokio::test]
async fn who_waits_for_another_bucket_is_in_nobodys_way() {
    let line = Line::new(&[rate("account", 10, 1_000), rate("search", 1, 1_000)]);
    line.queue("search 1", Lane::Outcome, Some("search")).await;
    line.queue("search 2", Lane::Outcome, Some("search")).await;
    line.queue("read", Lane::Sweep, None).await;
    assert_eq!(line.went(), ["search 1", "read"]);
    line.clock.to(1_000).await;
    assert_eq!(line.went(), ["search 2"]);
}

#[tokio::test]
async fn who_gives_up_leaves_the_line() {
    let line = Line::new(&[rate("account", 1, 1_000)]);
    line.queue("first", Lane::Increment, None).await;
    let task = line.queue("cancelled", Lane::Outcome, None).await;
    line.queue("second", Lane::Increment, None).await;
    task.abort();
    line.clock.to(1_000).await;
    assert_eq!(line.went(), ["first", "second"]);
}

#[tokio::test]
async fn a_place_is_free_as_soon_as_a_request_under_way_is_over() {
    let line = Line::new(&[rate("account", 1, 1_000)]);
    let permit = line.governor.acquire(Lane::Increment, None, LATE).await.ok();
    line.clock.to(5_000).await;
    line.queue("second", Lane::Increment, None).await;
    drop(permit);
    settle().await;
    assert_eq!(line.went(), Vec::<String>::new());
    line.clock.to(6_000).await;
    assert_eq!(line.went(), ["second"]);
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_at_once() {
    let line = Line::new(&[rate("account", 1, 60_000)]);
    line.queue("first", Lane::Increment, None).await;
    let refused = line.governor.acquire(Lane::Increment, None, Instant(20_000_000)).await.err();
    assert_eq!(refused, Some(Blocked::TooLong(Duration::from_secs(60))));
    assert_eq!(line.governor.state().waiting, 0);
}

#[tokio::test]
async fn a_pause_of_the_account_holds_for_all_and_one_of_a_bucket_for_its_own() {
    let line = Line::new(&[rate("account", 10, 1_000), rate("search", 10, 1_000)]);
    line.governor.pause(Some("search"), Instant(3_000_000));
    line.queue("read 1", Lane::Increment, None).await;
    line.queue("search", Lane::Increment, Some("search")).await;
    line.governor.pause(None, Instant(2_000_000));
    line.queue("read 2", Lane::Increment, None).await;
    assert_eq!(line.went(), ["read 1"]);
    line.clock.to(2_000).await;
    assert_eq!(line.went(), ["read 2"]);
    line.clock.to(3_000).await;
    assert_eq!(line.went(), ["search"]);
}

#[tokio::test]
async fn an_upgrade_brings_its_own_rates() {
    let line = Line::new(&[rate("account", 1, 1_000)]);
    line.queue("first", Lane::Increment, None).await;
    line.queue("second", Lane::Increment, None).await;
    line.governor.declare(&[rate("account", 5, 1_000)], None);
    settle().await;
    assert_eq!(line.went(), ["first", "second"]);
    assert_eq!(
        line.governor.state().windows,
        [WindowState {
            bucket: "account".into(),
            limit: 5,
            per: Duration::from_secs(1),
            remaining: 4,
            paused_until: None
        }]
    );
}
