//! One inbound run: decides what to walk, and commits each page with its checkpoint, or neither.

use std::time::Duration;

use crate::model::connector::{Page, Window};
use crate::model::id::RunId;
use crate::model::ledger::Retention;
use crate::model::mapping::{Column, Direction};
use crate::model::sync::{Checkpoint, Counts, MappingVersion, Run, RunEnd, Sync, SyncState};
use crate::model::time::Instant;
use crate::store::Changes;

use super::attributes::{self, Attributes};
use super::census::{Marking, Seen, Swept};
use super::draft::Waiting;
use super::fingerprint::Fingerprints;
use super::joining::Whom;
use super::page::Pages;
use super::walk::{self, Pulled, Puller, WalkError};
use super::{Observer, Ports, StopSignal, SyncError, echo, gone};

/// Partitions that are pulled side by side unless told: as many as most CRMs serve one account at a time.
pub const PARTITIONS: u32 = 4;

/// Commits between two flushes: a crash of the machine, not of the process, repeats at most so many pages.
const FLUSH_EVERY: u64 = 32;

/// Increments look back this much further than the connector says that records may be late, and ahead of the CRM's time: the
/// clocks of the machines that a CRM is made of differ.
const OVERLAP: Duration = Duration::from_secs(2 * 60);

/// By how much our clock may be behind that of a CRM that does not say what time it is.
const BEHIND_MOST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// One run from CRM to contacts; a new backfill is pulled in at most so many partitions. Returns the run as it was written
/// down; when it fails, the failure is written down too.
pub async fn run_inbound(
    ports: &Ports,
    sync: &Sync,
    partitions: u32,
    observer: &dyn Observer,
    stop: &StopSignal,
) -> Result<Run, SyncError> {
    let mut inbound = Inbound::open(ports, sync, partitions).await?;
    let walked = inbound.walk_all(observer, stop).await;
    inbound.end(walked).await
}

/// Takes the mapping that a sync has now to every row that is stored. Returns the run as it was written down; when it
/// fails, the failure is written down too, and the next run goes on with it.
pub async fn run_remap(
    ports: &Ports,
    sync: &Sync,
    observer: &dyn Observer,
    stop: &StopSignal,
) -> Result<Run, SyncError> {
    let mut inbound = Inbound::open(ports, sync, 1).await?;
    let done = inbound.remap(observer, stop).await;
    inbound.end(done).await
}

pub(super) struct Inbound<'a> {
    pub(super) ports: &'a Ports,
    pub(super) sync: &'a Sync,
    pub(super) puller: Puller,
    pub(super) pages: Pages<'a>,
    pub(super) state: SyncState,
    pub(super) run: Run,
    /// Of a list, what this run has seen of it from its beginning on.
    seen: Option<Seen>,
    partitions: u32,
    since_flush: u64,
}

impl<'a> Inbound<'a> {
    pub(super) async fn open(ports: &'a Ports, sync: &'a Sync, partitions: u32) -> Result<Self, SyncError> {
        let run_id = ports.workspace.new_run_id();
        let now = ports.clock.now();
        let state = ports.workspace.get::<SyncState>(&sync.id)?.unwrap_or_default();
        let run = Run {
            id: run_id,
            sync: sync.id.clone(),
            direction: Direction::Inbound,
            started: now,
            ended: None,
            counts: Counts::default(),
            end: RunEnd::Running,
        };
        let pages = open_pages(ports, sync, run_id).await?;
        ports.workspace.recent_writes().begin(&sync.id);
        echo::recall(&ports.workspace, sync)?;
        settle_mapping(ports, sync, pages.mapping.output(), now)?;
        Ok(Self {
            ports,
            sync,
            puller: Puller::of(ports, sync),
            pages,
            state,
            run,
            seen: None,
            partitions: partitions.max(1),
            since_flush: 0,
        })
    }

