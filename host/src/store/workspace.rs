//! One tenant's documents, contacts and lookups: get, scan, find, and commit all or nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::buckets::{Buckets, Edit};
use super::changes::Changes;
use super::documents::{last_number, numbered_key};
use super::lookup::{self, LookupHash, LookupKey, Lookups};
use super::names::{Names, Numbers};
use super::recent::RecentWrites;
use super::sent::SentChanges;
use super::table::{Document, Table};
use super::{StoreError, contact, key, provenance};
use crate::model::audience::{Audience, ContactChanges};
use crate::model::contact::{Contact, MergedInto};
use crate::model::event::Event;
use crate::model::id::{ContactId, EventId, OutboxId, RunId};
use crate::model::ledger::Provenance;
use crate::model::outcome::{OutboxEntry, Receipt};
use crate::model::schedule::Timetable;
use crate::model::sync::{Run, Sync};

/// One tenant of the store.
pub struct Workspace {
    pub(super) tree: sled::Tree,
    pub(super) number: u32,
    pub(super) names: Names,
    pub(super) hash_key: [u8; 16],
    contacts: Buckets,
    provenances: Buckets,
    /// Read when they are first needed: most commands never look a contact up.
    lookups: OnceLock<Mutex<Lookups>>,
    /// Held from reading buckets until they are written with what changes in them.
    bucketing: Mutex<()>,
    writing: tokio::sync::Mutex<()>,
    sending: tokio::sync::Mutex<()>,
    recording: Mutex<()>,
    scheduling: Mutex<()>,
    recent: RecentWrites,
    sent: SentChanges,
    next_contact: AtomicU64,
    next_run: AtomicU64,
    next_outbox: AtomicU64,
    outbound_changes: AtomicU64,
    next_event: AtomicU64,
    next_contact_changes: AtomicU64,
    /// Somebody wants to know which contacts change.
    followed: AtomicBool,
    following: tokio::sync::Mutex<()>,
    pub(super) auditing: Mutex<Option<super::audit::End>>,
    #[cfg(test)]
    pub(super) unsteady: super::unsteady::Unsteady,
}

impl Workspace {
    pub(super) fn open(tree: sled::Tree, number: u32, hash_key: [u8; 16]) -> Result<Self, StoreError> {
        let after_last = |table: u8| Ok::<u64, StoreError>(last_number(&tree, number, table)? + 1);
        let contacts = Buckets::of(tree.clone(), number, Table::Contacts);
        let after_last_contact = contacts.last()?.map_or(1, |last| last + 1);
        Ok(Self {
            names: Names::open(tree.clone(), number)?,
            contacts,
            provenances: Buckets::of(tree.clone(), number, Table::Provenance),
            bucketing: Mutex::default(),
            // The number of a contact that became part of another is not given out again.
            next_contact: after_last_contact.max(after_last(MergedInto::TABLE)?).into(),
            next_run: after_last(Run::TABLE)?.into(),
            next_outbox: after_last(OutboxEntry::TABLE)?.max(after_last(Receipt::TABLE)?).into(),
            outbound_changes: AtomicU64::new(1),
            next_event: after_last(Event::TABLE)?.into(),
            next_contact_changes: after_last(ContactChanges::TABLE)?.into(),
            followed: AtomicBool::new(tree.scan_prefix(key::under(number, Audience::TABLE, &[])).next().is_some()),
            following: tokio::sync::Mutex::default(),
            auditing: Mutex::default(),
            lookups: OnceLock::new(),
            writing: tokio::sync::Mutex::default(),
            sending: tokio::sync::Mutex::default(),
            recording: Mutex::default(),
            scheduling: Mutex::default(),
            recent: RecentWrites::default(),
            sent: SentChanges::default(),
            #[cfg(test)]
            unsteady: super::unsteady::Unsteady::new(),
            tree,
            number,
            hash_key,
        })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &sled::Tree {
        &self.tree
    }

    /// A number that no contact has had. Not to be found again before it is committed.
    pub fn new_contact_id(&self) -> ContactId {
        ContactId(self.next_contact.fetch_add(1, Ordering::Relaxed))
    }

    pub fn new_run_id(&self) -> RunId {
        RunId(self.next_run.fetch_add(1, Ordering::Relaxed))
    }

    pub fn new_outbox_id(&self) -> OutboxId {
        OutboxId(self.next_outbox.fetch_add(1, Ordering::Relaxed))
    }

    pub fn new_event_id(&self) -> EventId {
        EventId(self.next_event.fetch_add(1, Ordering::Relaxed))
    }

    /// From the next commit on, those that change contacts note which in the same batch; see [`ContactChanges`]. Whoever
    /// calls this holds the lock for writing.
    pub fn follow_contacts(&self) {
        self.followed.store(true, Ordering::Release);
    }

    /// Held by whoever works off the noted changes, and by whoever changes for whom that is done.
    pub async fn following(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.following.lock().await
    }

    pub fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        self.contacts.get(id.0, |bytes| contact::decode(id, bytes, &self.names))
    }

