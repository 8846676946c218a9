//! A whole crossing with Pipedrive: persons and leads in by the connector's own presets, calls and meetings out.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use ferry_tests::sim::clock::Start;
use ferry_tests::sim::faults::{Fault, Rule};
use ferry_tests::sim::pipedrive::{Options, Pipedrive};
use serde_json::{Value, json};

use crate::rig::{Host, preset};

/// More leads than a page has.
const LEADS: u64 = 650;

/// More than a page of the list of changes, none of them divisible by it.
const PERSONS: u64 = 1_234;

struct Crossing {
    crm: Pipedrive,
    host: Host,
}

impl Crossing {
    fn new(persons: u64) -> Self {
        let crossing = Self::connected(persons);
        crossing.create_sync();
        crossing
    }

    /// With a connection and no sync yet.
    fn connected(persons: u64) -> Self {
        let crm = Pipedrive::start(Options { contacts: persons, clock: Start::Now, ..Options::default() }).unwrap();
        let host = Host::new();
        host.install("pipedrive", Some(crm.base_url()));
        host.install("field-mapper", None);
        let token = host.state.path().join("token");
        std::fs::write(&token, &crm.credentials().api_token).unwrap();
        let token = token.display().to_string();
        let words = ["connection", "add", "crm", "--plugin", "pipedrive", "--base-url", crm.base_url()];
        host.ok(&[&words[..], &["--sign-in", "header", "--token-file", &token]].concat());
        Self { crm, host }
    }

    fn create_sync(&self) {
        // A number without a country code is somebody's: the preset leaves the country to the admin.
        let mapping = self.host.state.path().join("contacts.toml");
        let text = std::fs::read_to_string(preset("pipedrive", "contacts-in")).unwrap();
        std::fs::write(&mapping, text.replace("# region = \"DE\"", "region = \"DE\"")).unwrap();
        let mapping = mapping.display().to_string();
        let call = format!("call=activities:{}", preset("pipedrive", "call-out"));
        let appointment = format!("appointment=activities:{}", preset("pipedrive", "appointment-out"));
        let words = ["sync", "create", "people", "--connection", "crm", "--object", "persons", "--mapping", &mapping];
        self.host.ok(&[&words[..], &["--outbound", &call, "--outbound", &appointment]].concat());
    }

    fn run(&self) -> Value {
        self.host.ok(&["sync", "run", "people"]).document()
    }

    fn refused(&self) -> usize {
        self.host.ok(&["contacts", "list", "--sync", "people", "--refused", "--limit", "1000000"]).documents().len()
    }

    fn calls(&self) -> Vec<Value> {
        self.crm.records("activities")
    }
}

#[test]
fn persons_come_in_and_stay_in_step() {
    let crossing = Crossing::new(PERSONS);
    let fields = crossing.host.ok(&["fields", "crm", "persons"]).documents();
    let source = fields.iter().find(|field| field["label"] == "Lead source").unwrap();
    assert_eq!((source["custom"].clone(), source["choices"][0]["label"].clone()), (json!(true), json!("Trade show")));
    let counts = crossing.run()["inbound"]["counts"].clone();
    assert_eq!(counts["rows"], PERSONS, "{counts}");
    let (contacts, refused) = (crossing.host.contacts(), crossing.refused());
    let skipped = usize::try_from(counts["skipped"].as_u64().unwrap()).unwrap();
    assert_eq!(contacts.len() + refused + skipped, usize::try_from(PERSONS).unwrap(), "every person is somewhere");
    for person in crossing.crm.records("persons") {
        let Some(contact) = contacts.get(&person["id"].to_string()) else { continue };
        let primary = person["emails"].as_array().unwrap().iter().find(|entry| entry["primary"] == true);
        let email = primary.map(|entry| entry["value"].as_str().unwrap().to_lowercase());
        assert_eq!(contact["attributes"]["email"].as_str(), email.as_deref(), "{person}");
    }

    let mut ids = contacts.keys().map(|id| id.parse::<u64>().unwrap());
    let (edited, deleted, kept, merged) =
        (ids.next().unwrap(), ids.next().unwrap(), ids.next().unwrap(), ids.next().unwrap());
    crossing.crm.update("persons", edited, &json!({"job_title": "Pilot"}));
    crossing.crm.delete("persons", deleted);
    crossing.crm.merge("persons", kept, merged);
    // The host leaves the newest minute alone, since late records may appear in it.
    crossing.crm.clock().advance(120_000);
    crossing.run();
    let after = crossing.host.contacts();
    assert!(!after.contains_key(&deleted.to_string()) && !after.contains_key(&merged.to_string()));
    assert_eq!(after.len(), contacts.len() - 2);
}