    /// Finishes what an earlier run began, then walks what is new.
    async fn walk_all(&mut self, observer: &dyn Observer, stop: &StopSignal) -> Result<(), SyncError> {
        self.remap(observer, stop).await?;
        self.look_at_fields().await?;
        if self.state.checkpoint.is_some() {
            self.walk(observer, stop).await?;
        }
        self.state.checkpoint = Some(self.fresh_checkpoint().await?);
        if self.state.gone_until.is_none() {
            // Links may be older than the first backfill: a webhook was faster.
            self.state.gone_until = self.state.high_water.or(Some(self.sync.created));
        }
        // Whom a list has no more, only the whole list tells.
        self.seen = self.sync.segment.is_some().then(|| Seen::of(&self.ports.workspace, self.sync));
        self.walk(observer, stop).await?;
        let Some(seen) = self.seen.take() else { return Ok(()) };
        let mut swept = Swept::default();
        // Whether those who left before are still there at all, sweeps ask.
        let marking = Marking { agreed: false, with_left: false };
        let marked = self.mark_missing(seen, marking, &mut swept, stop).await;
        self.run.counts.gone += swept.gone;
        marked
    }

    /// Everything for the first time, or where the CRM can't tell what has changed; else what changed since the last run.
    async fn fresh_checkpoint(&self) -> Result<Checkpoint, SyncError> {
        let started = self.time_there();
        // Who enters or leaves a segment need not have changed.
        let by_window = self.sync.abilities.windows && self.sync.segment.is_none();
        if let Some(high_water) = self.state.high_water.filter(|_| by_window) {
            // Where a clock was wrong and is right again, what it hid lies behind the time that it is now.
            let since = started.map_or(high_water, |started| started.min(high_water)).minus(self.overlap());
            let window = Window { since, before: self.end_of_window() };
            return Ok(Checkpoint::Increment { started, windows: vec![window], next: None });
        }
        let partitions = self
            .puller
            .partitions(self.sync, self.partitions)
            .await
            .map_err(|source| self.call("partition", source))?;
        // Where no window is ever walked, this is for people alone.
        let started = started.or_else(|| (!by_window).then(|| self.ports.clock.now()));
        Ok(Checkpoint::Backfill { started, partitions })
    }

    /// What time it is at the CRM, and never later: stamps are the CRM's, and what it has not stamped yet must not count as seen,
    /// whatever our clock says. None where neither an answer nor a stamp has told.
    fn time_there(&self) -> Option<Instant> {
        let by_stamps = || self.state.latest.map(|latest| latest.min(self.ports.clock.now()));
        self.ports.connector.told_time().or_else(by_stamps)
    }

    /// Later than any stamp that there is.
    fn end_of_window(&self) -> Instant {
        let now = self.ports.clock.now();
        match self.ports.connector.told_time() {
            Some(told) => told.max(now).plus(OVERLAP),
            // Nothing tells how far our clock is behind. What is too large is halved, wherever it ends.
            None => now.max(self.state.latest.unwrap_or(now)).plus(BEHIND_MOST),
        }
    }

    fn overlap(&self) -> Duration {
        OVERLAP + Duration::from_millis(u64::from(self.sync.lateness_ms))
    }

    /// Walks the checkpoint to its end.
    async fn walk(&mut self, observer: &dyn Observer, stop: &StopSignal) -> Result<(), SyncError> {
        let Some(checkpoint) = &self.state.checkpoint else { return Ok(()) };
        let mut walk = self.puller.start(checkpoint);
        while self.state.checkpoint.is_some() {
            let pulled = tokio::select! {
                // Who asks for a stop gets it, also while pages keep coming.
                biased;
                () = stop.raised() => return Err(SyncError::Stopped),
                pulled = walk.pages.recv() => pulled,
            };
            match pulled {
                Some(Ok(Pulled { asked, page, position })) => {
                    self.pages.asked = Some(asked);
                    self.commit(page, observer, |state| advance(state, position)).await?;
                }
                Some(Err(WalkError::Call(source))) => return Err(self.call("pull", source)),
                Some(Err(WalkError::TooDense(window))) => return Err(SyncError::TooDense(window)),
                None => return Err(SyncError::Lost),
            }
        }
        self.bury().await
    }

