//! Marks the links of records that the CRM has deleted or archived, and moves those of records that live on in others, after
//! a merge or a conversion. Contacts stay, but for the one whose record lives on in another's: the CRM says that the two are one.

use crate::model::connector::{Page, Window};
use crate::model::contact::{Contact, Source};
use crate::model::failure::{CallError, Failure};
use crate::model::id::RunId;
use crate::model::ledger::{Origin, SetAside};
use crate::model::refusal::Refusal;
use crate::model::sync::{MappingVersion, Sync, SyncState};
use crate::model::time::Instant;
use crate::model::value::Tombstone;
use crate::store::{Changes, LookupKey};

use super::advice::Patience;
use super::joining::{Join, JoinError, join};
use super::{Ports, SyncError};

/// Pages of one window: a CRM that gives more turns in a circle.
const MOST_PAGES: u32 = 10_000;

/// Where what is gone is marked, for one run.
pub(super) struct Graves<'a> {
    ports: &'a Ports,
    sync: &'a Sync,
    run: RunId,
    /// Records whose links were marked or moved.
    pub(super) buried: u64,
}

impl<'a> Graves<'a> {
    pub(super) fn of(ports: &'a Ports, sync: &'a Sync, run: RunId) -> Self {
        Self { ports, sync, run, buried: 0 }
    }

    /// Follows the connector's `gone` over a window.
    pub(super) async fn follow(&mut self, window: Window) -> Result<(), SyncError> {
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = match pull(self.ports, self.sync, window, token).await {
                Ok(page) => page,
                Err(CallError::Advice(Failure::Unsupported(_))) => return Ok(()),
                Err(source) => return Err(SyncError::call(self.sync, "gone", source)),
            };
            self.bury_all(&page.gone).await?;
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Marks or moves the links of these records, one after the other: what one was merged into may be gone as well.
    pub(super) async fn bury_all(&mut self, tombstones: &[Tombstone]) -> Result<(), SyncError> {
        let _writing = self.ports.workspace.writing().await;
        for tombstone in tombstones {
            let (ports, sync, source) = (self.ports, self.sync, self.sync.source());
            let mut changes = Changes::default();
            let record = LookupKey::Record { source: &source, id: &tombstone.id };
            let is_buried = match ports.workspace.find(record)?.into_iter().next() {
                Some(contact) => {
                    let burial = Burial { ports, sync, source, tombstone, now: ports.clock.now() };
                    burial.bury(contact, self.run, &mut changes)?;
                    !changes.is_empty()
                }
                None => false,
            };
            self.forget(&tombstone.id, &mut changes)?;
            if !changes.is_empty() {
                ports.workspace.commit(changes)?;
            }
            self.buried += u64::from(is_buried);
        }
        Ok(())
    }
}

impl Graves<'_> {
    /// Lets go of a record's row that was refused or lies aside: nobody can decide about who is gone.
    fn forget(&self, record: &str, changes: &mut Changes) -> Result<(), SyncError> {
        let (workspace, of) = (&self.ports.workspace, &self.sync.id);
        if workspace.get::<SetAside>((of, record))?.is_some() {
            changes.remove::<SetAside>((of, record));
        }
        if workspace.get::<Refusal>((of, record))?.is_some() {
            changes.remove::<Refusal>((of, record));
            if let Some(mut state) = changes.over::<SyncState>(workspace, of)? {
                state.refused = state.refused.saturating_sub(1);
                changes.put(of, &state)?;
            }
        }
        Ok(())
    }
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

/// One record that is gone.
struct Burial<'a> {
    ports: &'a Ports,
    sync: &'a Sync,
    source: Source,
    tombstone: &'a Tombstone,
    now: Instant,
}

/// Where the links of a record move that lives on.
enum Home {
    Free(Source, String),
    /// Another contact stands for it.
    Taken(Source, String, Box<Contact>),
}

impl Burial<'_> {
    fn bury(&self, mut contact: Contact, run: RunId, changes: &mut Changes) -> Result<(), SyncError> {
        match self.home(&contact)? {
            None => self.mark(&mut contact, changes),
            Some(Home::Free(source, id)) => {
                self.move_to(&mut contact, &source, &id);
                let hash = self.ports.workspace.hash(LookupKey::Record { source: &source, id: &id });
                changes.contact(contact, &[hash]);
            }
            Some(Home::Taken(source, id, keep)) => {
                let mut moved = contact.clone();
                self.move_to(&mut moved, &source, &id);
                // It may be gone by now as well.
                let gone = keep.links.iter().find(|link| link.source == source && link.record == id);
                let gone = gone.and_then(|link| link.gone);
                moved.links.iter_mut().filter(|link| link.source == source && link.record == id).for_each(|link| {
                    link.gone = gone;
                });
                // What the survivor is comes with its own row.
                let mapping = self.ports.workspace.get::<MappingVersion>((&self.sync.id, self.sync.version))?;
                let is_read = |name: &str| mapping.iter().flat_map(|it| &it.output).any(|column| column.name == name);
                let origin = self.origin(run);
                let join_as = Join { origin, now: self.now, fills: &|name| !is_read(name), survivor: Some(&id) };
                match join(&self.ports.workspace, *keep, &moved, join_as, changes) {
                    Ok(_) => {}
                    // They stand for two records elsewhere: a person says who is who.
                    Err(JoinError::SameSync { .. }) => self.mark(&mut contact, changes),
                    Err(JoinError::Sync(error)) => return Err(error),
                    Err(_) => return Err(SyncError::Lost),
                }
            }
        }
        Ok(())
    }

    fn origin(&self, run: RunId) -> Origin {
        Origin::Record {
            sync: self.sync.id.clone(),
            record: self.tombstone.id.clone(),
            run,
            page: 0,
            version: self.sync.version,
            modified: self.tombstone.at,
        }
    }

    /// Other syncs may have led to the record as well, this one's own conversions among them.
    fn links<'c>(&'c self, contact: &'c mut Contact) -> impl Iterator<Item = &'c mut crate::model::contact::Link> {
        contact.links.iter_mut().filter(|link| link.source == self.source && link.record == self.tombstone.id)
    }

    fn mark(&self, contact: &mut Contact, changes: &mut Changes) {
        let at = self.tombstone.at.unwrap_or(self.now);
        let mut is_new = false;
        for link in self.links(contact).filter(|link| link.gone.is_none()) {
            link.gone = Some(at);
            is_new = true;
        }
        if is_new {
            changes.contact(contact.clone(), &[]);
        }
    }

    /// To be filled afresh.
    fn move_to(&self, contact: &mut Contact, source: &Source, id: &str) {
        for link in self.links(contact) {
            (link.source, link.fingerprint, link.gone) = (source.clone(), 0, None);
            id.clone_into(&mut link.record);
        }
    }

    fn home(&self, contact: &Contact) -> Result<Option<Home>, SyncError> {
        let Some(into) = &self.tombstone.into else { return Ok(None) };
        let source = Source { connection: self.sync.connection.clone(), object: into.object.as_str().into() };
        let there = self.ports.workspace.find(LookupKey::Record { source: &source, id: &into.id })?;
        let other = there.into_iter().find(|other| other.id != contact.id);
        let id = into.id.clone();
        Ok(Some(match other {
            None => Home::Free(source, id),
            Some(other) => Home::Taken(source, id, Box::new(other)),
        }))
    }
}
