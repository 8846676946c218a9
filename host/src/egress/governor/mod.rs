//! One governor per CRM account: who may send when, over everything in the process that uses the account.

mod daily;
mod learned;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use self::daily::Allowance;
pub use self::daily::DailyState;
use self::window::{Room, Window};
use super::retry;
use crate::model::http::Lane;
use crate::model::manifest::{Daily, Rate};
use crate::model::time::{Clock, Instant};

/// The bucket that every request draws from.
const ACCOUNT: &str = "account";
/// A pause where neither the CRM nor the manifest says how long: most CRMs count by the second or by ten seconds.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(2);
/// The most buckets that requests can name: beyond those of the manifest they only hold pauses.
const MAX_PAUSES: usize = 64;

/// Requests of one account that may be under way at once, over all its connections: a CRM that answers drop by drop holds up
/// nobody else's. CRMs themselves allow 10 to 25.
const SIDE_BY_SIDE: usize = 32;

/// Those of them that are for outcomes, so that none waits until something slow is answered.
const OF_OUTCOMES: usize = 8;

/// What an account may use, and who waits for it.
pub struct Governor {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Told whenever somebody who waits might go.
    changed: Notify,
    /// Outcomes that may be under way at once, and everything else.
    outcome_places: Semaphore,
    other_places: Semaphore,
}

#[derive(Default)]
struct State {
    rates: Vec<Rate>,
    windows: Vec<Window>,
    daily: Allowance,
    pauses: BTreeMap<String, Instant>,
    /// In the order in which they may go.
    waiting: BTreeMap<(Lane, u64), Option<String>>,
    next_ticket: u64,
    throttled: u64,
    waited: Duration,
    told_time: Option<Instant>,
    /// The latest look at the clock.
    seen: Instant,
    /// Counts what was learned.
    lessons: u64,
}

/// How an account stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernorState {
    pub windows: Vec<WindowState>,
    pub daily: Option<DailyState>,
    /// Requests that wait now.
    pub waiting: usize,
    /// What all requests together have waited for the allowance.
    pub waited: Duration,
    /// Answers with status 429.
    pub throttled: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowState {
    pub bucket: String,
    pub limit: u32,
    pub per: Duration,
    pub remaining: u32,
    /// The CRM asked for silence until then.
    pub paused_until: Option<Instant>,
}

/// Why a request may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// It would wait at least this long, and that is longer than it can.
    TooLong(Duration),
    /// The day's allowance is used up; until when, if known.
    Day(Option<Duration>),
}

/// The right to send one request. Dropped, it counts as answered: whoever gave up may still have been heard.
pub(super) struct Permit {
    governor: Arc<Governor>,
    bucket: Option<String>,
}

impl Governor {
    pub(super) fn new(clock: Arc<dyn Clock>, rates: &[Rate], daily: Option<&Daily>) -> Self {
        let governor = Self {
            clock,
            state: Mutex::default(),
            changed: Notify::new(),
            outcome_places: Semaphore::new(OF_OUTCOMES),
            other_places: Semaphore::new(SIDE_BY_SIDE - OF_OUTCOMES),
        };
        governor.declare(rates, daily);
        governor
    }

    /// Takes over what a manifest declares; what was learned stays where the manifest is the same as before.
    pub(super) fn declare(&self, rates: &[Rate], daily: Option<&Daily>) {
        let mut state = self.lock();
        if state.rates != rates || state.windows.is_empty() {
            state.rates = rates.to_vec();
            state.windows = rates.iter().map(Window::new).collect();
        }
        state.daily.declare(daily);
        drop(state);
        self.changed.notify_waiters();
    }

