//! The lookups whose hashes begin with the same bits: what of them is recent, in memory, and what is merged, in buckets.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::bucket::{self, Entry};
use super::filter::Filter;
use crate::store::table::Table;
use crate::store::{StoreError, key};

/// Leading bits that the hashes of a range have in common.
const RANGE_BITS: u8 = 6;

/// Ranges of a workspace.
pub(super) const RANGES: u8 = 1 << RANGE_BITS;

/// Entries per bucket on average, before buckets are split: 2 KiB. sled's cache holds at least one page of up to 16 keys in each of
/// its 256 parts, and looks only at every 64th use of a part whether it holds too much: so its memory follows the size of values.
const BUCKET_ENTRIES: usize = 128;

/// Buckets per batch of a merge: bounds its memory to some 130 KiB.
const BUCKETS_PER_BATCH: usize = 64;

/// Words of a filter per key, 4 KiB.
const FILTER_WORDS: usize = 512;

pub(super) struct Range {
    tree: sled::Tree,
    workspace: u32,
    number: u8,
    recent: Recent,
    merged: Merged,
    filter: Filter,
}

/// The entries since the last merge. Few hashes stand for more than one contact.
#[derive(Default)]
struct Recent {
    first: HashMap<u64, u64, BuildHasherDefault<AsItIs>>,
    more: BTreeSet<Entry>,
}

/// Hashes hashes: they are random already, under a key that nobody else knows.
#[derive(Default)]
struct AsItIs(u64);

/// What the buckets hold, as of the last merge that was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Merged {
    /// Raised by each merge; the filter's keys carry it.
    generation: u32,
    /// The buckets of the whole workspace would be 2^bits.
    bits: u8,
    entries: u64,
    /// The first run that is not in the buckets.
    before: u64,
}

/// The place of a hash among the ranges.
pub(super) fn range_of(hash: u64) -> usize {
    bucket_of(hash, RANGE_BITS) as usize
}

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    /// The leading bits are the same in a range: they go to the middle, where the map does not look.
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.rotate_left(32);
    }
}

impl Recent {
    fn add(&mut self, (hash, contact): Entry) {
        if *self.first.entry(hash).or_insert(contact) != contact {
            self.more.insert((hash, contact));
        }
    }

    fn under(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        let more = self.more.range((hash, 0)..=(hash, u64::MAX)).map(|(_, contact)| *contact);
        self.first.get(&hash).copied().into_iter().chain(more)
    }

    fn sorted(&self) -> Vec<Entry> {
        let first = self.first.iter().map(|(hash, contact)| (*hash, *contact));
        let mut all: Vec<Entry> = first.chain(self.more.iter().copied()).collect();
        all.sort_unstable();
        all
    }
}

impl Range {
    pub(super) fn open(tree: sled::Tree, workspace: u32, number: u8) -> Result<Self, StoreError> {
        let merged = match tree.get(key::in_workspace(workspace, Table::LookupMeta, &[number]))? {
            Some(bytes) => Merged::decode(&bytes)?,
            None => Merged::default(),
        };
        let mut range = Self { tree, workspace, number, recent: Recent::default(), merged, filter: Filter::default() };
        for words in range.tree.scan_prefix(range.filter_key(merged.generation, None)).values() {
            range.filter.extend_from_bytes(&words?);
        }
        Ok(range)
    }

    pub(super) fn has_merged(&self, run: u64) -> bool {
        run < self.merged.before
    }

    pub(super) fn merged_before(&self) -> u64 {
        self.merged.before
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.recent.add(entry);
    }

    /// Entries in memory.
    pub(super) fn recent(&self) -> usize {
        self.recent.first.len() + self.recent.more.len()
    }

    /// Entries in buckets.
    pub(super) fn merged(&self) -> u64 {
        self.merged.entries
    }

    /// Numbers of contacts, some perhaps twice.
    pub(super) fn find(&self, hash: u64) -> Result<Vec<u64>, StoreError> {
        let mut found: Vec<u64> = self.recent.under(hash).collect();
        if self.filter.may_hold(hash)
            && let Some(bytes) = self.tree.get(self.bucket_key(self.merged.bits, bucket_of(hash, self.merged.bits)))?
        {
            found.extend(bucket::search(&bytes, hash));
        }
        Ok(found)
    }

