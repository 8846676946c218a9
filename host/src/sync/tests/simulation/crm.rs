//! A CRM as CRMs are: its index lags, its stamps are coarse, its answers get lost, and people work in it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::model::failure::Failure;
use crate::model::time::{Clock, Instant};

pub(super) const SECOND: i64 = 1_000_000;

/// Time as it is, and the host's clock beside it, which may be wrong.
pub(super) struct Time {
    now: AtomicI64,
    skew: AtomicI64,
}

impl Time {
    pub(super) fn new() -> Self {
        // Far enough from zero for windows that look back.
        Self { now: AtomicI64::new(1_000_000 * SECOND), skew: AtomicI64::new(0) }
    }

    pub(super) fn real(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn pass(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn set_skew(&self, micros: i64) {
        self.skew.store(micros, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Instant {
        Instant(self.real() + self.skew.load(Ordering::Relaxed))
    }

    async fn sleep(&self, span: Duration) {
        self.pass(i64::try_from(span.as_micros()).unwrap());
        tokio::task::yield_now().await;
    }
}

pub(super) type Values = [String; 3];

/// With so many nobody comes new.
const MOST_RECORDS: usize = 40;

/// The ids of leads begin here; below are contacts.
pub(super) const LEADS_FROM: u64 = 1_000_000;

pub(super) fn object_of(id: u64) -> &'static str {
    if id < LEADS_FROM { "contacts" } else { "leads" }
}

/// What a record was from a moment on, and when the index learns of it.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) values: Values,
    pub(super) modified: i64,
    indexed: i64,
}

/// Something that was written for us beside a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) key: String,
    pub(super) record: u64,
    pub(super) text: String,
}

/// What kind of CRM this one is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nature {
    /// Stamps are cut to this.
    pub(super) grain: i64,
    /// The most that the index lags.
    pub(super) lateness: i64,
    pub(super) page: usize,
    pub(super) window_cap: usize,
    /// Whether an answer to a write says when that was.
    pub(super) tells_stamps: bool,
    /// Whether its answers say what time it is.
    pub(super) tells_time: bool,
    /// Calls of a hundred that go wrong while faults are on.
    pub(super) faults: u32,
    /// Calls of a hundred during which somebody in the CRM does something.
    pub(super) bustle: u32,
    /// Whether there are leads beside contacts, some of whom are the same people.
    pub(super) has_leads: bool,
    /// Whether a list is kept of contacts.
    pub(super) has_list: bool,
}

pub(super) struct State {
    pub(super) nature: Nature,
    pub(super) rng: SmallRng,
    pub(super) time: Arc<Time>,
    records: BTreeMap<u64, Vec<Version>>,
    next: [u64; 2],
    /// Contacts that are not on the list.
    pub(super) unlisted: BTreeSet<u64>,
    /// E-mail addresses that a contact and a lead have in common.
    shared: BTreeSet<String>,
    /// When, which, and into which.
    pub(super) tombstones: Vec<(i64, u64, Option<u64>)>,
    pub(super) activities: Vec<Activity>,
    pub(super) is_troubled: bool,
    /// When it last answered.
    pub(super) answered: Option<i64>,
    /// Every value that people in the CRM gave a field of a record since the last look, in order.
    pub(super) edits: BTreeMap<(u64, usize), Vec<String>>,
}

pub(super) struct Crm(Mutex<State>);

