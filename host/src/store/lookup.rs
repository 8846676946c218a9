//! Finds contacts by CRM record, e-mail or phone, at a cost that stays flat as a workspace grows.
//!
//! A key per entry in the tree would cost three random inserts a contact, more than all else together. Instead each
//! commit writes its entries as one key (a *run*); the entries of all runs are also held in memory, and when there are
//! enough of them they are merged, in order, into large sorted *buckets* by the leading bits of their hash. An entry is
//! a keyed hash and a contact's number: an answer is a candidate, which the caller holds against the contact itself.
//! So stale entries do no harm, and an entry may be written twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip::SipHasher13;

use super::filter::Filter;
use super::table::Table;
use super::{StoreError, key};
use crate::model::contact::Source;
use crate::model::id::ContactId;

/// Entries in memory before a merge: a quarter of what the buckets hold, within bounds. The most are what a hash map holds before it
/// doubles its 128 Ki places, 4 MB with their sorted copy; fewer than 16 Ki would merge small workspaces at every other page.
const RECENT_LEAST: usize = 16 * 1024;
const RECENT_MOST: usize = 112 * 1024;

/// Entries per bucket on average, before buckets are split: 2 KiB. sled's cache holds at least one page of up to 16 keys in each of
/// its 256 parts, and looks only at every 64th use of a part whether it holds too much: so its memory follows the size of values.
const BUCKET_ENTRIES: usize = 128;

/// Buckets per batch of a merge: bounds its memory to some 130 KiB.
const BUCKETS_PER_BATCH: u32 = 64;

/// Words of the filter per key, 4 KiB.
const FILTER_WORDS: usize = 512;

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

type Entry = (u64, u64);