    /// Merges what is in memory, all that runs before `next_run` hold, into the buckets. Runs are left to the caller, so that a
    /// crash on the way loses nothing.
    pub(super) fn merge(&mut self, next_run: u64) -> Result<(), StoreError> {
        let expected = usize::try_from(self.merged.entries).unwrap_or(usize::MAX).saturating_add(self.recent());
        let mut after = Merged { generation: self.merged.generation + 1, before: next_run, entries: 0, ..self.merged };
        while expected >> (after.bits - RANGE_BITS) > BUCKET_ENTRIES {
            after.bits += 1;
        }
        let mut filter = Filter::with_room(expected);
        let recent = self.recent.sorted();
        let mut batch = sled::Batch::default();
        let mut batched = 0;
        for bucket in buckets(self.number, self.merged.bits) {
            let old = self.tree.get(self.bucket_key(self.merged.bits, bucket))?;
            let all = self.merged_bucket(bucket, old.as_deref(), &recent);
            after.entries += all.len() as u64;
            all.iter().for_each(|(hash, _)| filter.add(*hash));
            for (place, entries) in split(&all, bucket, after.bits - self.merged.bits, after.bits) {
                batch.insert(self.bucket_key(after.bits, place), bucket::written(entries));
                batched += 1;
            }
            if batched >= BUCKETS_PER_BATCH {
                self.tree.apply_batch(std::mem::take(&mut batch))?;
                batched = 0;
            }
        }
        self.switch(batch, after, filter)
    }

    /// The entries of an old bucket and the recent ones that belong to it, in order.
    fn merged_bucket(&self, bucket: u32, old: Option<&[u8]>, recent: &[Entry]) -> Vec<Entry> {
        let (first, last) = bucket_range(bucket, self.merged.bits);
        let begin = recent.partition_point(|entry| entry.0 < first);
        let end = recent.partition_point(|entry| entry.0 <= last);
        let mut all: Vec<Entry> = old.map(|bytes| bucket::entries(bytes).collect()).unwrap_or_default();
        all.extend_from_slice(&recent[begin..end]);
        // Two runs that are in order: the stable sort merges them, the other one would sort anew.
        all.sort();
        all.dedup();
        all
    }

    /// The last buckets are written: from here on they count, and what they replace goes.
    fn switch(&mut self, mut batch: sled::Batch, after: Merged, filter: Filter) -> Result<(), StoreError> {
        for (place, bytes) in (0..).zip(filter.chunks(FILTER_WORDS)) {
            batch.insert(self.filter_key(after.generation, Some(place)), bytes);
        }
        for old in self.tree.scan_prefix(self.filter_key(self.merged.generation, None)).keys() {
            batch.remove(old?);
        }
        batch.insert(key::in_workspace(self.workspace, Table::LookupMeta, &[self.number]), after.encode());
        self.tree.apply_batch(batch)?;
        let has_grown = after.bits > self.merged.bits;
        (self.merged, self.filter) = (after, filter);
        self.recent = Recent::default();
        if has_grown { self.remove_old_buckets() } else { Ok(()) }
    }

    /// Removes the buckets of fewer bits, which do not count any more. A crash leaves some to the next time.
    fn remove_old_buckets(&self) -> Result<(), StoreError> {
        for bits in RANGE_BITS..self.merged.bits {
            let old = buckets(self.number, bits);
            let old = self.bucket_key(bits, *old.start())..=self.bucket_key(bits, *old.end());
            let mut batch = sled::Batch::default();
            for key in self.tree.range(old).keys() {
                batch.remove(key?);
            }
            self.tree.apply_batch(batch)?;
        }
        Ok(())
    }

    fn bucket_key(&self, bits: u8, bucket: u32) -> Vec<u8> {
        let [a, b, c, d] = bucket.to_be_bytes();
        key::in_workspace(self.workspace, Table::LookupBuckets, &[bits, a, b, c, d])
    }

    /// Of one part of a filter, or what all its parts begin with.
    fn filter_key(&self, generation: u32, part: Option<u32>) -> Vec<u8> {
        let mut place = vec![self.number];
        place.extend(generation.to_be_bytes());
        place.extend(part.into_iter().flat_map(u32::to_be_bytes));
        key::in_workspace(self.workspace, Table::LookupFilter, &place)
    }
}

