use tempfile::TempDir;

use super::names::Numbers;
use super::table::Table;
use super::*;
use crate::model::contact::{AttributeDefinition, Contact, Link, Source};
use crate::model::id::{ConnectionId, ContactId, SyncId};
use crate::model::ledger::Provenance;
use crate::model::mapping::Kind;
use crate::model::secret::SealedStore;
use crate::model::time::Instant;
use crate::model::value::Value;

fn open(dir: &TempDir) -> Arc<Store> {
    Store::open(dir.path(), "a test").unwrap()
}

fn workspace(store: &Store) -> Arc<Workspace> {
    store.workspace(&"main".parse().unwrap()).unwrap()
}

fn source() -> Source {
    Source { connection: "crm".parse().unwrap(), object: "contacts".into() }
}

fn contact(number: u64) -> Contact {
    let link = Link {
        sync: SyncId::try_from("in".to_owned()).unwrap(),
        source: source(),
        record: format!("rec-{number}"),
        fingerprint: number,
        modified: Some(Instant(5)),
        gone: None,
        left: Some(Instant(7)),
        base: vec![("phone".into(), Value::Null)],
    };
    let attributes = vec![
        ("email".into(), Value::Text(format!("p{number}@example.com"))),
        ("tags".into(), Value::Texts(vec!["ä".into()])),
    ];
    Contact { id: ContactId(number), created: Instant(1), changed: Instant(2), attributes, links: vec![link] }
}

fn put(workspace: &Workspace, changes: &mut Changes, contact: &Contact) {
    let record = LookupKey::Record { source: &source(), id: &contact.links[0].record };
    let email = LookupKey::Email(contact.text("email").unwrap());
    changes.contact(contact.clone(), &[workspace.hash(record), workspace.hash(email)]);
}

#[test]
fn a_contact_survives_a_restart_and_is_found_by_record_and_email() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(&dir);
        let mut changes = Changes::default();
        let workspace = workspace(&store);
        put(&workspace, &mut changes, &contact(1));
        workspace.commit(changes).unwrap();
        store.flush().unwrap();
    }
    let store = open(&dir);
    let workspace = workspace(&store);
    assert_eq!(workspace.contact(ContactId(1)).unwrap(), Some(contact(1)));
    assert_eq!(workspace.find(LookupKey::Record { source: &source(), id: "rec-1" }).unwrap(), [contact(1)]);
    assert_eq!(workspace.find(LookupKey::Email("p1@example.com")).unwrap(), [contact(1)]);
    assert_eq!(workspace.find(LookupKey::Email("p2@example.com")).unwrap(), []);
    assert_eq!(workspace.find(LookupKey::Phone("p1@example.com")).unwrap(), []);
    assert_eq!(workspace.new_contact_id(), ContactId(2));
}

#[test]
fn a_number_is_given_once_also_where_nothing_is_left_that_has_it() {
    use crate::model::mapping::Direction;
    use crate::model::sync::{Counts, Run, RunEnd};
    let dir = TempDir::new().unwrap();
    let given = {
        let store = open(&dir);
        let workspace = workspace(&store);
        let (id, sync) = (workspace.new_run_id(), "in".parse().unwrap());
        let (started, end) = (Instant(0), RunEnd::Done);
        let run = Run { id, sync, direction: Direction::Inbound, started, ended: None, counts: Counts::default(), end };
        let mut changes = Changes::default();
        changes.put(id, &run).unwrap();
        workspace.commit(changes).unwrap();
        let mut changes = Changes::default();
        changes.remove::<Run>(id);
        workspace.commit(changes).unwrap();
        store.flush().unwrap();
        id
    };
    let store = open(&dir);
    assert!(workspace(&store).new_run_id().0 > given.0);
}

