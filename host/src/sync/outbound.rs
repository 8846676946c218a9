//! One outbound run: sends what the outbox holds for a sync, and writes down what became of each entry.
//!
//! Before a write leaves, the entry says on disk that it may have left. So whatever happens next, nothing is sent twice
//! without asking the CRM first.

use std::collections::BTreeMap;

use crate::model::connector::{Operation, Write, WriteOutcome, Written};
use crate::model::failure::{CallError, Failure};
use crate::model::mapping::Direction;
use crate::model::outcome::{Delivery, OutboxEntry, ReceiptState};
use crate::model::sync::{Counts, Run, RunEnd, Sync};
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::store::Changes;

use super::acknowledged::Acknowledged;
use super::backoff;
use super::delivery::{self, Next, problem};
use super::effects::{Effect, Effects};
use super::inbound::run_end;
use super::queue::{BATCH, Queue};
use super::sets::{OpenSet, Sets};
use super::{Observer, Ports, StopSignal, SyncError, echo};

/// One run from outbox to CRM. Returns the run as it was written down, also when it failed.
pub async fn run_outbound(
    ports: &Ports,
    sync: &Sync,
    observer: &dyn Observer,
    stop: &StopSignal,
) -> Result<Run, SyncError> {
    let run = Run {
        id: ports.workspace.new_run_id(),
        sync: sync.id.clone(),
        direction: Direction::Outbound,
        started: ports.clock.now(),
        ended: None,
        counts: Counts::default(),
        end: RunEnd::Running,
    };
    let (effects, queue) = (Effects::of(ports, sync)?, Queue::of(sync));
    echo::recall(&ports.workspace, sync)?;
    let sets = Sets::on_disk(&ports.workspace, sync, run.started)?;
    let mut outbound = Outbound { ports, sync, effects, queue, sets, run };
    let sent = outbound.send_all(observer, stop).await;
    outbound.end(sent)
}

pub(super) struct Outbound<'a> {
    pub(super) ports: &'a Ports,
    pub(super) sync: &'a Sync,
    effects: Effects<'a>,
    pub(super) queue: Queue<'a>,
    pub(super) sets: Sets,
    pub(super) run: Run,
}

/// An entry whose write is known and may have left.
pub(super) struct Sending {
    pub(super) entry: OutboxEntry,
    pub(super) object: String,
    pub(super) write: Write,
    /// The attributes that it carries, of a change of the record itself.
    pub(super) sent: Vec<(String, Value)>,
    pub(super) attempts: u32,
}

/// What leaves next, and is marked on disk as what may have left.
struct Marked {
    sets: Vec<OpenSet>,
    batches: BTreeMap<String, Vec<Sending>>,
}