    /// The contact of this number, or the one that it became part of.
    pub fn contact_or_heir(&self, mut id: ContactId) -> Result<Option<Contact>, StoreError> {
        /// Merges of merges; more are a circle.
        const MOST_STEPS: usize = 64;
        for _ in 0..MOST_STEPS {
            if let Some(contact) = self.contact(id)? {
                return Ok(Some(contact));
            }
            match self.get::<MergedInto>(id)? {
                Some(MergedInto { into, .. }) => id = into,
                None => return Ok(None),
            }
        }
        Err(StoreError::Corrupt { what: "what became of a contact" })
    }

    /// Contacts from `from` on, in order. Memory does not grow with their number.
    pub fn contacts(&self, from: ContactId) -> impl Iterator<Item = Result<Contact, StoreError>> {
        self.contacts.from(from.0, |id, bytes| contact::decode(ContactId(id), bytes, &self.names))
    }

    /// Where a contact's values come from.
    pub fn provenance(&self, id: ContactId) -> Result<Option<Provenance>, StoreError> {
        self.provenances.get(id.0, |bytes| provenance::decode(bytes, &self.names))
    }

    /// The same for contacts from `from` on, in order. Memory does not grow with their number.
    pub fn provenances(&self, from: ContactId) -> impl Iterator<Item = Result<(ContactId, Provenance), StoreError>> {
        self.provenances.from(from.0, |id, bytes| Ok((ContactId(id), provenance::decode(bytes, &self.names)?)))
    }

    /// What `key` is looked up by. The same for as long as the store lives.
    pub fn hash(&self, key: LookupKey<'_>) -> LookupHash {
        key.hash(&self.hash_key)
    }

    /// The contacts that have this record, e-mail or phone now, in order.
    pub fn find(&self, key: LookupKey<'_>) -> Result<Vec<Contact>, StoreError> {
        let mut found = Vec::new();
        for id in self.candidates(self.hash(key))? {
            if let Some(contact) = self.contact(id)?
                && key.fits(&contact)
            {
                found.push(contact);
            }
        }
        Ok(found)
    }

    /// The contacts that had, or seem to have, what was hashed: each has to be read and held against the key.
    pub fn candidates(&self, hash: LookupHash) -> Result<Vec<ContactId>, StoreError> {
        Ok(self.lookups()?.find(hash)?.into_iter().map(ContactId).collect())
    }

    /// Held by whoever reads contacts in order to change them, until the change is committed.
    pub async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// Held by whoever reads outbox entries in order to send them or send them again, until they are marked so.
    pub async fn sending(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.sending.lock().await
    }

    pub fn recent_writes(&self) -> &RecentWrites {
        &self.recent
    }

    pub fn sent_changes(&self) -> &SentChanges {
        &self.sent
    }

