//! Both sides change the same contact: policies decide, people decide, and the CRM learns of it.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::{Rig, mapping};

/// A sync with these policies, which sends changes back, after its first run.
fn rig(policies: &[&str]) -> Rig {
    let rig = Rig::connected(30, 41);
    let change = format!("change=contacts:{}", mapping("change.toml").display());
    let policies = policies.iter().flat_map(|policy| ["--policy", policy]);
    rig.create_sync(&["--outbound", &change].into_iter().chain(policies).collect::<Vec<_>>());
    rig.run_inbound();
    rig
}

impl Rig {
    /// A record of the CRM and its contact, which agree on values that are known.
    fn pair(&self) -> (u64, String) {
        let (record, contact) = self.host.contacts().into_iter().nth(3).unwrap();
        let record = record.parse().unwrap();
        let known = [("city", "Base"), ("company", "Base"), ("jobtitle", "Base")];
        self.crm.update("contacts", record, &known).unwrap();
        self.run_inbound();
        (record, contact["id"].as_str().unwrap().to_owned())
    }

    fn theirs(&self, record: u64, property: &str) -> Option<String> {
        let records = self.crm.records("contacts", 0, usize::MAX).unwrap();
        let found = records.into_iter().find(|found| found.id == record.to_string()).unwrap();
        found.properties.get(property).cloned()
    }

    fn attribute(&self, contact: &str, name: &str) -> Value {
        self.host.ok(&["contacts", "show", contact]).document()["attributes"][name].clone()
    }
}

#[test]
fn what_we_change_goes_to_the_crm_alone_and_its_echo_changes_nothing() {
    let rig = rig(&[]);
    let (record, contact) = rig.pair();
    // Somebody changes another field in the CRM meanwhile, which we have not read yet.
    rig.crm.update("contacts", record, &[("company", "Theirs & Co")]).unwrap();
    let set = rig.host.ok(&["contacts", "set", &contact, "city=Köln", "job_title="]).document();
    assert_eq!(set["entries"].as_array().unwrap().len(), 1, "{set:#}");
    let sent = rig.host.ok(&["sync", "run", "people", "--outbound-only"]).document();
    assert_eq!(sent["outbound"]["counts"]["delivered"], 1, "{sent:#}");
    let theirs = ["city", "company", "jobtitle"].map(|name| rig.theirs(record, name).unwrap_or_default());
    assert_eq!(theirs, ["Köln", "Theirs & Co", ""]);
    let counts = rig.run_inbound();
    assert_eq!((&counts["changed"], &counts["held"]), (&json!(1), &json!(0)), "{counts}");
    assert_eq!(rig.attribute(&contact, "city"), "Köln");
    assert_eq!(rig.attribute(&contact, "company"), "Theirs & Co");
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents(), [] as [Value; 0]);
    let counts = rig.run_inbound();
    assert_eq!((&counts["changed"], &counts["created"]), (&json!(0), &json!(0)), "{counts}");
    rig.assert_complete();
}

#[test]
fn where_both_have_changed_the_policy_decides() {
    let rig = rig(&["city=ours", "company=fill-if-empty"]);
    let (record, contact) = rig.pair();
    rig.host.ok(&["contacts", "set", &contact, "city=Ours", "last_name=Ours"]);
    let theirs = [("city", "Theirs"), ("lastname", "Theirs"), ("company", "Theirs"), ("jobtitle", "Theirs")];
    rig.crm.update("contacts", record, &theirs).unwrap();
    rig.run_inbound();
    let ours = ["city", "last_name", "company", "job_title"].map(|name| rig.attribute(&contact, name));
    assert_eq!(ours, ["Ours", "Theirs", "Base", "Theirs"]);
}

#[test]
fn a_conflict_is_held_until_a_person_decides_and_the_crm_gets_what_was_decided() {
    let rig = rig(&["city=ask", "company=ask"]);
    let (record, contact) = rig.pair();
    rig.host.ok(&["contacts", "set", &contact, "city=Ours", "company=Ours"]);
    rig.crm.update("contacts", record, &[("city", "Theirs"), ("company", "Theirs")]).unwrap();
    assert_eq!(rig.run_inbound()["held"], 2);
    let held = rig.host.ok(&["conflicts", "list"]).documents();
    let sides =
        held.iter().map(|one| [&one["attribute"], &one["ours"], &one["theirs"]].map(|text| text.as_str().unwrap()));
    assert_eq!(sides.collect::<Vec<_>>(), [["city", "Ours", "Theirs"], ["company", "Ours", "Theirs"]]);
    assert_eq!(rig.host.ok(&["conflicts", "show", &contact]).documents(), held);
    // Nothing is decided by waiting.
    rig.run_inbound();
    assert_eq!(rig.attribute(&contact, "city"), "Ours");
    rig.host.fails(&["conflicts", "decide", &contact, "phone", "--ours"], "conflict-not-found");
    rig.host.ok(&["conflicts", "decide", &contact, "city", "--theirs"]);
    rig.host.ok(&["conflicts", "decide", &contact, "company", "--value", "Both"]);
    assert_eq!(rig.host.ok(&["conflicts", "list"]).documents(), [] as [Value; 0]);
    rig.host.ok(&["sync", "run", "people"]);
    rig.host.ok(&["sync", "run", "people"]);
    for (attribute, value) in [("city", "Theirs"), ("company", "Both")] {
        assert_eq!(rig.attribute(&contact, attribute), value);
        assert_eq!(rig.theirs(record, attribute).as_deref(), Some(value));
    }
    assert_eq!(rig.host.ok(&["conflicts", "list"]).documents(), [] as [Value; 0]);
}

#[test]
fn what_is_no_attribute_or_no_value_of_it_is_refused_whole() {
    let rig = rig(&[]);
    let (_, contact) = rig.pair();
    let before = rig.host.ok(&["contacts", "show", &contact]).document();
    let error = rig.host.fails(&["contacts", "set", &contact, "city=Ulm", "phone=030 12", "citty=x"], "attributes");
    let text = error.to_string();
    assert!(text.contains("E.164") && text.contains("did you mean `city`"), "{text}");
    assert_eq!(rig.host.ok(&["contacts", "show", &contact]).document(), before);
    rig.host.fails(&["sync", "policy", "people", "citty=ours"], "attributes");
}
