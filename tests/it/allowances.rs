//! What the host knows of an account's allowance.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::Value;

use crate::rig::Rig;

fn allowance(rig: &Rig) -> Value {
    rig.host.ok(&["sync", "status", "people"]).document()["allowance"].clone()
}

#[test]
fn what_a_process_has_learned_of_an_allowance_the_next_one_knows() {
    let rig = Rig::new(3, 31);
    assert_eq!(allowance(&rig), Value::Null);
    rig.crm.switch(|switches| switches.limits = true);
    rig.run_inbound();
    let asked = rig.crm.journal().len();
    let known = allowance(&rig);
    let (left, limit) = (known["remaining"].as_u64().unwrap(), known["limit"].as_u64().unwrap());
    assert!(limit - 100 < left && left < limit, "{known:#}");
    assert_eq!(allowance(&rig), known);
    assert_eq!(rig.crm.journal().len(), asked, "it was asked for again");
    // The next process goes on from there.
    rig.run_inbound();
    assert!(allowance(&rig)["remaining"].as_u64().unwrap() < left);
    rig.host.ok(&["sync", "remove", "people"]);
    rig.host.ok(&["connection", "remove", "crm"]);
}