#[test]
fn everything_is_found_across_merges_splits_and_restarts() {
    // Several times the least number of recent entries, so that ranges are merged and buckets split on the way.
    const CONTACTS: u64 = 45_000;
    let dir = TempDir::new().unwrap();
    for third in 0..3 {
        let store = open(&dir);
        let workspace = workspace(&store);
        for page in third * CONTACTS / 300..(third + 1) * CONTACTS / 300 {
            let mut changes = Changes::default();
            (page * 100..page * 100 + 100).for_each(|number| put(&workspace, &mut changes, &contact(number)));
            workspace.commit(changes).unwrap();
        }
    }
    let store = open(&dir);
    let workspace = workspace(&store);
    for number in (0..CONTACTS).step_by(37) {
        let found = workspace.find(LookupKey::Email(&format!("p{number}@example.com"))).unwrap();
        assert_eq!(found, [contact(number)]);
        let record = format!("rec-{number}");
        assert_eq!(workspace.find(LookupKey::Record { source: &source(), id: &record }).unwrap(), [contact(number)]);
    }
    assert_eq!(workspace.contacts(ContactId(0)).count() as u64, CONTACTS);
    let runs = store.tree.scan_prefix(key::in_workspace(workspace.number(), Table::LookupRecent, &[]));
    assert!(runs.count() < 300, "runs that are merged do not go");
}

#[test]
fn a_stale_entry_finds_nobody() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let workspace = workspace(&store);
    let mut changes = Changes::default();
    put(&workspace, &mut changes, &contact(1));
    workspace.commit(changes).unwrap();
    let mut moved = contact(1);
    moved.set(&"email".into(), Value::Text("new@example.com".into()));
    let mut changes = Changes::default();
    changes.contact(moved.clone(), &[workspace.hash(LookupKey::Email("new@example.com"))]);
    workspace.commit(changes).unwrap();
    assert_eq!(workspace.find(LookupKey::Email("p1@example.com")).unwrap(), []);
    assert_eq!(workspace.find(LookupKey::Email("new@example.com")).unwrap(), [moved]);
}

#[test]
fn workspaces_do_not_see_each_other() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let one = workspace(&store);
    let other = store.workspace(&"other".parse().unwrap()).unwrap();
    let mut changes = Changes::default();
    put(&one, &mut changes, &contact(1));
    changes.put("email", &AttributeDefinition { name: "email".into(), kind: Kind::Email }).unwrap();
    one.commit(changes).unwrap();
    assert_eq!(other.contact(ContactId(1)).unwrap(), None);
    assert_eq!(other.contacts(ContactId(0)).count(), 0);
    assert_eq!(other.find(LookupKey::Email("p1@example.com")).unwrap(), []);
    assert_eq!(other.scan::<AttributeDefinition>().count(), 0);
    assert_eq!(one.scan::<AttributeDefinition>().count(), 1);
    assert_eq!(store.workspaces().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>(), ["main", "other"]);
}

#[test]
fn a_second_opener_learns_who_holds_the_state() {
    let dir = TempDir::new().unwrap();
    let _first = open(&dir);
    let error = Store::open(dir.path(), "another").err().unwrap();
    let text = error.to_string();
    assert!(text.contains(&format!("process {} (`a test`", std::process::id())), "{text}");
    assert_eq!(error.code(), "store-held");
}

#[test]
fn a_store_of_a_newer_schema_is_left_alone() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(&dir);
        store.tree.insert(key::system(table::Table::System, b"schema"), &(SCHEMA + 1).to_be_bytes()).unwrap();
    }
    let error = Store::open(dir.path(), "a test").err().unwrap();
    assert_eq!(error.to_string(), "the state was written by a newer version (schema 5; this one knows 4)");
}

#[test]
fn sealed_bytes_are_kept_per_workspace_and_connection() {
    let dir = TempDir::new().unwrap();
    let (main, other) = ("main".parse().unwrap(), "other".parse().unwrap());
    let crm: ConnectionId = "crm".parse().unwrap();
    {
        open(&dir).save(&main, &crm, b"sealed").unwrap();
    }
    let store = open(&dir);
    assert_eq!(store.load(&main, &crm).unwrap().as_deref(), Some(&b"sealed"[..]));
    assert_eq!(store.load(&other, &crm).unwrap(), None);
    store.remove(&main, &crm).unwrap();
    assert_eq!(store.load(&main, &crm).unwrap(), None);
}

