//! What must be true once a schedule is settled.

use std::collections::{BTreeMap, BTreeSet};

use super::crm::{State, object_of};
use super::host::{FIELDS, marked};
use super::schedule::{Asked, Schedule};
use crate::model::contact::{Contact, Link};
use crate::model::id::{ContactId, SyncId};
use crate::model::outcome::ReceiptState;
use crate::model::policy::Policy;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::sync::{Sync, SyncState};
use crate::model::value::Value;
use crate::store::LookupKey;

fn value(contact: &Contact, field: usize) -> String {
    contact.get(FIELDS[field]).map_or(String::new(), Value::to_cell)
}

/// Whether what a sync's records have counts before what those of others have.
fn has_the_say(sync: &Sync, field: usize) -> bool {
    sync.policy(FIELDS[field]) != Policy::FillIfEmpty
}

impl Schedule {
    pub(super) fn check(&mut self) {
        let contacts = self.host.contacts();
        let stands_for = self.records_of(&contacts);
        self.check_records(&stands_for, &contacts);
        self.check_sums(&contacts);
        self.check_notes();
        self.asked = Asked::default();
        self.old_by_hand.clone_from(&self.by_hand);
        let mut crm = self.crm.state();
        crm.edits.clear();
        crm.tombstones.clear();
        self.settled = crm.living().into_iter().map(|id| (id, crm.record(id).unwrap().values.clone())).collect();
    }

    /// The contact of each record; none has two, and nobody stands for what is gone, be it on the list or not.
    fn records_of(&self, contacts: &[Contact]) -> BTreeMap<u64, ContactId> {
        let crm = self.crm.state();
        let mut stands_for = BTreeMap::new();
        for contact in contacts {
            let syncs: BTreeSet<&SyncId> = contact.links.iter().map(|link| &link.sync).collect();
            assert_eq!(syncs.len(), contact.links.len(), "two links of one sync: {contact:?}");
            for link in contact.links.iter().filter(|link| link.gone.is_none()) {
                let record: u64 = link.record.parse().unwrap();
                assert_eq!(&*link.source.object, object_of(record), "{contact:?}");
                assert!(crm.record(record).is_some(), "record {record} of {} is gone", contact.id);
                let other = stands_for.insert(record, contact.id);
                assert_eq!(other, None, "record {record} has two contacts, one is {}", contact.id);
            }
        }
        stands_for
    }

    fn check_records(&self, stands_for: &BTreeMap<u64, ContactId>, contacts: &[Contact]) {
        let workspace = &self.host.ports.workspace;
        let crm = self.crm.state();
        let merged: BTreeSet<u64> = crm.tombstones.iter().filter_map(|(_, _, into)| crm.heir((*into)?)).collect();
        for id in crm.living() {
            let sync = self.host.sync_of(object_of(id));
            let theirs = &crm.record(id).unwrap().values;
            let contact = stands_for.get(&id).and_then(|contact| contacts.iter().find(|known| known.id == *contact));
            if sync.segment.is_some() && crm.unlisted.contains(&id) {
                let left = contact.and_then(|contact| contact.link(&sync.id)).is_none_or(|link| link.left.is_some());
                assert!(left, "record {id} is not on the list, and nobody knows");
                continue;
            }
            let refusal = workspace.get::<Refusal>((&sync.id, &id.to_string())).unwrap();
            if let Some(refusal) = refusal {
                assert!(matches!(refusal.reason, RefusalReason::Problems(_)), "record {id} is {:?}", refusal.reason);
                assert_eq!(theirs[0], "refuse me", "record {id} is refused for nothing");
                continue;
            }
            let contact = contact.unwrap_or_else(|| panic!("record {id} {theirs:?} is missing"));
            let link = contact.link(&sync.id).unwrap();
            assert_eq!(link.left, None, "record {id} is on the list");
            let source = sync.source();
            let found = workspace.find(LookupKey::Record { source: &source, id: &id.to_string() }).unwrap();
            assert!(found.iter().any(|found| found.id == contact.id), "{} is not found by record {id}", contact.id);
            let found = workspace.find(LookupKey::Email(&value(contact, 1))).unwrap();
            assert!(found.iter().any(|found| found.id == contact.id), "{} is not found by its e-mail", contact.id);
            for (field, theirs) in theirs.iter().enumerate() {
                self.check_value((id, sync, link), contact, field, theirs);
                if !merged.contains(&id) && sync.id == self.host.sync.id {
                    self.check_last_word(id, contact, field, &crm);
                }
            }
        }
    }

    /// Whether others may have the word in an attribute of a record: as those before it, or where it is empty.
    fn is_of_others(&self, sync: &Sync, field: usize, theirs: &str) -> bool {
        !has_the_say(sync, field) || (theirs.is_empty() && self.host.leads.is_some())
    }

