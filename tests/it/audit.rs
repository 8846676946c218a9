//! The audit log: who changed what, and that nobody can change that.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::{Host, Rig};
use crate::web::Web;

/// Action, kind of thing, name, and who, of each entry.
fn told(host: &Host) -> Vec<(String, String, Value)> {
    let entries = host.ok(&["audit", "list", "--from", "a1", "--limit", "1000"]).documents();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let line = |entry: &Value| format!("{} {} {}", text(entry, "action"), text(entry, "what"), text(entry, "subject"));
    entries.iter().map(|entry| (text(entry, "id"), line(entry), entry["who"]["name"].clone())).collect()
}

/// Writes into the store behind the host's back: entry `id` of the log as `change` wants it.
fn tamper(host: &Host, id: u64, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) {
    let db = loop {
        // The program that was there a moment ago gives its lock up late.
        if let Ok(db) = sled::open(host.state.path().join("data")) {
            break db;
        }
    };
    let tree = db.open_tree("ferry").unwrap();
    // Sixteen entries side by side: the place of each, its length, its bytes.
    let key = [&1_u32.to_be_bytes()[..], &[73], &(id / 16).to_be_bytes()].concat();
    let bucket = tree.get(&key).unwrap().unwrap();
    let (mut rest, mut written, mut change) = (&bucket[..], Vec::new(), Some(change));
    while let Some((place, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk().unwrap();
        let (entry, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        rest = after;
        let entry = match change.take_if(|_| u64::from(*place) == id % 16) {
            Some(change) => change(entry.to_vec()),
            None => Some(entry.to_vec()),
        };
        if let Some(entry) = entry {
            written.push(*place);
            written.extend(u32::try_from(entry.len()).unwrap().to_be_bytes());
            written.extend(entry);
        }
    }
    assert!(change.is_none(), "there is no entry {id}");
    tree.insert(key, written).unwrap();
    db.flush().unwrap();
}

#[test]
fn every_change_is_written_down_with_who_made_it_and_no_secret() {
    let rig = Rig::served(10, 101);
    rig.create_sync(&[]);
    let token = rig.host.ok(&["token", "create", "dialer", "--scope", "write"]).document()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let web = Web::new(&rig.host).with_token(&token);
    rig.host.ok(&["sync", "schedule", "people", "--cron", "0 3 1 1 *"]);
    assert_eq!(web.post("/v1/syncs/people/pause", &json!({})).status, 200);
    rig.run_inbound();
    assert_eq!(web.post("/v1/suppressions", &json!({"email": "ada@example.com", "reason": "asked"})).status, 201);
    let words = ["hook", "add", "calls", "--url", "http://127.0.0.1:9/events", "--allow-loopback"];
    let secret = rig.host.ok(&words).document()["secret"].as_str().unwrap().to_owned();
    // What fails changes nothing and is not written down.
    rig.host.fails(&["token", "revoke", "nobody"], "token-not-found");
    rig.host.ok(&["sync", "remove", "people"]);

    let (lines, who): (Vec<String>, Vec<Value>) = told(&rig.host).into_iter().map(|(_, line, who)| (line, who)).unzip();
    for line in [
        "created plugin hubspot",
        "created connection crm",
        "created sync people",
        "created token dialer",
        "changed timetable people",
        "run sync people",
        "created suppression email ada@example.com",
        "created hook calls",
        "removed sync people",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
    }
    let by_token: Vec<&String> =
        lines.iter().zip(&who).filter(|(_, who)| *who == "dialer").map(|(line, _)| line).collect();
    assert_eq!(by_token, ["changed timetable people", "created suppression email ada@example.com"]);
    assert!(who.iter().all(|who| who.as_str().is_some_and(|name| !name.is_empty())), "{who:?}");
    let log = rig.host.ok(&["audit", "list", "--from", "a1", "--limit", "1000"]);
    let paused = log.documents().into_iter().find(|entry| entry["who"]["name"] == "dialer").unwrap();
    assert_eq!((&paused["before"], &paused["after"]), (&json!({"paused": false}), &json!({"paused": true})));
    for secret in [token.rsplit('_').next().unwrap(), &secret[6..], &rig.crm.credentials().service_key] {
        assert!(!log.stdout.contains(secret));
    }
    assert!(!log.stdout.contains("sealed") && !log.stdout.contains("\"hash\":["));

    // It is whole, and whoever changes it behind the host's back is found out.
    let noted = rig.host.ok(&["audit", "verify"]).document()["end"].as_str().unwrap().to_owned();
    rig.host.ok(&["token", "revoke", "dialer"]);
    rig.host.ok(&["audit", "verify", "--noted", &noted]);
    let mut host = rig.host;
    let last = told(&host).len() as u64;
    assert_eq!(host.server().end(), Some(0));
    tamper(&host, last, |_| None);
    host.ok(&["audit", "verify", "--noted", &noted]);
    tamper(&host, last - 1, |_| None);
    host.fails(&["audit", "verify", "--noted", &noted], "audit-log");
    host.ok(&["audit", "verify"]);
    tamper(&host, 2, |entry| Some(String::from_utf8(entry).unwrap().replace("created", "changed").into_bytes()));
    host.fails(&["audit", "verify"], "audit-log");
}

#[test]
fn an_entry_that_is_taken_out_leaves_a_gap() {
    let host = Host::new();
    for name in ["a", "b", "c"] {
        host.ok(&["token", "create", name]);
    }
    tamper(&host, 1, |_| None);
    let error = host.fails(&["audit", "verify"], "audit-log");
    assert!(error["message"].as_str().unwrap().contains("before a2"), "{error}");
}
