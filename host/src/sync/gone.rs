//! Marks the links of records that the CRM has deleted, archived or merged into others. Contacts stay.

use crate::model::connector::{Page, Window};
use crate::model::contact::Contact;
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
            Err(source) => {
                return Err(SyncError::Call { connection: sync.connection.clone(), verb: "gone", source });
            }
        };
        let _writing = ports.workspace.writing().await;
        let mut changes = Changes::default();
        for tombstone in &page.gone {
            if let Some((contact, new_keys)) = buried_contact(ports, sync, tombstone)? {
                changes.contact(contact, &new_keys);
                buried += 1;
            }
        }
        ports.workspace.commit(changes)?;
        token = page.next;
        if token.is_none() {
            break;
        }
    }
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
    let survivor = match &tombstone.into {
        Some(id) => Some((id, ports.workspace.find(LookupKey::Record { source: &source, id })?.is_empty())),
        None => None,
    };
    let Some(link) = contact.links.iter_mut().find(|link| link.sync == sync.id && link.record == tombstone.id) else {
        return Ok(None);
    };
    match survivor {
        // The record lives on under another id that nobody stands for yet: the link moves there, to be filled afresh.
        Some((id, true)) => {
            link.record.clone_from(id);
            link.fingerprint = 0;
            let moved = ports.workspace.hash(LookupKey::Record { source: &source, id });
            Ok(Some((contact, vec![moved])))
        }
        _ if link.gone.is_some() => Ok(None),
        _ => {
            link.gone = Some(tombstone.at.unwrap_or_else(|| ports.clock.now()));
            Ok(Some((contact, Vec::new())))
        }
    }
}
