//! `ferry plugin test` and replay: every shipped plugin passes, and a wrong one fails the check whose rule it breaks.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::path::{Path, PathBuf};

use ferry_tests::sim::faults::{Fault, Rule};
use serde_json::Value;

use crate::rig::{Host, Rig, component};

fn cassettes(plugin: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors").join(plugin).join("cassettes").display().to_string()
}

/// The checks that failed, with what was found, and whether the exit code says the same.
fn failed(host: &Host, plugin: &str, folder: &str) -> Vec<(String, String)> {
    let said = host.say(&["plugin", "test", &component(plugin).display().to_string(), "--cassettes", folder]);
    let document = said.document();
    assert_eq!(said.code == Some(0), document["passed"] == true, "{said:?}");
    let checks = document["report"]["checks"].as_array().unwrap().clone();
    let failed = checks.iter().filter(|check| check["failed"] != 0);
    failed
        .map(|check| (check["id"].as_str().unwrap().to_owned(), check["findings"][0]["problem"].to_string()))
        .collect()
}

#[test]
fn every_shipped_plugin_passes_on_its_cassettes() {
    let host = Host::new();
    for plugin in ["hubspot", "salesforce", "pipedrive", "odoo", "tryton", "field-mapper", "script-mapper"] {
        assert_eq!(failed(&host, plugin, &cassettes(plugin)), [], "{plugin}");
    }
}

/// A folder with one cassette for the hostile plugin in a mode.
fn hostile(host: &Host, mode: &str, call: &str) -> PathBuf {
    let folder = host.state.path().join(format!("cassettes-{mode}"));
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!("title = 't'\nsettings = {{ mode = '{mode}', rows = 3, page = 2 }}\n[[call]]\n{call}\n");
    std::fs::write(folder.join("one.toml"), text).unwrap();
    folder
}

const PULL: &str = "ask = { verb = 'pull', object = 'contacts', columns = ['first_name'], limit = 100 }
expect = { answer = { rows = '<any>', gone = [], total = '<any>' } }";

const PUSH: &str = "ask = { verb = 'push', object = 'contacts', writes = [{ key = 'a', operation = 'create', values = [], links = [] }] }
expect = { answer = '<any>' }";

#[test]
fn a_wrong_plugin_fails_the_check_whose_rule_it_breaks() {
    let host = Host::new();
    for (mode, call, check, told) in [
        ("ok", PULL, "unknown-object", "as if there were such an object"),
        ("trap", PULL, "contract", "crashed"),
        ("short-row", PULL, "contract", "a row has 0 values for 1 columns"),
        ("same-token", PULL, "contract", "the next page is this page again"),
        ("allocate", PULL, "limits", "more than 64 MiB"),
        ("many-calls", PULL, "limits", "host calls"),
        ("lying-push", PUSH, "writes", "0 outcomes for 1 writes"),
    ] {
        let folder = hostile(&host, mode, call).display().to_string();
        let failed = failed(&host, "hostile", &folder);
        let found = failed.iter().find(|(id, _)| id == check);
        assert!(found.is_some_and(|(_, problem)| problem.contains(told)), "{mode}: {failed:?}");
    }
}

/// What fails of a guest with `mode` in place of the mode of its own cassettes.
fn failed_in(host: &Host, guest: &str, mode: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    let cassettes = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests").join(guest).join("cassettes");
    let folder = host.state.path().join(format!("{guest}-{mode}"));
    std::fs::create_dir_all(&folder).unwrap();
    for file in std::fs::read_dir(cassettes).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.contains("\"careful\""), "{text}");
        let text = change(&text.replace("\"careful\"", &format!("\"{mode}\"")));
        std::fs::write(folder.join(file.file_name()), text).unwrap();
    }
    failed(host, guest, &folder.display().to_string()).into_iter().map(|(check, _)| check).collect()
}

/// Everything that can go wrong with a request.
const TROUBLES: [&str; 9] = [
    "rate-limited",
    "exhausted",
    "server-error",
    "unreachable",
    "unanswered",
    "truncated",
    "malformed",
    "expired-session",
    "refused-sign-in",
];

