//! Contacts that become one: what they hold then is what the precedence over all of their records gives.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rig::{Rig, person};
use crate::model::conflict::Conflict;
use crate::model::contact::Contact;
use crate::model::id::{ContactId, SyncId};
use crate::model::ledger::Origin;
use crate::model::policy::Policy;
use crate::model::sync::Sync;
use crate::model::time::{Clock, Instant};
use crate::model::value::{Successor, Tombstone, Value};
use crate::store::Changes;
use crate::sync::{merge_contacts, set_by_hand, take_record};

/// A rig whose contacts are fed by leads as well.
struct Two {
    rig: Rig,
    leads: Sync,
}

impl Two {
    /// By attribute, what each of the two syncs does.
    fn new(contacts: &[(&str, Policy)], leads: &[(&str, Policy)]) -> Self {
        let policies = |given: &[(&str, Policy)]| -> BTreeMap<String, Policy> {
            given.iter().map(|(name, policy)| ((*name).to_owned(), *policy)).collect()
        };
        let mut rig = Rig::new();
        rig.sync.policies = policies(contacts);
        let (id, object) = ("leads".parse().unwrap(), "leads".to_owned());
        let leads = Sync { id, object, policies: policies(leads), ..rig.sync.clone() };
        let mut changes = Changes::default();
        for sync in [&rig.sync, &leads] {
            changes.put(&sync.id, sync).unwrap();
        }
        rig.ports.workspace.commit(changes).unwrap();
        Self { rig, leads }
    }

    /// Two contacts, `ada@example.com` and `a@example.com`, and then a lead of the first.
    async fn fill(&mut self, ada: [&str; 2], other: [&str; 2], lead: [&str; 2]) {
        let at = self.rig.clock.now().0;
        self.rig.crm.put(1, at, &[ada[0], "ada@example.com", ada[1]]);
        self.rig.crm.put(2, at, &[other[0], "a@example.com", other[1]]);
        self.rig.inbound().await.unwrap();
        self.rig.clock.advance(Duration::from_secs(60));
        let at = self.rig.clock.now().0;
        let records = std::mem::take(&mut self.rig.crm.state().records);
        self.rig.crm.put(11, at, &[lead[0], "ada@example.com", lead[1]]);
        let contacts = std::mem::replace(&mut self.rig.sync, self.leads.clone());
        self.rig.inbound().await.unwrap();
        self.rig.sync = contacts;
        self.rig.crm.state().records = records;
        assert_eq!(self.rig.contacts()[0].links.len(), 2, "the lead found its contact");
    }

    /// The CRM makes one contact of the two, and the second stays.
    async fn merge_there(&self) -> Contact {
        self.rig.crm.state().records.remove(&1);
        let into = Some(Successor { object: "contacts".into(), id: "2".into() });
        self.rig.crm.state().gone = vec![Tombstone { id: "1".into(), at: Some(Instant(77)), into }];
        self.rig.inbound().await.unwrap();
        self.rig.ports.workspace.contact(ContactId(2)).unwrap().unwrap()
    }

