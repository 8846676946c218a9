//! Why a contact is as it is: the ledger, and how long it is kept.

use super::Tenant;
use super::error::AppError;
use crate::model::id::ContactId;
use crate::model::ledger::{Provenance, Retention};
use crate::store::Changes;

/// Contacts whose ledgers are looked through between two commits.
const BATCH: usize = 500;

impl Tenant {
    /// The rows that feed a contact, and what each has changed. What the workspace no longer keeps is not told.
    pub fn provenance(&self, contact: ContactId) -> Result<Provenance, AppError> {
        let mut provenance = self.store().provenance(contact)?.unwrap_or_default();
        provenance.forget(self.retention()?.horizon(self.clock().now()));
        Ok(provenance)
    }

    pub fn retention(&self) -> Result<Retention, AppError> {
        Ok(self.store().get::<Retention>(())?.unwrap_or_default())
    }

    /// Says how long ledgers are kept, and forgets at once what is older. Gives how many contacts had something to forget.
    pub async fn set_retention(&self, retention: Retention) -> Result<u64, AppError> {
        let mut changes = Changes::default();
        changes.put((), &retention)?;
        self.commit(changes)?;
        self.forget().await
    }

    /// Forgets what is older than the workspace keeps it. Gives how many contacts had something to forget.
    pub async fn forget(&self) -> Result<u64, AppError> {
        let horizon = self.retention()?.horizon(self.clock().now());
        let (mut from, mut forgotten) = (ContactId(0), 0);
        loop {
            let _writing = self.store().writing().await;
            let (mut changes, mut seen) = (Changes::default(), 0);
            for entry in self.store().provenances(from).take(BATCH) {
                let (id, mut provenance) = entry?;
                (from, seen) = (ContactId(id.0 + 1), seen + 1);
                if provenance.forget(horizon) {
                    changes.provenance(id, provenance);
                    forgotten += 1;
                }
            }
            self.commit(changes)?;
            if seen < BATCH {
                return Ok(forgotten);
            }
        }
    }
}