impl Crm {
    pub(super) fn new(seed: u64, nature: Nature, time: Arc<Time>) -> Self {
        Self(Mutex::new(State {
            nature,
            rng: SmallRng::seed_from_u64(seed ^ 0x5eed),
            time,
            records: BTreeMap::new(),
            next: [1, LEADS_FROM],
            unlisted: BTreeSet::new(),
            shared: BTreeSet::new(),
            tombstones: Vec::new(),
            activities: Vec::new(),
            is_troubled: false,
            answered: None,
            edits: BTreeMap::new(),
        }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    pub(super) fn now(&self) -> i64 {
        self.time.real()
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn stamp(&self) -> i64 {
        self.now() / self.nature.grain * self.nature.grain
    }

    fn version(&mut self, values: Values) -> Version {
        let lag = self.rng.random_range(0..=self.nature.lateness);
        Version { values, modified: self.stamp(), indexed: self.now() + lag }
    }

    pub(super) fn living(&self) -> Vec<u64> {
        self.records.keys().copied().collect()
    }

    pub(super) fn living_of(&self, object: &str) -> Vec<u64> {
        self.living().into_iter().filter(|id| object_of(*id) == object).collect()
    }

    /// A record as it is.
    pub(super) fn record(&self, id: u64) -> Option<&Version> {
        self.records.get(&id)?.last()
    }

    /// Every record as the index has it; one that it has not learned of is not there.
    pub(super) fn index(&self) -> impl Iterator<Item = (u64, &Version)> {
        let now = self.now();
        self.records.iter().filter_map(move |(id, versions)| {
            Some((*id, versions.iter().rev().find(|version| version.indexed <= now)?))
        })
    }

    /// Gives a record other values, as a person or as we; says whether that changed anything.
    pub(super) fn write(&mut self, id: u64, values: Values) -> bool {
        if self.record(id).is_some_and(|record| record.values == values) {
            return false;
        }
        let mut version = self.version(values);
        let versions = self.records.entry(id).or_default();
        if let Some(last) = versions.last() {
            // An index learns in order, and stamps never go back.
            version.indexed = version.indexed.max(last.indexed);
            version.modified = version.modified.max(last.modified);
        }
        versions.push(version);
        true
    }

    fn word(&mut self) -> String {
        format!("w{}", self.rng.random_range(0..1_000_000))
    }

    /// A value for a field: an e-mail address of its own, the rest as it comes.
    pub(super) fn value(&mut self, field: usize) -> String {
        let number = self.rng.random_range(0..1_000_000);
        match field {
            1 => format!("e{number}-{}@example.com", self.now()),
            2 if self.chance(20) => String::new(),
            2 => format!("+49301{number:06}"),
            _ if self.chance(10) => String::new(),
            _ if self.chance(5) => "refuse me".to_owned(),
            _ => self.word(),
        }
    }

    /// Somebody in the CRM does something.
    pub(super) fn bustle(&mut self) {
        let living = self.living();
        let pick = |state: &mut Self| living.get(state.rng.random_range(0..living.len().max(1))).copied();
        match (self.rng.random_range(0..100), pick(self)) {
            // More would be changed during a run than it can read.
            (0..25, Some(_)) if living.len() > MOST_RECORDS => {}
            (0..25, _) | (_, None) => self.create(),
            (25..32, Some(id)) if self.nature.has_list => {
                // That shows in no stamp.
                if !self.unlisted.remove(&id) {
                    self.unlisted.insert(id);
                }
            }
            (25..75, Some(id)) => {
                let field = self.rng.random_range(0..3);
                self.edit(id, field);
            }
            (75..83, _) => living.iter().for_each(|id| self.edit(*id, 0)),
            (83..92, Some(id)) => self.lose(id, None),
            (_, Some(id)) => {
                let into = pick(self).filter(|into| *into != id && object_of(*into) == object_of(id));
                self.lose(id, into);
            }
        }
    }

    fn create(&mut self) {
        let mut values = [0, 1, 2].map(|field| self.value(field));
        let is_lead = self.nature.has_leads && self.chance(40);
        let id = self.next[usize::from(is_lead)];
        self.next[usize::from(is_lead)] += 1;
        if self.nature.has_leads && self.chance(60) {
            let others = self.records.iter().filter(|(other, _)| object_of(**other) != object_of(id));
            let emails = others.filter_map(|(_, versions)| versions.last()).map(|last| &last.values[1]);
            let free: Vec<String> = emails.filter(|email| !self.shared.contains(*email)).cloned().collect();
            if let Some(email) = free.get(self.rng.random_range(0..free.len().max(1))) {
                self.shared.insert(email.clone());
                values[1].clone_from(email);
            }
        }
        if self.nature.has_list && self.chance(30) {
            self.unlisted.insert(id);
        }
        for (field, value) in values.iter().enumerate() {
            self.edits.entry((id, field)).or_default().push(value.clone());
        }
        self.write(id, values);
    }

    fn edit(&mut self, id: u64, field: usize) {
        let value = self.value(field);
        let Some(mut values) = self.record(id).map(|record| record.values.clone()) else { return };
        values[field].clone_from(&value);
        self.write(id, values);
        self.edits.entry((id, field)).or_default().push(value);
    }

    /// A record is deleted, or merged: what belongs to it moves.
    fn lose(&mut self, id: u64, into: Option<u64>) {
        self.records.remove(&id);
        let now = self.now();
        self.tombstones.push((now, id, into));
        for activity in self.activities.iter_mut().filter(|activity| activity.record == id) {
            activity.record = into.unwrap_or(id);
        }
    }

    /// The record that one lives on in, if it does.
    pub(super) fn heir(&self, mut id: u64) -> Option<u64> {
        while !self.records.contains_key(&id) {
            id = self.tombstones.iter().find(|(_, lost, _)| *lost == id)?.2?;
        }
        Some(id)
    }

    /// What goes wrong with a call that changes nothing yet.
    pub(super) fn trouble(&mut self) -> Option<Failure> {
        let (troubled, percent) = (self.is_troubled, self.nature.faults);
        if !troubled || !self.chance(percent) {
            return None;
        }
        Some(match self.rng.random_range(0..20) {
            0..8 => Failure::RateLimited(Some(Duration::from_millis(self.rng.random_range(1..30_000)))),
            8..15 => Failure::Temporary("bad gateway".into()),
            15 => Failure::RateLimited(Some(Duration::from_secs(3_600))),
            16 => Failure::QuotaExhausted(None),
            17 => Failure::Unauthorized("expired".into()),
            _ => Failure::Permanent("odd".into()),
        })
    }
}
