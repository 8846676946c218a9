use std::time::Duration;

use super::crm::PushFault;
use super::rig::Rig;
use crate::model::connector::RecordLink;
use crate::model::failure::Failure;
use crate::model::outcome::{Delivery, OutcomeKind, ReceiptState};
use crate::model::sync::Counts;
use crate::model::time::Clock;
use crate::model::value::{Problem, Successor, Tombstone, Value};
use crate::sync::SyncError;

/// A rig with so many contacts, each with a note in the outbox.
pub(super) async fn with_notes(notes: u64) -> Rig {
    let rig = Rig::new();
    (1..=notes).for_each(|id| rig.crm.put(id, 1, &[&format!("P{id}"), "", ""]));
    let mut whole = rig;
    whole.sync.abilities.partitions = false;
    whole.inbound().await.unwrap();
    (1..=notes).for_each(|id| whole.note(&format!("n{id}"), id, &id.to_string()));
    whole
}

/// A rig with one contact, whose changes go out.
async fn with_ada() -> Rig {
    let mut rig = with_notes(0).await;
    rig.crm.put(1, rig.clock.now().0, &["Ada", "a@example.com", ""]);
    rig.sync.outbound.insert(OutcomeKind::Change, rig.spec("contacts"));
    rig.inbound().await.unwrap();
    rig
}

pub(super) fn sent(rig: &Rig) -> Vec<String> {
    let state = rig.crm.state();
    let mut records: Vec<String> = state.journal.iter().map(|write| write.links[0].id.clone()).collect();
    records.sort_by_key(|id| id.parse::<u64>().unwrap());
    records
}

fn receipt(rig: &Rig, outcome: &str) -> Option<ReceiptState> {
    rig.ports.workspace.receipt(&rig.sync.id, outcome).unwrap().map(|receipt| receipt.state)
}

#[tokio::test]
async fn what_the_outbox_holds_is_sent_once_and_acknowledged() {
    let rig = with_notes(3).await;
    let run = rig.outbound().await.unwrap();
    assert_eq!(run.counts, Counts { pages: 1, delivered: 3, ..Counts::default() });
    assert_eq!(sent(&rig), ["1", "2", "3"]);
    assert_eq!(rig.outbox(), []);
    assert_eq!(receipt(&rig, "n2"), Some(ReceiptState::Delivered { object: "calls".into(), record: "a1".into() }));
    assert_eq!(rig.outbound().await.unwrap().counts, Counts::default());
}

#[tokio::test]
async fn a_lost_reply_is_found_out_about_before_anything_is_sent_again() {
    let rig = with_notes(3).await;
    rig.crm.state().push_faults.push_back(PushFault::LostAfter);
    assert_eq!(rig.outbound().await.unwrap().counts.retried, 3);
    let rig = rig.restart();
    rig.clock.advance(Duration::from_secs(60));
    let run = rig.outbound().await.unwrap();
    assert_eq!((run.counts.delivered, rig.crm.state().pushes), (3, 1));
    assert_eq!(sent(&rig), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_write_that_never_arrived_is_sent_again() {
    let rig = with_notes(2).await;
    rig.crm.state().push_faults.push_back(PushFault::LostBefore);
    rig.outbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 2);
    assert_eq!(sent(&rig), ["1", "2"]);
}

#[tokio::test]
async fn nothing_is_sent_twice_before_its_pause_is_over() {
    let rig = with_notes(1).await;
    rig.crm.state().push_faults.push_back(PushFault::LostBefore);
    rig.outbound().await.unwrap();
    assert_eq!(rig.outbound().await.unwrap().counts, Counts::default());
}

#[tokio::test]
async fn where_nobody_can_find_out_a_person_decides() {
    let rig = with_notes(1).await;
    rig.crm.state().push_faults.push_back(PushFault::LostAfter);
    rig.crm.state().resolve_unsupported = true;
    rig.outbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(rig.outbound().await.unwrap().counts.dead, 1);
    assert_eq!(sent(&rig), ["1"]);
    assert!(matches!(rig.outbox()[0].delivery, Delivery::Dead { .. }));
}

#[tokio::test]
async fn one_poison_write_does_not_hold_up_the_others() {
    let rig = with_notes(9).await;
    rig.crm.state().push_faults.push_back(PushFault::Poison("note n4"));
    let run = rig.outbound().await.unwrap();
    assert_eq!((run.counts.delivered, run.counts.dead), (8, 1));
    assert_eq!(sent(&rig), ["1", "2", "3", "5", "6", "7", "8", "9"]);
    let outbox = rig.outbox();
    let Delivery::Dead { problems, .. } = &outbox[0].delivery else { panic!("not dead") };
    let message = "the settings or the request are wrong: bad batch".to_owned();
    assert_eq!((outbox[0].outcome.id.as_str(), problems), ("n4", &vec![Problem { field: None, message }]));
}

#[tokio::test]
async fn trouble_with_the_sign_in_burns_no_attempt() {
    let rig = with_notes(2).await;
    rig.crm.state().push_faults.push_back(PushFault::Fail(Failure::Unauthorized("expired".into())));
    assert!(matches!(rig.outbound().await, Err(SyncError::Call { verb: "push", .. })));
    let attempts: Vec<_> = rig.outbox().into_iter().map(|entry| entry.delivery).collect();
    let now = rig.clock.now();
    assert_eq!(attempts, vec![Delivery::Waiting { attempts: 0, not_before: now }; 2]);
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 2);
}