    /// Held by whoever reads a timetable in order to change it, until that is committed.
    pub fn scheduling(&self) -> MutexGuard<'_, ()> {
        self.scheduling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held by whoever looks for a receipt in order to write one, until it is committed.
    pub fn recording(&self) -> MutexGuard<'_, ()> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lookups(&self) -> Result<MutexGuard<'_, Lookups>, StoreError> {
        if self.lookups.get().is_none() {
            let lookups = Lookups::open(self.tree.clone(), self.number)?;
            // Another thread may have been faster; the two are equal, for nothing is committed without them.
            let _ = self.lookups.set(Mutex::new(lookups));
        }
        let lookups = self.lookups.get().ok_or(StoreError::Corrupt { what: "the lookups" })?;
        Ok(lookups.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes all of `changes` or, if the process dies, none. Durable after the next flush.
    pub fn commit(&self, changes: Changes) -> Result<(), StoreError> {
        #[cfg(debug_assertions)]
        super::crash::point();
        #[cfg(test)]
        self.unsteady.point()?;
        self.apply(changes)?;
        #[cfg(debug_assertions)]
        super::crash::point();
        #[cfg(test)]
        self.unsteady.point()?;
        Ok(())
    }

    fn apply(&self, mut changes: Changes) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        let outbound = [OutboxEntry::TABLE, Timetable::TABLE, Sync::TABLE];
        let is_outbound = changes.documents.iter().any(|(key, _)| key.first().is_some_and(|t| outbound.contains(t)));
        let mut numbered: BTreeMap<Table, Vec<Edit>> = BTreeMap::new();
        for (key, bytes) in std::mem::take(&mut changes.documents) {
            if bytes.is_none() {
                self.remember_number(&key, &mut batch);
            }
            if let Some((table, number)) = numbered_key(&key)? {
                numbered.entry(table).or_default().push((number, bytes));
                continue;
            }
            let key = [&self.number.to_be_bytes()[..], &key].concat();
            match bytes {
                Some(bytes) => batch.insert(key, bytes),
                None => batch.remove(key),
            }
        }
        let mut contacts: Vec<ContactId> = changes.contacts.iter().map(|contact| contact.id).collect();
        contacts.extend(&changes.touched);
        if !contacts.is_empty() && self.followed.load(Ordering::Acquire) {
            let number = self.next_contact_changes.fetch_add(1, Ordering::Relaxed);
            let noted = serde_json::to_vec(&ContactChanges { number, contacts });
            let noted = noted.map_err(|error| StoreError::Encode(error.into()))?;
            batch.insert(self.document_key::<ContactChanges>(&ContactChanges::key(number)), noted);
        }
        let _bucketing = self.bucketing.lock().unwrap_or_else(PoisonError::into_inner);
        self.stage_buckets(&changes, numbered, &mut batch)?;
        if changes.lookups.is_empty() {
            self.tree.apply_batch(batch)?;
        } else {
            let mut lookups = self.lookups()?;
            let new: Vec<_> = changes.lookups.iter().map(|(hash, number)| lookup::entry(*hash, *number)).collect();
            lookups.stage(&mut batch, &new);
            self.tree.apply_batch(batch)?;
            lookups.staged(&new)?;
        }
        // Not before it can be read.
        if is_outbound {
            self.outbound_changes.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    /// What takes a numbered document away leaves the last number that was given: none is given twice, for others know it.
    fn remember_number(&self, key: &[u8], batch: &mut sled::Batch) {
        let Some(table) = key.first().copied() else { return };
        let next = match table {
            OutboxEntry::TABLE => &self.next_outbox,
            Event::TABLE => &self.next_event,
            Run::TABLE => &self.next_run,
            _ => return,
        };
        let last = next.load(Ordering::Relaxed).saturating_sub(1);
        batch.insert(key::in_workspace(self.number, Table::LastNumbers, &[table]), &last.to_be_bytes());
    }

    fn stage_buckets(
        &self,
        changes: &Changes,
        numbered: BTreeMap<Table, Vec<Edit>>,
        batch: &mut sled::Batch,
    ) -> Result<(), StoreError> {
        let mut numbers = Numbers::of(&self.names);
        let removed = || changes.removed.iter().map(|id| (id.0, None));
        let (mut contacts, mut provenances): (Vec<_>, Vec<_>) = (removed().collect(), removed().collect());
        for contact in &changes.contacts {
            contacts.push((contact.id.0, Some(contact::encode(contact, &mut numbers)?)));
        }
        for (id, provenance) in &changes.provenances {
            provenances.push((id.0, Some(provenance::encode(provenance, &mut numbers)?)));
        }
        self.contacts.stage(batch, contacts)?;
        self.provenances.stage(batch, provenances)?;
        numbered.into_iter().try_for_each(|(table, edits)| self.buckets(table).stage(batch, edits))
    }

    /// Counts the commits that changed what is sent and by whom, in this process.
    pub fn outbound_changes(&self) -> u64 {
        self.outbound_changes.load(Ordering::Acquire)
    }
}

impl LookupKey<'_> {
    /// Whether `contact` has it now.
    pub fn fits(&self, contact: &Contact) -> bool {
        match self {
            LookupKey::Record { source, id } => {
                contact.links.iter().any(|link| link.record == *id && &link.source == *source)
            }
            LookupKey::Email(email) => contact.text("email") == Some(email),
            LookupKey::Phone(phone) => contact.text("phone") == Some(phone),
        }
    }
}
