//! A whole crossing with Odoo: contacts in by the connector's own preset, calls, appointments, tasks and verdicts out.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use ferry_tests::sim::clock::Start;
use ferry_tests::sim::faults::{Fault, Rule};
use ferry_tests::sim::odoo::{Odoo, Options, Switches};
use serde_json::{Value, json};

use crate::rig::{Host, preset};

/// More than a page of the connector's.
const PEOPLE: u64 = 1_234;

struct Crossing {
    crm: Odoo,
    host: Host,
}

impl Crossing {
    fn new(people: u64) -> Self {
        let crm = Odoo::start(Options { contacts: people, clock: Start::Now, ..Options::default() }).unwrap();
        let host = Host::new();
        host.install("odoo", Some(crm.base_url()));
        host.install("field-mapper", None);
        let crossing = Self { crm, host };
        let key = crossing.file("key", &crossing.crm.credentials().api_key);
        let words = ["connection", "add", "crm", "--plugin", "odoo", "--base-url", crossing.crm.base_url()];
        crossing.host.ok(&[&words[..], &["--sign-in", "bearer", "--token-file", &key]].concat());
        crossing.create_sync();
        crossing
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.host.state.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn create_sync(&self) {
        // A number without a country code is somebody's: the preset leaves the country to the admin.
        let text = std::fs::read_to_string(preset("odoo", "contacts-in")).unwrap();
        let mapping = self.file("contacts.toml", &text.replace("# region = \"DE\"", "region = \"DE\""));
        let verdict = "[fields.x_source]\nfrom = \"result\"\ntype = \"choice\"\nvalues = { qualified = \"web\" }\n";
        let out = [
            format!("call=mail.message:{}", preset("odoo", "call-out")),
            format!("appointment=calendar.event:{}", preset("odoo", "appointment-out")),
            format!("task=mail.activity:{}", preset("odoo", "task-out")),
            format!("qualification=res.partner:{}", self.file("verdict.toml", verdict)),
        ];
        let outbound: Vec<&str> = out.iter().flat_map(|word| ["--outbound", word]).collect();
        let words =
            ["sync", "create", "people", "--connection", "crm", "--object", "res.partner", "--mapping", &mapping];
        self.host.ok(&[&words[..], &["--filter", "is_company = false"], &outbound].concat());
    }

    fn run(&self) -> Value {
        self.host.ok(&["sync", "run", "people"]).document()
    }

    fn people(&self) -> Vec<Value> {
        self.crm.records("res.partner").into_iter().filter(|partner| partner["is_company"] == false).collect()
    }

    fn record(&self, kind: &str, contact: &str, values: &[&str]) {
        let words = ["outcome", "record", kind, "--contact", contact, "--id", kind, "--at", "2026-11-23T14:30:00Z"];
        self.host.ok(&[&words[..], values].concat());
    }
}

#[test]
fn contacts_come_in_and_stay_in_step() {
    let crossing = Crossing::new(PEOPLE);
    let fields = crossing.host.ok(&["fields", "crm", "res.partner"]).documents();
    let source = fields.iter().find(|field| field["name"] == "x_source").unwrap();
    assert_eq!((source["custom"].clone(), source["choices"][0]["label"].clone()), (json!(true), json!("Trade fair")));
    let counts = crossing.run()["inbound"]["counts"].clone();
    assert_eq!(counts["rows"], PEOPLE, "{counts}");
    let contacts = crossing.host.contacts();
    let refused = crossing.host.ok(&["contacts", "list", "--sync", "people", "--refused", "--limit", "1000000"]);
    let skipped = usize::try_from(counts["skipped"].as_u64().unwrap()).unwrap();
    let total = contacts.len() + refused.documents().len() + skipped;
    assert_eq!(total, usize::try_from(PEOPLE).unwrap(), "everybody is somewhere");
    for person in crossing.people() {
        let Some(contact) = contacts.get(&person["id"].to_string()) else { continue };
        let attributes = &contact["attributes"];
        assert_eq!(attributes["country"], person["country_id"][1], "{person}");
        let company = person["parent_id"].get(1).cloned().unwrap_or_default();
        assert_eq!(attributes["company"], company, "{person}");
    }

    let mut ids = contacts.keys().map(|id| id.parse::<i64>().unwrap());
    let (edited, archived) = (ids.next().unwrap(), ids.next().unwrap());
    crossing.crm.update("res.partner", edited, &json!({"function": "Pilot"}));
    crossing.crm.update("res.partner", archived, &json!({"active": false}));
    crossing.run();
    let after = crossing.host.contacts();
    assert_eq!(after[&edited.to_string()]["attributes"]["job_title"], "Pilot");
    assert!(!after.contains_key(&archived.to_string()));
    assert_eq!(after.len(), contacts.len() - 1);
}

#[test]
fn outcomes_arrive_in_odoo_once_although_an_answer_was_lost() {
    let crossing = Crossing::new(40);
    crossing.run();
    let (record, contact) = crossing.host.contacts().into_iter().next().unwrap();
    let (record, id) = (record.parse::<i64>().unwrap(), contact["id"].as_str().unwrap());
    crossing.record("call", id, &["disposition=connected", "duration_s=83", "summary=Said <yes>"]);
    crossing.record("appointment", id, &["title=Demo", "starts_at=2026-12-01T09:00:00Z"]);
    crossing.record("task", id, &["title=Send the offer", "due_at=2026-12-02T10:00:00Z"]);
    crossing.record("qualification", id, &["result=qualified"]);
    for model in ["mail.message", "calendar.event", "mail.activity"] {
        crossing.crm.fault(Rule::times(Fault::CommitThenDrop, 1).at(&format!("POST /json/2/{model}/load")));
    }
    for _ in 0..3 {
        crossing.host.say(&["sync", "run", "people", "--outbound-only"]);
    }
    assert_eq!(crossing.host.ok(&["outbox", "list", "--dead"]).documents(), Vec::<Value>::new());
    let one = |model: &str, names: &[&str]| -> Vec<Value> {
        let records = crossing.crm.records(model);
        assert_eq!(records.len(), 1, "{model}: {records:#?}");
        names.iter().map(|name| records[0][*name].clone()).collect()
    };
    let body = "<p>Call: connected, 83 s</p><p>Said &lt;yes&gt;</p>";
    let note = one("mail.message", &["body", "date", "model", "res_id", "message_type", "subtype_id"]);
    let expected = json!([body, "2026-11-23 14:30:00", "res.partner", record, "comment", [1, "Note"]]);
    assert_eq!(Value::from(note), expected);
    let event = one("calendar.event", &["name", "start", "stop", "partner_ids"]);
    assert_eq!(Value::from(event), json!(["Demo", "2026-12-01 09:00:00", "2026-12-01 09:00:00", [record]]));
    let activity = one("mail.activity", &["summary", "date_deadline", "res_id"]);
    assert_eq!(Value::from(activity), json!(["Send the offer", "2026-12-02", record]));
    let partner = crossing.people().into_iter().find(|person| person["id"] == record).unwrap();
    assert_eq!(partner["x_source"], "web");
}

#[test]
fn a_model_that_is_closed_is_named_and_a_key_that_was_taken_away_is_refused() {
    let crossing = Crossing::new(1);
    crossing.crm.switch(|switches: &mut Switches| {
        switches.closed.insert("mail.activity".to_owned());
        switches.without_crm = true;
    });
    let objects = crossing.host.ok(&["objects", "crm"]).documents();
    let names: Vec<&str> = objects.iter().map(|object| object["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["res.partner", "calendar.event", "mail.activity", "mail.message"]);
    let checked = crossing.host.ok(&["connection", "check", "crm"]).document();
    assert_eq!(checked["account"]["lacking"], json!(["reading mail.activity"]), "{checked:#}");
    crossing.crm.fault(Rule::times(Fault::ExpireTokens, 1));
    crossing.host.fails(&["connection", "check", "crm"], "crm-unauthorized");
}
