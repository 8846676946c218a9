//! A changed mapping: planned over what is stored, applied to every contact, rolled back. Without a call to the CRM.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rig::{Rig, mapping};

impl Rig {
    /// The mapping of the demo with something replaced, in a file.
    fn changed_mapping(&self, from: &str, to: &str) -> String {
        let text = std::fs::read_to_string(mapping("contacts.toml")).unwrap();
        assert!(text.contains(from));
        let path = self.host.state.path().join("changed.toml");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        path.display().to_string()
    }

    fn cities(&self) -> BTreeMap<String, Value> {
        let contacts = self.host.contacts().into_iter();
        contacts.map(|(record, contact)| (record, contact["attributes"]["city"].clone())).collect()
    }

    fn requests(&self) -> u64 {
        self.crm.counters().values().sum()
    }
}

#[test]
fn a_mapping_is_planned_applied_and_rolled_back_over_what_is_stored() {
    let rig = Rig::new(60, 61);
    rig.run_inbound();
    let before = rig.cities();
    let requests = rig.requests();
    let refused = rig.host.ok(&["contacts", "list", "--refused"]).documents().len();
    let upper = rig.changed_mapping("from = \"city\"", "from = \"city\"\ntransform = [\"upper\"]");

    let planned = rig.host.ok(&["sync", "plan", "people", "--mapping", &upper, "--all"]).documents();
    let (sums, rows) = planned.split_last().unwrap();
    let is_changed = |city: &&Value| city.as_str().is_some_and(|city| city != city.to_uppercase());
    let changing = before.values().filter(is_changed).count();
    assert!(changing > 10, "{before:?}");
    assert_eq!((&sums["counts"]["changed"], &sums["rekeyed"]), (&json!(changing), &json!(0)), "{sums:#}");
    assert_eq!(sums["counts"]["refused"], refused, "{sums:#}");
    let change = &rows.iter().find(|row| row["verdict"]["kind"] == "changed").unwrap()["verdict"]["changes"][0];
    assert_eq!((&change["attribute"], &change["policy"]), (&json!("city"), &json!("crm")), "{change:#}");
    assert_eq!(rig.cities(), before);

    let applied = rig.host.ok(&["sync", "apply", "people", "--mapping", &upper]).document();
    assert_eq!((&applied["mapping_version"], &applied["run"]["counts"]["changed"]), (&json!(2), &json!(changing)));
    let after = rig.cities();
    for (record, city) in &before {
        assert_eq!(after[record].as_str().map(str::to_owned), city.as_str().map(str::to_uppercase));
    }
    let (record, _) = before.iter().find(|(_, city)| is_changed(city)).unwrap();
    let contact = rig.host.contacts()[record]["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.host.ok(&["why", &contact, "city"]).document()["by"]["mapping_version"], 2);

    let back = rig.host.ok(&["sync", "rollback", "people"]).document();
    assert_eq!(back["mapping_version"], 1);
    assert_eq!(rig.cities(), before);
    assert_eq!(rig.requests(), requests, "the CRM was asked");
    rig.host.fails(&["sync", "rollback", "people"], "mapping-first");
    // Rows that come again are known, under the mapping that is there now.
    assert_eq!(rig.run_inbound()["changed"], 0);
}

#[test]
fn a_crash_at_any_commit_of_an_apply_leaves_one_mapping_for_every_contact() {
    /// Points after which an apply is surely over.
    const MOST_POINTS: u32 = 100;
    let rig = Rig::new(60, 64);
    rig.run_inbound();
    let plain = rig.cities();
    let upper = rig.changed_mapping("from = \"city\"", "from = \"city\"\ntransform = [\"upper\"]");
    let demo = mapping("contacts.toml").display().to_string();
    let mut died = 0;
    for point in 0..MOST_POINTS {
        let file = if point % 2 == 0 { &upper } else { &demo };
        let words = ["sync", "apply", "people", "--mapping", file];
        let output = rig.host.command(&words).env("FERRY_CRASH_AFTER", point.to_string()).output().unwrap();
        rig.run_inbound();
        let sync = rig.host.ok(&["sync", "show", "people"]).document();
        let is_upper = sync["mapping"]["configuration"].as_str().unwrap().contains("upper");
        for (record, city) in rig.cities() {
            let expected = plain[&record].as_str().map(|city| if is_upper { city.to_uppercase() } else { city.into() });
            assert_eq!(city.as_str().map(str::to_owned), expected, "point {point}, record {record}");
        }
        match output.status.code() {
            Some(0) => break,
            None => died += 1,
            code => panic!("{code:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    assert!((5..MOST_POINTS).contains(&died), "it died {died} times");
}

#[test]
fn what_a_person_has_set_survives_another_mapping() {
    let rig = Rig::connected(20, 62);
    rig.create_sync(&["--policy", "city=ours"]);
    rig.run_inbound();
    let (record, contact) = rig.host.contacts().into_iter().nth(4).unwrap();
    rig.host.ok(&["contacts", "set", contact["id"].as_str().unwrap(), "city=Ours"]);
    let upper = rig.changed_mapping("from = \"city\"", "from = \"city\"\ntransform = [\"upper\"]");
    rig.host.ok(&["sync", "apply", "people", "--mapping", &upper]);
    assert_eq!(rig.cities()[&record], "Ours");
}

#[test]
fn another_match_key_or_a_field_that_was_not_read_needs_a_person() {
    let rig = Rig::new(30, 63);
    rig.run_inbound();
    let before = rig.host.contacts();
    let rekeyed =
        rig.changed_mapping("from = \"email\"\ntype = \"email\"", "template = \"x-{email}\"\ntype = \"email\"");
    rig.host.fails(&["sync", "apply", "people", "--mapping", &rekeyed], "match-key-change");
    let unread = rig.changed_mapping("from = \"jobtitle\"", "from = \"website\"");
    rig.host.fails(&["sync", "plan", "people", "--mapping", &unread], "rows-lack-columns");
    rig.host.fails(&["sync", "apply", "people", "--mapping", &unread], "rows-lack-columns");
    assert_eq!(rig.host.contacts(), before);
    assert_eq!(rig.host.ok(&["sync", "show", "people"]).document()["mapping_version"], 1);

    let record = before.keys().next().unwrap();
    rig.crm.update("contacts", record.parse().unwrap(), &[("website", "https://example.com")]).unwrap();
    rig.host.ok(&["sync", "apply", "people", "--mapping", &unread, "--reread"]);
    assert!(rig.run_inbound()["rows"].as_u64().unwrap() >= 30);
    assert_eq!(rig.host.contacts()[record]["attributes"]["job_title"], "https://example.com");
    let agreed = rig.host.ok(&["sync", "apply", "people", "--mapping", &rekeyed, "--agree", "--reread"]);
    assert_eq!(agreed.document()["mapping_version"], 3);
}
