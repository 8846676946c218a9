//! Whole crossings with a real Tryton server from PyPI, on SQLite, on a free port. Nothing is simulated here: what a Tryton does is
//! what these tests see. The server and a database with parties and opportunities are made once per pin, beside the build's output.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::clients::{Failure, PYTHON_MISSING, finish, install_once, python_install};
use crate::rig::{Host, preset};

/// More than a page of this connector.
const PARTIES: usize = 1_050;

fn live(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("live").join(file)
}

/// The server's programs, and a database with the modules that these tests need.
fn install(home: &Path) -> Result<(), Failure> {
    python_install(home)?;
    let mut prepare = Command::new(home.join("venv/bin/python"));
    finish(prepare.arg(live("tryton.py")).arg("prepare").arg(home.join("crm.sqlite"))).map(drop)
}

fn installed() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| {
        install_once("tryton", &live("requirements.txt"), "python3", PYTHON_MISSING, install).unwrap_or_else(
            |failure| {
                panic!("there is no Tryton server to test against: it could not be installed from PyPI\n{failure}")
            },
        )
    })
}

/// A running server with a database of its own, and somebody who works in it. It ends with this, and with whoever started it.
struct Tryton {
    base_url: String,
    user: String,
    password: String,
    process: Child,
    talk: RefCell<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Tryton {
    fn start() -> Self {
        let home = installed();
        let mut command = Command::new(home.join("venv/bin/python"));
        command.arg(live("tryton.py")).arg("serve").arg(home.join("crm.sqlite"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, mut stdout) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("Tryton did not start: see above"));
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let talk = RefCell::new(Some((stdin, stdout)));
        Self { base_url: text("base_url"), user: text("user"), password: text("password"), process, talk }
    }

    /// A call by somebody who works in Tryton.
    fn call(&self, method: &str, parameters: &[Value]) -> Value {
        let mut talk = self.talk.borrow_mut();
        let (stdin, stdout) = talk.as_mut().unwrap();
        let words: Vec<Value> = std::iter::once(json!(method)).chain(parameters.iter().cloned()).collect();
        writeln!(stdin, "{}", Value::from(words)).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    fn model(&self, model: &str, method: &str, parameters: &[Value]) -> Value {
        let all: Vec<Value> = parameters.iter().cloned().chain([json!({})]).collect();
        self.call(&format!("model.{model}.{method}"), &all)
    }

    /// Somebody's interest in each of these, which sales people keep as leads of their company.
    fn create_leads(&self, leads: &[(Value, &str)]) {
        let made = |model: &str, values: Value| self.model(model, "create", &[json!([values])])[0].clone();
        let currency = made("currency.currency", json!({"name": "Euro", "code": "EUR", "symbol": "€"}));
        let seller = made("party.party", json!({"name": "Seller"}));
        let company = made("company.company", json!({"party": seller, "currency": currency}));
        let user = self.records("res.user", json!([["login", "=", self.user]]), &["id"])[0]["id"].clone();
        self.model(
            "res.user",
            "write",
            &[json!([user]), json!({"companies": [["add", [company]]], "company": company})],
        );
        let lead = |(party, title): &(Value, &str)| json!({"company": company, "currency": currency, "party": party, "description": title});
        let leads: Vec<Value> = leads.iter().map(lead).collect();
        self.model("sale.opportunity", "create", &[leads.into()]);
    }

    /// All records of a model that are found by a domain, by their id.
    fn records(&self, model: &str, domain: Value, fields: &[&str]) -> Vec<Value> {
        let order = json!([["id", "ASC"]]);
        let found = self.model(model, "search_read", &[domain, json!(0), json!(null), order, json!(fields)]);
        found.as_array().unwrap().clone()
    }
}

impl Drop for Tryton {
    fn drop(&mut self) {
        // It ends when nobody speaks to it any more.
        self.talk.take();
        let _ = self.process.wait();
    }
}

struct Crossing {
    crm: Tryton,
    host: Host,
}

impl Crossing {
    fn new(parties: usize) -> Self {
        let (crm, host) = (Tryton::start(), Host::new());
        if parties > 0 {
            let people: Vec<Value> = (1..=parties).map(person).collect();
            crm.model("party.party", "create", &[people.into()]);
        }
        host.install("tryton", Some(crm.base_url.strip_suffix("/crm").unwrap()));
        host.install("field-mapper", None);
        Self { crm, host }
    }

    fn connect_words(&self, password: &str) -> Vec<String> {
        let file = self.host.state.path().join("password");
        std::fs::write(&file, password).unwrap();
        let file = file.display().to_string();
        let words = ["connection", "add", "crm", "--plugin", "tryton", "--base-url", &self.crm.base_url];
        let words = words.into_iter().chain(["--user", &self.crm.user, "--token-file", &file]);
        words.map(str::to_owned).collect()
    }

    fn connected(parties: usize) -> Self {
        let crossing = Self::new(parties);
        let words = crossing.connect_words(&crossing.crm.password);
        crossing.host.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
        crossing
    }

    fn create_sync(&self) {
        let file = |name: &str, text: &str| {
            let path = self.host.state.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let text = std::fs::read_to_string(preset("tryton", "contacts-in")).unwrap();
        // A number without a country code is somebody's: the preset leaves the country to the admin.
        let mapping = file("contacts.toml", &text.replace("# region = \"DE\"", "region = \"DE\""));
        let call = format!("call=ir.note:{}", preset("tryton", "call-out"));
        // Whoever is qualified gets a number, which is a way to reach them.
        let back = file("back.toml", "[fields.phone]\nfrom = \"reason\"\ntype = \"text\"\n");
        let qualification = format!("qualification=party.party:{back}");
        let words =
            ["sync", "create", "people", "--connection", "crm", "--object", "party.party", "--mapping", &mapping];
        self.host.ok(&[&words[..], &["--outbound", &call, "--outbound", &qualification]].concat());
    }

    fn run(&self) -> Value {
        self.host.ok(&["sync", "run", "people"]).document()
    }

    /// One call of the connector; gives what it answered.
    fn trace(&self, words: &[&str]) -> Value {
        let file = self.host.state.path().join("trace.json");
        let _ = std::fs::remove_file(&file);
        let file = file.display().to_string();
        self.host.ok(&[&["trace", "crm"][..], words, &["--save", &file]].concat());
        let trace: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        trace["ending"]["answer"].clone()
    }

    fn push(&self, writes: &Value) -> Value {
        let file = self.host.state.path().join("writes.json");
        std::fs::write(&file, writes.to_string()).unwrap();
        self.trace(&["push", "party.party", &file.display().to_string()])
    }
}

fn person(number: usize) -> Value {
    json!({
        "name": format!("Zoë {number}"), "email": format!("person{number}@example.com"),
        "addresses": [["create", [{"street": "Main street 1", "postal_code": "20095", "city": "Hamburg"}]]],
    })
}

#[test]
fn live_parties_come_in_from_tryton_and_stay_in_step() {
    let crossing = Crossing::connected(PARTIES);
    let objects = crossing.host.ok(&["objects", "crm"]).documents();
    let names: Vec<&str> = objects.iter().map(|object| object["name"].as_str().unwrap()).collect();
    let expected = ["party.party", "party.address", "party.contact_mechanism", "sale.opportunity", "ir.note"];
    assert_eq!(names, expected, "what the modules bring");
    let fields = crossing.host.ok(&["fields", "crm", "party.party"]).documents();
    let kind = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap()["kind"].clone();
    let kinds = ["name", "email", "lang", "addresses.city", "last_modified_at"].map(kind);
    assert_eq!(kinds, ["text", "email", "reference", "text", "instant"]);

    crossing.create_sync();
    let counts = crossing.run()["inbound"]["counts"].clone();
    assert_eq!(counts["created"], PARTIES, "{counts}");
    let contacts = crossing.host.contacts();
    for party in crossing.crm.records("party.party", json!([]), &["name", "email", "code"]) {
        let expected = json!({"full_name": party["name"], "email": party["email"], "customer_number": party["code"],
            "street": "Main street 1", "postal_code": "20095", "city": "Hamburg"});
        assert_eq!(contacts[&party["id"].to_string()]["attributes"], expected);
    }

    // Of these only the first moves the stamp of a party.
    let write = |model: &str, id: &Value, values: Value| crossing.crm.model(model, "write", &[json!([id]), values]);
    write("party.party", &json!(1), json!({"name": "Renamed"}));
    let mechanism = crossing.crm.records("party.contact_mechanism", json!([["party", "=", 2]]), &["id"]);
    write("party.contact_mechanism", &mechanism[0]["id"], json!({"value": "other@example.com"}));
    write("party.party", &json!(3), json!({"active": false}));
    crossing.crm.model("party.party", "delete", &[json!([4, 1_049])]);
    // Tryton takes only parties of one name for the same.
    write("party.party", &json!(5), json!({"name": "Zoë 6"}));
    let session = crossing.crm.call("wizard.party.replace.create", &[json!({})])[0].clone();
    let replace = json!({"ask": {"source": 5, "destination": 6}});
    let context = json!({"active_model": "party.party", "active_id": 5, "active_ids": [5]});
    crossing.crm.call("wizard.party.replace.execute", &[session, replace, json!("replace"), context]);
    crossing.run();
    let after = crossing.host.contacts();
    let attribute = |id: &str, name: &str| after[id]["attributes"][name].clone();
    assert_eq!(attribute("1", "full_name"), "Renamed");
    assert_eq!(attribute("2", "email"), "other@example.com");
    for gone in ["3", "4", "5", "1049"] {
        assert!(!after.contains_key(gone), "{gone} is still there");
    }
    assert_eq!(after.len(), PARTIES - 4);
}

#[test]
fn live_leads_come_in_from_tryton_with_their_parties() {
    let crossing = Crossing::connected(3);
    let (crm, host) = (&crossing.crm, &crossing.host);
    crm.create_leads(&[(json!(1), "Wants ten"), (json!(2), "Wants one"), (json!(null), "Rang the bell")]);
    let words = ["sync", "create", "leads", "--connection", "crm", "--object", "sale.opportunity"];
    let how = ["--preset", "leads-in", "--filter", "state = lead", "--outbound", "call=ir.note:preset/call-out"];
    host.ok(&[&words[..], &how].concat());
    let run = || host.ok(&["sync", "run", "leads"]).document()["inbound"]["counts"].clone();
    let counts = run();
    assert_eq!((&counts["created"], &counts["skipped"]), (&json!(2), &json!(1)), "nobody can be told of the third");
    let lead = |number: usize, title: &str| {
        json!({"full_name": format!("Zoë {number}"), "email": format!("person{number}@example.com"),
            "city": "Hamburg", "lead_title": title, "lead_status": "lead"})
    };
    let contacts = host.contacts();
    let attributes: Vec<(&String, &Value)> = contacts.iter().map(|(id, it)| (id, &it["attributes"])).collect();
    let expected = [(&"1".to_owned(), &lead(1, "Wants ten")), (&"2".to_owned(), &lead(2, "Wants one"))];
    assert_eq!(attributes, expected);

    // Neither moves the stamp of the lead.
    let mechanism = crm.records("party.contact_mechanism", json!([["party", "=", 1]]), &["id"])[0]["id"].clone();
    crm.model("party.contact_mechanism", "write", &[json!([mechanism]), json!({"value": "other@example.com"})]);
    crm.model("party.party", "write", &[json!([2]), json!({"name": "Renamed"})]);
    run();
    let contacts = host.contacts();
    assert_eq!(contacts["1"]["attributes"]["email"], "other@example.com");
    assert_eq!(contacts["2"]["attributes"]["full_name"], "Renamed");

    let contact = contacts["1"]["id"].as_str().unwrap().to_owned();
    host.ok(&["outcome", "record", "call", "--contact", &contact, "--id", "call-1", "disposition=connected"]);
    host.ok(&["sync", "run", "leads", "--outbound-only"]);
    assert_eq!(crm.records("ir.note", json!([]), &["resource"])[0]["resource"], "sale.opportunity,1");

    crm.model("sale.opportunity", "lost", &[json!([2])]);
    let swept = host.ok(&["sync", "sweep", "leads"]).document();
    assert_eq!((&swept["gone"], &swept["outside"]), (&json!(0), &json!(1)), "what is lost is no lead any more");
}

#[test]
fn live_outcomes_arrive_in_tryton_once() {
    let crossing = Crossing::connected(3);
    crossing.create_sync();
    crossing.run();
    let id = crossing.host.contacts()["2"]["id"].as_str().unwrap().to_owned();
    let record = |kind: &str, outcome: &str, values: &[&str]| {
        let words = ["outcome", "record", kind, "--contact", &id, "--id", outcome, "--at", "2026-11-23T14:30:00Z"];
        crossing.host.ok(&[&words[..], values].concat());
    };
    record("call", "call-1", &["disposition=connected", "duration_s=83", "summary=Wants a quote"]);
    record("qualification", "verdict-1", &["result=qualified", "reason=+4940123456"]);
    for _ in 0..2 {
        crossing.host.ok(&["sync", "run", "people", "--outbound-only"]);
    }
    assert_eq!(crossing.host.ok(&["outbox", "list", "--dead"]).documents(), Vec::<Value>::new());
    let notes = crossing.crm.records("ir.note", json!([]), &["resource", "message"]);
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert_eq!(notes[0]["resource"], "party.party,2");
    let message = notes[0]["message"].as_str().unwrap();
    assert!(message.starts_with("Call: connected\n") && message.contains("\nWants a quote\n[ref "), "{message}");
    let reached = crossing.crm.records("party.contact_mechanism", json!([["party", "=", 2]]), &["type", "value"]);
    let reached: Vec<(&Value, &Value)> = reached.iter().map(|one| (&one["type"], &one["value"])).collect();
    assert_eq!(reached, [(&json!("email"), &json!("person2@example.com")), (&json!("phone"), &json!("+4940123456"))]);
}

#[test]
fn live_writes_have_what_tryton_says_to_them() {
    let crossing = Crossing::connected(2);
    let page = crossing.trace(&["pull", "party.party", "--columns", "name", "--filter", "email = person1@example.com"]);
    let version = page["rows"][0]["version"].clone();
    assert_eq!((page["rows"].as_array().unwrap().len(), version.is_string()), (1, true), "{page:#}");
    let write = |key: &str, operation: Value, values: Value, version: &Value| {
        json!({"key": key, "operation": operation,
        "values": values, "links": [], "version": version})
    };
    let name = |text: &str| json!([["name", {"text": text}]]);
    let (none, update) = (json!(null), |id: &str| json!({"update": {"id": id}}));
    let outcomes = crossing.push(&json!([
        write("w1", json!("create"), json!([["name", {"text": "New"}], ["email", {"text": "new@example.com"}]]), &none),
        write("w2", update("1"), name("First"), &version),
        write("w3", update("1"), name("Second"), &version),
        write("w4", update("2"), json!([["email", {"text": "changed@example.com"}]]), &none),
        write("w5", update("999"), name("Nobody"), &none),
        write("w6", json!("create"), json!([["name", {"text": "Twin"}], ["code", {"text": "1"}]]), &none),
    ]));
    let written =
        |id: &str, created: bool| json!({"written": {"id": id, "created": created, "modified": null, "version": null}});
    let rejected = |message: &str| json!({"rejected": [{"field": null, "message": message}]});
    let expected = json!([
        written("3", true),
        written("1", false),
        "conflict",
        written("2", false),
        rejected("Tryton has no record of this id"),
        rejected("Tryton refuses the record: another record has this value"),
    ]);
    assert_eq!(outcomes, expected);
    let parties = crossing.crm.records("party.party", json!([]), &["name", "email"]);
    let held: Vec<(&Value, &Value)> = parties.iter().map(|party| (&party["name"], &party["email"])).collect();
    let expected = [("First", "person1@example.com"), ("Zoë 2", "changed@example.com"), ("New", "new@example.com")];
    let expected = expected.map(|(name, email)| (json!(name), json!(email)));
    assert_eq!(held, expected.iter().map(|(name, email)| (name, email)).collect::<Vec<_>>());
}

#[test]
fn live_a_wrong_password_is_said_to_be_one() {
    let crossing = Crossing::new(0);
    let words = crossing.connect_words("wrong");
    let error = crossing.host.fails(&words.iter().map(String::as_str).collect::<Vec<_>>(), "crm-unauthorized");
    assert!(!error.to_string().contains("wrong-"), "{error:#}");
}