impl Outbound<'_> {
    /// Sends what is due, and again as long as the CRM is at work on sets: meanwhile more may have been recorded.
    async fn send_all(&mut self, observer: &dyn Observer, stop: &StopSignal) -> Result<(), SyncError> {
        loop {
            self.send_due(observer, stop).await?;
            if self.sets.next_look().is_none() {
                return Ok(());
            }
            self.collect(observer, stop).await?;
            self.queue = Queue::of(self.sync);
        }
    }

    async fn send_due(&mut self, observer: &dyn Observer, stop: &StopSignal) -> Result<(), SyncError> {
        loop {
            if stop.is_raised() {
                return Err(SyncError::Stopped);
            }
            if self.sets.are_full() {
                return Ok(());
            }
            let sending = self.ports.workspace.sending().await;
            let batch = self.take().await?;
            if batch.is_empty() {
                return Ok(());
            }
            let Marked { sets, batches } = self.mark(batch).await?;
            drop(sending);
            for set in sets {
                self.submit(set).await?;
            }
            for (object, entries) in batches {
                self.push(&object, entries).await?;
            }
            self.run.counts.pages += 1;
            observer.page(&self.run.counts, None);
        }
    }

    /// Maps entries, finds out about those that may have left, and marks on disk what leaves now; by object.
    async fn mark(&mut self, batch: Vec<OutboxEntry>) -> Result<Marked, SyncError> {
        let is_large = batch.len() > BATCH;
        let mut sending: BTreeMap<String, Vec<Sending>> = BTreeMap::new();
        let mut unknown: BTreeMap<String, Vec<Sending>> = BTreeMap::new();
        let mut changes = Changes::default();
        for entry in batch {
            match entry.delivery.clone() {
                Delivery::Unknown { attempts, write, object, sent, .. } => {
                    unknown.entry(object.clone()).or_default().push(Sending { entry, object, write, sent, attempts });
                }
                Delivery::Waiting { attempts, .. } => {
                    if let Some(ready) = self.prepare(entry, attempts, &mut changes).await? {
                        sending.entry(ready.object.clone()).or_default().push(ready);
                    }
                }
                Delivery::Dead { .. } => {}
            }
        }
        for (object, mut entries) in unknown {
            while !entries.is_empty() {
                let rest = entries.split_off(entries.len().min(BATCH));
                for not_arrived in self.find_out(&object, entries).await? {
                    // Much may have happened to the record since: what a change carries is found out anew.
                    let ready = if not_arrived.sent.is_empty() {
                        Some(not_arrived)
                    } else {
                        self.prepare(not_arrived.entry, not_arrived.attempts, &mut changes).await?
                    };
                    if let Some(ready) = ready {
                        sending.entry(ready.object.clone()).or_default().push(ready);
                    }
                }
                entries = rest;
            }
        }
        sending.values_mut().for_each(|entries| entries.sort_by_key(|sending| sending.entry.id));
        let opened = if is_large { self.open_sets(&mut sending).await } else { Ok(Vec::new()) };
        let marked = opened.and_then(|sets| {
            sets.iter().try_for_each(|set| self.mark_set(set, &mut changes))?;
            for ready in sending.values().flatten() {
                self.mark_sent(ready, None, self.ports.clock.now(), &mut changes)?;
            }
            Ok(sets)
        });
        // What was settled on the way is, whatever else happens.
        self.ports.workspace.commit(changes)?;
        self.ports.store.flush_soon().await?;
        let sets = marked?;
        let leaving = sending.values().flatten().chain(sets.iter().flat_map(OpenSet::entries));
        echo::note(&self.ports.workspace, self.sync, leaving);
        Ok(Marked { sets, batches: sending })
    }

    /// Maps an entry; settles it here if it comes to no write.
    async fn prepare(
        &mut self,
        entry: OutboxEntry,
        attempts: u32,
        changes: &mut Changes,
    ) -> Result<Option<Sending>, SyncError> {
        if let Some(expired) = delivery::expired(self.sync, &entry, self.ports.clock.now()) {
            let problems = vec![expired];
            let remedy = "if it still matters, `ferry outbox retry`; else `ferry outbox discard`".to_owned();
            self.bury(entry, problems, remedy, changes)?;
            return Ok(None);
        }
        match self.effects.of_entry(&entry).await? {
            Effect::Write { object, write, sent } => {
                return Ok(Some(Sending { entry, object, write, sent, attempts }));
            }
            Effect::LeftOut(reason) => self.settle(&entry, ReceiptState::LeftOut { reason }, changes)?,
            Effect::Refused(problems) => {
                let remedy = "mend the mapping or the contact, then `ferry outbox retry`".to_owned();
                self.bury(entry, problems, remedy, changes)?;
            }
        }
        Ok(None)
    }

    /// Asks what became of writes that may have arrived. Gives back those that have not and may be sent.
    async fn find_out(&mut self, object: &str, entries: Vec<Sending>) -> Result<Vec<Sending>, SyncError> {
        let writes: Vec<Write> = entries.iter().map(|sending| sending.write.clone()).collect();
        let answers = match self.ports.connector.resolve(object, &writes).await {
            Ok(answers) => answers,
            Err(CallError::Advice(Failure::Unsupported(_))) => return self.cannot_find_out(entries),
            Err(source) => return Err(self.call("resolve", source)),
        };
        let (mut arrived, mut not_arrived) = (Vec::new(), Vec::new());
        for (sending, answer) in entries.into_iter().zip(answers) {
            match answer {
                Some(Written { id: record, .. }) => arrived.push((sending, record)),
                None => not_arrived.push(sending),
            }
        }
        self.delivered_all(arrived, Changes::default()).await?;
        Ok(not_arrived)
    }

    /// What may safely be repeated is; the rest is for a person.
    fn cannot_find_out(&mut self, entries: Vec<Sending>) -> Result<Vec<Sending>, SyncError> {
        let (mut repeatable, mut changes) = (Vec::new(), Changes::default());
        for sending in entries {
            let keyed = self.sync.outbound.values().any(|spec| spec.object == sending.object && spec.abilities.keyed);
            if keyed || !matches!(sending.write.operation, Operation::Create) {
                repeatable.push(sending);
                continue;
            }
            let problems = vec![problem("its answer was lost, and this CRM can't tell whether it arrived")];
            let remedy = "look for it in the CRM; if it is not there, `ferry outbox retry`".to_owned();
            self.bury(sending.entry, problems, remedy, &mut changes)?;
        }
        self.ports.workspace.commit(changes)?;
        Ok(repeatable)
    }

    /// Sends the entries of one object; a batch that is refused as a whole is halved until what is wrong stands alone.
    async fn push(&mut self, object: &str, entries: Vec<Sending>) -> Result<(), SyncError> {
        let mut batches = vec![entries];
        while let Some(mut batch) = batches.pop() {
            if batch.is_empty() {
                continue;
            }
            let writes: Vec<Write> = batch.iter().map(|sending| sending.write.clone()).collect();
            match self.ports.connector.push(object, &writes).await {
                Ok(outcomes) => self.settle_all(batch.into_iter().zip(outcomes)).await?,
                Err(CallError::Advice(failure)) if delivery::is_refusal(&failure) => {
                    if batch.len() > 1 {
                        let later = batch.split_off(batch.len() / 2);
                        batches.extend([later, batch]);
                    } else {
                        let problems = vec![problem(&failure.to_string())];
                        let rejected = |one| (one, WriteOutcome::Rejected(problems.clone()));
                        self.settle_all(batch.into_iter().map(rejected)).await?;
                    }
                }
                Err(CallError::Advice(Failure::Temporary(_))) => {
                    self.settle_all(batch.into_iter().map(|one| (one, WriteOutcome::Later(None)))).await?;
                }
                Err(source) => {
                    let rest = batches.into_iter().flatten();
                    return self.interrupted(batch, rest, source);
                }
            }
        }
        Ok(())
    }

    /// The connection is in trouble that is not the writes' fault: they keep their place and burn no attempt.
    fn interrupted(
        &mut self,
        batch: Vec<Sending>,
        not_sent: impl Iterator<Item = Sending>,
        source: CallError,
    ) -> Result<(), SyncError> {
        let now = self.ports.clock.now();
        let mut changes = Changes::default();
        for sending in batch {
            // Advice means that no write took effect. A plugin that failed says nothing about them.
            if matches!(source, CallError::Advice(_)) {
                self.wait(sending, now, &mut changes)?;
            }
        }
        for sending in not_sent {
            self.wait(sending, now, &mut changes)?;
        }
        self.ports.workspace.commit(changes)?;
        Err(self.call("push", source))
    }

    pub(super) async fn settle_all(
        &mut self,
        answered: impl Iterator<Item = (Sending, WriteOutcome)>,
    ) -> Result<(), SyncError> {
        let now = self.ports.clock.now();
        let (mut arrived, mut changes) = (Vec::new(), Changes::default());
        for (mut sending, outcome) in answered {
            sending.attempts += 1;
            if let (WriteOutcome::Written(_), Operation::Update { id }) = (&outcome, &sending.write.operation) {
                // What was pulled before this comes again with another stamp.
                self.ports.workspace.recent_writes().note(&self.sync.id, id);
            }
            match delivery::next(outcome, sending.attempts, backoff::spread(now, sending.entry.id.0)) {
                Next::Delivered { record } => arrived.push((sending, record)),
                Next::Again { wait } => {
                    self.run.counts.retried += 1;
                    self.queue.hold(&sending.entry);
                    self.wait(sending, now.plus(wait), &mut changes)?;
                }
                Next::FindOut { wait } => {
                    self.run.counts.retried += 1;
                    self.queue.hold(&sending.entry);
                    self.mark_sent(&sending, None, now.plus(wait), &mut changes)?;
                }
                Next::Dead { problems, remedy } => self.bury(sending.entry, problems, remedy, &mut changes)?,
            }
        }
        self.delivered_all(arrived, changes).await
    }

    /// Commits that these have arrived, with what it means for their contacts and with other changes.
    async fn delivered_all(&mut self, arrived: Vec<(Sending, String)>, mut changes: Changes) -> Result<(), SyncError> {
        let workspace = self.ports.workspace.clone();
        let _writing = workspace.writing().await;
        let mut acknowledged = Acknowledged::new(&workspace, self.sync, self.ports.clock.now());
        for (sending, record) in arrived {
            self.run.counts.delivered += 1;
            acknowledged.take(&sending.entry, &sending.write, &sending.sent, &mut changes)?;
            let state = ReceiptState::Delivered { object: sending.object, record };
            self.settle(&sending.entry, state, &mut changes)?;
        }
        acknowledged.finish(&mut changes);
        Ok(workspace.commit(changes)?)
    }

    /// The entry leaves the outbox, and a receipt stays.
    fn settle(&mut self, entry: &OutboxEntry, state: ReceiptState, changes: &mut Changes) -> Result<(), SyncError> {
        if matches!(state, ReceiptState::LeftOut { .. }) {
            self.run.counts.skipped += 1;
        }
        self.ports.workspace.sent_changes().forget(&entry.sync, entry.id);
        Ok(changes.settle(entry, state, self.ports.clock.now())?)
    }

    fn bury(
        &mut self,
        mut entry: OutboxEntry,
        problems: Vec<crate::model::value::Problem>,
        remedy: String,
        changes: &mut Changes,
    ) -> Result<(), SyncError> {
        self.run.counts.dead += 1;
        self.ports.workspace.sent_changes().forget(&entry.sync, entry.id);
        entry.delivery = Delivery::Dead { problems, remedy, at: self.ports.clock.now() };
        Ok(changes.put(entry.id, &entry)?)
    }

    pub(super) fn wait(&self, sending: Sending, not_before: Instant, changes: &mut Changes) -> Result<(), SyncError> {
        self.ports.workspace.sent_changes().forget(&self.sync.id, sending.entry.id);
        let delivery = Delivery::Waiting { attempts: sending.attempts, not_before };
        Ok(changes.put(sending.entry.id, &OutboxEntry { delivery, ..sending.entry })?)
    }

    /// From now on the write may have left, by itself or in a set.
    pub(super) fn mark_sent(
        &self,
        sending: &Sending,
        set: Option<&str>,
        not_before: Instant,
        changes: &mut Changes,
    ) -> Result<(), SyncError> {
        let (write, object, attempts) = (sending.write.clone(), sending.object.clone(), sending.attempts);
        let sent = sending.sent.clone();
        let set = set.map(str::to_owned);
        let delivery = Delivery::Unknown { attempts, write, object, not_before, sent, set };
        Ok(changes.put(sending.entry.id, &OutboxEntry { delivery, ..sending.entry.clone() })?)
    }

    fn end(mut self, sent: Result<(), SyncError>) -> Result<Run, SyncError> {
        self.run.ended = Some(self.ports.clock.now());
        self.run.end = run_end(&sent);
        let mut changes = Changes::default();
        changes.put(self.run.id, &self.run)?;
        let written = self.ports.workspace.commit(changes).and_then(|()| self.ports.store.flush());
        sent?;
        written?;
        Ok(self.run)
    }

    pub(super) fn call(&self, verb: &'static str, source: CallError) -> SyncError {
        SyncError::call(self.sync, verb, source)
    }
}
