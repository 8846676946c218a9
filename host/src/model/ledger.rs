//! Where a contact's values come from: the rows that feed it, as the CRM gave them, and the ledger of what each has changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contact::{AttributeName, Contact};
use super::id::{RunId, SyncId};
use super::policy::Policy;
use super::time::Instant;
use super::value::Value;

/// Entries of one contact that are kept however young they are: a record that changes every minute must not fill the disk.
const MOST_ENTRIES: usize = 500;

/// Changes in a row, each taking back the one before, after which two syncs are at odds with each other.
const MOST_SWINGS: usize = 4;

/// Within so long: what two people change back and forth over weeks is no loop.
const SWINGS_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// A row's values in a compact form: most are kept and seldom read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedValues(pub Vec<u8>);

impl PackedValues {
    pub fn of(values: &[Value]) -> Self {
        // Writing to memory can't fail for these types; were it to, the row would count as not kept.
        Self(postcard::to_stdvec(values).unwrap_or_default())
    }

    /// None where they can't be read.
    pub fn unpack(&self) -> Option<Vec<Value>> {
        postcard::from_bytes(&self.0).ok()
    }
}

/// The last row of a linked record that went through its sync's mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    pub sync: SyncId,
    pub record: String,
    pub modified: Option<Instant>,
    /// The mapping's version, whose columns the values are.
    pub version: u32,
    pub values: PackedValues,
}

/// Who changed a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Record {
        sync: SyncId,
        record: String,
        run: RunId,
        /// The page of the run, counted from 1.
        page: u64,
        /// The version of the mapping.
        version: u32,
        /// When the CRM says that the record changed.
        modified: Option<Instant>,
    },
    /// A person, or a program in a person's place.
    Person,
}

/// An attribute that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    pub attribute: AttributeName,
    /// The policy that decided; without meaning where a person did.
    pub policy: Policy,
    /// What stood there before; none once that is forgotten.
    pub value: Option<Value>,
}

/// What was changed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub origin: Origin,
    pub at: Instant,
    pub replaced: Vec<Replaced>,
}

/// The rows and the ledger of one contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    pub rows: Vec<RawRow>,
    /// Oldest first.
    pub entries: Vec<Entry>,
}

/// One change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    pub attribute: &'a AttributeName,
    pub before: Option<&'a Value>,
    pub after: &'a Value,
    pub policy: Policy,
    pub origin: &'a Origin,
    pub at: Instant,
}

impl Provenance {
    /// Keeps a record's row in place of the one before.
    pub fn keep_row(&mut self, row: RawRow) {
        match self.rows.iter_mut().find(|known| known.sync == row.sync) {
            Some(known) => *known = row,
            None => self.rows.push(row),
        }
    }

    /// Writes an entry down, and forgets what was replaced before `horizon`.
    pub fn write(&mut self, entry: Entry, horizon: Instant) {
        if !entry.replaced.is_empty() {
            self.entries.push(entry);
        }
        self.forget(horizon);
    }

    /// Forgets what was replaced before `horizon`, and what is too much. Of each attribute, where its value is from stays.
    /// Says whether there was anything to forget.
    pub fn forget(&mut self, horizon: Instant) -> bool {
        let keep_from = self.entries.len().saturating_sub(MOST_ENTRIES);
        if keep_from == 0 && self.entries.first().is_none_or(|oldest| oldest.at >= horizon) {
            return false;
        }
        let mut forgotten = false;
        let mut newer: Vec<AttributeName> = Vec::new();
        for (at, entry) in self.entries.iter_mut().enumerate().rev() {
            if at < keep_from || entry.at < horizon {
                entry.replaced.retain(|replaced| !newer.contains(&replaced.attribute));
                for replaced in &mut entry.replaced {
                    forgotten |= replaced.value.take().is_some();
                }
            }
            newer.extend(entry.replaced.iter().map(|replaced| replaced.attribute.clone()));
        }
        let before = self.entries.len();
        self.entries.retain(|entry| !entry.replaced.is_empty());
        forgotten || self.entries.len() < before
    }

    /// What gave an attribute the value that it has.
    fn source(&self, attribute: &str) -> Option<&Entry> {
        let has = |entry: &&Entry| entry.replaced.iter().any(|replaced| &*replaced.attribute == attribute);
        self.entries.iter().rev().find(has)
    }

