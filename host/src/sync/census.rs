//! Sweeps: the id of every record that the CRM has for a sync, against every one that we have. Mark what is gone and fetch what was
//! missed; where the sync reads fields that change without a stamp, read them as well. Speaks to ports and the store only.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::connector::{Page, Slice};
use crate::model::contact::{Contact, Source};
use crate::model::failure::{CallError, Failure};
use crate::model::id::ContactId;
use crate::model::ledger::SetAside;
use crate::model::sync::{Run, Sync};
use crate::model::value::Row;
use crate::store::{Changes, LookupKey, Workspace};

use super::inbound::Inbound;
use super::walk::Puller;
use super::{Observer, Ports, StopSignal, SyncError};

/// Ids that are asked about at once.
pub(super) const ASKED: usize = 500;

/// Contacts that are marked in one commit.
const MARKED: usize = 500;

/// More of a sync's records than this share, in percent, are not marked as gone unless a person agrees: a lost permission or
/// a changed list looks just like it. A few always may.
const MOST_GONE_PERCENT: u64 = 10;
const FEW: u64 = 5;

/// The ids that were seen, as hashes: eight bytes a record, so that a million need no more than 8 MB. Two ids in 10^13 share
/// one, and then a deleted record is found by the next sweep that has other neighbours, or by the CRM's own word.
pub(super) struct Seen {
    workspace: Arc<Workspace>,
    source: Source,
    hashes: Vec<u64>,
}

impl Seen {
    pub(super) fn of(workspace: &Arc<Workspace>, sync: &Sync) -> Self {
        Self { workspace: workspace.clone(), source: sync.source(), hashes: Vec::new() }
    }

    pub(super) fn add(&mut self, record: &str) {
        self.hashes.push(self.hash(record));
    }

    /// Everything was seen; gives how many.
    pub(super) fn close(&mut self) -> u64 {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.len() as u64
    }

    pub(super) fn has(&self, record: &str) -> bool {
        self.hashes.binary_search(&self.hash(record)).is_ok()
    }

    fn hash(&self, record: &str) -> u64 {
        self.workspace.hash(LookupKey::Record { source: &self.source, id: record }).number()
    }
}

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records that the CRM has for the sync.
    pub theirs: u64,
    /// Records that we did not know, and fetched.
    pub fetched: u64,
    /// Links whose record is gone, and that say so now.
    pub gone: u64,
    /// Links whose record is there, but no longer passes the sync's filter or list. They stay, and say so now.
    pub outside: u64,
}

/// How far what was not seen is marked.
pub(super) struct Marking {
    /// A person has agreed to any number.
    pub(super) agreed: bool,
    /// Those that have left the list or filter are asked about as well.
    pub(super) with_left: bool,
}

/// Compares ids, fetches what is missing here, and marks what is gone there. Nothing is marked before everything has been seen.
pub async fn run_sweep(
    ports: &Ports,
    sync: &Sync,
    agreed: bool,
    observer: &dyn Observer,
    stop: &StopSignal,
) -> Result<(Run, Swept), SyncError> {
    let mut inbound = Inbound::open(ports, sync, 1).await?;
    let mut swept = Swept::default();
    let done = inbound.sweep(agreed, &mut swept, observer, stop).await;
    inbound.run.counts.gone += swept.gone;
    Ok((inbound.end(done).await?, swept))
}