    fn conflicts(&self) -> Vec<Conflict> {
        self.rig.ports.workspace.scan::<Conflict>().collect::<Result<_, _>>().unwrap()
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

const LEADS_FIRST: [&[(&str, Policy)]; 2] = [&[("phone", Policy::FillIfEmpty)], &[("first_name", Policy::FillIfEmpty)]];

#[tokio::test]
async fn of_two_whom_the_crm_merges_the_record_that_comes_first_has_the_say() {
    let mut two = Two::new(LEADS_FIRST[0], LEADS_FIRST[1]);
    two.fill(["Ada", "+4930111111"], ["A.", "+4930222222"], ["Lead", "+4930999999"]).await;
    let joined = two.merge_there().await;
    // Of a name the contacts have the say, of a phone the leads.
    assert_eq!(two.rig.people(), [person("A.", "a@example.com", "+4930999999")]);
    let base = |sync: &str| joined.link(&sync.parse().unwrap()).unwrap().base.clone();
    assert_eq!(base("in"), [("phone".into(), text("+4930222222"))]);
    assert_eq!(base("leads"), [("email".into(), text("ada@example.com")), ("first_name".into(), text("Lead"))]);
    // Why: it is the lead's.
    let provenance = two.rig.ports.workspace.provenance(joined.id).unwrap().unwrap();
    assert!(provenance.is_from("phone", &two.leads.id, "11"));
    let phone = provenance.steps(&joined).into_iter().find(|step| &**step.attribute == "phone").unwrap();
    assert_eq!((phone.before, phone.policy), (Some(&text("+4930222222")), Policy::Crm));
    assert!(matches!(phone.origin, Origin::Record { record, .. } if record == "11"), "{:?}", phone.origin);
    // The joined contact is found by what it has now.
    let found = two.rig.ports.workspace.find(crate::store::LookupKey::Phone("+4930999999")).unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn what_comes_first_and_is_empty_is_filled_and_what_comes_last_only_fills() {
    let mut two = Two::new(LEADS_FIRST[0], LEADS_FIRST[1]);
    two.fill(["", "+4930111111"], ["", "+4930222222"], ["Lead", ""]).await;
    two.merge_there().await;
    assert_eq!(two.rig.people(), [person("Lead", "a@example.com", "+4930222222")]);
}

#[tokio::test]
async fn of_equals_the_one_who_stays_does_and_what_a_person_made_of_a_value_is_its_word() {
    let mut two = Two::new(LEADS_FIRST[0], LEADS_FIRST[1]);
    two.fill(["Ada", "+4930111111"], ["A.", "+4930222222"], ["Lead", "+4930999999"]).await;
    let (workspace, now) = (two.rig.ports.workspace.clone(), two.rig.clock.now());
    for (contact, value) in [(1, "+4930333333"), (2, "+4930444444")] {
        let (contact, mut changes) = (workspace.contact(ContactId(contact)).unwrap().unwrap(), Changes::default());
        set_by_hand(&workspace, contact, &[("phone".into(), text(value))], now, &mut changes).unwrap();
        workspace.commit(changes).unwrap();
    }
    let joined = two.merge_there().await;
    // Both e-mails are the CRM's; the phone is the leads', whatever was set where they have no say.
    assert_eq!(two.rig.people(), [person("A.", "a@example.com", "+4930333333")]);
    // It is still to be told to the lead.
    assert_eq!(joined.link(&two.leads.id).unwrap().agreed("phone", &Value::Null), &text("+4930999999"));
}

#[tokio::test]
async fn the_newer_of_two_stays_where_that_is_the_policy() {
    let newest = [("phone", Policy::Newest)];
    let mut two = Two::new(&newest, &newest);
    two.fill(["Ada", "+4930111111"], ["A.", "+4930222222"], ["Lead", "+4930999999"]).await;
    two.merge_there().await;
    // The lead changed after both contacts.
    assert_eq!(two.rig.people(), [person("A.", "a@example.com", "+4930999999")]);
}

#[tokio::test]
async fn a_person_decides_where_the_policy_asks() {
    let mut two = Two::new(LEADS_FIRST[0], &[("phone", Policy::Ask)]);
    two.fill(["Ada", ""], ["A.", "+4930222222"], ["Lead", "+4930999999"]).await;
    let joined = two.merge_there().await;
    assert_eq!(joined.text("phone"), Some("+4930222222"));
    let conflicts = two.conflicts();
    let [conflict] = &conflicts[..] else { panic!("{conflicts:?}") };
    assert_eq!((conflict.contact, &*conflict.attribute, &*conflict.record), (joined.id, "phone", "11"));
    assert_eq!((&conflict.base, &conflict.theirs), (&Value::Null, &text("+4930999999")));
    let base = |contact: &Contact| contact.link(&two.leads.id).unwrap().agreed("phone", &text("?")).clone();
    assert_eq!(base(&joined), Value::Null);
    // Decided, it is agreed.
    let (workspace, mut changes) = (&two.rig.ports.workspace, Changes::default());
    let theirs = [("phone".into(), text("+4930999999"))];
    let decided = set_by_hand(workspace, joined, &theirs, two.rig.clock.now(), &mut changes).unwrap();
    workspace.commit(changes).unwrap();
    assert_eq!((base(&decided), two.conflicts().len()), (text("?"), 0));
}

#[tokio::test]
async fn a_record_that_is_gone_or_was_left_has_no_say() {
    let mut two = Two::new(LEADS_FIRST[0], LEADS_FIRST[1]);
    two.fill(["Ada", ""], ["A.", "+4930222222"], ["Lead", "+4930999999"]).await;
    let workspace = two.rig.ports.workspace.clone();
    let mut contact = workspace.contact(ContactId(1)).unwrap().unwrap();
    contact.links[1].gone = Some(Instant(5));
    let mut changes = Changes::default();
    changes.contact(contact, &[]);
    workspace.commit(changes).unwrap();
    two.merge_there().await;
    assert_eq!(two.rig.people(), [person("A.", "a@example.com", "+4930222222")]);
}

#[tokio::test]
async fn two_whom_a_person_merges_follow_the_same_precedence() {
    let mut two = Two::new(LEADS_FIRST[0], LEADS_FIRST[1]);
    two.fill(["Ada", ""], ["A.", "+4930222222"], ["Lead", "+4930999999"]).await;
    let workspace = two.rig.ports.workspace.clone();
    let contact = |id| workspace.contact(ContactId(id)).unwrap().unwrap();
    // The first one's contact record was deleted, so that they do not stand for two.
    let (mut first, mut changes) = (contact(1), Changes::default());
    first.links[0].gone = Some(Instant(5));
    let now = two.rig.clock.now();
    let joined = merge_contacts(&workspace, contact(2), &first, now, &mut changes).unwrap();
    workspace.commit(changes).unwrap();
    assert_eq!(two.rig.people(), [person("A.", "a@example.com", "+4930999999")]);
    let syncs: Vec<&SyncId> = joined.links.iter().map(|link| &link.sync).collect();
    assert_eq!(syncs, [&two.rig.sync.id, &two.leads.id]);
}

#[tokio::test]
async fn a_record_that_is_refused_now_is_not_split_off_with_what_it_was() {
    let mut two = Two::new(LEADS_FIRST[0], LEADS_FIRST[1]);
    two.fill(["Ada", ""], ["A.", ""], ["Lead", "+4930999999"]).await;
    two.rig.clock.advance(Duration::from_secs(60));
    two.rig.crm.put(1, two.rig.clock.now().0, &["refuse me", "ada@example.com", ""]);
    two.rig.inbound().await.unwrap();
    let workspace = two.rig.ports.workspace.clone();
    let contact = workspace.contact(ContactId(1)).unwrap().unwrap();
    let mut changes = Changes::default();
    let taken = take_record(&workspace, contact, &two.rig.sync, two.rig.clock.now(), &mut changes);
    let error = taken.unwrap_err();
    assert_eq!(error.code(), "record-refused");
    assert!(error.to_string().contains("first_name: is not a name"), "{error}");
    assert!(changes.is_empty());
}