    /// Whether an attribute has its value from this record.
    pub fn is_from(&self, attribute: &str, of: &SyncId, from: &str) -> bool {
        matches!(self.origin(attribute), Some(Origin::Record { sync, record, .. }) if sync == of && record == from)
    }

    /// Who gave an attribute the value that it has; none where that is forgotten.
    pub fn origin(&self, attribute: &str) -> Option<&Origin> {
        self.source(attribute).map(|entry| &entry.origin)
    }

    /// Whether a person gave an attribute the value that it has.
    pub fn is_by_hand(&self, attribute: &str) -> bool {
        matches!(self.origin(attribute), Some(Origin::Person))
    }

    /// When an attribute got the value that it has: as the CRM says, or when a person set it.
    pub fn changed_at(&self, attribute: &str) -> Option<Instant> {
        let entry = self.source(attribute)?;
        match &entry.origin {
            Origin::Record { modified, .. } => Some(modified.unwrap_or(entry.at)),
            Origin::Person => Some(entry.at),
        }
    }

    /// The other sync, where `sync` and it have been changing an attribute back and forth between the value that it has, `ours`,
    /// and `theirs`, to which `sync` would change it once more at `now`.
    pub fn swings(
        &self,
        sync: &SyncId,
        (attribute, ours): (&str, &Value),
        theirs: &Value,
        now: Instant,
    ) -> Option<&SyncId> {
        let (mut other, mut after, mut before): (Option<&SyncId>, _, _) = (None, ours, theirs);
        let mut swings = 0;
        for entry in self.entries.iter().rev().take_while(|entry| now.since(entry.at) <= SWINGS_WITHIN) {
            let Some(replaced) = entry.replaced.iter().find(|replaced| &*replaced.attribute == attribute) else {
                continue;
            };
            let Origin::Record { sync: by, .. } = &entry.origin else { return None };
            let is_turn = if swings % 2 == 0 { by == *other.get_or_insert(by) && by != sync } else { by == sync };
            if !is_turn || replaced.value.as_ref() != Some(before) {
                return None;
            }
            std::mem::swap(&mut after, &mut before);
            swings += 1;
            if swings == MOST_SWINGS {
                return other;
            }
        }
        None
    }

    /// Every change, newest first.
    pub fn steps<'a>(&'a self, contact: &'a Contact) -> Vec<Step<'a>> {
        const NOTHING: Value = Value::Null;
        let mut steps: Vec<Step<'a>> = Vec::new();
        for entry in self.entries.iter().rev() {
            for Replaced { attribute, policy, value } in &entry.replaced {
                let newer = steps.iter().rev().find(|step| step.attribute == attribute);
                // Only the oldest of an attribute can have forgotten what it replaced.
                let after = match newer {
                    Some(newer) => newer.before.unwrap_or(&NOTHING),
                    None => contact.get(attribute).unwrap_or(&NOTHING),
                };
                let (before, policy, origin, at) = (value.as_ref(), *policy, &entry.origin, entry.at);
                steps.push(Step { attribute, before, after, policy, origin, at });
            }
        }
        steps
    }
}

/// A row that is no contact: refused, or left out by the mapping. Kept, because another mapping may take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    pub sync: SyncId,
    pub record: String,
    pub modified: Option<Instant>,
    /// The mapping's version, whose columns the values are.
    pub version: u32,
    pub values: Vec<Value>,
}

/// How long what is only there to explain is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    pub ledger_days: u32,
}

impl Default for Retention {
    /// A year: long enough for the questions that come once a year.
    fn default() -> Self {
        Self { ledger_days: 365 }
    }
}

impl Retention {
    /// The longest that can be asked for, ten years: "for ever" is seldom lawful.
    pub const MOST_DAYS: u32 = 3_650;