    /// A place among the requests that are under way; none where there is none within `patience`.
    pub(super) async fn place(&self, lane: Lane, patience: Duration) -> Option<SemaphorePermit<'_>> {
        let places = if lane == Lane::Outcome { &self.outcome_places } else { &self.other_places };
        // It is never closed.
        tokio::time::timeout(patience, places.acquire()).await.ok()?.ok()
    }

    /// How the account stands now.
    pub fn state(&self) -> GovernorState {
        let (now, mut state) = self.look();
        let State { windows, pauses, .. } = &mut *state;
        let windows = windows
            .iter_mut()
            .map(|window| WindowState {
                bucket: window.bucket().to_owned(),
                limit: window.limit(),
                per: window.per(),
                remaining: window.remaining(now),
                paused_until: pauses.get(window.bucket()).copied().filter(|until| *until > now),
            })
            .collect();
        GovernorState {
            windows,
            daily: state.daily.state(now),
            waiting: state.waiting.len(),
            waited: state.waited,
            throttled: state.throttled,
        }
    }

    /// What time it was at the CRM, by its own clock, when it last answered; none where no answer has told.
    pub fn told_time(&self) -> Option<Instant> {
        self.lock().told_time
    }

    /// Waits for room in the account's bucket and in the named one, but not beyond `until`.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        lane: Lane,
        bucket: Option<&str>,
        until: Instant,
    ) -> Result<Permit, Blocked> {
        let mut ticket = Ticket { governor: self, key: None };
        let start = self.clock.now();
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed, so the look below and the wait after it leave no gap.
            changed.as_mut().enable();
            let (now, room) = self.try_take(&mut ticket, lane, bucket)?;
            let wake = match room {
                Room::Now => {
                    self.lock().waited += now.since(start);
                    return Ok(Permit { governor: Arc::clone(self), bucket: bucket.map(str::to_owned) });
                }
                Room::At(at) if at > until => return Err(Blocked::TooLong(at.since(now))),
                Room::At(at) => at,
                Room::WhenOneEnds if now >= until => return Err(Blocked::TooLong(self.interval(bucket))),
                Room::WhenOneEnds => until,
            };
            tokio::select! {
                () = changed => {}
                () = self.clock.sleep(wake.since(now)) => {}
            }
        }
    }

    fn try_take(&self, ticket: &mut Ticket<'_>, lane: Lane, bucket: Option<&str>) -> Result<(Instant, Room), Blocked> {
        let (now, mut state) = self.look();
        if let Some(wait) = state.daily.blocked(lane, now) {
            return Err(Blocked::Day(wait));
        }
        let room = state.room(lane, bucket, now);
        if room == Room::Now && !state.somebody_before(ticket.key, lane, now) {
            for window in &mut state.windows {
                if draws(window, bucket) {
                    window.begin();
                }
            }
            return Ok((now, Room::Now));
        }
        if ticket.key.is_none() {
            let key = (lane, state.next_ticket);
            state.next_ticket += 1;
            state.waiting.insert(key, bucket.map(str::to_owned));
            ticket.key = Some(key);
        }
        // Whoever is before us goes now and tells when it went.
        Ok((now, if room == Room::Now { Room::WhenOneEnds } else { room }))
    }

    /// Nobody sends on this bucket until then: the CRM said so.
    pub(super) fn pause(&self, bucket: Option<&str>, until: Instant) {
        let (now, mut state) = self.look();
        state.lessons += 1;
        state.pauses.retain(|_, end| *end > now);
        let bucket = bucket.filter(|_| state.pauses.len() < MAX_PAUSES).unwrap_or(ACCOUNT);
        let end = state.pauses.entry(bucket.to_owned()).or_insert(until);
        *end = until.max(*end);
    }

    /// The longest interval that the requests of a bucket are counted by: after it, a 429 should be over.
    pub(super) fn interval(&self, bucket: Option<&str>) -> Duration {
        let name = bucket.unwrap_or(ACCOUNT);
        let state = self.lock();
        state.windows.iter().filter(|w| w.bucket() == name).map(Window::per).max().unwrap_or(UNKNOWN_INTERVAL)
    }

    /// The state as of now. Where the clock was set back, what was noted goes back with it.
    fn look(&self) -> (Instant, MutexGuard<'_, State>) {
        let mut state = self.lock();
        let now = self.clock.now();
        state.keep_up(now);
        (now, state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep_up(&mut self, now: Instant) {
        let back = self.seen.since(now);
        self.seen = now;
        if !back.is_zero() {
            self.windows.iter_mut().for_each(|window| window.set_back(back));
            self.pauses.values_mut().for_each(|until| *until = until.minus(back));
            self.daily.set_back(back);
        }
    }

    fn room(&mut self, lane: Lane, bucket: Option<&str>, now: Instant) -> Room {
        let paused = [Some(ACCOUNT), bucket].into_iter().flatten().filter_map(|name| self.pauses.get(name)).max();
        let mut room = match paused {
            Some(until) if *until > now => Room::At(*until),
            _ => Room::Now,
        };
        for window in self.windows.iter_mut().filter(|window| draws(window, bucket)) {
            room = later(room, window.room(lane, now));
        }
        room
    }

    /// Whether somebody who could go now comes before a ticket, or before everybody new of a lane.
    fn somebody_before(&mut self, ticket: Option<(Lane, u64)>, lane: Lane, now: Instant) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let end = ticket.unwrap_or((lane, u64::MAX));
        let before: Vec<(Lane, Option<String>)> =
            self.waiting.range(..end).map(|((lane, _), bucket)| (*lane, bucket.clone())).collect();
        before.iter().any(|(lane, bucket)| self.room(*lane, bucket.as_deref(), now) == Room::Now)
    }
}

fn draws(window: &Window, bucket: Option<&str>) -> bool {
    window.bucket() == ACCOUNT || Some(window.bucket()) == bucket
}

fn later(one: Room, other: Room) -> Room {
    match (one, other) {
        (Room::Now, room) | (room, Room::Now) => room,
        (Room::At(a), Room::At(b)) => Room::At(a.max(b)),
        (Room::WhenOneEnds, _) | (_, Room::WhenOneEnds) => Room::WhenOneEnds,
    }
}

impl Permit {
    /// Learns from an answer: the rates, the day's allowance, and whether that is used up.
    pub(super) fn answered(self, status: u16, headers: &HeaderMap, body: &[u8], retry_after: Option<Duration>) {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let read = |name: &str| text(name)?.trim().parse::<u64>().ok();
        let (now, mut state) = self.governor.look();
        state.lessons += 1;
        for window in state.windows.iter_mut().filter(|window| draws(window, self.bucket.as_deref())) {
            window.learn(read, now);
        }
        if status == 429 {
            state.throttled += 1;
        }
        state.told_time = retry::told_time(headers).or(state.told_time);
        state.daily.learn(status, text, body, retry_after, now);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (now, mut state) = self.governor.look();
        for window in state.windows.iter_mut().filter(|window| draws(window, self.bucket.as_deref())) {
            window.end(now);
        }
        let anybody = !state.waiting.is_empty();
        drop(state);
        if anybody {
            self.governor.changed.notify_waiters();
        }
    }
}

/// A place in the line, given up when dropped: also by a request that was cancelled.
struct Ticket<'a> {
    governor: &'a Governor,
    key: Option<(Lane, u64)>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.governor.lock().waiting.remove(&key);
            self.governor.changed.notify_waiters();
        }
    }
}
