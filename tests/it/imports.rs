//! Contacts from a CSV file: through the same mapping, checks, matching and preview as a CRM's records, and out again.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::{Host, Rig};

const MAPPING: &str = r#"region = "DE"

[fields.first_name]
from = "First name"
transform = ["trim", "title"]

[fields.email]
from = "E-mail"
type = "email"
required = true

[fields.phone]
from = "Phone"
type = "phone"

[fields.city]
from = "Town"
"#;

/// As a spreadsheet of a German office saves it.
const FILE: &str = "\u{feff}No;First name;E-mail;Phone;Town\r\n\
    1;ada ;Ada@Example.com;030 1234567;Berlin\r\n\
    2;\"Bo; the \"\"second\"\"\";bo@example.com;;\"Two\r\nLines\"\r\n\
    3;Cy;;;Ulm\r\n\
    4;Di;di@example.com;12;Ulm\r\n";

fn write(host: &Host, name: &str, text: &str) -> String {
    let path = host.state.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn host() -> Host {
    let host = Host::new();
    host.install("field-mapper", None);
    host
}

fn import<'a>(file: &'a str, mapping: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["contacts", "import", file, "--mapping", mapping, "--id", "No"][..], more].concat()
}

#[test]
fn a_file_is_previewed_imported_and_exported() {
    let host = host();
    let (file, mapping) = (write(&host, "people.csv", FILE), write(&host, "people.toml", MAPPING));
    let preview = host.ok(&import(&file, &mapping, &["--preview"])).document();
    let kinds: Vec<&str> =
        preview["rows"].as_array().unwrap().iter().map(|row| row["verdict"]["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, &preview["total"]), (vec!["created", "created", "refused", "refused"], &json!(4)));
    assert_eq!(host.ok(&["contacts", "list"]).documents(), Vec::<Value>::new(), "a preview writes nothing");

    let counts = host.ok(&import(&file, &mapping, &[])).document()["counts"].clone();
    assert_eq!((&counts["rows"], &counts["created"], &counts["refused"]), (&json!(4), &json!(2), &json!(2)));
    let contacts = host.contacts();
    let expected = json!({"first_name": "Ada", "email": "ada@example.com", "phone": "+49301234567", "city": "Berlin"});
    assert_eq!(contacts["1"]["attributes"], expected);
    assert_eq!(contacts["2"]["attributes"]["city"], "Two\r\nLines");
    let refused = host.ok(&["contacts", "list", "--sync", "people", "--refused"]).documents();
    let records: Vec<&Value> = refused.iter().map(|refusal| &refusal["record"]).collect();
    assert_eq!(records, ["3", "4"]);
    let why = host.ok(&["why", contacts["1"]["id"].as_str().unwrap(), "city"]);
    assert!(why.stdout.contains("people"), "{why:?}");

    // The same file again, and one in which a row has changed.
    let counts = host.ok(&import(&file, &mapping, &[])).document()["counts"].clone();
    assert_eq!((&counts["created"], &counts["changed"], &counts["unchanged"]), (&json!(0), &json!(0), &json!(2)));
    let later = write(&host, "later.csv", &FILE.replace("Berlin", "Bonn"));
    let counts = host.ok(&import(&later, &mapping, &["--name", "people"])).document()["counts"].clone();
    assert_eq!((&counts["created"], &counts["changed"]), (&json!(0), &json!(1)));

    let exported = host.ok(&["contacts", "export"]).stdout;
    let mut lines = exported.lines();
    assert!(lines.next().unwrap().starts_with("id,created,changed,"), "{exported}");
    assert!(exported.contains("Bonn") && exported.contains("+49301234567"), "{exported}");
    // What went out comes in again, by its own names.
    let own = "[fields.email]\nfrom = \"email\"\n[fields.city]\nfrom = \"city\"\n";
    let (out, own) = (write(&host, "out.csv", &exported), write(&host, "own.toml", own));
    let counts = host.ok(&["contacts", "import", &out, "--mapping", &own]).document()["counts"].clone();
    assert_eq!((&counts["created"], &counts["changed"]), (&json!(0), &json!(2)), "each is linked with its contact");
    assert_eq!(host.ok(&["contacts", "list"]).documents().len(), 2);
}

#[test]
fn rows_find_the_contacts_of_a_crm_and_go_through_a_running_server() {
    let rig = Rig::served(5, 7);
    rig.create_sync(&[]);
    rig.run_inbound();
    let contacts = rig.host.contacts();
    let known = contacts.values().find(|contact| contact["attributes"]["email"].is_string()).unwrap();
    let email = known["attributes"]["email"].as_str().unwrap();
    let file = write(&rig.host, "fair.csv", &format!("No,E-mail,Town,First name,Phone\n7,{email},Ulm,,\n"));
    let mapping = write(&rig.host, "fair.toml", MAPPING);
    let preview = rig.host.ok(&import(&file, &mapping, &["--preview"])).document();
    let verdict = &preview["rows"][0]["verdict"];
    assert_eq!((&verdict["kind"], &verdict["contact"]), (&json!("linked"), &known["id"]), "{preview:#}");
    rig.host.ok(&import(&file, &mapping, &["--policy", "city=ours"]));
    let found = rig.host.contacts();
    assert_eq!((found.len(), &found["7"]["id"]), (contacts.len() + 1, &known["id"]), "one contact, two records");
    // An import is run by importing: nothing else can read its file.
    let error = rig.host.fails(&["sync", "run", "fair"], "of-files");
    assert!(error["remedy"].as_str().unwrap().contains("contacts import"), "{error:#}");
    rig.host.fails(&["sync", "schedule", "fair", "--every", "15m"], "of-files");
    rig.host.fails(&import(&file, &mapping, &["--name", "people"]), "name-taken");
    rig.host.ok(&["doctor", "--offline"]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_before_anything_is_written() {
    let host = host();
    let mapping = write(&host, "people.toml", MAPPING);
    let twice = write(&host, "twice.csv", &format!("{FILE}1;Ed;ed@example.com;;\r\n5;short\r\n"));
    let error = host.fails(&import(&twice, &mapping, &[]), "import-file");
    let causes = error["causes"].to_string();
    assert!(
        causes.contains("line 7: it has the id of line 2") && causes.contains("line 8: it has 2 values"),
        "{error:#}"
    );
    assert_eq!(host.ok(&["contacts", "list"]).documents(), Vec::<Value>::new());
    let nameless = write(&host, "people.csv", FILE);
    let error = host.fails(&["contacts", "import", &nameless, "--mapping", &mapping], "import-id");
    assert!(error["remedy"].as_str().unwrap().contains("No, First name, E-mail"), "{error:#}");
    let other = write(&host, "other.toml", "[fields.city]\nfrom = \"Twon\"\n");
    let error = host.fails(&import(&nameless, &other, &[]), "mapping-mistakes");
    assert!(error.to_string().contains("Town"), "what was probably meant: {error:#}");
    host.fails(&import("nowhere.csv", &mapping, &["--name", "x"]), "file-read");
}