#[tokio::test]
async fn trouble_that_does_not_end_becomes_a_dead_letter() {
    let rig = with_notes(1).await;
    let temporary = PushFault::Fail(Failure::Temporary("bad gateway".into()));
    rig.crm.state().push_faults.extend(vec![temporary; 20]);
    for _ in 0..12 {
        rig.outbound().await.unwrap();
        rig.clock.advance(Duration::from_secs(1000));
    }
    assert_eq!(rig.crm.state().pushes, 10);
    assert!(matches!(rig.outbox()[0].delivery, Delivery::Dead { .. }));
}

#[tokio::test]
async fn what_belongs_to_a_converted_record_goes_to_the_one_that_it_lives_on_in() {
    let mut rig = with_notes(1).await;
    let into = Some(Successor { object: "persons".into(), id: "51".into() });
    rig.crm.state().gone = vec![Tombstone { id: "1".into(), at: None, into }];
    rig.inbound().await.unwrap();
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 1);
    let link = RecordLink { label: None, object: "persons".into(), id: "51".into() };
    assert_eq!(rig.crm.state().journal[0].links, [link]);
    // What would have been written on the record itself has nowhere to go.
    let spec = rig.sync.outbound.values_mut().next().unwrap();
    spec.object.clone_from(&rig.sync.object);
    rig.note("later", 1, "1");
    assert_eq!(rig.outbound().await.unwrap().counts.dead, 1);
}

#[tokio::test]
async fn a_record_that_is_gone_gets_no_writes() {
    let rig = with_notes(1).await;
    rig.crm.state().gone = vec![Tombstone { id: "1".into(), at: None, into: None }];
    rig.inbound().await.unwrap();
    assert_eq!(rig.outbound().await.unwrap().counts.dead, 1);
    assert_eq!(sent(&rig), [""; 0]);
}

fn texts(rig: &Rig) -> Vec<String> {
    let text = |write: &crate::model::connector::Write| {
        let value = write.values.iter().find(|(name, _)| name == "text");
        value.map_or(String::new(), |(_, value)| value.to_cell())
    };
    rig.crm.state().journal.iter().map(text).collect()
}

#[tokio::test]
async fn what_comes_later_about_a_contact_waits_for_what_came_before() {
    let rig = with_notes(2).await;
    rig.crm.state().push_faults.push_back(PushFault::Fail(Failure::Temporary("busy".into())));
    rig.outbound().await.unwrap();
    rig.note("later", 1, "1");
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 0);
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 3);
    assert_eq!(texts(&rig), ["note n1", "note n2", "note later"]);
}

#[tokio::test]
async fn a_value_that_is_set_back_after_it_was_sent_is_sent_again() {
    let rig = with_ada().await;
    for name in ["Eva", "Ada"] {
        rig.change(1, "first_name", name).await;
        assert_eq!(rig.outbound().await.unwrap().counts.delivered, 1, "{name}");
    }
    let names: Vec<_> = rig.crm.state().journal.iter().flat_map(|write| write.values.clone()).collect();
    let name = |text: &str| ("first_name".to_owned(), Value::Text(text.into()));
    assert_eq!(names, [name("Eva"), name("Ada")]);
    assert_eq!(rig.contacts()[0].links[0].base, []);
}

#[tokio::test]
async fn what_a_row_replaced_while_a_change_was_under_way_does_not_follow_it() {
    let rig = with_ada().await;
    rig.change(1, "first_name", "Eva").await;
    rig.crm.state().push_faults.push_back(PushFault::LostAfter);
    assert_eq!(rig.outbound().await.unwrap().counts.retried, 1);
    rig.clock.advance(Duration::from_secs(60));
    rig.crm.put(1, rig.clock.now().0, &["Zoe", "a@example.com", ""]);
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 1);
    assert_eq!((rig.outbox(), rig.crm.state().journal.len()), (vec![], 1));
    assert_eq!(rig.people()[0][0], "Zoe");
}

#[tokio::test]
async fn a_batch_changes_a_record_once() {
    let mut rig = with_notes(2).await;
    let spec = rig.sync.outbound.values_mut().next().unwrap();
    spec.object = "contacts".into();
    rig.note("later", 1, "1");
    assert_eq!(rig.outbound().await.unwrap().counts.pages, 2);
    assert_eq!(texts(&rig), ["note n1", "note n2", "note later"]);
}

#[tokio::test]
async fn what_has_waited_too_long_is_left_to_a_person_who_may_send_it_all_the_same() {
    let mut rig = with_notes(1).await;
    rig.sync.outbound.values_mut().next().unwrap().expires_s = Some(3600);
    rig.clock.advance(Duration::from_secs(3601));
    assert_eq!(rig.outbound().await.unwrap().counts.dead, 1);
    assert_eq!(sent(&rig), [""; 0]);
    let mut entry = rig.outbox().remove(0);
    let now = rig.clock.now();
    entry.delivery = Delivery::Waiting { attempts: 0, not_before: now };
    entry.retried = Some(now);
    let mut changes = crate::store::Changes::default();
    changes.put(entry.id, &entry).unwrap();
    rig.ports.workspace.commit(changes).unwrap();
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 1);
}