    /// Marks what is gone since that was last done. What ends a run between its last page and this is made up for by the next.
    async fn bury(&mut self) -> Result<(), SyncError> {
        let Some(since) = self.state.gone_until.filter(|_| self.sync.abilities.gone) else { return Ok(()) };
        let there = self.time_there();
        // It is told to the second, and that one is not over.
        let told = self.ports.connector.told_time().map(|told| told.plus(Duration::from_secs(1)));
        let before = told.unwrap_or_else(|| self.end_of_window());
        let window = Window { since: there.map_or(since, |there| there.min(since)).minus(self.overlap()), before };
        let mut graves = gone::Graves::of(self.ports, self.sync, self.run.id);
        let buried = graves.follow(window).await;
        self.run.counts.gone += graves.buried;
        buried?;
        self.state.gone_until = there.or(self.state.gone_until);
        Ok(())
    }

    /// Writes the page's rows and how far that is together or neither.
    pub(super) async fn commit(
        &mut self,
        page: Page,
        observer: &dyn Observer,
        advance: impl FnOnce(&mut SyncState),
    ) -> Result<(), SyncError> {
        let total = page.total;
        if let Some(seen) = &mut self.seen {
            page.rows.iter().for_each(|row| seen.add(&row.id));
        }
        let latest = page.rows.iter().filter_map(|row| row.modified).max();
        let writing = self.ports.workspace.writing().await;
        let now = self.ports.clock.now();
        let mut page = self.pages.changes(page, now, None).await?;
        self.renew_sums()?;
        self.run.counts.add(&page.counts);
        self.state.linked = self.state.linked.saturating_add_signed(page.linked);
        self.state.refused = self.state.refused.saturating_add_signed(page.refused);
        self.state.last_run = Some(self.run.id);
        self.state.learn(latest, now);
        advance(&mut self.state);
        self.write_progress(&mut page.changes)?;
        self.ports.workspace.commit(page.changes)?;
        drop(writing);
        observer.page(&self.run.counts, total);
        self.since_flush += 1;
        if self.since_flush >= FLUSH_EVERY {
            self.since_flush = 0;
            self.ports.store.flush_soon().await?;
        }
        Ok(())
    }

    /// Others change them too, where they make one contact of two: whoever calls this holds the lock for writing.
    fn renew_sums(&mut self) -> Result<(), SyncError> {
        if let Some(stored) = self.ports.workspace.get::<SyncState>(&self.sync.id)? {
            (self.state.linked, self.state.refused) = (stored.linked, stored.refused);
        }
        Ok(())
    }

    fn write_progress(&self, changes: &mut Changes) -> Result<(), SyncError> {
        changes.put(&self.sync.id, &self.state)?;
        changes.put(self.run.id, &self.run)?;
        Ok(())
    }

    /// Writes down how the run ended.
    pub(super) async fn end(mut self, walked: Result<(), SyncError>) -> Result<Run, SyncError> {
        self.ports.workspace.recent_writes().end(&self.sync.id);
        self.run.ended = Some(self.ports.clock.now());
        self.run.end = run_end(&walked);
        self.state.last_run = Some(self.run.id);
        let mut changes = Changes::default();
        let writing = self.ports.workspace.writing().await;
        let written = self.renew_sums().and_then(|()| self.write_progress(&mut changes));
        let written = written.and_then(|()| Ok(self.ports.workspace.commit(changes)?));
        drop(writing);
        let flushed = written.and(self.ports.store.flush_soon().await.map_err(SyncError::from));
        // What ended the run is what the caller wants to know; a full disk shows in both.
        walked?;
        flushed?;
        Ok(self.run)
    }

    /// Whose a record is, as a person has said.
    pub(super) fn decide(&mut self, record: &str, whom: Whom) {
        self.pages.decided = Some((record.to_owned(), whom));
    }

