//! Records that were written while others were pulling: a row that was asked for before its record was written is older than what
//! we know of it, and comes again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::id::SyncId;

/// In memory only: what was asked for does not outlive the process either.
#[derive(Default)]
pub struct RecentWrites {
    latest: AtomicU64,
    /// Of syncs that pull now: records, and their last write.
    noted: Mutex<HashMap<SyncId, HashMap<String, u64>>>,
}

impl RecentWrites {
    /// A sync begins to pull; what was noted for it before is forgotten.
    pub fn begin(&self, sync: &SyncId) {
        self.lock().insert(sync.clone(), HashMap::new());
    }

    /// Nothing that it has asked for is on its way any more.
    pub fn end(&self, sync: &SyncId) {
        self.lock().remove(sync);
    }

    /// To be remembered by whoever asks for rows.
    pub fn latest(&self) -> u64 {
        self.latest.load(Ordering::Acquire)
    }

    /// The CRM has written a record, and stamped it anew.
    pub fn note(&self, sync: &SyncId, record: &str) {
        if let Some(records) = self.lock().get_mut(sync) {
            records.insert(record.to_owned(), self.latest.fetch_add(1, Ordering::AcqRel) + 1);
        }
    }

    /// Whether a record was written after its row was asked for.
    pub fn is_outdated(&self, sync: &SyncId, record: &str, asked: u64) -> bool {
        asked < self.latest()
            && self.lock().get(sync).and_then(|records| records.get(record)).is_some_and(|written| *written > asked)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SyncId, HashMap<String, u64>>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