#[test]
fn a_store_of_the_first_schema_is_taken_over() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(&dir);
        let workspace = workspace(&store);
        let mut changes = Changes::default();
        // In more than one step, and the last bucket not full.
        (1..=3_001).for_each(|number| put(&workspace, &mut changes, &contact(number)));
        changes.provenance(ContactId(7), Provenance::default());
        workspace.commit(changes).unwrap();
        let mut old = sled::Batch::default();
        for contact in workspace.contacts(ContactId(0)).map(Result::unwrap) {
            let bytes = super::contact::encode(&contact, &mut Numbers::of(&workspace.names)).unwrap();
            old.insert(key::under(workspace.number(), 30, &contact.id.0.to_be_bytes()), bytes);
        }
        for (id, provenance) in workspace.provenances(ContactId(0)).map(Result::unwrap) {
            let bytes = super::provenance::encode(&provenance, &mut Numbers::of(&workspace.names)).unwrap();
            old.insert(key::under(workspace.number(), 51, &id.0.to_be_bytes()), bytes);
        }
        for table in [Table::Contacts, Table::Provenance] {
            let prefix = key::in_workspace(workspace.number(), table, &[]);
            store.tree.scan_prefix(prefix).keys().for_each(|key| old.remove(key.unwrap()));
        }
        old.insert(key::system(Table::System, b"schema"), &1_u32.to_be_bytes());
        store.tree.apply_batch(old).unwrap();
        store.flush().unwrap();
    }
    let store = open(&dir);
    let workspace = workspace(&store);
    assert_eq!(workspace.contacts(ContactId(0)).map(Result::unwrap).count(), 3_001);
    assert_eq!(workspace.contact(ContactId(3_001)).unwrap(), Some(contact(3_001)));
    assert_eq!(workspace.provenance(ContactId(7)).unwrap(), Some(Provenance::default()));
    assert_eq!(workspace.new_contact_id(), ContactId(3_002));
    assert!(store.tree.scan_prefix(key::under(workspace.number(), 30, &[])).next().is_none());
}

#[test]
fn the_lookups_of_the_second_schema_are_taken_over() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(&dir);
        let workspace = workspace(&store);
        let mut changes = Changes::default();
        (1..=3_000).for_each(|number| put(&workspace, &mut changes, &contact(number)));
        workspace.commit(changes).unwrap();
        let under = |table, rest: &[u8]| key::under(workspace.number(), table, rest);
        let mut old = sled::Batch::default();
        let mut all = Vec::new();
        for run in store.tree.scan_prefix(key::in_workspace(workspace.number(), Table::LookupRecent, &[])) {
            let (key, bytes) = run.unwrap();
            all.extend(lookup::bucket::entries(&bytes));
            old.remove(key);
        }
        all.sort_unstable();
        for bucket in all.chunk_by(|left, right| left.0 >> 55 == right.0 >> 55) {
            let place = u32::try_from(bucket[0].0 >> 55).unwrap().to_be_bytes();
            let bytes: Vec<u8> =
                bucket.iter().flat_map(|(hash, id)| [hash.to_be_bytes(), id.to_be_bytes()]).flatten().collect();
            old.insert(under(42, &[&[9], &place[..]].concat()), bytes);
        }
        old.insert(under(40, &[]), vec![0; 13]);
        old.insert(under(43, &[0; 8]), vec![255; 64]);
        old.insert(key::system(Table::System, b"schema"), &2_u32.to_be_bytes());
        store.tree.apply_batch(old).unwrap();
        store.flush().unwrap();
    }
    let store = open(&dir);
    let workspace = workspace(&store);
    for number in 1..=3_000 {
        let record = format!("rec-{number}");
        let found = workspace.find(LookupKey::Record { source: &source(), id: &record }).unwrap();
        assert_eq!(found, [contact(number)]);
    }
    let left = [40, 42, 43].map(|table| store.tree.scan_prefix(key::under(workspace.number(), table, &[])).count());
    assert_eq!(left, [0; 3]);
}