#[test]
fn a_call_is_an_activity_once_although_its_answer_was_lost() {
    let crossing = Crossing::new(40);
    crossing.run();
    let contact = crossing.host.contacts().into_iter().next().unwrap();
    let id = contact.1["id"].as_str().unwrap().to_owned();
    let words = ["outcome", "record", "call", "--contact", &id, "--id", "call-1", "--at", "2026-11-23T14:30:00Z"];
    crossing.host.ok(&[&words[..], &["disposition=connected", "duration_s=83", "summary=Said <yes>"]].concat());
    let words = ["outcome", "record", "appointment", "--contact", &id, "--id", "meeting-1", "title=Demo"];
    crossing.host.ok(&[&words[..], &["starts_at=2026-12-01T09:00:00Z"]].concat());
    crossing.crm.fault(Rule::times(Fault::CommitThenDrop, 1).at("POST /api/v2/activities"));
    // What may have left is asked about after a pause, and what is about the same person waits for it.
    for _ in 0..60 {
        crossing.host.say(&["sync", "run", "people", "--outbound-only"]);
        if crossing.host.ok(&["outbox", "list"]).documents().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    let mut activities = crossing.calls();
    activities.sort_by_key(|activity| activity["type"].to_string());
    assert_eq!(activities.len(), 2, "{activities:#?}");
    let record: u64 = contact.0.parse().unwrap();
    let call = &activities[0];
    for (name, value) in [
        ("type", json!("call")),
        ("subject", json!("Call: connected")),
        ("due_date", json!("2026-11-23")),
        ("due_time", json!("14:30:00")),
        ("duration", json!("00:02")),
        ("done", json!(true)),
        ("person_id", json!(record)),
    ] {
        assert_eq!(call[name], value, "{name} of {call:#}");
    }
    assert!(call["note"].as_str().unwrap().starts_with("Said &lt;yes&gt;<br>[ref "), "{call:#}");
    assert_eq!((&activities[1]["type"], &activities[1]["done"]), (&json!("meeting"), &json!(false)));
    assert_eq!(crossing.host.ok(&["outbox", "list", "--dead"]).documents().len(), 0);
}

/// What those who work in Pipedrive call a lead; its id ends with it.
fn number(lead: &str) -> u64 {
    u64::from_str_radix(lead.rsplit_once('-').unwrap().1, 16).unwrap()
}

#[test]
fn leads_come_in_as_whom_they_are_about_and_a_call_goes_to_the_lead() {
    let crossing = Crossing::connected(4 * LEADS);
    let call = format!("call=activities:{}", preset("pipedrive", "call-out"));
    let words = ["sync", "create", "leads", "--connection", "crm", "--object", "leads", "--preset", "leads-in"];
    crossing.host.ok(&[&words[..], &["--outbound", &call]].concat());
    let run = || crossing.host.ok(&["sync", "run", "leads"]).document()["inbound"]["counts"].clone();
    let counts = run();
    // A lead that shares its second with the end of a page comes twice.
    assert!((LEADS..LEADS + 10).contains(&counts["rows"].as_u64().unwrap()), "{counts}");

    let persons = crossing.crm.records("persons");
    let person = |lead: &Value| persons.iter().find(|person| person["id"] == lead["person_id"]);
    let contacts = crossing.host.contacts();
    let refused = crossing.host.ok(&["contacts", "list", "--sync", "leads", "--refused", "--limit", "1000000"]);
    let refused: Vec<Value> = refused.documents().iter().map(|row| row["record"].clone()).collect();
    for lead in crossing.crm.records("leads") {
        let reached =
            person(&lead).is_some_and(|person| person["emails"] != json!([]) || person["phones"] != json!([]));
        let contact = contacts.get(lead["id"].as_str().unwrap());
        assert_eq!(contact.is_some() || refused.contains(&lead["id"]), reached, "{lead}");
        let Some(contact) = contact else { continue };
        let attributes = &contact["attributes"];
        assert_eq!(attributes["lead_title"], lead["title"]);
        assert_eq!(attributes["first_name"], person(&lead).unwrap()["first_name"]);
    }
    assert!(contacts.len() > 300, "{}", contacts.len());

    let mut ids = contacts.keys();
    let [edited, deleted, archived, called] = [(); 4].map(|()| ids.next().unwrap());
    let words = ["outcome", "record", "call", "--id", "call-1", "--at", "2026-11-23T14:30:00Z", "--contact"];
    let contact = contacts[called]["id"].as_str().unwrap();
    crossing.host.ok(&[&words[..], &[contact, "disposition=connected", "duration_s=83"]].concat());
    crossing.crm.update("leads", number(edited), &json!({"title": "A fleet"}));
    crossing.crm.delete("leads", number(deleted));
    crossing.crm.update("leads", number(archived), &json!({"is_archived": true}));
    // The host leaves the newest minute alone, since late records may appear in it.
    crossing.crm.clock().advance(120_000);
    run();
    crossing.host.ok(&["sync", "sweep", "leads"]);
    let after = crossing.host.contacts();
    assert_eq!(after[edited]["attributes"]["lead_title"], "A fleet");
    assert!(!after.contains_key(deleted) && !after.contains_key(archived));
    assert_eq!(after.len(), contacts.len() - 2);
    let activities = crossing.calls();
    assert_eq!((activities.len(), &activities[0]["lead_id"]), (1, &json!(called)), "{activities:#?}");
}
