use std::time::Duration;

use super::crm::SetFault;
use super::outbound::{sent, with_notes};
use super::rig::Rig;
use crate::model::failure::Failure;
use crate::sync::{Silent, SyncError, run_outbound, stop_signal};

const MANY: u64 = 250;

/// So many notes wait, and the CRM takes sets of 150 and more.
async fn many(notes: u64) -> Rig {
    let rig = with_notes(notes).await;
    rig.crm.state().least = Some(150);
    rig
}

fn all(notes: u64) -> Vec<String> {
    (1..=notes).map(|id| id.to_string()).collect()
}

/// How many pushes and sets it took, and that each note arrived once.
fn took(rig: &Rig, notes: u64) -> (u64, usize) {
    assert_eq!(sent(rig), all(notes));
    assert_eq!(rig.outbox(), []);
    let state = rig.crm.state();
    (state.pushes, state.sets.len())
}

#[tokio::test]
async fn what_waits_in_large_numbers_goes_in_a_set_and_little_in_batches() {
    let rig = many(MANY).await;
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY);
    assert_eq!(took(&rig, MANY), (0, 1));
    let rig = many(120).await;
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, 120);
    assert_eq!(took(&rig, 120), (2, 0));
}

#[tokio::test]
async fn a_run_that_ends_before_the_crm_is_done_leaves_its_set_to_the_next_one() {
    let rig = many(MANY).await;
    let (stopper, stop) = stop_signal();
    rig.crm.state().stop_at_look = Some(stopper);
    let stopped = run_outbound(&rig.ports, &rig.sync, &Silent, &stop).await;
    assert!(matches!(stopped, Err(SyncError::Stopped)), "{stopped:?}");
    assert_eq!(rig.outbox().len() as u64, MANY);
    let rig = rig.restart();
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY);
    assert_eq!(took(&rig, MANY), (0, 1));
}

#[tokio::test]
async fn a_set_that_did_not_arrive_goes_in_batches_and_one_whose_answer_was_lost_is_collected() {
    for (fault, expected) in [(SetFault::LostBefore, (3, 1)), (SetFault::LostAfter, (0, 1))] {
        let rig = many(MANY).await;
        rig.crm.state().set_fault = Some(fault);
        assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY);
        assert_eq!(took(&rig, MANY), expected);
    }
}

#[tokio::test]
async fn of_a_set_that_the_crm_knows_no_more_each_write_is_asked_about() {
    let rig = many(MANY).await;
    rig.crm.state().set_fault = Some(SetFault::Forgotten);
    rig.outbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY);
    assert_eq!(took(&rig, MANY), (0, 1));
}

#[tokio::test]
async fn what_can_not_be_a_set_goes_in_batches() {
    let rig = many(MANY).await;
    rig.crm.state().set_fault = Some(SetFault::NotOpened(Failure::Unsupported("not these".into())));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY);
    assert_eq!(took(&rig, MANY), (3, 0));
    // Where nothing can be asked, nothing is sent either, and nothing is lost.
    let rig = many(MANY).await;
    rig.crm.state().set_fault = Some(SetFault::NotOpened(Failure::Unauthorized("expired".into())));
    assert!(matches!(rig.outbound().await, Err(SyncError::Call { verb: "open", .. })));
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY);
    assert_eq!(took(&rig, MANY), (0, 1));
}

#[tokio::test]
async fn what_comes_later_about_a_contact_waits_for_its_set() {
    let rig = many(MANY).await;
    let (stopper, stop) = stop_signal();
    rig.crm.state().stop_at_look = Some(stopper);
    run_outbound(&rig.ports, &rig.sync, &Silent, &stop).await.unwrap_err();
    rig.note("later", 1, "1");
    assert_eq!(rig.outbound().await.unwrap().counts.delivered, MANY + 1);
    let state = rig.crm.state();
    let last = state.journal.last().unwrap();
    assert_eq!((state.journal.len() as u64, last.links[0].id.as_str()), (MANY + 1, "1"));
}
