//! Outcomes in the outbox and what stays of them, found by the platform's ids. There is no receipt of what is in the outbox: an
//! outcome is one document at any time, and recorded if there is one.

use super::StoreError;
use super::changes::Changes;
use super::lookup::outcome_hash;
use super::workspace::Workspace;
use crate::model::id::{OutboxId, SyncId};
use crate::model::outcome::{OutboxEntry, Receipt, ReceiptState};
use crate::model::time::Instant;

impl Workspace {
    /// Whether an outcome was ever recorded for a sync, whatever has become of it.
    pub fn is_recorded(&self, sync: &SyncId, outcome: &str) -> Result<bool, StoreError> {
        for id in self.numbers_of(sync, outcome)? {
            // In this order: an entry becomes a receipt, and no receipt an entry.
            let entry = self.get::<OutboxEntry>(id)?;
            if entry.is_some_and(|entry| entry.sync == *sync && entry.outcome.id == outcome)
                || self.receipt_under(id, sync, outcome)?.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What became of an outcome that left the outbox.
    pub fn receipt(&self, sync: &SyncId, outcome: &str) -> Result<Option<Receipt>, StoreError> {
        for id in self.numbers_of(sync, outcome)? {
            if let Some(receipt) = self.receipt_under(id, sync, outcome)? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    /// The receipt of a number, if it is this outcome's.
    fn receipt_under(&self, id: OutboxId, sync: &SyncId, outcome: &str) -> Result<Option<Receipt>, StoreError> {
        let receipt = self.get::<Receipt>(id)?;
        Ok(receipt.filter(|receipt| receipt.sync == *sync && receipt.outcome_id == outcome))
    }

    fn numbers_of(&self, sync: &SyncId, outcome: &str) -> Result<impl Iterator<Item = OutboxId>, StoreError> {
        let numbers = self.lookups()?.find(outcome_hash(&self.hash_key, sync, outcome))?;
        Ok(numbers.into_iter().map(OutboxId))
    }
}

impl Changes {
    /// Puts an outcome into the outbox. Whoever commits it has looked whether it was recorded, and holds the lock on recording
    /// since.
    pub fn queue(&mut self, workspace: &Workspace, entry: &OutboxEntry) -> Result<(), StoreError> {
        let hash = outcome_hash(&workspace.hash_key, &entry.sync, &entry.outcome.id);
        self.lookups.push((hash, entry.id.0));
        self.put(entry.id, entry)
    }

    /// Takes an entry out of the outbox; a receipt stays.
    pub fn settle(&mut self, entry: &OutboxEntry, state: ReceiptState, at: Instant) -> Result<(), StoreError> {
        self.put(entry.id, &entry.receipt(state, at))?;
        self.remove::<OutboxEntry>(entry.id);
        Ok(())
    }
}
