//! Every record that the CRM has for a sync, against every one that we have: sweeps mark what is gone and fetch what was
//! missed; a check only tells. Speaks to ports and the store only.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::connector::{Page, Slice};
use crate::model::contact::{Contact, Source};
use crate::model::failure::{CallError, Failure};
use crate::model::id::ContactId;
use crate::model::ledger::SetAside;
use crate::model::sync::{Run, Sync};
use crate::model::value::{Row, Value};
use crate::store::{Changes, LookupKey, Workspace};

use super::fingerprint::Fingerprints;
use super::inbound::Inbound;
use super::walk::Puller;
use super::{Observer, Ports, StopSignal, SyncError};

/// Ids that are asked about at once.
const ASKED: usize = 500;

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

    fn close(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
    }

    fn has(&self, record: &str) -> bool {
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
        self.look_at_fields().await?;
        let (workspace, sync) = (self.ports.workspace.clone(), self.sync);
        let mut ids = self.puller.clone();
        ids.request.columns.clear();
        let (mut seen, mut unknown) = (Seen::of(&workspace, sync), Vec::new());
        let mut pages = Pages::of(&ids);
        while let Some(page) = pages.next(sync, stop).await? {
            for Row { id, .. } in page.rows {
                seen.add(&id);
                if !is_known(&workspace, sync, &id)? {
                    unknown.push(id);
                }
            }
            while unknown.len() >= ASKED {
                let batch = unknown.split_off(unknown.len() - ASKED);
                swept.fetched += self.fetch(&batch, observer, stop).await?.len() as u64;
            }
        }
        swept.fetched += self.fetch(&unknown, observer, stop).await?.len() as u64;
        self.mark_missing(seen, agreed, swept, stop).await
    }

    /// Marks what was not seen, once everything was.
    pub(super) async fn mark_missing(
        &mut self,
        mut seen: Seen,
        agreed: bool,
        swept: &mut Swept,
        stop: &StopSignal,
    ) -> Result<(), SyncError> {
        seen.close();
        swept.theirs = seen.hashes.len() as u64;
        let (workspace, sync) = (self.ports.workspace.clone(), self.sync);
        let (mut living, mut missing) = (0, 0);
        for contact in workspace.contacts(ContactId(0)) {
            let contact = contact?;
            let Some(record) = living_record(&contact, sync) else { continue };
            living += 1;
            missing += u64::from(!seen.has(record));
        }
        // Any number may leave a list, and only what is not there by its id either is gone.
        if sync.segment.is_none() && !agreed {
            check_share(missing, living)?;
        }
        let mut from = ContactId(0);
        loop {
            if stop.is_raised() {
                return Err(SyncError::Stopped);
            }
            let mut suspects = Vec::new();
            for contact in workspace.contacts(from) {
                let contact = contact?;
                from = ContactId(contact.id.0 + 1);
                if let Some(record) = living_record(&contact, sync)
                    && !seen.has(record)
                {
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
        let mut puller = self.puller.clone();
        puller.request.columns.clear();
        puller.request.filter.clear();
        puller.request.segment = None;
        let ids = suspects.iter().map(|(_, record)| record.clone()).collect();
        let pages = by_ids(&puller, self.sync, ids).await?;
        let there: HashSet<&str> = pages.iter().flat_map(|page| &page.rows).map(|row| row.id.as_str()).collect();
        if let Some(living) = living {
            let gone = suspects.iter().filter(|(_, record)| !there.contains(record.as_str())).count();
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
            if there.contains(record.as_str()) {
                swept.outside += 1;
                link.left = Some(now);
            } else {
                swept.gone += 1;
                link.gone = Some(now);
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
fn living_record<'a>(contact: &'a Contact, sync: &Sync) -> Option<&'a str> {
    contact.living(&sync.id).filter(|link| link.left.is_none()).map(|link| link.record.as_str())
}

/// The records of these ids that are there.
async fn by_ids(puller: &Puller, sync: &Sync, ids: Vec<String>) -> Result<Vec<Page>, SyncError> {
    let mut pages = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = puller
            .pull(Slice::Ids(ids.clone()), token.take())
            .await
            .map_err(|source| SyncError::call(sync, "pull", source))?;
        token.clone_from(&page.next);
        pages.push(page);
        if token.is_none() {
            return Ok(pages);
        }
    }
}

/// All that passes the sync's filter, page by page.
struct Pages<'a> {
    puller: &'a Puller,
    token: Option<String>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    fn of(puller: &'a Puller) -> Self {
        Self { puller, token: None, is_done: false }
    }

    /// None at the end. Pages may come twice: where a token has expired, everything comes again.
    async fn next(&mut self, sync: &Sync, stop: &StopSignal) -> Result<Option<Page>, SyncError> {
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

/// How a record of the CRM differs from what we have of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It is there and not here.
    Missing { record: String },
    /// It is here and not there, or no longer passes the filter.
    Extra { record: String, contact: ContactId },
    /// It is on both sides with other values: in these fields, or in ones that are not known.
    Different { record: String, contact: ContactId, fields: Vec<String> },
}

/// The sums of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records that the CRM has for the sync.
    pub theirs: u64,
    /// Records that are here just as they are there.
    pub equal: u64,
    /// Records that are no contact, with their reasons.
    pub aside: u64,
    pub missing: u64,
    pub extra: u64,
    pub different: u64,
}

/// Reads everything and compares it with what is stored, by ids and hashes of the fields. Changes nothing; `tell` hears of
/// each difference.
pub async fn verify(
    ports: &Ports,
    sync: &Sync,
    stop: &StopSignal,
    tell: &mut (dyn FnMut(Difference) + Send),
) -> Result<Verified, SyncError> {
    let workspace = &ports.workspace;
    let puller = Puller::of(ports, sync);
    let fingerprints = Fingerprints::of(sync);
    let (mut sums, mut seen) = (Verified::default(), Seen::of(workspace, sync));
    let mut pages = Pages::of(&puller);
    while let Some(page) = pages.next(sync, stop).await? {
        for row in page.rows {
            seen.add(&row.id);
            compare(workspace, sync, &fingerprints, row, &mut sums, tell)?;
        }
    }
    seen.close();
    sums.theirs = seen.hashes.len() as u64;
    for contact in workspace.contacts(ContactId(0)) {
        let contact = contact?;
        if let Some(record) = living_record(&contact, sync)
            && !seen.has(record)
        {
            sums.extra += 1;
            tell(Difference::Extra { record: record.to_owned(), contact: contact.id });
        }
    }
    Ok(sums)
}

fn compare(
    workspace: &Workspace,
    sync: &Sync,
    fingerprints: &Fingerprints,
    row: Row,
    sums: &mut Verified,
    tell: &mut (dyn FnMut(Difference) + Send),
) -> Result<(), SyncError> {
    let (source, record) = (sync.source(), row.id);
    let found = workspace.find(LookupKey::Record { source: &source, id: &record })?;
    let linked = found.iter().find_map(|contact| {
        let link = contact.living(&sync.id).filter(|link| link.record == record);
        link.map(|link| (contact.id, link.fingerprint))
    });
    match linked {
        Some((_, fingerprint)) if fingerprint == fingerprints.row(&row.values) => sums.equal += 1,
        Some((contact, _)) => {
            sums.different += 1;
            let fields = differing(workspace, sync, contact, &row.values)?;
            tell(Difference::Different { record, contact, fields });
        }
        None if workspace.get::<SetAside>((&sync.id, &record))?.is_some() => sums.aside += 1,
        None => {
            sums.missing += 1;
            tell(Difference::Missing { record });
        }
    }
    Ok(())
}

/// The fields in which a row is not as it was kept.
fn differing(workspace: &Workspace, sync: &Sync, contact: ContactId, now: &[Value]) -> Result<Vec<String>, SyncError> {
    let provenance = workspace.provenance(contact)?.unwrap_or_default();
    let kept = provenance.rows.into_iter().find(|row| row.sync == sync.id && row.version == sync.version);
    let Some(kept) = kept.and_then(|row| row.values.unpack()) else { return Ok(Vec::new()) };
    let pairs = sync.columns.iter().zip(now.iter().zip(&kept));
    Ok(pairs.filter(|(_, (now, kept))| now != kept).map(|(column, _)| column.name.clone()).collect())
}
