//! Changes of records that may have left and that the CRM has not acknowledged: what comes back of them is ours, and no news.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::id::{OutboxId, SyncId};
use crate::model::value::Value;

/// A change that may have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentChange {
    pub record: String,
    /// What it writes, by the CRM's fields.
    pub fields: Vec<(String, Value)>,
    /// The attributes that it carries.
    pub attributes: Vec<String>,
}

/// Those of each sync, by their entries in the outbox: as many as are under way. In memory only; whoever opens a sync notes what
/// earlier processes have left on disk.
#[derive(Default)]
pub struct SentChanges(Mutex<HashMap<SyncId, BTreeMap<OutboxId, SentChange>>>);

impl SentChanges {
    /// Whether anything was noted of a sync in this process.
    pub fn knows(&self, sync: &SyncId) -> bool {
        self.lock().contains_key(sync)
    }

    /// Notes that these may have left, before they do.
    pub fn note(&self, sync: &SyncId, changes: impl IntoIterator<Item = (OutboxId, SentChange)>) {
        self.lock().entry(sync.clone()).or_default().extend(changes);
    }

    /// It was found out what became of one.
    pub fn forget(&self, sync: &SyncId, entry: OutboxId) {
        if let Some(changes) = self.lock().get_mut(sync) {
            changes.remove(&entry);
        }
    }

    /// Those of a record.
    pub fn of(&self, sync: &SyncId, record: &str) -> Vec<(OutboxId, SentChange)> {
        let known = self.lock();
        let changes = known.get(sync).into_iter().flatten();
        changes.filter(|(_, change)| change.record == record).map(|(id, change)| (*id, change.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SyncId, BTreeMap<OutboxId, SentChange>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