pub(super) fn entry(hash: LookupHash, contact: ContactId) -> Entry {
    (hash.0, contact.0)
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
    recent: Recent,
    next_run: u64,
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

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Recent {
    fn add(&mut self, (hash, contact): Entry) {
        if *self.first.entry(hash).or_insert(contact) != contact {
            self.more.insert((hash, contact));
        }
    }

    fn len(&self) -> usize {
        self.first.len() + self.more.len()
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

/// What the buckets hold, as of the last merge that was completed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Merged {
    /// Raised by each merge; the filter's keys carry it.
    generation: u32,
    /// There are 2^bits buckets.
    bits: u8,
    entries: u64,
}

impl Lookups {
    pub(super) fn open(tree: sled::Tree, workspace: u32) -> Result<Self, StoreError> {
        let merged = match tree.get(key::in_workspace(workspace, Table::LookupMeta, &[]))? {
            Some(bytes) => Merged::decode(&bytes)?,
            None => Merged::default(),
        };
        let mut filter = Filter::default();
        let prefix = key::in_workspace(workspace, Table::LookupFilter, &merged.generation.to_be_bytes());
        for chunk in tree.scan_prefix(prefix) {
            filter.extend_from_bytes(&chunk?.1);
        }
        let (mut recent, mut next_run) = (Recent::default(), 0);
        let runs = key::in_workspace(workspace, Table::LookupRecent, &[]);
        for run in tree.scan_prefix(&runs) {
            let (run_key, bytes) = run?;
            next_run = key::read_u64(&run_key[runs.len()..])? + 1;
            entries(&bytes).for_each(|entry| recent.add(entry));
        }
        Ok(Self { tree, workspace, recent, next_run, merged, filter })
    }

    /// Contacts that may be meant, in order, each once.
    pub(super) fn find(&self, LookupHash(hash): LookupHash) -> Result<Vec<ContactId>, StoreError> {
        let mut found: Vec<u64> = self.recent.under(hash).collect();
        if self.filter.may_hold(hash)
            && let Some(bytes) = self.tree.get(self.bucket_key(self.merged.bits, bucket_of(hash, self.merged.bits)))?
        {
            found.extend(search(&bytes, hash));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(ContactId).collect())
    }

    /// Puts new entries into `batch`; they are found once [`Lookups::staged`] has been told.
    pub(super) fn stage(&self, batch: &mut sled::Batch, new: &[Entry]) {
        if new.is_empty() {
            return;
        }
        let mut bytes = Vec::with_capacity(new.len() * 16);
        new.iter().for_each(|entry| put(&mut bytes, *entry));
        batch.insert(key::in_workspace(self.workspace, Table::LookupRecent, &self.next_run.to_be_bytes()), bytes);
    }

    /// The batch has been applied: its entries count from now on.
    pub(super) fn staged(&mut self, new: &[Entry]) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        self.next_run += 1;
        new.iter().for_each(|entry| self.recent.add(*entry));
        let enough = usize::try_from(self.merged.entries / 4).unwrap_or(RECENT_MOST).clamp(RECENT_LEAST, RECENT_MOST);
        if self.recent.len() >= enough { self.merge() } else { Ok(()) }
    }

    /// Merges what is in memory into the buckets. The runs stay until the end, so that a crash on the way loses nothing.
    fn merge(&mut self) -> Result<(), StoreError> {
        let expected = usize::try_from(self.merged.entries).unwrap_or(usize::MAX).saturating_add(self.recent.len());
        let mut after = Merged { generation: self.merged.generation + 1, ..self.merged };
        while expected >> after.bits > BUCKET_ENTRIES {
            after.bits += 1;
        }
        after.entries = 0;
        let mut filter = Filter::with_room(expected);
        let recent = self.recent.sorted();
        let grown_by = after.bits - self.merged.bits;
        let mut batch = sled::Batch::default();
        for bucket in 0..(1u32 << self.merged.bits) {
            let old = self.tree.get(self.bucket_key(self.merged.bits, bucket))?;
            for (place, entries) in self.merged_bucket(bucket, old.as_deref(), &recent, after.bits) {
                after.entries += (entries.len() / 16) as u64;
                self::entries(&entries).for_each(|(hash, _)| filter.add(hash));
                batch.insert(self.bucket_key(after.bits, place), entries);
            }
            if (bucket + 1) % BUCKETS_PER_BATCH.checked_shr(grown_by.into()).unwrap_or(0).max(1) == 0 {
                self.tree.apply_batch(std::mem::take(&mut batch))?;
            }
        }
        self.tree.apply_batch(batch)?;
        self.switch(after, filter)
    }

    /// One old bucket with its recent entries, as the new buckets that it becomes.
    fn merged_bucket(&self, bucket: u32, old: Option<&[u8]>, recent: &[Entry], bits: u8) -> BTreeMap<u32, Vec<u8>> {
        let (first, last) = bucket_range(bucket, self.merged.bits);
        let begin = recent.partition_point(|entry| entry.0 < first);
        let end = recent.partition_point(|entry| entry.0 <= last);
        let mut all: Vec<Entry> = old.map(|bytes| entries(bytes).collect()).unwrap_or_default();
        all.extend_from_slice(&recent[begin..end]);
        // Two runs that are in order: the stable sort merges them, the other one would sort anew.
        all.sort();
        all.dedup();
        let grown_by = bits - self.merged.bits;
        let places = (bucket << grown_by)..((bucket + 1) << grown_by);
        let mut buckets: BTreeMap<u32, Vec<u8>> = places.map(|place| (place, Vec::new())).collect();
        for entry in all {
            if let Some(bytes) = buckets.get_mut(&bucket_of(entry.0, bits)) {
                put(bytes, entry);
            }
        }
        buckets
    }

    /// The buckets are written: from here on they count, and what they replace goes.
    fn switch(&mut self, after: Merged, filter: Filter) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        let filter_key = |generation: u32, chunk: u32| {
            let place = [generation.to_be_bytes(), chunk.to_be_bytes()].concat();
            key::in_workspace(self.workspace, Table::LookupFilter, &place)
        };
        for (chunk, bytes) in (0..).zip(filter.chunks(FILTER_WORDS)) {
            batch.insert(filter_key(after.generation, chunk), bytes);
        }
        batch.insert(key::in_workspace(self.workspace, Table::LookupMeta, &[]), after.encode());
        self.remove_all(&mut batch, key::in_workspace(self.workspace, Table::LookupRecent, &[]))?;
        let old_filter = key::in_workspace(self.workspace, Table::LookupFilter, &self.merged.generation.to_be_bytes());
        self.remove_all(&mut batch, old_filter)?;
        self.tree.apply_batch(batch)?;
        (self.merged, self.filter) = (after, filter);
        self.recent = Recent::default();
        self.remove_old_buckets()
    }

    /// Removes the buckets of fewer bits, which do not count any more. A few at a time: what one batch removes stays in memory
    /// until all of it is gone. A crash leaves some to the next time.
    fn remove_old_buckets(&self) -> Result<(), StoreError> {
        let first = key::in_workspace(self.workspace, Table::LookupBuckets, &[]);
        loop {
            let old = self.tree.range(first.clone()..self.bucket_key(self.merged.bits, 0)).keys();
            let old = old.take(BUCKETS_PER_BATCH as usize).collect::<Result<Vec<_>, _>>()?;
            if old.is_empty() {
                return Ok(());
            }
            let mut batch = sled::Batch::default();
            old.into_iter().for_each(|key| batch.remove(key));
            self.tree.apply_batch(batch)?;
        }
    }

    fn remove_all(&self, batch: &mut sled::Batch, prefix: Vec<u8>) -> Result<(), StoreError> {
        for old in self.tree.scan_prefix(prefix).keys() {
            batch.remove(old?);
        }
        Ok(())
    }

    fn bucket_key(&self, bits: u8, bucket: u32) -> Vec<u8> {
        let [a, b, c, d] = bucket.to_be_bytes();
        key::in_workspace(self.workspace, Table::LookupBuckets, &[bits, a, b, c, d])
    }
}

