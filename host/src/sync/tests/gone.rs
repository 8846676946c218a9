use std::time::Duration;

use super::rig::{Rig, fill, person};
use crate::model::audience::Audience;
use crate::model::contact::Contact;
use crate::model::failure::Failure;
use crate::model::id::ContactId;
use crate::model::rule::Rule;
use crate::model::time::{Clock, Instant};
use crate::model::value::{Successor, Tombstone};
use crate::sync::{Difference, Silent, Swept, run_sweep, stop_signal, verify};

#[tokio::test]
async fn a_deleted_record_marks_its_link_and_a_merged_one_moves_it() {
    let rig = Rig::new();
    fill(&rig, 3);
    rig.inbound().await.unwrap();
    let moved = Some(("contacts", "20"));
    rig.crm.state().gone = vec![tombstone("1", None), tombstone("2", moved), tombstone("404", None)];
    let run = rig.inbound().await.unwrap();
    assert_eq!(run.counts.gone, 2);
    let contacts = rig.contacts();
    let links: Vec<_> =
        contacts.iter().map(|contact| (contact.links[0].record.as_str(), contact.links[0].gone)).collect();
    assert_eq!(links, [("1", Some(Instant(77))), ("20", None), ("3", None)]);
    // The survivor arrives under its new id and finds the contact by its link.
    rig.crm.put(20, rig.clock.now().0, &["Merged", "p2@example.com", ""]);
    rig.crm.state().gone.clear();
    rig.inbound().await.unwrap();
    assert_eq!(rig.ports.workspace.contact(ContactId(2)).unwrap().unwrap().text("first_name"), Some("Merged"));
}

#[tokio::test]
async fn of_a_record_that_is_gone_no_row_waits_for_a_decision() {
    let rig = Rig::new();
    rig.crm.put(1, rig.clock.now().0, &["refuse me", "a@example.com", ""]);
    rig.inbound().await.unwrap();
    assert_eq!((rig.refusals().len(), rig.state().refused), (1, 1));
    rig.crm.state().records.clear();
    rig.crm.state().gone = vec![tombstone("1", None)];
    let run = rig.inbound().await.unwrap();
    assert_eq!((rig.refusals(), rig.state().refused, run.counts.gone), (vec![], 0, 0));
}

#[tokio::test]
async fn a_death_at_any_commit_buries_a_record_and_its_row_together_or_neither() {
    for points in 0.. {
        let rig = Rig::new();
        rig.crm.put(1, rig.clock.now().0, &["Ada", "a@example.com", ""]);
        rig.inbound().await.unwrap();
        rig.clock.advance(Duration::from_secs(600));
        rig.crm.put(1, rig.clock.now().0, &["refuse me", "a@example.com", ""]);
        rig.inbound().await.unwrap();
        assert_eq!(rig.state().refused, 1);
        rig.crm.state().records.clear();
        rig.crm.state().gone = vec![tombstone("1", None)];
        rig.ports.workspace.die_after(Some(points));
        let run = rig.inbound().await;
        let is_buried = rig.contacts()[0].links[0].gone.is_some();
        let waits = (rig.refusals().len(), rig.state().refused);
        assert_eq!(waits, if is_buried { (0, 0) } else { (1, 1) }, "at {points}");
        if run.is_ok() {
            assert!(is_buried && points > 2, "after {points}");
            return;
        }
    }
}

#[tokio::test]
async fn what_was_gone_before_a_run_that_failed_is_still_looked_for() {
    let rig = Rig::new();
    fill(&rig, 2);
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    rig.crm.state().gone_windows.clear();
    rig.crm.state().gone_failures.push_back(Failure::Unauthorized("expired".into()));
    rig.inbound().await.unwrap_err();
    rig.clock.advance(Duration::from_secs(3600));
    rig.inbound().await.unwrap();
    let windows = rig.crm.state().gone_windows.clone();
    assert!(windows[1].since <= windows[0].since && windows[1].before > windows[0].before, "{windows:?}");
    rig.inbound().await.unwrap();
    assert!(rig.crm.state().gone_windows[2].since > windows[1].since);
}

#[tokio::test]
async fn a_record_that_was_merged_into_one_that_is_gone_as_well_is_gone() {
    let rig = Rig::new();
    fill(&rig, 1);
    rig.inbound().await.unwrap();
    rig.crm.state().gone = vec![tombstone("1", Some(("contacts", "20"))), tombstone("20", None)];
    rig.inbound().await.unwrap();
    let contacts = rig.contacts();
    assert_eq!((contacts[0].links[0].record.as_str(), contacts[0].links[0].gone), ("20", Some(Instant(77))));
}

