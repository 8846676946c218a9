//! One schedule: who does what, when, and what goes wrong meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::crm::{Crm, Nature, SECOND, Time};
use super::host::{self, FIELDS, Host};
use crate::model::contact::Contact;
use crate::model::id::{ContactId, OutboxId};
use crate::model::policy::Policy;
use crate::model::schema::Abilities;
use crate::model::sync::Counts;
use crate::store::Store;
use crate::sync::{
    Hinted, Observer, Silent, StopSignal, Stopper, run_hinted, run_inbound, run_outbound, run_sweep, stop_signal,
};

/// What our side asked for since everything last was settled.
#[derive(Default)]
pub(super) struct Asked {
    /// Every value that people gave an attribute of a contact, in order.
    pub(super) edits: BTreeMap<(ContactId, usize), Vec<String>>,
    /// Those of which nobody knows whether they were written down.
    pub(super) in_doubt: BTreeSet<(ContactId, usize)>,
    /// Contacts for whom people have said who they are.
    pub(super) regrouped: BTreeSet<ContactId>,
}

pub(super) struct Schedule {
    pub(super) rng: SmallRng,
    pub(super) time: Arc<Time>,
    pub(super) crm: Arc<Crm>,
    pub(super) host: Host,
    pub(super) asked: Asked,
    /// The notes that were acknowledged, in order, and about whom.
    pub(super) notes: Vec<(String, ContactId)>,
    /// Contacts about whom something lay dead: a person who sends it again breaks the order.
    pub(super) disordered: BTreeSet<ContactId>,
    /// Contacts for whom people have ever said who they are: what was noted of them may lie with somebody else's record.
    pub(super) regrouped: BTreeSet<ContactId>,
    pub(super) numbers: BTreeMap<OutboxId, String>,
    /// What each record was when everything last was settled.
    pub(super) settled: BTreeMap<u64, super::crm::Values>,
    /// Attributes that people on our side have set: since then their values need not be what the mapping makes of them.
    pub(super) by_hand: BTreeSet<(ContactId, usize)>,
    /// Those of them that were in the CRM when everything last was settled.
    pub(super) old_by_hand: BTreeSet<(ContactId, usize)>,
    has_mappings: bool,
    is_told: bool,
}

/// Stops a run after so many pages.
struct StopAfter(std::sync::atomic::AtomicU32, Stopper);

impl Observer for StopAfter {
    fn page(&self, _: &Counts, _: Option<u64>) {
        if self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            self.1.stop();
        }
    }
}

fn nature(rng: &mut SmallRng) -> Nature {
    Nature {
        grain: [1_000, SECOND, 60 * SECOND][rng.random_range(0..3)],
        lateness: [0, 0, 20 * SECOND, 300 * SECOND][rng.random_range(0..4)],
        page: rng.random_range(1..8),
        window_cap: [3, 10, usize::MAX][rng.random_range(0..3)],
        tells_stamps: rng.random(),
        tells_time: rng.random_range(0..4) > 0,
        faults: [0, 3, 10, 25][rng.random_range(0..4)],
        bustle: [0, 10, 40][rng.random_range(0..3)],
        has_leads: rng.random_range(0..3) == 0,
        has_list: rng.random_range(0..5) == 0,
    }
}

/// By attribute: mostly the CRM's word counts. Beside leads nothing else says whose word comes first: where leads have the say,
/// contacts only fill what is empty.
fn policy(rng: &mut SmallRng, has_leads: bool) -> Policy {
    match rng.random_range(0..6) {
        chance if has_leads => [Policy::FillIfEmpty, Policy::Crm][usize::from(chance >= 2)],
        0..3 => Policy::Crm,
        3 => Policy::Ours,
        4 => Policy::Newest,
        _ => Policy::Ask,
    }
}

