//! Checks whether what we have of a sync is what the CRM has: every record against every one of ours, field by field. Changes
//! nothing; only tells. Speaks to ports and the store only.

use crate::model::id::ContactId;
use crate::model::ledger::SetAside;
use crate::model::sync::Sync;
use crate::model::value::{Row, Value};
use crate::store::{LookupKey, Workspace};

use super::census::{ASKED, Pages, Seen, left_record, living_record, there_by_id};
use super::fingerprint::Fingerprints;
use super::walk::Puller;
use super::{Ports, StopSignal, SyncError};

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
    let (mut sums, mut seen, mut left) = (Verified::default(), Seen::of(workspace, sync), Vec::new());
    let mut pages = Pages::of(&puller);
    while let Some(page) = pages.next(sync, stop).await? {
        for row in page.rows {
            seen.add(&row.id);
            compare(workspace, sync, &fingerprints, row, &mut sums, tell)?;
        }
    }
    sums.theirs = seen.close();
    let mut from = ContactId(0);
    loop {
        for contact in workspace.contacts(from) {
            let contact = contact?;
            from = ContactId(contact.id.0 + 1);
            if let Some(record) = living_record(&contact, sync).filter(|record| !seen.has(record)) {
                sums.extra += 1;
                tell(Difference::Extra { record: record.to_owned(), contact: contact.id });
            }
            left.extend(left_record(&contact, sync).map(|record| (contact.id, record.to_owned())));
            if left.len() == ASKED {
                break;
            }
        }
        if left.is_empty() {
            return Ok(sums);
        }
        // That they are not seen says nothing: only their ids tell whether they are gone.
        let there = there_by_id(&puller, sync, left.iter().map(|(_, record)| record.clone()).collect()).await?;
        for (contact, record) in left.drain(..).filter(|(_, record)| !there.contains(record)) {
            sums.extra += 1;
            tell(Difference::Extra { record, contact });
        }
    }
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