#[tokio::test]
async fn two_contacts_whose_records_were_merged_are_one() {
    let rig = Rig::new();
    rig.crm.put(1, 1, &["Ada", "ada@example.com", "+4930111111"]);
    rig.crm.put(2, 1, &["A.", "a@example.com", ""]);
    rig.inbound().await.unwrap();
    rig.note("n1", 1, "1");
    rig.crm.state().records.remove(&1);
    rig.crm.state().gone = vec![tombstone("1", Some(("contacts", "2")))];
    assert_eq!(rig.inbound().await.unwrap().counts.gone, 1);
    // What the record has that lives on counts; what was to be told of the other goes there.
    assert_eq!(rig.people(), [person("A.", "a@example.com", "")]);
    assert_eq!((rig.state().linked, rig.contacts()[0].links.len()), (1, 1));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 1);
    assert_eq!(rig.crm.state().journal[0].links[0].id, "2");
}

#[tokio::test]
async fn who_leaves_a_list_is_marked_by_the_next_run_and_comes_back() {
    let mut rig = Rig::new();
    rig.sync.segment = Some("vip".into());
    fill(&rig, 30);
    rig.inbound().await.unwrap();
    // More than a tenth may leave a list at once.
    rig.crm.state().unlisted = (1..=20).collect();
    rig.crm.state().records.remove(&20);
    assert_eq!(rig.inbound().await.unwrap().counts.gone, 1);
    let left = |rig: &Rig| rig.contacts().iter().filter(|contact| contact.links[0].left.is_some()).count();
    let audience = Audience {
        id: "vip".parse().unwrap(),
        rule: Rule::read("email present", &rig.attributes()).unwrap(),
        sync: Some(rig.sync.id.clone()),
        created: Instant(0),
        filling: None,
        members: 0,
    };
    let members = |rig: &Rig| rig.contacts().iter().filter(|contact| audience.is_for(contact)).count();
    assert_eq!((left(&rig), members(&rig)), (19, 10));
    rig.crm.state().unlisted.clear();
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.created, left(&rig), members(&rig)), (0, 0, 29));
}

#[tokio::test]
async fn who_left_a_list_and_is_deleted_then_is_found_though_the_crm_does_not_tell() {
    let mut rig = Rig::new();
    rig.sync.segment = Some("vip".into());
    rig.sync.abilities.gone = false;
    fill(&rig, 30);
    rig.inbound().await.unwrap();
    rig.crm.state().unlisted = vec![1, 2, 3];
    rig.inbound().await.unwrap();
    rig.crm.state().records.remove(&2);
    // The list says nothing of it.
    assert_eq!(rig.inbound().await.unwrap().counts.gone, 0);
    let (_stopper, stop) = stop_signal();
    let mut told = Vec::new();
    let sums = verify(&rig.ports, &rig.sync, &stop, &mut |it| told.push(it)).await.unwrap();
    assert_eq!(told, [Difference::Extra { record: "2".into(), contact: ContactId(2) }]);
    assert_eq!((sums.extra, sums.equal, sums.theirs), (1, 27, 27));
    let (run, swept) = run_sweep(&rig.ports, &rig.sync, false, &Silent, &stop).await.unwrap();
    assert_eq!((run.counts.gone, swept), (1, Swept { theirs: 27, gone: 1, ..Swept::default() }));
    let marks = |id: usize| (rig.contacts()[id - 1].links[0].gone.is_some(), rig.contacts()[id - 1].links[0].left);
    assert!(marks(2).0 && !marks(1).0 && marks(1).1.is_some());
    let sums = verify(&rig.ports, &rig.sync, &stop, &mut |it| panic!("{it:?}")).await.unwrap();
    assert_eq!(sums.extra, 0);
    // A second one does not touch who has left.
    let before = rig.contacts();
    let (_, swept) = run_sweep(&rig.ports, &rig.sync, false, &Silent, &stop).await.unwrap();
    assert_eq!((swept.gone, swept.outside, rig.contacts()), (0, 0, before));
}

#[tokio::test]
async fn a_list_that_fails_half_way_has_nobody_marked_as_gone() {
    let mut rig = Rig::new();
    fill(&rig, 30);
    rig.inbound().await.unwrap();
    // Half of them would seem to be gone.
    let pulls = rig.crm.state().pulls;
    rig.crm.state().fail_pull = Some((pulls + 2, Failure::Permanent("bad gateway".into())));
    let (_stopper, stop) = stop_signal();
    run_sweep(&rig.ports, &rig.sync, true, &Silent, &stop).await.unwrap_err();
    rig.sync.segment = Some("vip".into());
    let pulls = rig.crm.state().pulls;
    rig.crm.state().fail_pull = Some((pulls + 2, Failure::Permanent("bad gateway".into())));
    rig.inbound().await.unwrap_err();
    assert!(rig.contacts().iter().all(|contact| contact.links[0].gone.or(contact.links[0].left).is_none()));
}

