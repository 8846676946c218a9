//! `ferry plugin test` and replay: every shipped plugin passes, and a wrong one fails the check whose rule it breaks.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::path::{Path, PathBuf};

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
    for plugin in ["hubspot", "salesforce", "field-mapper"] {
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
