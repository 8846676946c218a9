//! What a person does with writes that the CRM refused.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use ferry_tests::sim::faults::{Fault, Rule};
use serde_json::json;

use crate::rig::Rig;

#[test]
fn a_dead_letter_is_shown_without_its_values_sent_again_or_given_up() {
    let rig = Rig::new(120, 33);
    rig.run_inbound();
    let contact = rig.host.ok(&["contacts", "list", "--limit", "1"]).documents()[0]["id"].as_str().unwrap().to_owned();
    let record = ["outcome", "record", "call", "--contact", &contact, "--id", "call-1", "disposition=connected"];
    let record = [&record[..], &["summary=between us"]].concat();
    rig.host.ok(&record);
    let run = || rig.host.ok(&["sync", "run", "people", "--outbound-only"]).document()["outbound"]["counts"].clone();
    rig.crm.fault(Rule::times(Fault::BatchConflict, 2));
    assert_eq!(run()["dead"], 1);
    let dead = rig.host.ok(&["outbox", "list", "--dead"]).document();
    assert_eq!(dead["outcome"]["values"]["summary"], json!({ "veiled": "text of 10 characters" }));
    let id = dead["id"].as_str().unwrap();
    assert!(!rig.host.ok(&["outbox", "show", id]).stdout.contains("between us"));
    let shown = rig.host.ok(&["outbox", "show", id, "--values"]).document();
    assert_eq!(shown["outcome"]["values"]["summary"], "between us");
    assert_eq!(rig.host.ok(&["outbox", "retry", "--sync", "people"]).document(), json!({ "retried": 1 }));
    assert_eq!(run()["dead"], 1);
    assert_eq!(rig.host.ok(&["outbox", "discard", id]).document(), json!({ "discarded": 1 }));
    rig.host.fails(&["outbox", "show", id], "outbox-entry-not-found");
    rig.host.ok(&record);
    assert_eq!(run()["delivered"], 0, "what a person gave up is not sent when it is recorded again");
}
