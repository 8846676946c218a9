//! Very many calls at once: they go out as jobs of Bulk API, whatever goes wrong with these.

use std::collections::{BTreeMap, BTreeSet};

use ferry_tests::sim::faults::{Fault, Rule};
use serde_json::json;

use super::Crossing;
use crate::rig::preset;
use crate::web::Web;

/// More than a batch of the outbox.
const CALLS: usize = 160;

/// So many calls wait to be sent, each about another contact, and a job is worth it from 120 on.
fn many_calls() -> Crossing {
    let mut crossing = bulk_ready();
    crossing.record_calls("call");
    crossing
}

/// A connection that sends jobs from 120 writes on, and whom they can be about.
fn bulk_ready() -> Crossing {
    let crossing = Crossing::connected(400, &["--set", "bulk_writes_from=120"]);
    let call = format!("call=Task:{}", preset("salesforce", "call-out"));
    crossing.sync("people", "Contact", &["--preset", "contacts-in", "--outbound", &call]);
    crossing.run();
    crossing.host.ok(&["sync", "pause", "people"]);
    crossing
}

impl Crossing {
    /// Records calls under ids that begin with `name`.
    fn record_calls(&mut self, name: &str) {
        self.host.serve();
        let made = self.host.ok(&["token", "create", name, "--scope", "write"]).document();
        let web = Web::new(&self.host).with_token(made["token"].as_str().unwrap());
        for (number, contact) in self.host.contacts().values().take(CALLS).enumerate() {
            let values = json!({"disposition": "connected", "duration_s": 83});
            let call = json!({"kind": "call", "contact": contact["id"], "values": values});
            let answer = web.post_with("/v1/outcomes", &[("idempotency-key", &format!("{name}-{number}"))], &call);
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        self.host.server().end();
    }

    /// Sends until nothing waits any more: what may have left is asked about after a pause.
    fn send(&self) {
        for _ in 0..60 {
            self.host.say(&["sync", "run", "people", "--outbound-only"]);
            if self.host.ok(&["outbox", "list"]).documents().len() == self.dead() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        panic!("it waits still: {:#?}", self.host.ok(&["outbox", "list"]).documents());
    }

    /// How many letters are dead.
    fn dead(&self) -> usize {
        self.host.ok(&["outbox", "list", "--dead"]).documents().len()
    }

    /// The keys of the calls that have arrived, each once.
    fn arrived(&self) -> usize {
        let tasks = self.records("Task");
        let keys: Vec<String> =
            tasks.iter().filter_map(|task| Some(task["properties"]["Ferry_Id__c"].as_str()?.to_owned())).collect();
        let distinct: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "a call arrived twice");
        keys.len()
    }
}

#[test]
fn very_many_calls_go_out_as_one_job_although_the_answer_to_its_end_was_lost() {
    let crossing = many_calls();
    let before = crossing.crm.counters();
    crossing.crm.fault(Rule::times(Fault::CommitThenDrop, 1).at("PATCH /jobs/ingest/{id}"));
    let run = crossing.host.ok(&["sync", "run", "people", "--outbound-only"]).document();
    assert_eq!(run["outbound"]["counts"]["delivered"], json!(CALLS), "{run:#}");
    assert_eq!(crossing.arrived(), CALLS);
    let calls = crossing.crm.counters();
    let asked = |part: &str| -> u64 {
        let of = |counters: &BTreeMap<String, u64>| -> u64 {
            counters.iter().filter(|(name, _)| name.contains(part)).map(|(_, count)| count).sum()
        };
        of(&calls) - of(&before)
    };
    assert_eq!((asked("POST /jobs/ingest"), asked("/composite")), (1, 0), "{calls:#?}");
    let changes = crossing.crm.changes();
    assert!(changes.iter().all(|change| change.change_origin.ends_with(";client=ferry")), "{changes:#?}");
}

#[test]
fn whatever_goes_wrong_with_a_job_each_call_arrives_once_or_is_a_dead_letter() {
    let mut crossing = bulk_ready();
    let at = |fault: Fault, endpoint: &str| Rule::times(fault, 1).at(endpoint);
    let (made, rows, closed) = ("POST /jobs/ingest", "PUT /jobs/ingest/{id}/batches", "PATCH /jobs/ingest/{id}");
    let looked = "GET /jobs/ingest/{id}";
    // What goes wrong, and how many calls are refused by it.
    let table = [
        ("the answer to its making is lost", at(Fault::CommitThenDrop, made), 0),
        ("it can't be made", at(Fault::Unavailable, made), 0),
        ("its rows do not arrive", at(Fault::DropBefore, rows), 0),
        ("the answer to its rows is lost", at(Fault::CommitThenDrop, rows), 0),
        ("its end does not arrive", at(Fault::DropBefore, closed), 0),
        ("the answer to its end is lost", at(Fault::CommitThenDrop, closed), 0),
        ("a look at it is lost", at(Fault::DropBefore, looked), 0),
        ("the session ends while its results are read", at(Fault::ExpireTokens, "/failedResults"), 0),
        ("its results are cut", at(Fault::TruncatedBody, "/successfulResults"), 0),
        ("it fails", Rule::times(Fault::BulkFailed, 1), 0),
        ("it fails half way", Rule::times(Fault::BulkCutShort, 1), 0),
        ("somebody ends it half way", Rule::times(Fault::BulkAborted, 1), 0),
        ("rows of it are locked", Rule::times(Fault::LockedRow, 5).at(made), 0),
        ("rows of it break a rule", Rule::times(Fault::ValidationRule, 3).at(made), 3),
    ];
    let (mut arrived, mut dead) = (0, 0);
    for (number, (what, rule, refused)) in table.into_iter().enumerate() {
        crossing.record_calls(&format!("row-{number}"));
        let struck = rule.count;
        crossing.crm.fault(rule);
        crossing.send();
        assert_eq!(crossing.crm.faults()[0].struck, struck.unwrap(), "{what}");
        crossing.crm.clear_faults(None);
        (arrived, dead) = (arrived + CALLS - refused, dead + refused);
        assert_eq!((crossing.arrived(), crossing.dead()), (arrived, dead), "{what}");
    }
}

#[test]
fn a_run_that_dies_at_any_point_of_a_job_loses_and_doubles_no_call() {
    let crossing = many_calls();
    let mut died = 0;
    for point in 0..50 {
        let words = ["sync", "run", "people", "--outbound-only"];
        let output = crossing.host.command(&words).env("FERRY_CRASH_AFTER", point.to_string()).output().unwrap();
        match output.status.code() {
            Some(0) => break,
            Some(code) => panic!("it failed with {code}: {}", String::from_utf8_lossy(&output.stderr)),
            None => died += 1,
        }
    }
    assert!(died > 2, "it died only {died} times");
    assert_eq!(crossing.arrived(), CALLS);
    assert_eq!(crossing.host.ok(&["outbox", "list"]).documents().len(), 0);
}
