//! What one page changes, as it grows: contacts, refused rows and counts, not yet committed.

use crate::model::contact::{AttributeName, Contact};
use crate::model::id::SyncId;
use crate::model::refusal::Refusal;
use crate::model::sync::Counts;
use crate::model::value::Value;
use crate::store::{Changes, KeySet, LookupHash, Workspace};

use super::SyncError;
use super::overlay::Overlay;
use super::page::Verdict;

/// Gets each row's record, verdict and, where it has any, mapped values.
pub(super) type Tell<'a> = dyn FnMut(&str, &Verdict, &[(AttributeName, Value)]) + Send + 'a;

/// The changes of a page.
pub(super) struct PageChanges {
    pub(super) changes: Changes,
    pub(super) counts: Counts,
    /// How many more, or fewer, links and refused rows the sync has.
    pub(super) linked: i64,
    pub(super) refused: i64,
}

pub(super) struct Draft<'a> {
    workspace: &'a Workspace,
    sync: &'a SyncId,
    overlay: Overlay<'a>,
    refused: &'a mut KeySet<Refusal>,
    result: PageChanges,
}

impl<'a> Draft<'a> {
    /// `refused` has at least the refused rows of the sync.
    pub(super) fn new(workspace: &'a Workspace, sync: &'a SyncId, refused: &'a mut KeySet<Refusal>) -> Self {
        let result = PageChanges { changes: Changes::default(), counts: Counts::default(), linked: 0, refused: 0 };
        Self { workspace, sync, overlay: Overlay::over(workspace), refused, result }
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
        if !self.refused.may_hold((self.sync, record)) {
            return Ok(None);
        }
        Ok(self.workspace.get::<Refusal>((self.sync, record))?)
    }

    pub(super) fn remember_refusal(&mut self, refusal: &Refusal) -> Result<(), SyncError> {
        if self.known_refusal(&refusal.record)?.is_none() {
            self.result.refused += 1;
            self.refused.add((self.sync, &refusal.record));
        }
        Ok(self.result.changes.put((self.sync, refusal.record.as_str()), refusal)?)
    }

    pub(super) fn forget_refusal(&mut self, record: &str) -> Result<(), SyncError> {
        if self.known_refusal(record)?.is_some() {
            self.result.changes.remove::<Refusal>((self.sync, record));
            self.result.refused -= 1;
        }
        Ok(())
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
        self.result
    }
}
