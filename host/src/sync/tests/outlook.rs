use super::crm::PushFault;
use super::outbound::with_notes;
use super::rig::Rig;
use crate::model::connector::Operation;
use crate::model::outcome::{Delivery, OutboxEntry, OutcomeKind};
use crate::model::policy::Policy;
use crate::model::time::Clock;
use crate::model::value::Value;
use crate::store::Changes;
use crate::sync::{OutboundPlan, Outlook, plan_outbound};

/// The sums, and what is told of each outcome. Asks the CRM nothing and changes nothing.
async fn outlook(rig: &Rig) -> (OutboundPlan, Vec<(String, Outlook)>) {
    let calls = |rig: &Rig| {
        let state = rig.crm.state();
        (state.pulls, state.pushes, state.journal.len())
    };
    let (before, called) = (rig.outbox(), calls(rig));
    let mut told = Vec::new();
    let mut tell = |entry: &OutboxEntry, outlook: &Outlook| told.push((entry.outcome.id.clone(), outlook.clone()));
    let plan = plan_outbound(&rig.ports, &rig.sync, &mut tell).await.unwrap();
    assert_eq!((rig.outbox(), calls(rig)), (before, called));
    (plan, told)
}

fn change(rig: &Rig, outcome: &str, change: impl Fn(&mut OutboxEntry)) {
    let mut entry = rig.outbox().into_iter().find(|entry| entry.outcome.id == outcome).unwrap();
    change(&mut entry);
    let mut changes = Changes::default();
    changes.put(entry.id, &entry).unwrap();
    rig.ports.workspace.commit(changes).unwrap();
}

#[tokio::test]
async fn the_plan_tells_what_a_run_does_with_each_entry_and_what_that_costs() {
    let mut rig = with_notes(150).await;
    rig.sync.outbound.values_mut().for_each(|spec| spec.expires_s = Some(3_600));
    change(&rig, "n2", |entry| entry.outcome.values[0].1 = Value::Text("refuse me".into()));
    change(&rig, "n3", |entry| entry.outcome.values[0].1 = Value::Text("skip me".into()));
    change(&rig, "n4", |entry| entry.created = entry.created.minus(std::time::Duration::from_secs(3_601)));
    change(&rig, "n5", |entry| {
        let at = entry.created;
        entry.delivery = Delivery::Dead { problems: vec![], remedy: String::new(), at };
    });
    change(&rig, "n6", |entry| entry.sync = "other".parse().unwrap());
    let (plan, told) = outlook(&rig).await;
    // Two batches of one hundred, for 145 notes.
    assert_eq!(plan, OutboundPlan { written: 145, left_out: 1, refused: 2, unknown: 0, calls: 2 });
    let of = |id: &str| told.iter().find(|(told, _)| told == id).map(|(_, outlook)| outlook.describe());
    let say = |what: &str, why: &str| Some((what.to_owned(), why.to_owned()));
    assert_eq!(of("n2"), say("a dead letter", "first_name: is not a name"));
    assert_eq!(of("n3"), say("not sent", "asked to"));
    assert_eq!(of("n4"), say("a dead letter", "it has waited for 1h 1s, and the sync sends nothing as old"));
    assert_eq!((of("n5"), of("n6")), (None, None));
    let (what, values) = of("n1").unwrap();
    assert_eq!(what, "created in calls");
    assert!(values.contains("text: note n1"), "{values}");
    // And so it comes.
    let counts = rig.outbound().await.unwrap().counts;
    assert_eq!((counts.delivered, counts.skipped, counts.dead), (145, 1, 2));
}

#[tokio::test]
async fn what_may_have_arrived_costs_a_question_more() {
    let rig = with_notes(3).await;
    rig.crm.state().push_faults.push_back(PushFault::LostAfter);
    rig.outbound().await.unwrap();
    let (plan, told) = outlook(&rig).await;
    assert_eq!(plan, OutboundPlan { written: 3, unknown: 3, calls: 2, ..OutboundPlan::default() });
    assert!(told.iter().all(|(_, outlook)| matches!(outlook, Outlook::Written { .. })), "{told:?}");
}

#[tokio::test]
async fn a_change_tells_field_by_field_what_it_carries_and_by_which_policy() {
    let mut rig = with_notes(0).await;
    rig.crm.put(1, rig.clock.now().0, &["Ada", "a@example.com", "+4930111111"]);
    rig.sync.outbound.insert(OutcomeKind::Change, rig.spec("contacts"));
    rig.sync.policies.insert("first_name".into(), Policy::Ours);
    rig.inbound().await.unwrap();
    rig.change(1, "first_name", "Eva").await;
    let (plan, told) = outlook(&rig).await;
    assert_eq!(plan, OutboundPlan { written: 1, calls: 1, ..OutboundPlan::default() });
    let [(_, Outlook::Written { object, write, policies })] = &told[..] else { panic!("{told:?}") };
    assert_eq!((object.as_str(), &write.operation), ("contacts", &Operation::Update { id: "1".into() }));
    assert_eq!(write.values, [("first_name".to_owned(), Value::Text("Eva".into()))]);
    assert_eq!(*policies, [("first_name".to_owned(), Policy::Ours)]);
    assert_eq!(told[0].1.describe(), ("changed in contacts".into(), "first_name: Eva; (first_name by ours)".into()));
}
