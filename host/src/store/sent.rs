//! Changes of records that may have left and that the CRM has not acknowledged, by record: what comes back of them is ours, and no
//! news. What they carry is in their outbox entries.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::id::{OutboxId, SyncId};

/// Those of each sync: some dozen bytes for each that is under way. In memory only; whoever opens a sync notes what earlier
/// processes have left on disk.
#[derive(Default)]
pub struct SentChanges {
    syncs: Mutex<HashMap<SyncId, OfSync>>,
    hasher: RandomState,
}

#[derive(Default)]
struct OfSync {
    /// Records as hashes: where two share one, an entry is looked at in vain.
    by_record: BTreeSet<(u64, OutboxId)>,
    records: HashMap<OutboxId, u64>,
}

impl OfSync {
    fn forget(&mut self, entry: OutboxId) {
        if let Some(record) = self.records.remove(&entry) {
            self.by_record.remove(&(record, entry));
        }
    }
}

impl SentChanges {
    /// Whether anything was noted of a sync in this process.
    pub fn knows(&self, sync: &SyncId) -> bool {
        self.lock().contains_key(sync)
    }

    /// Notes that these, each with its record, may have left, before they do.
    pub fn note<'r>(&self, sync: &SyncId, changes: impl IntoIterator<Item = (OutboxId, &'r str)>) {
        let mut syncs = self.lock();
        let of = syncs.entry(sync.clone()).or_default();
        for (entry, record) in changes {
            let record = self.hasher.hash_one(record);
            of.forget(entry);
            of.records.insert(entry, record);
            of.by_record.insert((record, entry));
        }
    }

    /// It was found out what became of one.
    pub fn forget(&self, sync: &SyncId, entry: OutboxId) {
        if let Some(of) = self.lock().get_mut(sync) {
            of.forget(entry);
        }
    }

    /// Those that may be of a record, in the order in which they were recorded.
    pub fn of(&self, sync: &SyncId, record: &str) -> Vec<OutboxId> {
        let (syncs, record) = (self.lock(), self.hasher.hash_one(record));
        let Some(of) = syncs.get(sync) else { return Vec::new() };
        of.by_record.range((record, OutboxId(0))..=(record, OutboxId(u64::MAX))).map(|(_, entry)| *entry).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SyncId, OfSync>> {
        self.syncs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found_by_their_record_until_they_are_forgotten() {
        let (sent, sync): (_, SyncId) = (SentChanges::default(), "in".parse().unwrap());
        assert!(!sent.knows(&sync));
        sent.note(&sync, [(OutboxId(1), "a"), (OutboxId(2), "b"), (OutboxId(3), "a")]);
        assert_eq!(sent.of(&sync, "a"), [OutboxId(1), OutboxId(3)]);
        // It lives on in another record by now.
        sent.note(&sync, [(OutboxId(3), "b")]);
        assert_eq!((sent.of(&sync, "a"), sent.of(&sync, "b")), (vec![OutboxId(1)], vec![OutboxId(2), OutboxId(3)]));
        (1..=3).for_each(|entry| sent.forget(&sync, OutboxId(entry)));
        assert_eq!((sent.of(&sync, "a"), sent.of(&sync, "b")), (vec![], vec![]));
        let other = "other".parse().unwrap();
        assert!(sent.knows(&sync) && !sent.knows(&other) && sent.of(&other, "a").is_empty());
    }
}
