//! A whole crossing with Salesforce: the application signs in by itself, contacts come in by the connector's own preset,
//! calls and appointments go out as tasks and events.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod sets;

use ferry_tests::sim::clock::Start;
use ferry_tests::sim::faults::{Fault, Rule};
use ferry_tests::sim::salesforce::{Options, Salesforce};
use serde_json::{Value, json};

use crate::rig::{Host, preset};

struct Crossing {
    crm: Salesforce,
    host: Host,
}

impl Crossing {
    fn new(contacts: u64) -> Self {
        let crossing = Self::connected(contacts, &[]);
        let call = format!("call=Task:{}", preset("salesforce", "call-out"));
        let appointment = format!("appointment=Event:{}", preset("salesforce", "appointment-out"));
        crossing.sync(
            "people",
            "Contact",
            &["--preset", "contacts-in", "--outbound", &call, "--outbound", &appointment],
        );
        crossing
    }

    /// Signed in, with these options of the connection and no sync yet.
    fn connected(contacts: u64, options: &[&str]) -> Self {
        let crm = Salesforce::start(Options { contacts, clock: Start::Now, ..Options::default() }).unwrap();
        let host = Host::new();
        host.install("salesforce", Some(crm.base_url()));
        host.install("field-mapper", None);
        let secret = host.state.path().join("secret");
        std::fs::write(&secret, &crm.credentials().client_secret).unwrap();
        let secret = secret.display().to_string();
        let words = ["connection", "add", "crm", "--plugin", "salesforce", "--base-url", crm.base_url()];
        let sign_in = ["--sign-in", "client-credentials", "--client-secret-file", &secret];
        let mut command = host.command(&[&words[..], &sign_in, options].concat());
        let said = crate::rig::said(command.env("FERRY_CLIENT_ID", &crm.credentials().client_id).output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        Self { crm, host }
    }

    fn sync(&self, name: &str, object: &str, ways: &[&str]) {
        let words = ["sync", "create", name, "--connection", "crm", "--object", object];
        self.host.ok(&[&words[..], ways].concat());
    }

    fn run(&self) -> Value {
        self.run_of("people")
    }

    fn run_of(&self, sync: &str) -> Value {
        self.host.ok(&["sync", "run", sync]).document()["inbound"]["counts"].clone()
    }

    /// The fields of each record of an object that is not deleted.
    fn records(&self, object: &str) -> Vec<Value> {
        let records = self.crm.records(object, 0, 10_000).unwrap();
        records.iter().map(|record| serde_json::to_value(record).unwrap()).collect()
    }
}

#[test]
fn contacts_come_in_and_stay_in_step() {
    let crossing = Crossing::new(700);
    let counts = crossing.run();
    let sum = |names: &[&str]| names.iter().map(|name| counts[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum(&["rows"]), sum(&["created", "changed", "skipped", "refused"])), (700, 700), "{counts}");
    let contacts = crossing.host.contacts();
    let mut ids = contacts.keys();
    let (edited, deleted, kept, merged) =
        (ids.next().unwrap(), ids.next().unwrap(), ids.next().unwrap(), ids.next().unwrap());
    crossing.crm.update(edited, &json!({"FirstName": "Renamed"}), None).unwrap();
    crossing.crm.delete(deleted).unwrap();
    crossing.crm.merge(kept, merged).unwrap();
    // The session ends in between: the host signs in anew and the run does not notice.
    crossing.crm.expire_tokens();
    crossing.run();
    let after = crossing.host.contacts();
    assert_eq!(after[edited]["attributes"]["first_name"], "Renamed");
    assert!(!after.contains_key(deleted) && !after.contains_key(merged));
    assert_eq!(after.len(), contacts.len() - 2);
}

#[test]
fn very_many_contacts_come_in_by_bulk_jobs_that_are_waited_for() {
    let crossing = Crossing::connected(2_500, &["--set", "bulk_from=1000"]);
    crossing.sync("people", "Contact", &["--preset", "contacts-in"]);
    // One partition's job fails, and the session ends while results are read: the records come all the same.
    crossing.crm.fault(Rule::times(Fault::BulkFailed, 1));
    crossing.crm.fault(Rule { skip: 1, ..Rule::times(Fault::ExpireTokens, 1).at("GET /jobs/query/{id}/results") });
    let counts = crossing.run();
    let sum = |names: &[&str]| names.iter().map(|name| counts[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum(&["rows"]), sum(&["created", "changed", "skipped", "refused"])), (2_500, 2_500), "{counts}");
    let calls = crossing.crm.counters();
    let jobs = calls["POST /jobs/query"];
    assert!(jobs > 1 && calls["GET /jobs/query/{id}"] >= 2 * jobs, "{calls:#?}");
    assert!(calls["GET /jobs/query/{id}/results"] > jobs, "{calls:#?}");
    assert!(crossing.crm.faults().iter().all(|fault| fault.struck == 1), "{:#?}", crossing.crm.faults());
    assert_eq!(crossing.run()["created"], json!(0));
}

#[test]
fn what_queries_show_late_comes_in_although_later_changes_came_before_it() {
    let crossing = Crossing::new(30);
    crossing.run();
    let before = crossing.host.contacts();
    let mut ids = before.keys();
    let (late, later, early) = (ids.next().unwrap(), ids.next().unwrap(), ids.next().unwrap());
    let update = |id: &str, name: &str| crossing.crm.update(id, &json!({"FirstName": name}), None).unwrap();
    crossing.crm.switch(|switches| switches.search_lag_ms = 60_000);
    update(late, "Late");
    let fields = json!({"LastName": "New", "Email": "new.arrival@example.com"});
    let new = crossing.crm.create("Contact", &fields, None).unwrap();
    crossing.crm.delete(later).unwrap();
    crossing.crm.switch(|switches| switches.search_lag_ms = 0);
    crossing.crm.clock().advance(1_000);
    update(early, "Early");
    crossing.run();
    let name = |contacts: &std::collections::BTreeMap<String, Value>, id: &str| {
        contacts.get(id).map(|contact| contact["attributes"]["first_name"].clone())
    };
    let between = crossing.host.contacts();
    assert_eq!(name(&between, early), Some(json!("Early")));
    assert_eq!((name(&between, late), name(&between, &new)), (name(&before, late), None));
    crossing.crm.clock().advance(60_000);
    crossing.run();
    let after = crossing.host.contacts();
    assert_eq!(name(&after, late), Some(json!("Late")));
    assert!(after.contains_key(&new) && !after.contains_key(later));
}

#[test]
fn a_call_is_a_task_once_although_its_answer_was_lost() {
    let crossing = Crossing::new(20);
    crossing.run();
    let (record, contact) = crossing.host.contacts().into_iter().next().unwrap();
    let id = contact["id"].as_str().unwrap().to_owned();
    let words = ["outcome", "record", "call", "--contact", &id, "--id", "call-1", "--at", "2026-11-23T14:30:00Z"];
    crossing.host.ok(&[&words[..], &["disposition=connected", "duration_s=83", "summary=Wants a quote"]].concat());
    let words = ["outcome", "record", "appointment", "--contact", &id, "--id", "meeting-1", "title=Demo"];
    crossing.host.ok(&[&words[..], &["starts_at=2026-12-01T09:00:00Z"]].concat());
    let before = (crossing.records("Task").len(), crossing.records("Event").len());
    crossing.crm.fault(Rule::times(Fault::CommitThenDrop, 1));
    for _ in 0..3 {
        crossing.host.say(&["sync", "run", "people", "--outbound-only"]);
    }
    let (tasks, events) = (crossing.records("Task"), crossing.records("Event"));
    assert_eq!((tasks.len(), events.len()), (before.0 + 1, before.1 + 1), "{tasks:#?} {events:#?}");
    let made = |records: &[Value], subject: &str| {
        let text = |record: &Value| record.to_string();
        let found: Vec<String> = records.iter().map(text).filter(|text| text.contains(subject)).collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].clone()
    };
    let task = made(&tasks, "Call: connected");
    for part in [r#""CallDurationInSeconds":83"#, r#""Status":"Completed""#, r#""ActivityDate":"2026-11-23""#, &record]
    {
        assert!(task.contains(part), "{part} in {task}");
    }
    assert!(made(&events, r#""Demo""#).contains(&record));
    // Whoever listens to changes can tell ours from a person's.
    let changes = crossing.crm.changes();
    assert!(
        changes.len() >= 2 && changes.iter().all(|change| change.change_origin.ends_with(";client=ferry")),
        "{changes:#?}"
    );
    assert_eq!(crossing.host.ok(&["outbox", "list", "--dead"]).documents().len(), 0);
}

#[test]
fn a_converted_lead_is_followed_to_its_contact_and_so_is_the_call() {
    let crossing = Crossing::connected(40, &[]);
    let call = format!("call=Task:{}", preset("salesforce", "call-out"));
    crossing.sync("leads", "Lead", &["--preset", "leads-in", "--outbound", &call]);
    crossing.sync("people", "Contact", &["--preset", "contacts-in"]);
    assert_eq!(crossing.run_of("leads")["rows"], json!(10));
    let before = crossing.host.contacts();
    let (lead, contact) = before.iter().next().unwrap();
    let id = contact["id"].as_str().unwrap();
    let words = ["outcome", "record", "call", "--contact", id, "--id", "call-1", "--at", "2026-11-23T14:30:00Z"];
    crossing.host.ok(&[&words[..], &["disposition=connected", "duration_s=83"]].concat());
    let [_, converted] = crossing.crm.convert(lead).unwrap();
    let counts = crossing.run_of("leads");
    assert_eq!((&counts["gone"], &counts["refused"]), (&json!(1), &json!(0)), "{counts}");
    let after = crossing.host.contacts();
    assert_eq!((after[&converted]["id"].as_str(), after.len()), (Some(id), before.len()));
    assert!(!after.contains_key(lead));
    // The contact's own sync finds the person that the lead was.
    crossing.crm.update(&converted, &json!({"Title": "Converted"}), None).unwrap();
    crossing.run();
    let after = crossing.host.contacts();
    assert_eq!(
        (&after[&converted]["id"], &after[&converted]["attributes"]["job_title"]),
        (&json!(id), &json!("Converted"))
    );
    crossing.host.ok(&["sync", "run", "leads", "--outbound-only"]);
    let tasks = crossing.records("Task");
    let of_contact = tasks.iter().filter(|task| task["properties"]["WhoId"] == json!(converted));
    assert_eq!(of_contact.count(), 1, "{tasks:#?}");
    assert_eq!(crossing.host.ok(&["outbox", "list", "--dead"]).documents().len(), 0);
}

#[test]
fn a_list_view_brings_its_contacts_and_no_others() {
    let crossing = Crossing::connected(300, &[]);
    let segments = crossing.host.ok(&["segments", "crm", "Contact"]).documents();
    let named = |name: &str| segments.iter().find(|segment| segment["name"] == name).cloned();
    assert!(named("Newsletter").is_some_and(|campaign| campaign["size"].as_u64() > Some(0)), "{segments:#?}");
    assert_eq!(named("Recently Viewed Contacts"), None);
    let view = named("Web or fair, where written to").unwrap();
    crossing.sync("people", "Contact", &["--preset", "contacts-in", "--segment", view["id"].as_str().unwrap()]);
    let counts = crossing.run();
    let fits = |record: &Value| {
        let fields = &record["properties"];
        (fields["LeadSource"] == "Web" || fields["LeadSource"] == "Trade Show") && !fields["Email"].is_null()
    };
    let expected = crossing.records("Contact").iter().filter(|record| fits(record)).count();
    assert!((10..290).contains(&expected) && counts["rows"] == json!(expected), "{expected} {counts}");
}

#[test]
fn a_field_that_the_org_begins_to_hide_ends_the_run_with_its_name_and_empties_nothing() {
    let crossing = Crossing::new(30);
    crossing.run();
    let before = crossing.host.contacts();
    crossing.crm.switch(|switches| switches.hidden_fields = ["Contact.MobilePhone".to_owned()].into());
    let said = crossing.host.say(&["sync", "run", "people"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    let error = said.error();
    assert!(error.to_string().contains("MobilePhone"), "{error:#}");
    for key in ["message", "whose", "remedy"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "no {key}: {error:#}");
    }
    assert_eq!(crossing.host.contacts(), before);
}

#[test]
fn an_application_signs_in_by_a_jwt_and_a_stranger_does_not() {
    let crm = Salesforce::start(Options { clock: Start::Now, ..Options::default() }).unwrap();
    let credentials = crm.credentials();
    let host = Host::new();
    host.install("salesforce", Some(crm.base_url()));
    let connect = |name: &str, user: &str| {
        let key = credentials.jwt_key_file.display().to_string();
        let words = ["connection", "add", name, "--plugin", "salesforce", "--base-url", crm.base_url()];
        let sign_in = ["--sign-in", "jwt-bearer", "--user", user, "--jwt-key-file", &key];
        let mut command = host.command(&[&words[..], &sign_in].concat());
        crate::rig::said(command.env("FERRY_CLIENT_ID", &credentials.client_id).output().unwrap())
    };
    let said = connect("crm", &credentials.username);
    assert_eq!(said.code, Some(0), "{said:?}");
    let objects = host.ok(&["objects", "crm"]).documents();
    assert!(objects.iter().any(|object| object["name"] == "Lead"), "{objects:#?}");
    let refused = connect("other", "nobody@ferry.example");
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let error = refused.error();
    assert_eq!((&error["code"], &error["whose"]), (&json!("crm-unauthorized"), &json!("crm")), "{error:#}");
    assert!(error["causes"][1].as_str().unwrap().contains("user hasn't approved this consumer"), "{error:#}");
}
