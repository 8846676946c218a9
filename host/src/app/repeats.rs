//! Outcomes handed over with a key: done once and answered alike, however often the request comes.

use super::Tenant;
use super::error::AppError;
use super::outcomes::{self, NewOutcome, Recorded};
use crate::model::repeat::KeyedRequest;
use crate::store::Changes;

impl Tenant {
    /// As [`Tenant::record_outcome`]; a repetition is told by `key`, and `fingerprint` says what was asked.
    ///
    /// # Errors
    /// [`AppError::KeyReused`] where something else was asked with this key. What failed is forgotten, so that it can be
    /// mended and asked again.
    pub fn record_outcome_once(
        &self,
        key: &str,
        fingerprint: [u8; 32],
        mut new: NewOutcome,
    ) -> Result<Recorded, AppError> {
        if !outcomes::is_id(key) {
            return Err(AppError::BadKey);
        }
        let outcome_id = new.id.clone().unwrap_or_else(outcomes::made_up_id);
        let request =
            KeyedRequest { key: key.to_owned(), fingerprint, outcome_id, entries: None, at: self.clock().now() };
        let request = self.first_of(request)?;
        if request.fingerprint != fingerprint {
            return Err(AppError::KeyReused { key: key.to_owned() });
        }
        if let Some(entries) = request.entries {
            return Ok(Recorded { outcome_id: request.outcome_id, entries, already: true });
        }
        // Asked for the first time, or cut off before it was answered: the receipts tell what was recorded then.
        new.id = Some(request.outcome_id.clone());
        let recorded = self.record_outcome(new);
        let mut changes = Changes::default();
        match &recorded {
            // Another one with the same key was faster, and its answer stands.
            Ok(Recorded { already: true, .. }) => {}
            Ok(recorded) => {
                let entries = Some(recorded.entries.clone());
                changes.put(key, &KeyedRequest { entries, ..request })?;
            }
            Err(_) => changes.remove::<KeyedRequest>(key),
        }
        self.commit(changes)?;
        recorded
    }

    /// The request that came first with this key: this one, where there was none.
    fn first_of(&self, request: KeyedRequest) -> Result<KeyedRequest, AppError> {
        let _recording = self.store().recording();
        if let Some(first) = self.store().get::<KeyedRequest>(&request.key)? {
            return Ok(first);
        }
        let mut changes = Changes::default();
        changes.put(request.key.as_str(), &request)?;
        self.workspace.commit(changes)?;
        Ok(request)
    }
}