impl Merged {
    fn encode(self) -> Vec<u8> {
        let mut bytes = self.generation.to_be_bytes().to_vec();
        bytes.push(self.bits);
        bytes.extend(self.entries.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes {
            [a, b, c, d, bits @ 0..32, entries @ ..] => Ok(Self {
                generation: u32::from_be_bytes([*a, *b, *c, *d]),
                bits: *bits,
                entries: key::read_u64(entries)?,
            }),
            _ => Err(StoreError::Corrupt { what: "the lookups" }),
        }
    }
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

fn put(bytes: &mut Vec<u8>, (hash, contact): Entry) {
    bytes.extend_from_slice(&hash.to_be_bytes());
    bytes.extend_from_slice(&contact.to_be_bytes());
}

fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let half = |bytes: &[u8]| bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    bytes.chunks_exact(16).map(move |entry| (half(&entry[..8]), half(&entry[8..])))
}

/// The contacts under `hash` in a bucket, whose entries are sorted.
fn search(bytes: &[u8], hash: u64) -> impl Iterator<Item = u64> {
    let wanted = hash.to_be_bytes();
    let (mut low, mut high) = (0, bytes.len() / 16);
    while low < high {
        let middle = usize::midpoint(low, high);
        if bytes[middle * 16..middle * 16 + 8] < wanted[..] {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    entries(&bytes[low * 16..]).take_while(move |entry| entry.0 == hash).map(|entry| entry.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_split_the_hashes_evenly_and_wholly() {
        assert_eq!(bucket_range(0, 0), (0, u64::MAX));
        assert_eq!(bucket_range(1, 1), (1 << 63, u64::MAX));
        assert_eq!(bucket_of(u64::MAX, 0), 0);
        for bits in 0..6u8 {
            for bucket in 0..(1u32 << bits) {
                let (first, last) = bucket_range(bucket, bits);
                assert_eq!((bucket_of(first, bits), bucket_of(last, bits)), (bucket, bucket));
            }
        }
    }

    #[test]
    fn a_bucket_gives_every_contact_under_a_hash() {
        let mut bytes = Vec::new();
        [(1, 5), (3, 1), (3, 2), (3, 9), (8, 1)].into_iter().for_each(|entry| put(&mut bytes, entry));
        assert_eq!(search(&bytes, 3).collect::<Vec<_>>(), [1, 2, 9]);
        assert_eq!(search(&bytes, 4).collect::<Vec<_>>(), [0u64; 0]);
        assert_eq!(search(&[], 4).count(), 0);
    }

    #[test]
    fn meta_survives_being_written_down() {
        let merged = Merged { generation: 7, bits: 12, entries: 3_000_000 };
        assert_eq!(Merged::decode(&merged.encode()).unwrap(), merged);
        assert!(Merged::decode(b"short").is_err());
    }
}
