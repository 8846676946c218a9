//! What must be true once a schedule is settled.

use std::collections::{BTreeMap, BTreeSet};

use super::crm::Values;
use super::host::FIELDS;
use super::schedule::{Asked, Schedule};
use crate::model::contact::Contact;
use crate::model::id::ContactId;
use crate::model::outcome::ReceiptState;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::sync::SyncState;
use crate::model::value::Value;
use crate::store::LookupKey;

fn values(contact: &Contact) -> Values {
    FIELDS.map(|name| contact.get(name).map_or(String::new(), Value::to_cell))
}

impl Schedule {
    pub(super) fn check(&mut self) {
        let contacts = self.host.contacts();
        let stands_for = self.records_of(&contacts);
        self.check_records(&stands_for, &contacts);
        self.check_sums(&contacts);
        self.check_notes();
        self.asked = Asked::default();
        let mut crm = self.crm.state();
        crm.edits.clear();
        crm.tombstones.clear();
        self.settled = crm.living().into_iter().map(|id| (id, crm.record(id).unwrap().values.clone())).collect();
    }

    /// The contact of each record; none has two, and nobody stands for what is gone.
    fn records_of(&self, contacts: &[Contact]) -> BTreeMap<u64, ContactId> {
        let crm = self.crm.state();
        let mut stands_for = BTreeMap::new();
        for contact in contacts {
            assert!(contact.links.len() <= 1, "two links of one sync: {contact:?}");
            let Some(link) = contact.living(&self.host.sync.id) else { continue };
            let record: u64 = link.record.parse().unwrap();
            assert!(crm.record(record).is_some(), "record {record} of {} is gone", contact.id);
            let other = stands_for.insert(record, contact.id);
            assert_eq!(other, None, "record {record} has two contacts, one is {}", contact.id);
        }
        stands_for
    }

    fn check_records(&self, stands_for: &BTreeMap<u64, ContactId>, contacts: &[Contact]) {
        let workspace = &self.host.ports.workspace;
        let crm = self.crm.state();
        let merged: BTreeSet<u64> = crm.tombstones.iter().filter_map(|(_, _, into)| crm.heir((*into)?)).collect();
        for id in crm.living() {
            let theirs = crm.record(id).unwrap().values.clone();
            let refusal = workspace.get::<Refusal>((&self.host.sync.id, &id.to_string())).unwrap();
            if let Some(refusal) = refusal {
                assert!(matches!(refusal.reason, RefusalReason::Problems(_)), "record {id} is {:?}", refusal.reason);
                assert_eq!(theirs[0], "refuse me", "record {id} is refused for nothing");
                continue;
            }
            let contact = stands_for.get(&id).unwrap_or_else(|| panic!("record {id} {theirs:?} is missing"));
            let contact = contacts.iter().find(|known| known.id == *contact).unwrap();
            assert_eq!(values(contact), theirs, "{} and record {id} differ", contact.id);
            assert_eq!(contact.links[0].base, [], "{} has an old base", contact.id);
            let source = self.host.sync.source();
            let found = workspace.find(LookupKey::Record { source: &source, id: &id.to_string() }).unwrap();
            assert!(found.iter().any(|found| found.id == contact.id), "{} is not found by record {id}", contact.id);
            let found = workspace.find(LookupKey::Email(&theirs[1])).unwrap();
            assert!(found.iter().any(|found| found.id == contact.id), "{} is not found by its e-mail", contact.id);
            if !merged.contains(&id) {
                (0..FIELDS.len()).for_each(|field| self.check_last_word(id, contact.id, field, &theirs[field], &crm));
            }
        }
    }

    /// Whoever alone has changed a field has the last word; of two, one has it.
    fn check_last_word(&self, record: u64, contact: ContactId, field: usize, value: &String, crm: &super::crm::State) {
        if self.asked.in_doubt.contains(&(contact, field)) {
            return;
        }
        let theirs = crm.edits.get(&(record, field)).and_then(|edits| edits.last());
        let ours = self.asked.edits.get(&(contact, field)).and_then(|edits| edits.last());
        let settled = self.settled.get(&record).map(|values| &values[field]);
        let words: Vec<&String> = match (theirs, ours) {
            (None, None) => settled.into_iter().collect(),
            (theirs, ours) => theirs.into_iter().chain(ours).collect(),
        };
        let name = FIELDS[field];
        assert!(words.contains(&value), "{name} of record {record} is `{value}`, and people said {words:?}");
    }

    fn check_sums(&self, contacts: &[Contact]) {
        let workspace = &self.host.ports.workspace;
        let Some(state) = workspace.get::<SyncState>(&self.host.sync.id).unwrap() else { return };
        let links = contacts.iter().map(|contact| contact.links.len() as u64).sum::<u64>();
        assert_eq!(state.linked, links, "the sum of links");
        assert_eq!(state.refused, workspace.scan::<Refusal>().count() as u64, "the sum of refused rows");
    }

    /// Each note is in the CRM once, in order, where its contact's record is; or it lies dead because that is gone.
    fn check_notes(&self) {
        let (workspace, outbox) = (&self.host.ports.workspace, self.host.outbox());
        let crm = self.crm.state();
        assert_eq!(crm.activities.iter().filter(|one| !self.notes.iter().any(|(id, _)| *id == one.text)).count(), 0);
        let mut last = BTreeMap::new();
        for (id, about) in &self.notes {
            let places: Vec<_> = (0..).zip(&crm.activities).filter(|(_, one)| one.text == *id).collect();
            let contact = workspace.contact_or_heir(*about).unwrap().unwrap();
            let living: Option<u64> = contact.living(&self.host.sync.id).map(|link| link.record.parse().unwrap());
            let (receipt, entry) = (self.host.receipt(id), outbox.iter().find(|entry| entry.outcome.id == *id));
            match (&places[..], living) {
                ([(at, activity)], _) => {
                    assert!(matches!(receipt, Some(ReceiptState::Delivered { .. })), "note {id}: {receipt:?}");
                    if let Some(living) = living {
                        assert_eq!(activity.record, living, "note {id} of {}", contact.id);
                    }
                    let before = last.insert(*about, *at);
                    let is_ordered = before.is_none_or(|before| before < *at) || self.disordered.contains(about);
                    assert!(is_ordered, "note {id} came before an older one");
                }
                ([], None) => {
                    assert!(entry.is_some_and(|entry| entry.is_dead()), "note {id}: {entry:?} {receipt:?}");
                }
                ([], Some(record)) => panic!("note {id} of {} is not at record {record}: {entry:?}", contact.id),
                (places, _) => panic!("note {id} came {} times", places.len()),
            }
        }
        for entry in &outbox {
            assert!(entry.is_dead(), "it still waits: {entry:?}");
        }
    }
}
