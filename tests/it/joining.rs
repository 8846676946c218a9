//! Who is who, as people say: held records, two CRMs that feed one contact, contacts split and merged.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::{Rig, mapping};

impl Rig {
    /// A second account, as far as Ferry can tell, whose sync finds contacts by e-mail and fills what is empty.
    fn add_second_crm(&self) {
        let token = self.host.state.path().join("token").display().to_string();
        let words = ["connection", "add", "crm2", "--plugin", "hubspot", "--base-url", self.crm.base_url()];
        self.host.ok(&[&words[..], &["--sign-in", "bearer", "--token-file", &token]].concat());
        let text = std::fs::read_to_string(mapping("contacts.toml")).unwrap();
        let text = text.replace("[fields.city]\nfrom = \"city\"", "[fields.city]\nconstant = \"Second\"");
        let file = self.host.state.path().join("second.toml");
        std::fs::write(&file, text).unwrap();
        let words = ["sync", "create", "second", "--connection", "crm2", "--object", "contacts", "--match", "email"];
        let mapping = ["--mapping", &file.display().to_string(), "--policy", "city=fill-if-empty"].map(str::to_owned);
        self.host.ok(&words.into_iter().chain(mapping.iter().map(String::as_str)).collect::<Vec<_>>());
    }

    fn run_second(&self) -> Value {
        self.host.ok(&["sync", "run", "second"]).document()["inbound"]["counts"].clone()
    }

    fn all(&self) -> Vec<Value> {
        self.host.ok(&["contacts", "list", "--limit", "1000000"]).documents()
    }
}

#[test]
fn two_crms_feed_one_contact_and_the_stronger_one_keeps_its_values() {
    let rig = Rig::connected(40, 81);
    rig.create_sync(&[]);
    rig.add_second_crm();
    rig.run_inbound();
    let before = rig.all();
    rig.run_second();
    let both: Vec<Value> =
        rig.all().into_iter().filter(|contact| contact["links"].as_array().unwrap().len() == 2).collect();
    assert!(both.len() > 20, "{} contacts have both", both.len());
    for contact in &both {
        let first = before.iter().find(|known| known["id"] == contact["id"]).unwrap();
        let expected = match &first["attributes"]["city"] {
            Value::Null => json!("Second"),
            city => city.clone(),
        };
        assert_eq!(contact["attributes"]["city"], expected, "{contact:#}");
    }
    // The stronger one changes its mind, the weaker one does not undo it.
    let id = both[0]["id"].as_str().unwrap();
    let record = both[0]["links"][0]["record"].as_str().unwrap().parse().unwrap();
    rig.crm.update("contacts", record, &[("city", "First"), ("company", "News")]).unwrap();
    for _ in 0..2 {
        rig.run_inbound();
        rig.run_second();
    }
    assert_eq!(rig.host.ok(&["contacts", "show", id]).document()["attributes"]["city"], "First");
}

#[test]
fn a_contact_is_split_and_merged_again_and_the_runs_follow() {
    let rig = Rig::connected(40, 82);
    rig.create_sync(&[]);
    rig.add_second_crm();
    rig.run_inbound();
    rig.run_second();
    let before = rig.all();
    let whole = before.iter().find(|contact| contact["links"].as_array().unwrap().len() == 2).unwrap();
    let id = whole["id"].as_str().unwrap();
    let off = rig.host.ok(&["contacts", "split", id, "--sync", "second"]).document();
    let off_id = off["id"].as_str().unwrap();
    assert_eq!((off["links"].as_array().unwrap().len(), &off["attributes"]["city"]), (1, &json!("Second")), "{off:#}");
    assert_eq!(rig.all().len(), before.len() + 1);
    rig.host.fails(&["contacts", "split", id, "--sync", "people"], "only-record");
    // The runs know now who is who.
    assert_eq!((&rig.run_inbound()["created"], &rig.run_second()["created"]), (&json!(0), &json!(0)));
    assert_eq!(rig.all().len(), before.len() + 1);

    let merged = rig.host.ok(&["contacts", "merge", id, off_id]).document();
    assert_eq!((&merged["attributes"], merged["links"].as_array().unwrap().len()), (&whole["attributes"], 2));
    assert_eq!(rig.host.ok(&["contacts", "show", off_id]).document()["id"], id);
    let other = before.iter().find(|contact| contact["id"] != id && contact["links"][0]["sync"] == "people").unwrap();
    rig.host.fails(&["contacts", "merge", id, other["id"].as_str().unwrap()], "same-sync");
    assert_eq!((&rig.run_inbound()["created"], &rig.run_second()["created"]), (&json!(0), &json!(0)));
    assert_eq!(rig.all().len(), before.len());
    let record = whole["links"][0]["record"].as_str().unwrap().parse().unwrap();
    rig.crm.update("contacts", record, &[("company", "Both")]).unwrap();
    rig.run_second();
    assert_eq!(rig.host.ok(&["contacts", "show", id]).document()["attributes"]["company"], "Both");
}

#[test]
fn a_held_record_is_whose_a_person_says() {
    let rig = Rig::connected(5, 83);
    rig.create_sync(&[]);
    let known =
        [("firstname", "Ada"), ("email", "ada@example.com"), ("phone", "+49 30 5550001"), ("country", "Germany")];
    rig.crm.create("contacts", &known).unwrap();
    let like = [("firstname", "A."), ("phone", "+49 30 5550001"), ("country", "Germany")];
    let record = rig.crm.create("contacts", &like).unwrap().to_string();
    rig.run_inbound();
    let held = rig.host.ok(&["contacts", "list", "--refused"]).documents();
    let held = held.iter().find(|row| row["record"] == record).unwrap();
    assert_eq!(held["reason"]["kind"], "held", "{held:#}");
    let ada = held["reason"]["candidates"][0].as_str().unwrap();
    let link = ["contacts", "link", &record, "--sync", "people"];
    rig.host.fails(&[&link[..], &["--contact", ada]].concat(), "same-sync");
    let new = rig.host.ok(&[&link[..], &["--new"]].concat()).document();
    assert_eq!((&new["attributes"]["first_name"], &new["links"][0]["record"]), (&json!("A."), &json!(record)));
    rig.host.fails(&[&link[..], &["--new"]].concat(), "record-not-held");
    rig.crm.update("contacts", record.parse().unwrap(), &[("city", "Ulm")]).unwrap();
    let counts = rig.run_inbound();
    assert_eq!((&counts["changed"], &counts["refused"]), (&json!(1), &json!(0)), "{counts}");
}