#[tokio::test]
async fn a_value_that_changes_without_a_stamp_is_found_by_a_sweep() {
    let rig = Rig::new();
    rig.crm.state().derived = Some("first_name");
    fill(&rig, 30);
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    // As where a formula reads another record.
    rig.crm.put(7, 1_000_000, &["Worked out anew", "p7@example.com", ""]);
    rig.crm.put(31, 1_000_000, &["P31", "p31@example.com", ""]);
    assert_eq!(rig.inbound().await.unwrap().counts.changed, 0);
    let (_stopper, stop) = stop_signal();
    let (run, swept) = run_sweep(&rig.ports, &rig.sync, false, &Silent, &stop).await.unwrap();
    assert_eq!((run.counts.changed, run.counts.created, run.counts.rows), (1, 1, 31));
    assert_eq!(swept, Swept { theirs: 31, fetched: 1, ..Swept::default() });
    assert_eq!(rig.contacts()[6].text("first_name"), Some("Worked out anew"));
    // Where nothing of that kind is read, ids are enough.
    rig.crm.state().derived = None;
    let (run, _) = run_sweep(&rig.ports, &rig.sync, false, &Silent, &stop).await.unwrap();
    assert_eq!(run.counts.rows, 0);
}

#[tokio::test]
async fn more_than_a_tenth_of_those_who_left_is_not_gone_unless_a_person_agrees() {
    let mut rig = Rig::new();
    rig.sync.segment = Some("vip".into());
    fill(&rig, 40);
    rig.inbound().await.unwrap();
    rig.crm.state().unlisted = (1..=20).collect();
    rig.inbound().await.unwrap();
    rig.crm.state().records.retain(|id, _| *id > 10);
    let (_stopper, stop) = stop_signal();
    let error = run_sweep(&rig.ports, &rig.sync, false, &Silent, &stop).await.unwrap_err();
    assert_eq!(error.to_string(), "10 of 40 records seem to be gone from the CRM");
    let gone = || rig.contacts().iter().filter(|contact| contact.links[0].gone.is_some()).count();
    assert_eq!(gone(), 0);
    run_sweep(&rig.ports, &rig.sync, true, &Silent, &stop).await.unwrap();
    assert_eq!(gone(), 10);
}

fn tombstone(id: &str, into: Option<(&str, &str)>) -> Tombstone {
    let into = into.map(|(object, id)| Successor { object: object.into(), id: id.into() });
    Tombstone { id: id.into(), at: Some(Instant(77)), into }
}

/// Record and object of each contact's first link, unless that one is gone.
fn homes(rig: &Rig) -> Vec<Option<(String, String)>> {
    let home = |contact: &Contact| {
        let link = &contact.links[0];
        link.gone.is_none().then(|| (link.source.object.to_string(), link.record.clone()))
    };
    rig.contacts().iter().map(home).collect()
}

#[tokio::test]
async fn a_converted_record_moves_its_link_to_the_other_object() {
    let mut rig = Rig::new();
    fill(&rig, 3);
    rig.inbound().await.unwrap();
    // Of the other object there is a record for the second contact already, and one that stands for somebody else.
    let mut people = rig.sync.clone();
    (people.id, people.object) = ("people".parse().unwrap(), "persons".into());
    let (leads, records) = (std::mem::replace(&mut rig.sync, people), std::mem::take(&mut rig.crm.state().records));
    rig.crm.put(52, 1_000_000, &["P2", "p2@example.com", ""]);
    rig.crm.put(53, 1_000_000, &["Somebody", "else@example.com", ""]);
    rig.inbound().await.unwrap();
    rig.sync = leads;
    rig.crm.state().records = records;
    let converted = |id: &str, into: &'static str| tombstone(id, Some(("persons", into)));
    rig.crm.state().gone = vec![converted("1", "51"), converted("2", "52"), converted("3", "53")];
    assert_eq!(rig.inbound().await.unwrap().counts.gone, 3);
    let person = |id: &str| Some(("persons".to_owned(), id.to_owned()));
    // Who was two people until then is one.
    assert_eq!(homes(&rig), [person("51"), person("52"), person("53")]);
    assert_eq!(rig.ports.workspace.contact_or_heir(ContactId(3)).unwrap().unwrap().id, ContactId(4));
    // The other object's records find their contacts by the links that moved.
    rig.crm.state().gone.clear();
    rig.crm.state().records.clear();
    rig.crm.put(51, rig.clock.now().0, &["Converted", "new@example.com", ""]);
    rig.sync.id = "people".parse().unwrap();
    rig.sync.object = "persons".into();
    rig.inbound().await.unwrap();
    let first = rig.ports.workspace.contact(ContactId(1)).unwrap().unwrap();
    assert_eq!((first.text("first_name"), first.links.len(), rig.contacts().len()), (Some("Converted"), 2, 3));
    // What is told of the record from now on holds for the link of the leads' sync, too.
    rig.crm.state().gone = vec![tombstone("51", None)];
    rig.inbound().await.unwrap();
    let first = rig.ports.workspace.contact(ContactId(1)).unwrap().unwrap();
    assert!(first.links.iter().all(|link| link.gone == Some(Instant(77))), "{first:?}");
}
