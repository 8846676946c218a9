//! Writes in sets: handed over at once to a CRM that works on them by itself, and collected when it is done. The name of a set is
//! on disk before its writes leave, so whatever happens meanwhile, the next run collects it.

use std::collections::{BTreeMap, HashMap};
use std::mem::discriminant;
use std::time::Duration;

use crate::model::connector::{Collected, Operation, Write, WriteOutcome};
use crate::model::failure::{CallError, Failure};
use crate::model::id::OutboxId;
use crate::model::outcome::{Delivery, OutboxEntry};
use crate::model::sync::Sync;
use crate::model::time::Instant;
use crate::store::{Changes, StoreError, Workspace};

use super::advice::Patience;
use super::outbound::{Outbound, Sending};
use super::queue::BATCH;
use super::{Observer, StopSignal, SyncError};

/// Writes of one set: a few megabytes, here and in a plugin. What Salesforce works on in one go is as much.
const MOST: usize = 10_000;

/// Sets that a run has open at once: their writes are in memory until the CRM is done with them.
const OPEN_MOST: usize = 4;

/// The first look at a set that was just handed over.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// The longest pause between two looks, whatever a plugin asks for: a run must not seem dead.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// A set that the CRM may be at work on.
pub(super) struct OpenSet {
    object: String,
    name: String,
    entries: Vec<Sending>,
    look_at: Instant,
}

impl OpenSet {
    pub(super) fn entries(&self) -> &[Sending] {
        &self.entries
    }
}

/// The sets of a run.
pub(super) struct Sets {
    open: Vec<OpenSet>,
    /// From how many writes on, by object; an object that is not there has not been asked about.
    least: HashMap<String, Option<usize>>,
}

impl Sets {
    /// Those that earlier runs have left.
    pub(super) fn on_disk(workspace: &Workspace, sync: &Sync, now: Instant) -> Result<Self, StoreError> {
        let mut open: BTreeMap<(String, String), OpenSet> = BTreeMap::new();
        for entry in workspace.scan::<OutboxEntry>() {
            let entry = entry?;
            if entry.sync != sync.id {
                continue;
            }
            if let Delivery::Unknown { attempts, write, object, sent, set: Some(name), .. } = entry.delivery.clone() {
                let new = || OpenSet { object: object.clone(), name: name.clone(), entries: Vec::new(), look_at: now };
                let set = open.entry((object.clone(), name.clone())).or_insert_with(new);
                set.entries.push(Sending { entry, object, write, sent, attempts });
            }
        }
        Ok(Self { open: open.into_values().collect(), least: HashMap::new() })
    }

    pub(super) fn next_look(&self) -> Option<Instant> {
        self.open.iter().map(|set| set.look_at).min()
    }

    /// Whether some have to be collected before more is sent.
    pub(super) fn are_full(&self) -> bool {
        self.open.len() >= OPEN_MOST
    }

    /// In this run no set of the object is opened any more.
    fn give_up(&mut self, object: &str) {
        self.least.insert(object.to_owned(), None);
    }
}