    /// What is older is forgotten.
    pub fn horizon(self, now: Instant) -> Instant {
        now.minus(std::time::Duration::from_secs(u64::from(self.ledger_days) * 24 * 3600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ContactId;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn entry(at: i64, attribute: &str, before: &str) -> Entry {
        let (attribute, policy) = (attribute.into(), Policy::Crm);
        let replaced = vec![Replaced { attribute, policy, value: Some(text(before)) }];
        Entry { origin: Origin::Person, at: Instant(at), replaced }
    }

    fn told(provenance: &Provenance) -> Vec<(i64, String, Option<String>, String)> {
        let attributes = vec![("city".into(), text("c")), ("name".into(), text("n"))];
        let (id, created) = (ContactId(1), Instant(0));
        let contact = Contact { id, created, changed: created, attributes, links: vec![] };
        let steps = provenance.steps(&contact);
        steps
            .iter()
            .map(|step| (step.at.0, step.attribute.to_string(), step.before.map(Value::to_cell), step.after.to_cell()))
            .collect()
    }

    fn step(at: i64, attribute: &str, before: Option<&str>, after: &str) -> (i64, String, Option<String>, String) {
        (at, attribute.into(), before.map(Into::into), after.into())
    }

    #[test]
    fn each_step_ends_where_the_next_one_began() {
        let mut provenance = Provenance::default();
        for (at, before) in [(1, "a"), (5, "b")] {
            provenance.write(entry(at, "city", before), Instant(0));
        }
        provenance.write(entry(7, "name", ""), Instant(0));
        let all = [step(7, "name", Some(""), "n"), step(5, "city", Some("b"), "c"), step(1, "city", Some("a"), "b")];
        assert_eq!(told(&provenance), all);
    }

    #[test]
    fn what_is_forgotten_leaves_where_each_value_is_from() {
        let mut provenance = Provenance::default();
        for (at, before) in [(1, "a"), (5, "b")] {
            provenance.write(entry(at, "city", before), Instant(0));
        }
        assert!(provenance.forget(Instant(9)));
        assert_eq!(told(&provenance), [step(5, "city", None, "c")]);
        assert!(!provenance.forget(Instant(9)));
        assert_eq!(provenance.changed_at("city"), Some(Instant(5)));
    }

    #[test]
    fn two_syncs_that_change_a_value_back_and_forth_are_noticed() {
        let by = |sync: &str| Origin::Record {
            sync: sync.parse().unwrap(),
            record: "1".into(),
            run: RunId(1),
            page: 1,
            version: 1,
            modified: None,
        };
        let mut provenance = Provenance::default();
        let (a, b): (SyncId, SyncId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let (ulm, bonn) = (text("Ulm"), text("Bonn"));
        for (at, (sync, before)) in [("a", ""), ("b", "Ulm"), ("a", "Bonn"), ("b", "Ulm")].into_iter().enumerate() {
            let at = i64::try_from(at).unwrap();
            assert_eq!(provenance.swings(&a, ("city", &bonn), &ulm, Instant(at)), None);
            provenance.write(Entry { origin: by(sync), ..entry(at, "city", before) }, Instant(0));
        }
        // The first was no swing: there was nothing before it.
        assert_eq!(provenance.swings(&a, ("city", &bonn), &ulm, Instant(9)), None);
        provenance.write(Entry { origin: by("a"), ..entry(5, "city", "Bonn") }, Instant(0));
        assert_eq!(provenance.swings(&b, ("city", &ulm), &bonn, Instant(9)), Some(&a));
        assert_eq!(provenance.swings(&b, ("city", &ulm), &text("Köln"), Instant(9)), None);
        assert_eq!(provenance.swings(&a, ("city", &ulm), &bonn, Instant(9)), None);
        let later = Instant(9).plus(SWINGS_WITHIN);
        assert_eq!(provenance.swings(&b, ("city", &ulm), &bonn, later), None);
        // What a person has said since begins anew.
        provenance.write(entry(6, "city", "Ulm"), Instant(0));
        provenance.write(Entry { origin: by("a"), ..entry(7, "city", "Bonn") }, Instant(0));
        assert_eq!(provenance.swings(&b, ("city", &ulm), &bonn, Instant(9)), None);
    }

    #[test]
    fn the_ledger_of_a_contact_is_bounded() {
        let mut provenance = Provenance::default();
        for at in 0..2_000 {
            provenance.write(entry(at, if at % 2 == 0 { "city" } else { "name" }, "x"), Instant(0));
        }
        assert_eq!(provenance.entries.len(), MOST_ENTRIES);
    }

    #[test]
    fn rows_are_packed_and_unpacked() {
        let values = vec![Value::Null, text("Zoë"), Value::Texts(vec!["a".into()]), Value::Date(-1)];
        assert_eq!(PackedValues::of(&values).unpack(), Some(values));
        assert_eq!(PackedValues(vec![250, 1]).unpack(), None);
    }
}
