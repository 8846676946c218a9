//! All records of one object: seeded ones computed on the fly, changed and new ones stored, with indexes over the modified
//! stamp and the unique properties. Every change goes through here, so that the indexes hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use super::kinds::Kind;
use super::record::{Record, View};
use super::seed::{STAMP_GROUP, Seed};
use crate::sim::mix;

/// The records of one object.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) kind: Kind,
    seed: Option<Seed>,
    stored: BTreeMap<u64, Record>,
    /// (modified stamp, id) of the stored records that are shown.
    stamps: BTreeSet<(i64, u64)>,
    /// Ranks of the seeded contacts that are stored now, so that the lazy index passes over them.
    touched_ranks: BTreeSet<u64>,
    archived: BTreeSet<u64>,
    /// (property, lower-case value) of the stored records that are shown.
    unique: HashMap<(String, String), u64>,
    pub(crate) unique_names: BTreeSet<String>,
    /// Old ids of merged records and where they lead.
    aliases: BTreeMap<u64, u64>,
    next_id: u64,
    shown: u64,
    /// What the search index still shows of records that were written a moment ago: until when, and the old state.
    lagging: BTreeMap<u64, Lagging>,
    /// Counts changes; what is computed from the table is kept until this moves.
    pub(crate) version: u64,
}

/// A record whose last write has not reached the search index.
#[derive(Debug)]
pub(crate) struct Lagging {
    pub(crate) until_ms: i64,
    pub(crate) before: Option<Record>,
}

impl Table {
    pub(crate) fn new(kind: Kind, seed: Option<Seed>) -> Self {
        let shown = seed.as_ref().map_or(0, Seed::count);
        let next_id = seed.as_ref().map_or(kind.first_id, |seed| seed.end_id().max(kind.first_id));
        Self {
            kind,
            seed,
            stored: BTreeMap::new(),
            stamps: BTreeSet::new(),
            touched_ranks: BTreeSet::new(),
            archived: BTreeSet::new(),
            unique: HashMap::new(),
            unique_names: BTreeSet::new(),
            aliases: BTreeMap::new(),
            next_id,
            shown,
            lagging: BTreeMap::new(),
            version: 0,
        }
    }

    pub(crate) fn seed(&self) -> Option<&Seed> {
        self.seed.as_ref()
    }

    /// How many records are neither archived nor gone.
    pub(crate) fn shown(&self) -> u64 {
        self.shown
    }