impl Outbound<'_> {
    /// The next entries: a batch, or as many as a set may have where one is worth it.
    pub(super) async fn take(&mut self) -> Result<Vec<OutboxEntry>, SyncError> {
        let (workspace, now, from) = (&self.ports.workspace, self.ports.clock.now(), self.queue.place());
        let batch = self.queue.next(workspace, now, BATCH)?;
        if batch.len() < BATCH || !self.takes_sets().await? {
            return Ok(batch);
        }
        self.queue.back_to(from);
        Ok(self.queue.next(&self.ports.workspace, now, MOST)?)
    }

    /// Whether the CRM takes sets of anything that is sent.
    async fn takes_sets(&mut self) -> Result<bool, SyncError> {
        for spec in self.sync.outbound.values() {
            if self.sets.least.contains_key(&spec.object) {
                continue;
            }
            let least = match self.ports.connector.least(&spec.object).await {
                Ok(least) => least.map(|least| (least as usize).max(BATCH)),
                // Nothing depends on it: the writes go in batches.
                Err(CallError::Advice(_)) => None,
                Err(source) => return Err(self.call("least", source)),
            };
            self.sets.least.insert(spec.object.clone(), least);
        }
        Ok(self.sets.least.values().any(Option::is_some))
    }

    /// Opens sets for what is worth one. `ready` keeps a batch of the rest, and what is beyond that goes back into the queue.
    pub(super) async fn open_sets(
        &mut self,
        ready: &mut BTreeMap<String, Vec<Sending>>,
    ) -> Result<Vec<OpenSet>, SyncError> {
        let mut opened = Vec::new();
        for (object, entries) in ready.iter_mut() {
            let Some(least) = self.sets.least.get(object).copied().flatten() else { continue };
            for group in by_operation(std::mem::take(entries)) {
                if group.len() < least || self.sets.least.get(object) == Some(&None) {
                    entries.extend(group);
                    continue;
                }
                match self.ports.connector.open_set(object, &writes(&group)).await {
                    Ok(name) => {
                        let look_at = self.ports.clock.now().plus(FIRST_LOOK);
                        opened.push(OpenSet { object: object.clone(), name, entries: group, look_at });
                    }
                    Err(CallError::Advice(failure)) if !failure.is_of_connection() => {
                        self.sets.give_up(object);
                        entries.extend(group);
                    }
                    Err(source) => return Err(self.call("open", source)),
                }
            }
            entries.sort_by_key(|sending| sending.entry.id);
        }
        let mut ids: Vec<OutboxId> = ready.values().flatten().map(|sending| sending.entry.id).collect();
        ids.sort_unstable();
        if let Some(beyond) = ids.get(BATCH).copied() {
            ready.values_mut().for_each(|entries| entries.retain(|sending| sending.entry.id < beyond));
            self.queue.back_to(beyond.min(self.queue.place()));
        }
        if opened.is_empty() {
            // So many at once, and no set among them: looking again at each batch would map everything anew.
            self.sets.least.values_mut().for_each(|least| *least = None);
        }
        Ok(opened)
    }

    /// Marks the writes of a set as those that may have left in it.
    pub(super) fn mark_set(&self, set: &OpenSet, changes: &mut Changes) -> Result<(), SyncError> {
        set.entries.iter().try_for_each(|sending| self.mark_sent(sending, Some(&set.name), set.look_at, changes))
    }

    /// Hands a set over. Whether it arrived, collecting it tells.
    pub(super) async fn submit(&mut self, set: OpenSet) -> Result<(), SyncError> {
        let submitted = self.ports.connector.submit_set(&set.object, &set.name, &writes(&set.entries)).await;
        self.sets.open.push(set);
        match submitted {
            Err(CallError::Advice(failure)) if !failure.is_of_connection() => Ok(()),
            Err(source) => Err(self.call("submit", source)),
            Ok(()) => Ok(()),
        }
    }

    /// Waits until a set may be done, and collects those that are.
    pub(super) async fn collect(&mut self, observer: &dyn Observer, stop: &StopSignal) -> Result<(), SyncError> {
        let clock = self.ports.clock.clone();
        // Where the clock was set back meanwhile, no look lies further ahead than any ever does.
        let pause = self.sets.next_look().map(|at| at.since(clock.now())).unwrap_or_default().min(LONGEST_PAUSE);
        tokio::select! {
            biased;
            () = stop.raised() => return Err(SyncError::Stopped),
            () = clock.sleep(pause) => {}
        }
        let now = clock.now();
        let is_due = |set: &OpenSet| set.look_at <= now || set.look_at.since(now) > LONGEST_PAUSE;
        let (due, later) = std::mem::take(&mut self.sets.open).into_iter().partition(is_due);
        self.sets.open = later;
        for set in due {
            self.collect_one(set).await?;
            observer.page(&self.run.counts, None);
        }
        Ok(())
    }

    async fn collect_one(&mut self, set: OpenSet) -> Result<(), SyncError> {
        let (writes, mut patience) = (writes(&set.entries), Patience::default());
        let collected = loop {
            match self.ports.connector.collect_set(&set.object, &set.name, &writes).await {
                Ok(collected) => break collected,
                // The CRM knows it no more: each write is asked about by itself.
                Err(CallError::Advice(Failure::Missing(_))) => {
                    let unknown = |one| (one, WriteOutcome::Unknown("its set is not there any more".into()));
                    return self.settle_all(set.entries.into_iter().map(unknown)).await;
                }
                Err(error) => {
                    let verdict = patience.after(error, &*self.ports.clock).await;
                    verdict.map_err(|source| self.call("collect", source))?;
                }
            }
        };
        let now = self.ports.clock.now();
        match collected {
            Collected::Wait(pause) => {
                let look_at = now.plus(pause.clamp(FIRST_LOOK, LONGEST_PAUSE));
                self.sets.open.push(OpenSet { look_at, ..set });
                Ok(())
            }
            Collected::Outcomes(outcomes) => {
                self.run.counts.pages += 1;
                self.settle_all(set.entries.into_iter().zip(outcomes)).await
            }
            Collected::Void => {
                // What is wrong with it as a set may be right in batches, where it shows whose fault it is.
                self.sets.give_up(&set.object);
                let mut changes = Changes::default();
                set.entries.into_iter().try_for_each(|sending| self.wait(sending, now, &mut changes))?;
                Ok(self.ports.workspace.commit(changes)?)
            }
        }
    }
}

/// The writes that may be in one set: each kind of operation by itself, an upsert by its field.
fn by_operation(entries: Vec<Sending>) -> Vec<Vec<Sending>> {
    let kind = |sending: &Sending| match &sending.write.operation {
        Operation::Upsert { field, .. } => (discriminant(&sending.write.operation), field.clone()),
        other => (discriminant(other), String::new()),
    };
    let mut groups: Vec<Vec<Sending>> = Vec::new();
    for sending in entries {
        let is_its = |group: &&mut Vec<Sending>| group.first().is_some_and(|first| kind(first) == kind(&sending));
        match groups.iter_mut().find(is_its) {
            Some(group) => group.push(sending),
            None => groups.push(vec![sending]),
        }
    }
    groups
}

fn writes(entries: &[Sending]) -> Vec<Write> {
    entries.iter().map(|sending| sending.write.clone()).collect()
}
