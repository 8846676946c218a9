//! Sweeps and checks find what nobody has told: deleted records, missed ones, different ones.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::Rig;

impl Rig {
    /// The differences and the sums of a check.
    fn verify(&self) -> (Vec<Value>, Value) {
        let mut told = self.host.ok(&["sync", "verify", "people"]).documents();
        let sums = told.pop().unwrap();
        (told, sums)
    }

    fn sweep(&self, more: &[&str]) -> Value {
        self.host.ok(&[&["sync", "sweep", "people"], more].concat()).document()
    }
}

#[test]
fn a_check_tells_what_is_missing_extra_and_different_and_a_sweep_mends_it() {
    let rig = Rig::new(130, 71);
    rig.run_inbound();
    let (told, sums) = rig.verify();
    assert_eq!((told, &sums["complete"], &sums["theirs"]), (vec![], &json!(true), &json!(130)), "{sums:#}");

    let records: Vec<String> = rig.host.contacts().into_keys().collect();
    let id = |at: usize| records[at].parse::<u64>().unwrap();
    rig.crm.update("contacts", id(0), &[("city", "Elsewhere"), ("company", "Else")]).unwrap();
    // Erased, as for a data subject: the CRM does not even tell that it was there.
    rig.crm.erase("contacts", id(1)).unwrap();
    let new = rig.crm.create("contacts", &[("firstname", "New"), ("email", "new@example.com")]).unwrap().to_string();
    let before = rig.host.contacts();
    let (mut told, sums) = rig.verify();
    told.iter_mut().for_each(|difference| drop(difference.as_object_mut().unwrap().remove("contact")));
    told.sort_by_key(|difference| difference["kind"].as_str().unwrap().to_owned());
    let expected = [
        json!({ "kind": "different", "record": records[0], "fields": ["city", "company"] }),
        json!({ "kind": "extra", "record": records[1] }),
        json!({ "kind": "missing", "record": new }),
    ];
    assert_eq!((&told[..], &sums["complete"]), (&expected[..], &json!(false)), "{sums:#}");
    assert_eq!(rig.host.contacts(), before, "a check changed something");

    let swept = rig.sweep(&[]);
    assert_eq!((&swept["gone"], &swept["fetched"], &swept["outside"]), (&json!(1), &json!(1), &json!(0)), "{swept:#}");
    let now = rig.host.contacts();
    assert!(now.contains_key(&new) && !now.contains_key(&records[1]));
    rig.run_inbound();
    let (told, sums) = rig.verify();
    assert_eq!((told, &sums["complete"]), (vec![], &json!(true)), "{sums:#}");
}

#[test]
fn more_than_a_tenth_is_not_marked_as_gone_unless_a_person_agrees() {
    let rig = Rig::new(60, 72);
    rig.run_inbound();
    let before = rig.host.contacts();
    for record in before.keys().take(9) {
        rig.crm.erase("contacts", record.parse().unwrap()).unwrap();
    }
    let error = rig.host.fails(&["sync", "sweep", "people"], "sweep-too-many-gone");
    assert!(error["message"].as_str().unwrap().starts_with("9 of "), "{error:#}");
    assert_eq!(rig.host.contacts(), before);
    assert_eq!(rig.sweep(&["--agree"])["gone"], 9);
    assert_eq!(rig.host.contacts().len(), before.len() - 9);
}

#[test]
fn a_record_that_leaves_the_filter_is_not_gone() {
    let rig = Rig::connected(60, 73);
    rig.create_sync(&["--filter", "city present"]);
    rig.run_inbound();
    let before = rig.host.contacts();
    let record = before.keys().next().unwrap();
    rig.crm.update("contacts", record.parse().unwrap(), &[("city", "")]).unwrap();
    let swept = rig.sweep(&[]);
    assert_eq!((&swept["gone"], &swept["outside"]), (&json!(0), &json!(1)), "{swept:#}");
    let mut after = rig.host.contacts();
    let left = after.get_mut(record).unwrap().pointer_mut("/links/0/left").unwrap().take();
    assert!(left.is_string(), "{left}");
    assert_eq!(after, before);
}
