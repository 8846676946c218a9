//! What one page changes, as it grows: contacts, refused rows and counts, not yet committed.

use std::collections::BTreeMap;

use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeName, Contact};
use crate::model::id::{ContactId, SyncId};
use crate::model::ledger::{Provenance, SetAside};
use crate::model::refusal::Refusal;
use crate::model::sync::Counts;
use crate::model::value::Value;
use crate::store::{Changes, KeySet, LookupHash, Workspace};

use super::SyncError;
use super::overlay::Overlay;
use super::page::Verdict;

/// Gets each row's record, verdict and, where it has any, mapped values.
pub type Tell<'a> = dyn FnMut(&str, &Verdict, &[(AttributeName, Value)]) + Send + 'a;

/// The changes of a page.
pub(super) struct PageChanges {
    pub(super) changes: Changes,
    pub(super) counts: Counts,
    /// How many more, or fewer, links and refused rows the sync has.
    pub(super) linked: i64,
    pub(super) refused: i64,
}

/// What of a sync waits for a person, and maybe some that does no longer.
#[derive(Default)]
pub(super) struct Waiting {
    refused: KeySet<Refusal>,
    aside: KeySet<SetAside>,
    conflicts: KeySet<Conflict>,
}

impl Waiting {
    pub(super) fn of(workspace: &Workspace, sync: &SyncId) -> Result<Self, SyncError> {
        let under = [sync.as_str()];
        let refused = workspace.keys_under(&under)?;
        Ok(Self { refused, aside: workspace.keys_under(&under)?, conflicts: workspace.keys_under(&under)? })
    }
}

pub(super) struct Draft<'a> {
    workspace: &'a Workspace,
    sync: &'a SyncId,
    overlay: Overlay<'a>,
    provenance: BTreeMap<ContactId, Provenance>,
    waiting: &'a mut Waiting,
    result: PageChanges,
}

impl<'a> Draft<'a> {
    /// `waiting` has at least what waits of the sync.
    pub(super) fn new(workspace: &'a Workspace, sync: &'a SyncId, waiting: &'a mut Waiting) -> Self {
        let result = PageChanges { changes: Changes::default(), counts: Counts::default(), linked: 0, refused: 0 };
        let (overlay, provenance) = (Overlay::over(workspace), BTreeMap::new());
        Self { workspace, sync, overlay, provenance, waiting, result }
    }

    pub(super) fn overlay(&self) -> &Overlay<'a> {
        &self.overlay
    }

    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.result.counts
    }

    /// Keeps a contact that can be found by `new_keys` from now on.
    pub(super) fn put(&mut self, contact: Contact, new_keys: Vec<LookupHash>) {
        self.overlay.put(contact, new_keys);
    }

    pub(super) fn add_link(&mut self) {
        self.result.linked += 1;
    }

    pub(super) fn known_refusal(&self, record: &str) -> Result<Option<Refusal>, SyncError> {
        if !self.waiting.refused.may_hold((self.sync, record)) {
            return Ok(None);
        }
        Ok(self.workspace.get::<Refusal>((self.sync, record))?)
    }

    pub(super) fn remember_refusal(&mut self, refusal: &Refusal) -> Result<(), SyncError> {
        if self.known_refusal(&refusal.record)?.is_none() {
            self.result.refused += 1;
            self.waiting.refused.add((self.sync, &refusal.record));
        }
        Ok(self.result.changes.put((self.sync, refusal.record.as_str()), refusal)?)
    }

    /// Whether the record's row may lie aside.
    pub(super) fn is_aside(&self, record: &str) -> bool {
        self.waiting.aside.may_hold((self.sync, record))
    }

    pub(super) fn forget_refusal(&mut self, record: &str) -> Result<(), SyncError> {
        if self.known_refusal(record)?.is_some() {
            self.result.changes.remove::<Refusal>((self.sync, record));
            self.result.refused -= 1;
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, conflict: &Conflict) -> Result<(), SyncError> {
        let key = (self.sync, conflict.contact, conflict.attribute.as_str());
        self.waiting.conflicts.add(key);
        self.result.counts.held += 1;
        Ok(self.result.changes.put(key, conflict)?)
    }

    /// Whether somebody may have to decide about the attribute.
    pub(super) fn may_be_held(&self, contact: ContactId, attribute: &str) -> bool {
        self.waiting.conflicts.may_hold((self.sync, contact, attribute))
    }

    /// Nobody has to decide about the attribute any more.
    pub(super) fn release(&mut self, contact: ContactId, attribute: &str) {
        let key = (self.sync, contact, attribute);
        if self.waiting.conflicts.may_hold(key) {
            self.result.changes.remove::<Conflict>(key);
        }
    }

    /// Keeps a row that is no contact.
    pub(super) fn set_aside(&mut self, row: &SetAside) -> Result<(), SyncError> {
        self.waiting.aside.add((self.sync, &row.record));
        Ok(self.result.changes.put((self.sync, row.record.as_str()), row)?)
    }

    /// The row is a contact's now.
    pub(super) fn take_in(&mut self, record: &str) {
        if self.waiting.aside.may_hold((self.sync, record)) {
            self.result.changes.remove::<SetAside>((self.sync, record));
        }
    }

    /// Where a contact's values come from, to be put back with what is new about it.
    pub(super) fn take_provenance(&mut self, contact: ContactId, is_new: bool) -> Result<Provenance, SyncError> {
        match self.provenance.remove(&contact) {
            Some(provenance) => Ok(provenance),
            None if is_new => Ok(Provenance::default()),
            None => Ok(self.workspace.provenance(contact)?.unwrap_or_default()),
        }
    }

    pub(super) fn put_provenance(&mut self, contact: ContactId, provenance: Provenance) {
        self.provenance.insert(contact, provenance);
    }

    pub(super) fn count(&mut self, verdict: &Verdict) {
        let counts = &mut self.result.counts;
        match verdict {
            Verdict::Created(_) => counts.created += 1,
            Verdict::Linked(..) | Verdict::Changed(..) => counts.changed += 1,
            Verdict::Unchanged(_) => counts.unchanged += 1,
            Verdict::Skipped(_) => counts.skipped += 1,
            Verdict::Refused(_) => counts.refused += 1,
        }
    }

    pub(super) fn finish(mut self) -> PageChanges {
        self.overlay.into_changes(&mut self.result.changes);
        for (contact, provenance) in self.provenance {
            self.result.changes.provenance(contact, provenance);
        }
        self.result
    }
}