impl Default for Merged {
    fn default() -> Self {
        Self { generation: 0, bits: RANGE_BITS, entries: 0, before: 0 }
    }
}

impl Merged {
    fn encode(self) -> Vec<u8> {
        let mut bytes = self.generation.to_be_bytes().to_vec();
        bytes.push(self.bits);
        bytes.extend(self.entries.to_be_bytes());
        bytes.extend(self.before.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes {
            [a, b, c, d, bits @ RANGE_BITS..32, rest @ ..] if rest.len() == 16 => Ok(Self {
                generation: u32::from_be_bytes([*a, *b, *c, *d]),
                bits: *bits,
                entries: key::read_u64(&rest[..8])?,
                before: key::read_u64(&rest[8..])?,
            }),
            _ => Err(StoreError::Corrupt { what: "the lookups" }),
        }
    }
}

/// What becomes of a bucket's entries where each bucket becomes 2^`grown_by`.
fn split(all: &[Entry], bucket: u32, grown_by: u8, bits: u8) -> impl Iterator<Item = (u32, &[Entry])> {
    let places = (bucket << grown_by)..((bucket + 1) << grown_by);
    places.map(move |place| {
        let (first, last) = bucket_range(place, bits);
        let begin = all.partition_point(|entry| entry.0 < first);
        let end = all.partition_point(|entry| entry.0 <= last);
        (place, &all[begin..end])
    })
}

/// The buckets of a range.
fn buckets(range: u8, bits: u8) -> std::ops::RangeInclusive<u32> {
    let grown_by = bits - RANGE_BITS;
    let first = u32::from(range) << grown_by;
    first..=first + ((1 << grown_by) - 1)
}

#[expect(clippy::cast_possible_truncation, reason = "there are at most 2^31 buckets")]
fn bucket_of(hash: u64, bits: u8) -> u32 {
    hash.checked_shr(64 - u32::from(bits)).unwrap_or(0) as u32
}

/// The first and the last hash of a bucket.
fn bucket_range(bucket: u32, bits: u8) -> (u64, u64) {
    let first = u64::from(bucket).checked_shl(64 - u32::from(bits)).unwrap_or(0);
    (first, first | u64::MAX.checked_shr(u32::from(bits)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_split_the_hashes_evenly_and_wholly() {
        for bits in RANGE_BITS..RANGE_BITS + 6 {
            let all: Vec<u32> = (0..RANGES).flat_map(|range| buckets(range, bits)).collect();
            assert_eq!(all, (0..1 << bits).collect::<Vec<_>>());
            for bucket in all {
                let (first, last) = bucket_range(bucket, bits);
                assert_eq!((bucket_of(first, bits), bucket_of(last, bits)), (bucket, bucket));
                let range = (bucket >> (bits - RANGE_BITS)) as usize;
                assert_eq!((range_of(first), range_of(last)), (range, range));
            }
        }
        assert_eq!(bucket_range(0, RANGE_BITS).0, 0);
        assert_eq!(bucket_range(u32::from(RANGES) - 1, RANGE_BITS).1, u64::MAX);
    }

    #[test]
    fn a_bucket_that_is_split_loses_nothing() {
        let (first, last) = bucket_range(5, RANGE_BITS);
        let all: Vec<Entry> = (0..100).map(|n| (first + (last - first) / 99 * n, n)).collect();
        let parts: Vec<(u32, &[Entry])> = split(&all, 5, 3, RANGE_BITS + 3).collect();
        assert_eq!(parts.iter().map(|part| part.0).collect::<Vec<_>>(), (40..48).collect::<Vec<_>>());
        assert_eq!(parts.iter().flat_map(|part| part.1).copied().collect::<Vec<_>>(), all);
        assert!(parts.iter().all(|part| part.1.len() >= 12));
    }

    #[test]
    fn meta_survives_being_written_down() {
        let merged = Merged { generation: 7, bits: 12, entries: 3_000_000, before: 1 << 40 };
        assert_eq!(Merged::decode(&merged.encode()).unwrap(), merged);
        assert!(Merged::decode(b"short").is_err());
    }
}