impl Schedule {
    pub(super) fn new(store: &Arc<Store>, seed: u64, is_told: bool) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let (time, nature) = (Arc::new(Time::new()), nature(&mut rng));
        let crm = Arc::new(Crm::new(seed, nature, time.clone()));
        let abilities = Abilities {
            pull: true,
            windows: rng.random_range(0..8) > 0,
            partitions: rng.random(),
            gone: rng.random(),
            create: true,
            update: true,
            ..Abilities::default()
        };
        let policies = FIELDS.map(|_| policy(&mut rng, nature.has_leads));
        let mut sync = host::sync(abilities, nature.lateness, policies);
        sync.segment = nature.has_list.then(|| "list".to_owned());
        let leads = nature.has_leads.then(|| host::leads(&sync));
        let id = format!("w{seed}").parse().unwrap();
        let host = Host::new(store, id, (sync, leads), crm.clone(), time.clone());
        let has_mappings = rng.random_range(0..3) == 0;
        let schedule = Self {
            rng,
            time,
            crm,
            host,
            asked: Asked::default(),
            notes: Vec::new(),
            disordered: BTreeSet::new(),
            regrouped: BTreeSet::new(),
            numbers: BTreeMap::new(),
            settled: BTreeMap::new(),
            by_hand: BTreeSet::new(),
            old_by_hand: BTreeSet::new(),
            has_mappings,
            is_told,
        };
        schedule.tell(|| format!("{nature:?}, {abilities:?}, {policies:?}"));
        schedule
    }

    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            eprintln!("{:>9.1} s  {}", (self.time.real() - 1_000_000 * SECOND) as f64 / 1e6, what());
        }
    }

    /// Every contact with its records, as both stand.
    fn tell_of_all(&self) {
        if !self.is_told {
            return;
        }
        let crm = self.crm.state();
        for contact in self.host.contacts() {
            let ours = FIELDS.map(|name| contact.get(name).map_or(String::new(), |value| value.to_cell()));
            let theirs = contact.links.iter().map(|link| {
                let record = crm.record(link.record.parse().unwrap()).map(|record| &record.values);
                format!("{} {record:?} base {:?} gone {:?} left {:?}", link.record, link.base, link.gone, link.left)
            });
            eprintln!("{:>14} {ours:?}: {:?}", contact.id.to_string(), theirs.collect::<Vec<_>>());
        }
    }

    pub(super) async fn play(&mut self) -> String {
        for _ in 0..self.rng.random_range(1..4) {
            self.crm.state().is_troubled = true;
            for _ in 0..self.rng.random_range(5..30) {
                self.step().await;
                self.tell_of_all();
                self.host.look_at_numbers(&mut self.numbers);
            }
            self.settle().await;
            self.check();
        }
        format!("{:?} {:?} {}", self.host.contacts(), self.crm.state().activities, self.time.real())
    }

    async fn step(&mut self) {
        let pause = [0, 3 * SECOND, 90 * SECOND, 1_500 * SECOND][self.rng.random_range(0..4)];
        self.time.pass(pause);
        if self.rng.random_range(0..100) < 25 {
            self.host.ports.workspace.die_after(Some(self.rng.random_range(1..12)));
        }
        match self.rng.random_range(0..100) {
            0..12 if self.host.leads.is_some() => self.say_who_is_who().await,
            0..24 => {
                self.tell(|| "people work in the CRM".into());
                (0..self.rng.random_range(1..6)).for_each(|_| self.crm.state().bustle());
            }
            24..38 => self.set().await,
            38..49 => self.note(),
            49..65 => self.runs(true, false).await,
            65..76 => self.runs(false, true).await,
            76..88 => self.runs(true, true).await,
            88..90 => self.sweep(false).await,
            90..92 => self.hint().await,
            92..94 => self.jump(),
            94..98 => self.change_mapping().await,
            _ => self.restart(),
        }
        if self.host.ports.workspace.is_dead() {
            self.restart();
        }
        self.host.ports.workspace.die_after(None);
    }

    fn restart(&mut self) {
        let power_was_lost = self.rng.random();
        self.tell(|| format!("restart, {}", if power_was_lost { "after a loss of power" } else { "of the process" }));
        self.host.restart(power_was_lost);
        // What was not on disk never was.
        let host = &self.host;
        self.numbers.retain(|_, outcome| host.is_recorded(outcome));
    }

    fn jump(&mut self) {
        // By less than increments look back, and by far more.
        let most = [60, 3_600, 3 * 86_400][self.rng.random_range(0..3)];
        let skew = self.rng.random_range(-most..=most) * SECOND;
        self.tell(|| format!("the clock is wrong by {} s", skew / SECOND));
        self.time.set_skew(skew);
    }

    fn somebody(&mut self) -> Option<Contact> {
        let contacts = self.host.contacts();
        let living: Vec<_> = contacts.into_iter().filter(|c| c.living(&self.host.sync.id).is_some()).collect();
        let at = self.rng.random_range(0..living.len().max(1));
        living.into_iter().nth(at)
    }

    async fn set(&mut self) {
        let Some(contact) = self.somebody() else { return };
        let field = self.rng.random_range(0..3);
        // Where leads have the say, nothing goes back.
        if self.host.sync.policy(FIELDS[field]) == Policy::FillIfEmpty {
            return;
        }
        let mut value = self.crm.state().value(field);
        // Back to what stood there before, as people do.
        if let Some(earlier) = self.asked.edits.get(&(contact.id, field)).filter(|_| self.rng.random()) {
            value.clone_from(&earlier[self.rng.random_range(0..earlier.len())]);
        }
        if value == "refuse me" {
            value = "Ada".into();
        }
        self.set_to(contact, field, value).await;
    }

    pub(super) async fn set_to(&mut self, contact: Contact, field: usize, value: String) {
        let key = (contact.id, field);
        let done = self.host.set(contact, FIELDS[field], &value).await;
        self.tell(|| format!("{} {} is set to `{value}`: {:?}", key.0, FIELDS[field], done));
        if done.is_err() {
            self.asked.in_doubt.insert(key);
        }
        self.asked.edits.entry(key).or_default().push(value);
        self.by_hand.insert(key);
        self.old_by_hand.remove(&key);
    }

    async fn change_mapping(&mut self) {
        if !self.has_mappings {
            return;
        }
        let (_, stop) = self.stop();
        let before = self.host.is_marking();
        let changed = self.host.change_mapping(&stop).await;
        self.tell(|| format!("another mapping: {:?}", changed.map(|run| run.counts)));
        if self.host.ports.workspace.is_dead() {
            self.restart();
        }
        if self.host.is_marking() != before {
            // It is taken to what the CRM has; what has not come there yet stays as it is.
            let old = std::mem::take(&mut self.old_by_hand);
            self.by_hand.retain(|key| !old.contains(key));
        }
    }

    fn note(&mut self) {
        let Some(contact) = self.somebody() else { return };
        let id = format!("n{}", self.notes.len() + 1);
        let mut done = self.host.note(&id, &contact);
        self.tell(|| format!("note {id} about {}: {done:?}", contact.id));
        while done.is_err() {
            // The platform asks until it is told that the note is kept. It may not be: the contact's link is as it was.
            self.restart();
            done = self.host.note(&id, &contact);
        }
        self.notes.push((id, contact.id));
    }

    fn stop(&mut self) -> (StopAfter, StopSignal) {
        let (stopper, stop) = stop_signal();
        let pages = if self.rng.random_range(0..6) == 0 { self.rng.random_range(1..5) } else { u32::MAX };
        (StopAfter(pages.into(), stopper), stop)
    }

    async fn runs(&mut self, inbound: bool, outbound: bool) {
        let partitions = self.rng.random_range(1..4);
        let ((observer, stop), (out_observer, out_stop)) = (self.stop(), self.stop());
        let (lead_observer, lead_stop) = self.stop();
        let with_leads = inbound && self.rng.random_range(0..100) < 60;
        let Host { ports, sync, leads, .. } = &self.host;
        let led = async {
            let leads = leads.as_ref().filter(|_| with_leads)?;
            Some(run_inbound(ports, leads, partitions, &lead_observer, &lead_stop).await.map(|run| run.counts))
        };
        let pulled = async {
            if !inbound {
                return None;
            }
            Some(run_inbound(ports, sync, partitions, &observer, &stop).await.map(|run| run.counts))
        };
        let pushed = async {
            if !outbound {
                return None;
            }
            Some(run_outbound(ports, sync, &out_observer, &out_stop).await.map(|run| run.counts))
        };
        let (pulled, pushed, led) = tokio::join!(pulled, pushed, led);
        self.tell(|| format!("run: in {pulled:?}; out {pushed:?}; leads {led:?}"));
    }

    pub(super) async fn sweep(&mut self, agreed: bool) {
        let (_stopper, stop) = stop_signal();
        for sync in self.host.syncs() {
            let swept = run_sweep(&self.host.ports, sync, agreed, &Silent, &stop).await;
            self.tell(|| format!("sweep of {}: {:?}", sync.object, swept.map(|(_, swept)| swept)));
        }
    }

    async fn hint(&mut self) {
        let mut hinted = Hinted::default();
        let last = self.crm.state().living_of("contacts").last().copied().unwrap_or(1);
        for _ in 0..4 {
            hinted.changed.insert(self.rng.random_range(1..=last).to_string());
            hinted.gone.insert(self.rng.random_range(1..=last).to_string());
        }
        let (_stopper, stop) = stop_signal();
        let run = run_hinted(&self.host.ports, &self.host.sync, &hinted, &stop).await;
        self.tell(|| format!("hinted: {:?}", run.map(|run| run.counts)));
    }

    /// Nobody does anything any more and nothing goes wrong: runs until nothing moves.
    async fn settle(&mut self) {
        const MOST_ROUNDS: usize = 30;
        self.crm.state().is_troubled = false;
        self.host.ports.workspace.die_after(None);
        self.tell(|| "everybody goes home".into());
        let mut quiet = 0;
        for _ in 0..MOST_ROUNDS {
            self.time.pass(1_200 * SECOND);
            let before = (self.host.contacts(), self.crm.state().activities.len());
            self.decide().await;
            self.note_disorder();
            if quiet == 0 {
                self.host.retry_dead();
            }
            let (_stopper, stop) = stop_signal();
            let Host { ports, sync, leads, .. } = &self.host;
            let pushed = run_outbound(ports, sync, &Silent, &stop).await.unwrap();
            let pulled = run_inbound(ports, sync, 2, &Silent, &stop).await.unwrap();
            if let Some(leads) = leads {
                run_inbound(ports, leads, 2, &Silent, &stop).await.unwrap();
            }
            self.tell(|| format!("settle: in {:?}; out {:?}", pulled.counts, pushed.counts));
            if !self.host.sync.abilities.gone {
                self.sweep(true).await;
            }
            let after = (self.host.contacts(), self.crm.state().activities.len());
            let waits = self.host.outbox().iter().any(|entry| !entry.is_dead());
            let is_quiet = before == after && pushed.counts.delivered + pushed.counts.retried == 0 && !waits;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("it never settles");
    }

    fn note_disorder(&mut self) {
        let dead = self.host.outbox().into_iter().filter(|entry| entry.is_dead());
        self.disordered.extend(dead.map(|entry| entry.outcome.contact));
    }
}