    fn check_value(&self, (id, sync, link): (u64, &Sync, &Link), contact: &Contact, field: usize, theirs: &str) {
        if self.is_of_others(sync, field, theirs) {
            return;
        }
        let ours = value(contact, field);
        let is_by_hand = self.by_hand.contains(&(contact.id, field));
        // What leads say, people on our side can only say for the time being.
        if is_by_hand && sync.id != self.host.sync.id {
            return;
        }
        let is_marked = field == 0 && sync.id == self.host.sync.id && self.host.is_marking();
        let expected = if is_marked { marked(theirs) } else { theirs.to_owned() };
        let is_equal = ours == expected || (is_by_hand && marked(&ours) == marked(theirs));
        assert!(is_equal, "{} of {} is `{ours}`, and record {id} has `{theirs}`", FIELDS[field], contact.id);
        let base = link.base.iter().find(|(name, _)| **name == *FIELDS[field]);
        assert_eq!(base, None, "{} has an old base", contact.id);
    }

    /// Whoever alone has changed a field has the last word; of two, one has it.
    fn check_last_word(&self, record: u64, contact: &Contact, field: usize, crm: &State) {
        let value = value(contact, field);
        let is_in_doubt = self.asked.in_doubt.contains(&(contact.id, field));
        // What was asked of one stands with another by now.
        let is_regrouped = self.asked.regrouped.contains(&contact.id);
        if is_in_doubt
            || is_regrouped
            || self.is_of_others(&self.host.sync, field, &crm.record(record).unwrap().values[field])
        {
            return;
        }
        let theirs = crm.edits.get(&(record, field)).and_then(|edits| edits.last());
        let ours: Vec<&Vec<String>> = self.asked_of(contact.id, field).collect();
        let settled = self.settled.get(&record).map(|values| &values[field]);
        let mut words: Vec<&String> = theirs.into_iter().chain(ours.iter().filter_map(|edits| edits.last())).collect();
        if words.is_empty() {
            words.extend(settled);
        }
        // What people leave empty, leads may fill.
        let edits = crm.edits.get(&(record, field)).into_iter().chain(ours);
        let was_empty = edits.flatten().chain(settled).any(String::is_empty);
        if self.host.leads.is_some() && was_empty {
            return;
        }
        let is_said = words.iter().any(|word| **word == value || (field == 0 && marked(word) == marked(&value)));
        assert!(is_said, "{} of record {record} is `{value}`, and people said {words:?}", FIELDS[field]);
    }

    /// What people on our side have set a field to, of a contact and of those that the CRM has made one with it.
    fn asked_of(&self, contact: ContactId, field: usize) -> impl Iterator<Item = &Vec<String>> {
        let heir = |id: ContactId| self.host.ports.workspace.contact_or_heir(id).unwrap().map(|heir| heir.id);
        let edits = self.asked.edits.iter().filter(move |((_, edited), _)| *edited == field);
        edits.filter(move |((id, _), _)| heir(*id) == Some(contact)).map(|(_, edits)| edits)
    }

    fn check_sums(&self, contacts: &[Contact]) {
        let workspace = &self.host.ports.workspace;
        for sync in self.host.syncs() {
            let Some(state) = workspace.get::<SyncState>(&sync.id).unwrap() else { continue };
            let links = contacts.iter().filter(|contact| contact.link(&sync.id).is_some()).count();
            assert_eq!(state.linked, links as u64, "the sum of links of `{}`", sync.id);
            let refused = workspace.scan_under::<Refusal>(&[sync.id.as_str()]).count();
            assert_eq!(state.refused, refused as u64, "the sum of refused rows of `{}`", sync.id);
        }
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
            let is_regrouped = [*about, contact.id].iter().any(|id| self.regrouped.contains(id));
            let (receipt, entry) = (self.host.receipt(id), outbox.iter().find(|entry| entry.outcome.id == *id));
            match (&places[..], living) {
                ([(at, activity)], _) => {
                    assert!(matches!(receipt, Some(ReceiptState::Delivered { .. })), "note {id}: {receipt:?}");
                    // What was written about a record that was deleted since stays there, whoever its contact is now.
                    if let Some(living) = living.filter(|_| crm.record(activity.record).is_some() && !is_regrouped) {
                        assert_eq!(activity.record, living, "note {id} of {}", contact.id);
                    }
                    let before = last.insert(*about, *at);
                    let is_disordered = is_regrouped || self.disordered.contains(about);
                    let is_ordered = before.is_none_or(|before| before < *at) || is_disordered;
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
