//! Marks the links of records that the CRM has deleted or archived, and moves those of records that live on in others, after
//! a merge or a conversion. Contacts stay.

use crate::model::connector::{Page, Window};
use crate::model::contact::{Contact, Source};
use crate::model::failure::{CallError, Failure};
use crate::model::sync::Sync;
use crate::model::value::Tombstone;
use crate::store::{Changes, LookupHash, LookupKey};

use super::advice::Patience;
use super::{Ports, SyncError};

/// Pages of one window: a CRM that gives more turns in a circle.
const MOST_PAGES: u32 = 10_000;

/// Follows the connector's `gone` over a window; gives how many links were marked or moved.
pub(super) async fn bury(ports: &Ports, sync: &Sync, window: Window) -> Result<u64, SyncError> {
    let (mut token, mut buried) = (None, 0);
    for _ in 0..MOST_PAGES {
        let page = match pull(ports, sync, window, token).await {
            Ok(page) => page,
            Err(CallError::Advice(Failure::Unsupported(_))) => return Ok(buried),
            Err(source) => return Err(SyncError::call(sync, "gone", source)),
        };
        buried += bury_all(ports, sync, &page.gone).await?;
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    Ok(buried)
}

/// Marks or moves the links of these records, in one commit; gives how many.
pub(super) async fn bury_all(ports: &Ports, sync: &Sync, tombstones: &[Tombstone]) -> Result<u64, SyncError> {
    let _writing = ports.workspace.writing().await;
    let (mut changes, mut buried) = (Changes::default(), 0);
    for tombstone in tombstones {
        if let Some((contact, new_keys)) = buried_contact(ports, sync, tombstone)? {
            changes.contact(contact, &new_keys);
            buried += 1;
        }
    }
    ports.workspace.commit(changes)?;
    Ok(buried)
}

async fn pull(ports: &Ports, sync: &Sync, window: Window, token: Option<String>) -> Result<Page, CallError> {
    let mut patience = Patience::default();
    loop {
        match ports.connector.gone(&sync.object, window, token.clone()).await {
            Ok(page) => return Ok(page),
            Err(error) => patience.after(error, &*ports.clock).await?,
        }
    }
}

/// The contact of a record that is gone, as it will be; none if nothing is new about that.
fn buried_contact(
    ports: &Ports,
    sync: &Sync,
    tombstone: &Tombstone,
) -> Result<Option<(Contact, Vec<LookupHash>)>, SyncError> {
    let source = sync.source();
    let record = LookupKey::Record { source: &source, id: &tombstone.id };
    let Some(mut contact) = ports.workspace.find(record)?.into_iter().next() else { return Ok(None) };
    let home = new_home(ports, sync, tombstone, &contact)?;
    let at = tombstone.at.unwrap_or_else(|| ports.clock.now());
    let mut is_new = false;
    // Other syncs may have led to the record as well, this one's own conversions among them.
    for link in contact.links.iter_mut().filter(|link| link.source == source && link.record == tombstone.id) {
        match &home {
            Some((source, id)) => {
                (link.source, link.fingerprint) = (source.clone(), 0);
                link.record.clone_from(id);
                is_new = true;
            }
            None if link.gone.is_some() => {}
            None => {
                link.gone = Some(at);
                is_new = true;
            }
        }
    }
    let moved = home.map(|(source, id)| ports.workspace.hash(LookupKey::Record { source: &source, id: &id }));
    Ok(is_new.then(|| (contact, moved.into_iter().collect())))
}

/// Where the links of a record move that lives on: to the surviving one, to be filled afresh, unless that one stands for
/// somebody else already.
fn new_home(
    ports: &Ports,
    sync: &Sync,
    tombstone: &Tombstone,
    contact: &Contact,
) -> Result<Option<(Source, String)>, SyncError> {
    let Some(into) = &tombstone.into else { return Ok(None) };
    let source = Source { connection: sync.connection.clone(), object: into.object.as_str().into() };
    let there = ports.workspace.find(LookupKey::Record { source: &source, id: &into.id })?;
    // Where the contact has a link of the same sync there, as after both were pulled, it needs no second one.
    let is_free = there.iter().all(|other| other.id == contact.id);
    Ok(is_free.then(|| (source, into.id.clone())))
}