impl Inbound<'_> {
    async fn sweep(
        &mut self,
        agreed: bool,
        swept: &mut Swept,
        observer: &dyn Observer,
        stop: &StopSignal,
    ) -> Result<(), SyncError> {
        let reads_derived = self.look_at_fields().await?;
        let (workspace, sync) = (self.ports.workspace.clone(), self.sync);
        let mut puller = self.puller.clone();
        if !reads_derived {
            puller.request.columns.clear();
        }
        let (mut seen, mut unknown) = (Seen::of(&workspace, sync), Vec::new());
        let mut pages = Pages::of(&puller);
        loop {
            let asked = workspace.recent_writes().latest();
            let Some(page) = pages.next(sync, stop).await? else { break };
            let before = unknown.len();
            for Row { id, .. } in &page.rows {
                seen.add(id);
                if !is_known(&workspace, sync, id)? {
                    unknown.push(id.clone());
                }
            }
            if reads_derived {
                // What no stamp tells of is only found by reading it.
                swept.fetched += unknown.drain(before..).count() as u64;
                self.pages.asked = Some(asked);
                self.commit(page, observer, |_| {}).await?;
            }
            while unknown.len() >= ASKED {
                let batch = unknown.split_off(unknown.len() - ASKED);
                swept.fetched += self.fetch(&batch, observer, stop).await?.len() as u64;
            }
        }
        swept.fetched += self.fetch(&unknown, observer, stop).await?.len() as u64;
        self.mark_missing(seen, Marking { agreed, with_left: true }, swept, stop).await
    }

    /// Marks what was not seen, once everything was.
    pub(super) async fn mark_missing(
        &mut self,
        mut seen: Seen,
        Marking { agreed, with_left }: Marking,
        swept: &mut Swept,
        stop: &StopSignal,
    ) -> Result<(), SyncError> {
        swept.theirs = seen.close();
        let (workspace, sync) = (self.ports.workspace.clone(), self.sync);
        let (mut living, mut missing, mut left) = (0, 0, 0);
        for contact in workspace.contacts(ContactId(0)) {
            let contact = contact?;
            left += u64::from(with_left && left_record(&contact, sync).is_some());
            let Some(record) = living_record(&contact, sync) else { continue };
            living += 1;
            missing += u64::from(!seen.has(record));
        }
        // Any number may leave a list, and only what is not there by its id either is gone.
        if sync.segment.is_none() && !agreed {
            check_share(missing, living)?;
        }
        living += left;
        let mut from = ContactId(0);
        loop {
            if stop.is_raised() {
                return Err(SyncError::Stopped);
            }
            let mut suspects = Vec::new();
            for contact in workspace.contacts(from) {
                let contact = contact?;
                from = ContactId(contact.id.0 + 1);
                let missed = living_record(&contact, sync).filter(|record| !seen.has(record));
                if let Some(record) = missed.or_else(|| left_record(&contact, sync).filter(|_| with_left)) {
                    suspects.push((contact.id, record.to_owned()));
                }
                if suspects.len() == MARKED {
                    break;
                }
            }
            if suspects.is_empty() {
                return Ok(());
            }
            self.mark(suspects, (!agreed).then_some(living), swept).await?;
        }
    }

    /// Asks for the suspects by their ids, whatever the filter says: lists shift while they are read, and a record that has only
    /// left the filter is not gone.
    async fn mark(
        &mut self,
        suspects: Vec<(ContactId, String)>,
        living: Option<u64>,
        swept: &mut Swept,
    ) -> Result<(), SyncError> {
        let ids = suspects.iter().map(|(_, record)| record.clone()).collect();
        let there = there_by_id(&self.puller, self.sync, ids).await?;
        if let Some(living) = living {
            let gone = suspects.iter().filter(|(_, record)| !there.contains(record)).count();
            check_share(swept.gone + gone as u64, living)?;
        }
        let workspace = self.ports.workspace.clone();
        let _writing = workspace.writing().await;
        let now = self.ports.clock.now();
        let mut changes = Changes::default();
        for (id, record) in suspects {
            let Some(mut contact) = workspace.contact(id)? else { continue };
            let link = contact.links.iter_mut().find(|link| link.sync == self.sync.id && link.record == record);
            let Some(link) = link.filter(|link| link.gone.is_none()) else { continue };
            match (there.contains(&record), link.left) {
                (false, _) => {
                    swept.gone += 1;
                    link.gone = Some(now);
                }
                (true, None) => {
                    swept.outside += 1;
                    link.left = Some(now);
                }
                (true, Some(_)) => continue,
            }
            changes.contact(contact, &[]);
        }
        Ok(workspace.commit(changes)?)
    }
}

fn is_known(workspace: &Workspace, sync: &Sync, record: &str) -> Result<bool, SyncError> {
    let source = sync.source();
    let found = workspace.find(LookupKey::Record { source: &source, id: record })?;
    let is_linked = found.iter().any(|contact| living_record(contact, sync) == Some(record));
    Ok(is_linked || workspace.get::<SetAside>((&sync.id, record))?.is_some())
}

/// Unless a person has agreed.
fn check_share(missing: u64, living: u64) -> Result<(), SyncError> {
    if missing > FEW && missing * 100 > living * MOST_GONE_PERCENT {
        return Err(SyncError::TooManyGone { missing, living });
    }
    Ok(())
}

/// The record that the CRM must have for the sync.
pub(super) fn living_record<'a>(contact: &'a Contact, sync: &Sync) -> Option<&'a str> {
    contact.living(&sync.id).filter(|link| link.left.is_none()).map(|link| link.record.as_str())
}

/// The record of which nothing was heard since it left the sync's list or filter.
pub(super) fn left_record<'a>(contact: &'a Contact, sync: &Sync) -> Option<&'a str> {
    contact.living(&sync.id).filter(|link| link.left.is_some()).map(|link| link.record.as_str())
}

/// Those of these ids that are there, whatever the filter and the list say.
pub(super) async fn there_by_id(puller: &Puller, sync: &Sync, ids: Vec<String>) -> Result<HashSet<String>, SyncError> {
    let mut puller = puller.clone();
    puller.request.columns.clear();
    puller.request.filter.clear();
    puller.request.segment = None;
    let (mut there, mut token) = (HashSet::new(), None);
    loop {
        let page = puller
            .pull(Slice::Ids(ids.clone()), token)
            .await
            .map_err(|source| SyncError::call(sync, "pull", source))?;
        there.extend(page.rows.into_iter().map(|row| row.id));
        token = page.next;
        if token.is_none() {
            return Ok(there);
        }
    }
}

/// All that passes the sync's filter, page by page.
pub(super) struct Pages<'a> {
    puller: &'a Puller,
    token: Option<String>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn of(puller: &'a Puller) -> Self {
        Self { puller, token: None, is_done: false }
    }

    /// None at the end. Pages may come twice: where a token has expired, everything comes again.
    pub(super) async fn next(&mut self, sync: &Sync, stop: &StopSignal) -> Result<Option<Page>, SyncError> {
        while !self.is_done {
            if stop.is_raised() {
                return Err(SyncError::Stopped);
            }
            match self.puller.pull(Slice::All, self.token.take()).await {
                Ok(page) => {
                    if let Some(wait) = page.wait {
                        self.puller.clock.sleep(wait).await;
                    }
                    self.token.clone_from(&page.next);
                    self.is_done = self.token.is_none();
                    return Ok(Some(page));
                }
                Err(CallError::Advice(Failure::TokenExpired)) => {}
                Err(source) => return Err(SyncError::call(sync, "pull", source)),
            }
        }
        Ok(None)
    }
}