    /// An id that no record had; ids are not dense.
    pub(crate) fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1 + mix(id, 5) % 7;
        id
    }

    /// The record with exactly this id, archived ones included, erased ones not.
    pub(crate) fn view(&self, id: u64) -> Option<View<'_>> {
        if let Some(record) = self.stored.get(&id) {
            return (!record.erased).then_some(View::Stored(&self.kind, record));
        }
        let seed = self.seed.as_ref()?;
        Some(View::Seeded(&self.kind, seed, seed.index(id)?))
    }

    /// The record with this id that is not archived.
    pub(crate) fn shown_view(&self, id: u64) -> Option<View<'_>> {
        self.view(id).filter(|view| view.archived_ms().is_none())
    }

    /// Where an old id of a merged record leads; itself otherwise.
    pub(crate) fn resolve(&self, id: u64) -> u64 {
        let mut id = id;
        while let Some(next) = self.aliases.get(&id) {
            id = *next;
        }
        id
    }

    /// The old ids that lead to `id`.
    pub(crate) fn old_ids(&self, id: u64) -> Vec<u64> {
        self.aliases.keys().copied().filter(|old| self.resolve(*old) == id).collect()
    }

    /// Makes `old` lead to `new`.
    pub(crate) fn alias(&mut self, old: u64, new: u64) {
        self.aliases.insert(old, new);
    }

    /// The shown record with this value of a unique property.
    pub(crate) fn find_unique(&self, name: &str, value: &str) -> Option<u64> {
        if let Some(id) = self.unique.get(&(name.to_owned(), value.to_lowercase())) {
            return Some(*id);
        }
        let seed = self.seed.as_ref()?;
        let index = match name {
            "email" => seed.index_of_email(value),
            "customer_number" => seed.index_of_customer_number(value),
            _ => None,
        }?;
        Some(seed.id(index)).filter(|id| !self.stored.contains_key(id))
    }

    /// Adds a record.
    pub(crate) fn insert(&mut self, record: Record, lag_ms: i64) {
        let now_ms = record.updated_ms;
        self.note_lag(record.id, now_ms, lag_ms);
        self.index(&record);
        self.stored.insert(record.id, record);
        self.version += 1;
    }

    /// Changes the record with this id, which must exist; `false` when it does not.
    pub(crate) fn change(&mut self, id: u64, now_ms: i64, lag_ms: i64, change: impl FnOnce(&mut Record)) -> bool {
        let Some(mut record) = self.view(id).map(View::to_record) else { return false };
        self.note_lag(id, now_ms, lag_ms);
        self.forget(id);
        change(&mut record);
        self.index(&record);
        self.stored.insert(id, record);
        self.version += 1;
        true
    }

    fn note_lag(&mut self, id: u64, now_ms: i64, lag_ms: i64) {
        self.lagging.retain(|_, lagging| lagging.until_ms > now_ms);
        if lag_ms > 0 {
            // What the index shows stays what it showed before the first of several quick writes.
            let before = match self.lagging.remove(&id) {
                Some(lagging) => lagging.before,
                None => self.shown_view(id).map(View::to_record),
            };
            self.lagging.insert(id, Lagging { until_ms: now_ms + lag_ms, before });
        }
    }

    /// Takes a record out of the indexes.
    fn forget(&mut self, id: u64) {
        self.shown -= u64::from(self.shown_view(id).is_some());
        if let Some(record) = self.stored.get(&id) {
            self.stamps.remove(&(record.updated_ms, id));
            self.archived.remove(&id);
            for name in &self.unique_names {
                if let Some(value) = record.current(name) {
                    let key = (name.clone(), value.to_lowercase());
                    if self.unique.get(&key) == Some(&id) {
                        self.unique.remove(&key);
                    }
                }
            }
        } else if let Some(seed) = &self.seed
            && let Some(index) = seed.index(id)
        {
            self.touched_ranks.insert(seed.rank(index));
        }
    }

    fn index(&mut self, record: &Record) {
        if record.archived_ms.is_some() && !record.erased {
            self.archived.insert(record.id);
        }
        if !record.is_shown() {
            return;
        }
        self.shown += 1;
        self.stamps.insert((record.updated_ms, record.id));
        for name in &self.unique_names {
            if let Some(value) = record.current(name) {
                self.unique.insert((name.clone(), value.to_lowercase()), record.id);
            }
        }
    }

    /// Shown records in the order of ids, from `id` on.
    pub(crate) fn walk(&self, id: u64) -> impl Iterator<Item = View<'_>> {
        let mut stored = self.stored.range(id..).map(|(_, record)| record).peekable();
        let mut index = self.seed.as_ref().map_or(0, |seed| seed.index_from(id));
        std::iter::from_fn(move || {
            loop {
                let seeded = self.seed.as_ref().filter(|seed| index < seed.count()).map(|seed| (seed, seed.id(index)));
                let next_stored = stored.peek().map(|record| record.id);
                match (seeded, next_stored) {
                    (Some((seed, seeded_id)), next) if next.is_none_or(|next| seeded_id < next) => {
                        index += 1;
                        return Some(View::Seeded(&self.kind, seed, index - 1));
                    }
                    (_, None) => return None,
                    (seeded, next) => {
                        // The stored state of a seeded contact stands for it.
                        index += u64::from(seeded.map(|(_, id)| id) == next);
                        if let Some(record) = stored.next().filter(|record| record.is_shown()) {
                            return Some(View::Stored(&self.kind, record));
                        }
                    }
                }
            }
        })
    }

    /// Archived records in the order of ids, from `id` on.
    pub(crate) fn walk_archived(&self, id: u64) -> impl Iterator<Item = View<'_>> {
        self.archived.range(id..).filter_map(|id| self.view(*id))
    }

    /// (modified stamp, id) of the shown records in a window, in that order.
    pub(crate) fn by_stamp<'a>(&'a self, window: &RangeInclusive<i64>) -> impl Iterator<Item = (i64, u64)> + use<'a> {
        let (start, end) = (*window.start(), *window.end());
        let mut stored = (start <= end)
            .then(|| self.stamps.range((start, 0)..=(end, u64::MAX)))
            .into_iter()
            .flatten()
            .copied()
            .peekable();
        let mut seeded = self.seeded_by_stamp(window).peekable();
        std::iter::from_fn(move || match (seeded.peek(), stored.peek()) {
            (Some(one), Some(other)) if one < other => seeded.next(),
            (_, Some(_)) => stored.next(),
            (_, None) => seeded.next(),
        })
    }

    fn seeded_by_stamp<'a>(&'a self, window: &RangeInclusive<i64>) -> impl Iterator<Item = (i64, u64)> + use<'a> {
        let ranks = self.ranks(window);
        let bulk = self.seed.as_ref().is_some_and(|seed| seed.bulk_stamp_ms.is_some());
        let group = if bulk { ranks.end.max(1) } else { STAMP_GROUP };
        let groups = ranks.start / group..ranks.end.div_ceil(group);
        groups.flat_map(move |at| self.stamp_group(at * group..((at + 1) * group).min(ranks.end)))
    }

    /// The untouched seeded contacts at ranks that share a stamp, in the order of ids.
    fn stamp_group(&self, ranks: std::ops::Range<u64>) -> Vec<(i64, u64)> {
        let Some(seed) = &self.seed else { return Vec::new() };
        let untouched = ranks.filter(|rank| !self.touched_ranks.contains(rank));
        let mut group: Vec<_> =
            untouched.map(|rank| (seed.stamp_at_rank(rank), seed.id(seed.index_at_rank(rank)))).collect();
        group.sort_unstable();
        group
    }

    fn ranks(&self, window: &RangeInclusive<i64>) -> std::ops::Range<u64> {
        match &self.seed {
            Some(seed) if window.start() <= window.end() => {
                seed.rank_from(*window.start())..seed.rank_from(window.end().saturating_add(1))
            }
            _ => 0..0,
        }
    }

    /// How many shown records were modified in a window, without walking the untouched ones.
    pub(crate) fn count_by_stamp(&self, window: &RangeInclusive<i64>) -> u64 {
        if window.start() > window.end() {
            return 0;
        }
        let ranks = self.ranks(window);
        let touched = self.touched_ranks.range(ranks.clone()).count() as u64;
        let stored = self.stamps.range((*window.start(), 0)..=(*window.end(), u64::MAX)).count() as u64;
        (ranks.end - ranks.start) - touched + stored
    }

    /// How many shown records have an id in a range, without walking the untouched ones.
    pub(crate) fn count_by_id(&self, ids: &RangeInclusive<u64>) -> u64 {
        if ids.start() > ids.end() {
            return 0;
        }
        let in_seed = |id: &u64| self.seed.as_ref().is_some_and(|seed| seed.index(*id).is_some());
        let seeded = self.seed.as_ref().map_or(0, |seed| {
            let end = ids.end().checked_add(1).map_or(seed.count(), |end| seed.index_from(end));
            end.saturating_sub(seed.index_from(*ids.start()))
        });
        let (mut touched, mut shown) = (0, 0);
        for (id, record) in self.stored.range(ids.clone()) {
            touched += u64::from(in_seed(id));
            shown += u64::from(record.is_shown());
        }
        seeded - touched + shown
    }

    /// Gives every shown record the same modified stamp, as a bulk edit or an import does.
    pub(crate) fn stamp_all(&mut self, ms: i64) {
        if let Some(seed) = &mut self.seed {
            seed.bulk_stamp_ms = Some(ms);
        }
        for record in self.stored.values_mut().filter(|record| record.is_shown()) {
            record.updated_ms = ms;
        }
        self.stamps = self.stored.values().filter(|record| record.is_shown()).map(|record| (ms, record.id)).collect();
        self.version += 1;
    }

    /// What the search index shows of records written a moment ago, by id.
    pub(crate) fn lagging(&self, now_ms: i64) -> BTreeMap<u64, Option<View<'_>>> {
        let still = self.lagging.iter().filter(|(_, lagging)| lagging.until_ms > now_ms);
        still
            .map(|(id, lagging)| (*id, lagging.before.as_ref().map(|record| View::Stored(&self.kind, record))))
            .collect()
    }

    /// Starts to keep a property unique; refused by the caller when values collide.
    pub(crate) fn add_unique(&mut self, name: &str) {
        self.unique_names.insert(name.to_owned());
        for record in self.stored.values().filter(|record| record.is_shown()) {
            if let Some(value) = record.current(name) {
                self.unique.insert((name.to_owned(), value.to_lowercase()), record.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::hubspot::kinds::standard_kinds;

    const NOW_MS: i64 = 1_772_442_000_000;

    fn table(count: u64) -> Table {
        Table::new(standard_kinds().remove(0), Some(Seed::new(1, count, NOW_MS)))
    }

    #[test]
    fn a_walk_shows_each_record_once_in_the_order_of_ids() {
        let mut table = table(100);
        let ids: Vec<u64> = table.walk(0).map(|view| view.id()).collect();
        assert!(ids.is_sorted() && ids.len() == 100);
        table.change(ids[3], NOW_MS, 0, |record| record.updated_ms = NOW_MS);
        table.change(ids[5], NOW_MS, 0, |record| record.archived_ms = Some(NOW_MS));
        let new = table.new_id();
        table.insert(Record::new(new, NOW_MS), 0);
        let mut expected: Vec<u64> = ids.iter().copied().filter(|id| *id != ids[5]).collect();
        expected.push(new);
        assert_eq!(table.walk(0).map(|view| view.id()).collect::<Vec<_>>(), expected);
        assert_eq!(table.walk(ids[2] + 1).next().map(|view| view.id()), Some(ids[3]));
        assert_eq!(table.walk_archived(0).map(|view| view.id()).collect::<Vec<_>>(), [ids[5]]);
        assert_eq!(table.shown(), 100);
    }

    #[test]
    fn the_stamp_index_agrees_with_a_scan_in_every_window() {
        let mut table = table(203);
        let ids: Vec<u64> = table.walk(0).map(|view| view.id()).collect();
        for (at, id) in ids.iter().enumerate().filter(|(at, _)| at % 7 == 0) {
            table.change(*id, NOW_MS, 0, |record| record.updated_ms = NOW_MS - at as i64 * 10_000_000);
        }
        let mut scanned: Vec<(i64, u64)> = table.walk(0).map(|view| (view.updated_ms(), view.id())).collect();
        scanned.sort_unstable();
        let stamps: Vec<i64> = scanned.iter().map(|(ms, _)| *ms).collect();
        for window in
            [i64::MIN..=i64::MAX, stamps[10]..=stamps[90], stamps[10] + 1..=stamps[90] - 1, RangeInclusive::new(5, 1)]
        {
            let expected: Vec<_> = scanned.iter().copied().filter(|(ms, _)| window.contains(ms)).collect();
            assert_eq!(table.by_stamp(&window).collect::<Vec<_>>(), expected);
            assert_eq!(table.count_by_stamp(&window), expected.len() as u64);
        }
        table.stamp_all(NOW_MS);
        assert_eq!(table.by_stamp(&(NOW_MS..=NOW_MS)).map(|(_, id)| id).collect::<Vec<_>>(), ids);
    }
}