    pub(super) fn call(&self, verb: &'static str, source: crate::model::failure::CallError) -> SyncError {
        SyncError::call(self.sync, verb, source)
    }
}

fn advance(state: &mut SyncState, position: walk::Position) {
    let Some(checkpoint) = &mut state.checkpoint else { return };
    if walk::advance(checkpoint, position) {
        state.high_water = checkpoint.started().or(state.high_water);
        state.checkpoint = None;
    }
}

impl SyncState {
    /// Takes note of the greatest stamp of a page. A walk that did not know what time it was there began no later than that
    /// of its first page.
    fn learn(&mut self, latest: Option<Instant>, now: Instant) {
        let Some(latest) = latest else { return };
        self.latest = self.latest.max(Some(latest));
        if let Some(checkpoint) = &mut self.checkpoint {
            checkpoint.started().get_or_insert(latest.min(now));
        }
    }
}

/// Writes down what the sync's mapping is and fills, where that is not known yet.
fn settle_mapping(ports: &Ports, sync: &Sync, output: &[Column], now: Instant) -> Result<(), SyncError> {
    let mut changes = Changes::default();
    attributes::define(&ports.workspace, output, &mut changes)?;
    if ports.workspace.get::<MappingVersion>((&sync.id, sync.version))?.is_none() {
        changes.put((&sync.id, sync.version), &sync.mapping_version(output.to_vec(), now))?;
    }
    if !changes.is_empty() {
        ports.workspace.commit(changes)?;
    }
    Ok(())
}

pub(super) fn run_end(result: &Result<(), SyncError>) -> RunEnd {
    match result {
        Ok(()) => RunEnd::Done,
        Err(error) => RunEnd::Failed { code: error.code().into(), message: describe(error), remedy: error.remedy() },
    }
}

/// The error and its causes in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The sync's mapping, open and ready for pages.
pub(super) async fn open_pages<'a>(ports: &'a Ports, sync: &'a Sync, run: RunId) -> Result<Pages<'a>, SyncError> {
    let mapping = ports
        .mapper(&sync.mapping.mapper)?
        .open(&sync.mapping.configuration, Direction::Inbound, &sync.columns)
        .await?;
    // Attributes may have been settled by another sync since this one was created.
    attributes::define(&ports.workspace, mapping.output(), &mut Changes::default())?;
    let versions = ports.workspace.scan_under::<MappingVersion>(&[sync.id.as_str()]);
    let filled = versions.map(|version| version.map(|version| (version.number, version.output)));
    let attributes = Attributes::of(mapping.output());
    let policies = attributes.names().map(|name| sync.policy(name)).collect();
    let (source, fingerprints) = (sync.source(), Fingerprints::of(sync));
    let retention = ports.workspace.get::<Retention>(())?.unwrap_or_default();
    let horizon = retention.horizon(ports.clock.now());
    let waiting = Waiting::of(&ports.workspace, &sync.id)?;
    Ok(Pages {
        sync,
        source,
        workspace: &ports.workspace,
        mapping,
        attributes,
        policies,
        fingerprints,
        waiting,
        run,
        page: 0,
        asked: None,
        decided: None,
        filled: filled.collect::<Result<_, _>>()?,
        horizon,
    })
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        let Self { pages, rows, created, changed, unchanged, skipped, refused, held, gone, delivered, retried, dead } =
            other;
        for (sum, more) in [
            (&mut self.pages, pages),
            (&mut self.rows, rows),
            (&mut self.created, created),
            (&mut self.changed, changed),
            (&mut self.unchanged, unchanged),
            (&mut self.skipped, skipped),
            (&mut self.refused, refused),
            (&mut self.held, held),
            (&mut self.gone, gone),
            (&mut self.delivered, delivered),
            (&mut self.retried, retried),
            (&mut self.dead, dead),
        ] {
            *sum += more;
        }
    }
}
