//! The records of one object, with indexes over the system stamp and the texts by which records are looked up. Every change
//! goes through here, so that the indexes hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use super::cell::Cell;
use super::id::Id;
use crate::sim::mix;

/// The first number that a record gets; those below are users' and the org's.
const FIRST_NUMBER: u64 = 1_000;

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) number: u64,
    pub(crate) created_ms: i64,
    pub(crate) created_by: Id,
    pub(crate) modified_ms: i64,
    pub(crate) modified_by: Id,
    /// `SystemModstamp`: moves also where `LastModifiedDate` stays.
    pub(crate) stamp_ms: i64,
    /// In the recycle bin since.
    pub(crate) deleted_ms: Option<i64>,
    /// The record that this one was merged into.
    pub(crate) master: Option<Id>,
    /// By the places of the fields; a shorter list ends with nulls.
    pub(crate) values: Vec<Cell>,
}

impl Record {
    pub(crate) fn new(number: u64, ms: i64, by: Id) -> Self {
        Self {
            number,
            created_ms: ms,
            created_by: by,
            modified_ms: ms,
            modified_by: by,
            stamp_ms: ms,
            deleted_ms: None,
            master: None,
            values: Vec::new(),
        }
    }

    /// The value at a field's place.
    pub(crate) fn value(&self, place: usize) -> &Cell {
        const NULL: &Cell = &Cell::Null;
        self.values.get(place).unwrap_or(NULL)
    }

    pub(crate) fn set(&mut self, place: usize, value: Cell) {
        if self.values.len() <= place {
            self.values.resize(place + 1, Cell::Null);
        }
        self.values[place] = value;
    }
}

/// The records of one object.
#[derive(Debug)]
pub(crate) struct Table {
    records: BTreeMap<u64, Record>,
    /// (system stamp, number) of all records, deleted ones included.
    stamps: BTreeSet<(i64, u64)>,
    /// Places of the fields by which records are looked up.
    looked_up: Vec<usize>,
    /// (place, text in lower case) of the living records.
    texts: HashMap<(usize, String), Vec<u64>>,
    next: u64,
    living: usize,
    /// What queries still see of records that were written a moment ago, by number.
    lagging: BTreeMap<u64, Lagging>,
}

/// A record whose last write queries do not see yet.
#[derive(Debug)]
struct Lagging {
    until_ms: i64,
    /// None for one that was not there.
    before: Option<Record>,
}

impl Table {
    pub(crate) fn new(looked_up: Vec<usize>) -> Self {
        Self {
            records: BTreeMap::new(),
            stamps: BTreeSet::new(),
            looked_up,
            texts: HashMap::new(),
            next: FIRST_NUMBER,
            living: 0,
            lagging: BTreeMap::new(),
        }
    }

