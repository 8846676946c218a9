//! Finds contacts by CRM record, e-mail or phone, and outcomes by their ids, at a cost that stays flat as a workspace grows.
//!
//! A key per entry in the tree would cost three random inserts a contact, more than all else together. Instead each
//! commit writes its entries as one key (a *run*); the entries of recent runs are also held in memory, divided into *ranges*
//! by the leading bits of their hashes. When there are enough of them, the range that has waited longest is merged, in
//! order, into sorted *buckets*: a small part of all at a time, so that neither memory nor any one commit feels it. An
//! entry is a keyed hash and a number: an answer is a candidate, which the caller holds against the contact or the outcome
//! itself. So stale entries do no harm, and an entry may be written twice.

pub(super) mod bucket;
mod filter;
mod range;

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use self::bucket::Entry;
use self::range::{RANGES, Range, range_of};
use super::table::Table;
use super::{StoreError, key};
use crate::model::contact::Source;
use crate::model::id::SyncId;

/// Entries in memory before a range is merged: a quarter of what the buckets hold, within bounds. With the most, no range holds
/// more than the 1,792 for which its hash map has 2,048 places: 2.3 MB for all. With fewer than the least, small workspaces would
/// merge at each page.
const RECENT_LEAST: usize = 16 * 1024;
const RECENT_MOST: usize = 52 * 1024;

/// What a contact can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKey<'a> {
    Record {
        source: &'a Source,
        id: &'a str,
    },
    /// Normalised: lower case.
    Email(&'a str),
    /// Normalised: E.164.
    Phone(&'a str),
}

/// A keyed hash of what a contact can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LookupHash(u64);

pub(super) fn entry(hash: LookupHash, number: u64) -> Entry {
    (hash.0, number)
}

/// What a sync's outcome is looked up by.
pub(super) fn outcome_hash(hash_key: &[u8; 16], sync: &SyncId, outcome: &str) -> LookupHash {
    let mut hasher = SipHasher13::new_with_key(hash_key);
    hasher.write_u8(3);
    hasher.write(sync.as_str().as_bytes());
    hasher.write_u8(0);
    hasher.write(outcome.as_bytes());
    LookupHash(hasher.finish())
}

impl LookupHash {
    /// For whoever keeps many of them.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl LookupKey<'_> {
    pub(super) fn hash(self, hash_key: &[u8; 16]) -> LookupHash {
        let mut hasher = SipHasher13::new_with_key(hash_key);
        match self {
            LookupKey::Record { source, id } => {
                for part in [source.connection.as_str(), &source.object, id] {
                    hasher.write(part.as_bytes());
                    hasher.write_u8(0);
                }
            }
            LookupKey::Email(text) => {
                hasher.write_u8(1);
                hasher.write(text.as_bytes());
            }
            LookupKey::Phone(text) => {
                hasher.write_u8(2);
                hasher.write(text.as_bytes());
            }
        }
        LookupHash(hasher.finish())
    }
}

/// The lookups of one workspace.
pub(super) struct Lookups {
    tree: sled::Tree,
    workspace: u32,
    ranges: Vec<Range>,
    next_run: u64,
}

impl Lookups {
    pub(super) fn open(tree: sled::Tree, workspace: u32) -> Result<Self, StoreError> {
        let ranges = (0..RANGES).map(|number| Range::open(tree.clone(), workspace, number));
        let mut lookups = Self { ranges: ranges.collect::<Result<_, _>>()?, tree, workspace, next_run: 0 };
        let runs = key::in_workspace(workspace, Table::LookupRecent, &[]);
        for run in lookups.tree.scan_prefix(&runs) {
            let (run_key, bytes) = run?;
            let run = key::read_u64(&run_key[runs.len()..])?;
            for entry in bucket::entries(&bytes) {
                let range = &mut lookups.ranges[range_of(entry.0)];
                if !range.has_merged(run) {
                    range.add(entry);
                }
            }
            lookups.next_run = run + 1;
        }
        // Where all runs are merged and gone, none may get a number that counts as merged.
        lookups.next_run = lookups.ranges.iter().map(Range::merged_before).fold(lookups.next_run, u64::max);
        Ok(lookups)
    }

    /// Numbers of what may be meant, in order, each once.
    pub(super) fn find(&self, LookupHash(hash): LookupHash) -> Result<Vec<u64>, StoreError> {
        let mut found = self.ranges[range_of(hash)].find(hash)?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Puts new entries into `batch`; they are found once [`Lookups::staged`] has been told.
    pub(super) fn stage(&self, batch: &mut sled::Batch, new: &[Entry]) {
        if !new.is_empty() {
            batch.insert(self.run_key(self.next_run), bucket::written(new));
        }
    }

    /// The batch has been applied: its entries count from now on.
    pub(super) fn staged(&mut self, new: &[Entry]) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        self.next_run += 1;
        new.iter().for_each(|entry| self.ranges[range_of(entry.0)].add(*entry));
        while self.ranges.iter().map(Range::recent).sum::<usize>() >= self.enough() {
            self.merge_one()?;
        }
        Ok(())
    }

    fn enough(&self) -> usize {
        let merged: u64 = self.ranges.iter().map(Range::merged).sum();
        usize::try_from(merged / 4).unwrap_or(RECENT_MOST).clamp(RECENT_LEAST, RECENT_MOST)
    }

    /// Merges the range that has waited longest, and forgets the runs that all ranges have merged.
    fn merge_one(&mut self) -> Result<(), StoreError> {
        let Some(range) = self.ranges.iter_mut().min_by_key(|range| range.merged_before()) else { return Ok(()) };
        range.merge(self.next_run)?;
        let merged_by_all = self.ranges.iter().map(Range::merged_before).min().unwrap_or_default();
        let mut batch = sled::Batch::default();
        for run in self.tree.range(self.run_key(0)..self.run_key(merged_by_all)).keys() {
            batch.remove(run?);
        }
        self.tree.apply_batch(batch)?;
        Ok(())
    }

    fn run_key(&self, run: u64) -> Vec<u8> {
        key::in_workspace(self.workspace, Table::LookupRecent, &run.to_be_bytes())
    }
}