#[test]
fn a_careless_connector_fails_the_checks_whose_rule_it_breaks_and_no_other() {
    let host = Host::new();
    for (mode, checks) in [
        ("careful", &[][..]),
        ("deaf", &TROUBLES),
        ("hopeless", &TROUBLES),
        ("talkative", &["discretion"]),
        ("moody", &["pages"]),
        ("inventive", &["unknown-field"]),
        ("hopeful", &TROUBLES),
        ("harsh", &TROUBLES),
        ("hasty", &["server-error", "unanswered", "truncated", "malformed"]),
        ("forgetful", &["lost-replies"]),
        ("trusting", &["signatures"]),
    ] {
        assert_eq!(failed_in(&host, "hostile", mode, str::to_owned), checks, "{mode}");
    }
    // It comes by its first page again.
    let (first, rest) =
        ("[[call.exchange]]\nrequest = { method = \"GET\", target = \"/people\"", "[[call]]\nask = { verb = \"push\"");
    let twice = |text: &str| {
        let from = text.find(first).unwrap();
        let page = &text[from..from + text[from..].find("\n\n").unwrap()];
        text.replace(rest, &format!("{page}\n\n{rest}"))
    };
    assert_eq!(failed_in(&host, "hostile", "circling", twice), ["tokens"]);
}

#[test]
fn a_careless_mapper_fails_the_checks_whose_rule_it_breaks_and_no_other() {
    let host = Host::new();
    for (mode, checks) in [
        ("careful", &["nonsense"][..]),
        ("wrong", &["answers", "nonsense"]),
        ("moody", &["pure", "nonsense"]),
        ("greedy", &["total", "nonsense"]),
        ("fragile", &["total", "nonsense"]),
    ] {
        assert_eq!(failed_in(&host, "careless-mapper", mode, str::to_owned), checks, "{mode}");
    }
}

#[test]
fn a_request_that_no_cassette_has_is_told_with_the_nearest() {
    let host = Host::new();
    let folder = host.state.path().join("wrong");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "title = 't'
[[call]]
ask = { verb = 'fields', object = 'contacts' }
expect = { answer = [] }
[[call.exchange]]
request = { method = 'GET', target = '/crm/v3/properties/people' }
answer = { status = 200, body = { text = '{\"results\": []}' } }
";
    std::fs::write(folder.join("one.toml"), text).unwrap();
    let failed = failed(&host, "hubspot", &folder.display().to_string());
    let answers = failed.iter().find(|(id, _)| id == "answers").unwrap();
    for part in ["no request of the cassette is", "the nearest is", "/crm/v3/properties/people", "target: "] {
        assert!(answers.1.contains(part), "{answers:?}");
    }
}

#[test]
fn a_trace_is_replayed_byte_for_byte_and_holds_no_credential() {
    let rig = Rig::connected(5, 7);
    let file = rig.host.state.path().join("page.json");
    let path = file.display().to_string();
    rig.host.ok(&["trace", "crm", "pull", "contacts", "--columns", "email,city", "--save", &path]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(&rig.crm.credentials().service_key), "a credential is in the trace");
    let plugin = component("hubspot").display().to_string();
    let replayed = rig.host.ok(&["plugin", "replay", &plugin, &path]).document();
    assert_eq!((&replayed["same"], &replayed["verb"]), (&Value::from(true), &Value::from("pull")));
    // Another request than the recorded one is told with its place.
    let mut other: Value = serde_json::from_str(&text).unwrap();
    other["call"]["columns"] = serde_json::json!(["city"]);
    std::fs::write(&file, other.to_string()).unwrap();
    let said = rig.host.say(&["plugin", "replay", &plugin, &path]);
    assert_eq!(said.code, Some(6), "{said:?}");
    assert_eq!(said.document()["divergence"]["place"], "exchange 2", "{said:?}");
}

#[test]
fn a_failed_page_keeps_a_trace_for_its_owner_that_replays_and_holds_no_credential() {
    let rig = Rig::new(5, 7);
    let folder = rig.host.state.path().join("traces");
    std::fs::create_dir(&folder).unwrap();
    let keep = folder.display().to_string();
    rig.crm.fault(Rule::always(Fault::WrongShape));
    let run = ["sync", "run", "people", "--inbound-only", "--keep-traces", &keep];
    rig.host.fails(&run, "crm-temporary");
    rig.crm.clear_faults(None);
    let files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "the run tries a page again, and keeps each try");
    for file in &files {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains(&rig.crm.credentials().service_key), "a credential is in the trace");
        let (plugin, trace) = (component("hubspot").display().to_string(), file.display().to_string());
        assert_eq!(rig.host.ok(&["plugin", "replay", &plugin, &trace]).document()["same"], true);
    }
    // A run that goes well keeps nothing.
    rig.host.ok(&run);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), files.len());
}