#[test]
fn the_outcomes_of_the_third_schema_are_taken_over() {
    use crate::model::id::OutboxId;
    use crate::model::outcome::{OutboxEntry, Outcome, OutcomeKind, ReceiptState};
    let (dir, sync) = (TempDir::new().unwrap(), SyncId::try_from("in".to_owned()).unwrap());
    let entry = |number: u64| {
        let (contact, kind, values) = (ContactId(1), OutcomeKind::Note, Vec::new());
        let outcome = Outcome { id: format!("o{number}"), contact, kind, at: Instant(0), values };
        OutboxEntry::new(OutboxId(number), sync.clone(), "7".into(), outcome, Instant(1))
    };
    {
        let store = open(&dir);
        let number = workspace(&store).number();
        let under = |table, rest: &[u8]| key::under(number, table, rest);
        let mut old = sled::Batch::default();
        let receipt = |outcome: &str, state: serde_json::Value| {
            let (key, at) = (under(19, &key::text(&["in", outcome])), Instant(2));
            (
                key,
                serde_json::to_vec(
                    &serde_json::json!({ "sync": "in", "outcome_id": outcome, "state": state, "at": at }),
                ),
            )
        };
        // In more than one step.
        for number in 5_u64..=2_000 {
            old.insert(under(18, &number.to_be_bytes()), serde_json::to_vec(&entry(number)).unwrap());
            let (key, bytes) = receipt(&format!("o{number}"), serde_json::json!({ "queued": number }));
            old.insert(key, bytes.unwrap());
        }
        for gone in ["sent", "given up"] {
            let (key, bytes) = receipt(gone, serde_json::json!({ "left-out": { "reason": gone } }));
            old.insert(key, bytes.unwrap());
        }
        old.insert(key::in_workspace(number, Table::LastNumbers, &[18]), &9_000_u64.to_be_bytes());
        old.insert(key::system(Table::System, b"schema"), &3_u32.to_be_bytes());
        store.tree.apply_batch(old).unwrap();
        store.flush().unwrap();
    }
    let store = open(&dir);
    let workspace = workspace(&store);
    let entries: Vec<OutboxEntry> = workspace.scan().map(Result::unwrap).collect();
    assert_eq!(entries, (5..=2_000).map(entry).collect::<Vec<_>>());
    assert!((5..=2_000).all(|number| workspace.is_recorded(&sync, &format!("o{number}")).unwrap()));
    assert!(!workspace.is_recorded(&sync, "o4").unwrap());
    for gone in ["sent", "given up"] {
        assert!(workspace.is_recorded(&sync, gone).unwrap());
        let receipt = workspace.receipt(&sync, gone).unwrap().unwrap();
        assert_eq!(receipt.state, ReceiptState::LeftOut { reason: gone.into() });
        assert!(receipt.id.0 > 9_000);
    }
    assert_eq!(workspace.new_outbox_id(), OutboxId(9_003));
    for table in [18, 19] {
        assert!(store.tree.scan_prefix(key::under(workspace.number(), table, &[])).next().is_none());
    }
}

#[test]
fn an_outcome_is_known_by_its_id_and_sync_wherever_it_stands() {
    use crate::model::id::OutboxId;
    use crate::model::outcome::{OutboxEntry, Outcome, OutcomeKind, ReceiptState};
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let workspace = workspace(&store);
    let [sync, other]: [SyncId; 2] = ["in", "other"].map(|id| id.parse().unwrap());
    let (contact, kind, values) = (ContactId(1), OutcomeKind::Note, Vec::new());
    let outcome = Outcome { id: "o".into(), contact, kind, at: Instant(0), values };
    let entry = OutboxEntry::new(OutboxId(1), sync.clone(), "7".into(), outcome, Instant(1));
    let is_recorded = || [&sync, &other].map(|sync| workspace.is_recorded(sync, "o").unwrap());
    assert_eq!(is_recorded(), [false, false]);
    let mut changes = Changes::default();
    changes.queue(&workspace, &entry).unwrap();
    workspace.commit(changes).unwrap();
    assert_eq!((is_recorded(), workspace.receipt(&sync, "o").unwrap()), ([true, false], None));
    let state = ReceiptState::Delivered { object: "calls".into(), record: "9".into() };
    let receipt = entry.receipt(state.clone(), Instant(2));
    let mut changes = Changes::default();
    changes.settle(&entry, state, Instant(2)).unwrap();
    workspace.commit(changes).unwrap();
    assert_eq!((is_recorded(), workspace.receipt(&sync, "o").unwrap()), ([true, false], Some(receipt)));
    assert_eq!(workspace.scan::<OutboxEntry>().count(), 0);
}