    /// A number that no record had; numbers are not dense.
    pub(crate) fn new_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1 + mix(number, 5) % 7;
        number
    }

    /// How many records are not deleted.
    pub(crate) fn living(&self) -> usize {
        self.living
    }

    /// The record, also a deleted one.
    pub(crate) fn get(&self, number: u64) -> Option<&Record> {
        self.records.get(&number)
    }

    /// The record that is not deleted.
    pub(crate) fn get_living(&self, number: u64) -> Option<&Record> {
        self.get(number).filter(|record| record.deleted_ms.is_none())
    }

    /// Whether records are looked up by the field at a place.
    pub(crate) fn looks_up(&self, place: usize) -> bool {
        self.looked_up.contains(&place)
    }

    /// The living records that have this text at a place by which records are looked up; without regard to case.
    pub(crate) fn find(&self, place: usize, text: &str) -> &[u64] {
        self.texts.get(&(place, text.to_lowercase())).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn insert(&mut self, record: Record) {
        self.index(&record);
        self.next = self.next.max(record.number + 1);
        self.records.insert(record.number, record);
    }

    /// Changes a record; `false` when there is none.
    pub(crate) fn change(&mut self, number: u64, change: impl FnOnce(&mut Record)) -> bool {
        let Some(mut record) = self.remove(number) else { return false };
        change(&mut record);
        self.insert(record);
        true
    }

    /// Takes a record out for good.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Record> {
        let record = self.records.remove(&number)?;
        self.stamps.remove(&(record.stamp_ms, number));
        if record.deleted_ms.is_none() {
            self.living -= 1;
            for place in &self.looked_up {
                let Some(text) = record.value(*place).as_text() else { continue };
                let key = (*place, text.to_lowercase());
                if let Some(numbers) = self.texts.get_mut(&key) {
                    numbers.retain(|other| *other != number);
                    if numbers.is_empty() {
                        self.texts.remove(&key);
                    }
                }
            }
        }
        Some(record)
    }

    /// Keeps for queries what they see of a record that is about to be written.
    pub(crate) fn lag(&mut self, number: u64, now_ms: i64, until_ms: i64) {
        self.lagging.retain(|_, lagging| lagging.until_ms > now_ms);
        if until_ms > now_ms {
            // What they see stays what they saw before the first of several quick writes.
            let before = match self.lagging.remove(&number) {
                Some(lagging) => lagging.before,
                None => self.get(number).cloned(),
            };
            self.lagging.insert(number, Lagging { until_ms, before });
        }
    }

    /// Puts the records back into the state that queries see; gives the one that they are in.
    pub(crate) fn step_back(&mut self, now_ms: i64) -> Vec<(u64, Option<Record>)> {
        let seen = self.lagging.iter().filter(|(_, lagging)| lagging.until_ms > now_ms);
        let seen = seen.map(|(number, lagging)| (*number, lagging.before.clone())).collect();
        self.exchange(seen)
    }

    /// Puts other states in place of some records' own, which it gives.
    pub(crate) fn exchange(&mut self, others: Vec<(u64, Option<Record>)>) -> Vec<(u64, Option<Record>)> {
        let mut exchanged = Vec::new();
        for (number, other) in others {
            exchanged.push((number, self.remove(number)));
            other.into_iter().for_each(|record| self.insert(record));
        }
        exchanged
    }

    fn index(&mut self, record: &Record) {
        self.stamps.insert((record.stamp_ms, record.number));
        if record.deleted_ms.is_some() {
            return;
        }
        self.living += 1;
        for place in &self.looked_up {
            if let Some(text) = record.value(*place).as_text() {
                self.texts.entry((*place, text.to_lowercase())).or_default().push(record.number);
            }
        }
    }

    /// All records whose numbers lie in a range, deleted ones included, in the order of ids.
    pub(crate) fn walk(&self, numbers: RangeInclusive<u64>) -> Box<dyn DoubleEndedIterator<Item = &Record> + '_> {
        if numbers.is_empty() {
            return Box::new(std::iter::empty());
        }
        Box::new(self.records.range(numbers).map(|(_, record)| record))
    }

    /// All records whose system stamps lie in a range, deleted ones included, in the order of (stamp, id).
    pub(crate) fn by_stamp(&self, stamps: RangeInclusive<i64>) -> Box<dyn DoubleEndedIterator<Item = &Record> + '_> {
        if stamps.is_empty() {
            return Box::new(std::iter::empty());
        }
        let range = self.stamps.range((*stamps.start(), 0)..=(*stamps.end(), u64::MAX));
        Box::new(range.filter_map(|(_, number)| self.records.get(number)))
    }

    /// Puts other records in place of all.
    pub(crate) fn replace(&mut self, records: Vec<Record>) {
        let (next, lagging) = (self.next, std::mem::take(&mut self.lagging));
        *self = Self { lagging, ..Self::new(std::mem::take(&mut self.looked_up)) };
        records.into_iter().for_each(|record| self.insert(record));
        self.next = next;
    }

    /// Gives every record the same system stamp, as a bulk edit or an import does.
    pub(crate) fn stamp_all(&mut self, ms: i64) {
        for record in self.records.values_mut().filter(|record| record.deleted_ms.is_none()) {
            record.stamp_ms = ms;
            record.modified_ms = ms;
        }
        self.stamps = self.records.values().map(|record| (record.stamp_ms, record.number)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(table: &mut Table, text: &str, stamp_ms: i64) -> u64 {
        let mut record = Record::new(table.new_number(), stamp_ms, Id::new(*b"005", 1));
        record.set(0, Cell::text(text));
        let number = record.number;
        table.insert(record);
        number
    }

    #[test]
    fn the_indexes_follow_every_change() {
        let mut table = Table::new(vec![0]);
        let (one, other) = (record(&mut table, "Zoë", 10), record(&mut table, "b", 10));
        assert_eq!(table.find(0, "ZOË"), [one]);
        table.change(one, |record| {
            record.set(0, Cell::text("B"));
            record.stamp_ms = 20;
        });
        assert_eq!((table.find(0, "zoë"), table.find(0, "b")), (&[][..], &[other, one][..]));
        table.change(other, |record| record.deleted_ms = Some(30));
        assert_eq!((table.find(0, "b"), table.living()), (&[one][..], 1));
        let stamps = |range| table.by_stamp(range).map(|record| record.number).collect::<Vec<_>>();
        assert_eq!((stamps(0..=15), stamps(0..=20)), (vec![other], vec![other, one]));
        table.stamp_all(99);
        assert_eq!(table.by_stamp(99..=99).map(|record| record.number).collect::<Vec<_>>(), [one]);
    }
}
