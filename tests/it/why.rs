//! Each value can say where it comes from, for as long as the workspace keeps that.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::Rig;

impl Rig {
    fn why(&self, contact: &str, attribute: &str) -> Value {
        self.host.ok(&["why", contact, attribute]).document()
    }
}

#[test]
fn a_value_says_from_which_record_run_page_mapping_and_policy_it_is_and_what_it_replaced() {
    let rig = Rig::new(150, 51);
    rig.run_inbound();
    let (record, contact) = rig.host.contacts().into_iter().nth(120).unwrap();
    let (contact, first) = (contact["id"].as_str().unwrap(), contact["attributes"]["city"].clone());
    let new = rig.why(contact, "city");
    let by = &new["by"];
    assert_eq!((&new["value"], &new["replaced"]), (&first, &Value::Null));
    assert_eq!([&by["kind"], &by["sync"], &by["record"], &by["policy"]], ["record", "people", &record, "crm"]);
    assert_eq!((&by["run"], &by["mapping_version"]), (&json!("r1"), &json!(1)));
    assert!(by["page"].as_u64().unwrap() >= 1, "{new:#}");

    rig.crm.update("contacts", record.parse().unwrap(), &[("city", "Theirs")]).unwrap();
    rig.run_inbound();
    rig.host.ok(&["contacts", "set", contact, "city=Ours", "company="]);
    rig.host.ok(&["contacts", "set", contact, "city=Ours again"]);
    // An echo and a row that comes again leave no trace.
    rig.run_inbound();
    let history = rig.host.ok(&["history", contact]).documents();
    let of_city = history.iter().filter(|step| step["attribute"] == "city");
    let told: Vec<_> = of_city.map(|step| [&step["value"], &step["replaced"], &step["by"]["run"]]).collect();
    let (ours, theirs) = (json!("Ours"), json!("Theirs"));
    let expected = [
        [&json!("Ours again"), &ours, &Value::Null],
        [&ours, &theirs, &Value::Null],
        [&theirs, &first, &json!("r2")],
        [&first, &Value::Null, &json!("r1")],
    ];
    assert_eq!(told, expected);
    assert_eq!(rig.why(contact, "city")["by"], json!({ "kind": "person" }));
    rig.host.fails(&["why", contact, "shoe_size"], "usage");

    // A day is the shortest that can be said: nothing of today is forgotten.
    let kept = rig.host.ok(&["retention", "--ledger-days", "1"]).document();
    assert_eq!(kept, json!({ "ledger_days": 1, "forgotten": 0 }));
    assert_eq!(rig.host.ok(&["history", contact]).documents(), history);
}
