//! The API of `ferry serve`, as a platform uses it.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::web::{Answer, Web};

/// A served rig with contacts in it, and the API by a token that may write.
fn stage(contacts: u64, seed: u64) -> (Rig, Web) {
    let rig = Rig::served(contacts, seed);
    rig.create_sync(&[]);
    rig.run_inbound();
    let web = Web::new(&rig.host).with_token(&token(&rig, "default", "dialer", "write"));
    (rig, web)
}

fn token(rig: &Rig, workspace: &str, name: &str, scope: &str) -> String {
    let made = rig.host.ok(&["token", "create", name, "--scope", scope, "--workspace", workspace]).document();
    made["token"].as_str().unwrap().to_owned()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json["code"].as_str()), (status, Some(code)), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.json["status"], status);
    for key in ["type", "title", "detail", "whose", "remedy"] {
        assert!(answer.json[key].as_str().is_some_and(|text| !text.is_empty()), "no {key}: {answer:?}");
    }
}

#[test]
fn a_platform_reads_contacts_hands_over_outcomes_and_looks_after_syncs() {
    let (rig, web) = stage(30, 71);
    // Page by page, the API gives what the command line gives.
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = web.get(&format!("/v1/contacts?limit=7{cursor}")).ok();
        listed.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, rig.host.ok(&["contacts", "list", "--limit", "1000"]).documents());
    let contact = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(web.get(&format!("/v1/contacts/{contact}")).ok(), listed[0]);

    // An outcome is recorded once, however often it is asked for.
    let call = json!({"kind": "call", "contact": contact, "values": {"disposition": "connected", "duration_s": 83}});
    let first = web.post_with("/v1/outcomes", &[("idempotency-key", "k-1")], &call);
    assert_eq!((first.status, first.json["already"].clone()), (201, json!(false)));
    let again = web.post_with("/v1/outcomes", &[("idempotency-key", "k-1")], &call);
    assert_eq!((again.status, &again.json["already"]), (200, &json!(true)));
    assert_eq!((&again.json["id"], &again.json["entries"]), (&first.json["id"], &first.json["entries"]));
    let other = json!({"kind": "call", "contact": contact, "values": {"disposition": "busy"}});
    refused(&web.post_with("/v1/outcomes", &[("idempotency-key", "k-1")], &other), 422, "idempotency-key-reused");
    refused(&web.post("/v1/outcomes", &call), 400, "idempotency-key-missing");
    // A mistake is not kept under its key.
    let wrong = json!({"kind": "call", "contact": contact, "values": {"disposition": "busy", "duration_s": "long"}});
    refused(&web.post_with("/v1/outcomes", &[("idempotency-key", "k-2")], &wrong), 422, "outcome");
    assert_eq!(web.post_with("/v1/outcomes", &[("idempotency-key", "k-2")], &other).status, 201);
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents().len(), 2);

    // Runs are begun, seen and paused.
    assert_eq!(web.post("/v1/syncs/people/runs", &json!({"direction": "outbound"})).status, 202);
    let run = loop {
        let runs = web.get("/v1/syncs/people/runs?limit=1").ok()["items"].clone();
        if runs[0]["direction"] == "outbound" && runs[0]["end"] != "running" {
            break runs[0].clone();
        }
    };
    assert_eq!((&run["end"], &run["counts"]["delivered"]), (&json!("done"), &json!(2)));
    assert_eq!(web.get(&format!("/v1/runs/{}", run["id"].as_str().unwrap())).ok(), run);
    assert_eq!(web.post("/v1/syncs/people/pause", &json!({})).ok()["paused"], true);
    assert_eq!(web.get("/v1/syncs").ok()[0], web.get("/v1/syncs/people").ok());
    assert_eq!(web.get("/v1/syncs/people").ok()["paused"], true);
    // The run is written down as done a moment before the sync is free again.
    let cancelled = loop {
        let answer = web.post("/v1/syncs/people/cancel", &json!({}));
        if answer.status != 200 {
            break answer;
        }
    };
    refused(&cancelled, 409, "sync-not-running");
    assert_eq!(web.get("/v1/dead-letters").ok(), json!({"items": [], "next": null}));
    assert_eq!(web.post("/v1/dead-letters/retry", &json!({})).ok(), json!({"retried": 0}));
    refused(&web.post("/v1/dead-letters/o999/retry", &json!({})), 404, "outbox-entry-not-found");
}

#[test]
fn nothing_of_one_workspace_is_reached_with_anothers_token() {
    let (rig, web) = stage(5, 72);
    let stranger = Web::new(&rig.host).with_token(&token(&rig, "rival", "spy", "write"));
    let contact = web.get("/v1/contacts?limit=1").ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let run = web.get("/v1/syncs/people/runs").ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let call = json!({"kind": "call", "contact": contact, "id": "x", "values": {"disposition": "busy"}});
    assert_eq!(web.post("/v1/outcomes", &call).status, 201);
    let entry = rig.host.ok(&["outbox", "list"]).documents()[0]["id"].as_str().unwrap().to_owned();

    for list in ["/v1/contacts", "/v1/dead-letters"] {
        assert_eq!(stranger.get(list).ok()["items"], json!([]), "{list}");
    }
    assert_eq!(stranger.get("/v1/syncs").ok(), json!([]));
    refused(&stranger.get("/v1/contacts?sync=people"), 404, "sync-not-found");
    refused(&stranger.get(&format!("/v1/contacts/{contact}")), 404, "contact-not-found");
    refused(&stranger.get(&format!("/v1/runs/{run}")), 404, "run-not-found");
    for path in ["/v1/syncs/people", "/v1/syncs/people/runs"] {
        refused(&stranger.get(path), 404, "sync-not-found");
    }
    for action in ["runs", "pause", "resume", "cancel"] {
        refused(&stranger.post(&format!("/v1/syncs/people/{action}"), &json!({})), 404, "sync-not-found");
    }
    refused(&stranger.post("/v1/outcomes", &call), 404, "contact-not-found");
    refused(&stranger.post(&format!("/v1/dead-letters/{entry}/retry"), &json!({})), 404, "outbox-entry-not-found");

    // A token that reads does not write; one that is made up, of no workspace, changed or revoked is none.
    let reader = token(&rig, "default", "reader", "read");
    let reading = Web::new(&rig.host).with_token(&reader);
    assert_eq!(reading.get("/v1/contacts").status, 200);
    refused(&reading.post("/v1/syncs/people/pause", &json!({})), 403, "token-scope");
    for text in ["", "ferry", "ferry_default_reader_00", "ferry_nobody_reader_00", &reader[..reader.len() - 1]] {
        refused(&Web::new(&rig.host).with_token(text).get("/v1/contacts"), 401, "token");
    }
    refused(&Web::new(&rig.host).with_token(&reader.replace("_default_", "_rival_")).get("/v1/contacts"), 401, "token");
    refused(&Web::new(&rig.host).get("/v1/contacts"), 401, "token");
    rig.host.ok(&["token", "revoke", "reader"]);
    refused(&reading.get("/v1/contacts"), 401, "token");
    let listed = rig.host.ok(&["token", "list"]);
    assert!(!listed.stdout.contains("ferry_"), "{listed:?}");
    // Asking with a token of a workspace that is not there has not made it.
    assert_eq!(rig.host.ok(&["token", "list", "--workspace", "rival"]).documents().len(), 1);
}

#[test]
fn what_can_not_be_read_is_refused_and_the_rest_is_described() {
    let mut host = crate::rig::Host::new();
    host.serve();
    let token = host.ok(&["token", "create", "t", "--scope", "write"]).document()["token"].as_str().unwrap().to_owned();
    let web = Web::new(&host).with_token(&token);
    refused(&web.get("/v1/contacts?limit=0"), 400, "malformed-request");
    refused(&web.get("/v1/contacts?limt=1"), 400, "malformed-request");
    refused(&web.get("/v1/contacts?cursor=x"), 400, "malformed-request");
    refused(&web.get("/v1/contacts/x"), 400, "malformed-request");
    refused(&web.get("/v2/contacts"), 404, "route-not-found");
    refused(&web.send("DELETE", "/v1/contacts", &[], b""), 405, "method");
    refused(&web.send("POST", "/v1/outcomes", &[], b"{"), 400, "malformed-request");
    refused(&web.send("POST", "/v1/outcomes", &[], &vec![b' '; 300 * 1024]), 413, "body-too-large");
    let described = web.get("/v1/openapi.json").ok();
    assert_eq!(described, host.ok(&["openapi"]).document());
    let operations = described["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len());
    assert!(operations.sum::<usize>() >= 14, "{described:#}");
    let references = described.to_string();
    for (at, _) in references.match_indices("#/components/schemas/") {
        let name: String = references[at + 21..].chars().take_while(|c| *c != '"').collect();
        assert!(described["components"]["schemas"][&name].is_object(), "{name} is not described");
    }
    assert_eq!(host.server().end(), Some(0));
    let _: Value = host.ok(&["token", "list"]).document();
}

#[test]
fn a_workspace_that_floods_the_api_keeps_no_other_from_it() {
    use std::io::Write;
    use std::net::TcpStream;

    let (rig, web) = stage(3, 73);
    let flood = token(&rig, "flood", "flood", "write");
    let address = rig.host.api().trim_start_matches("http://").to_owned();
    // More connections than the server takes: each begins a request whose body never comes.
    let head = format!(
        "POST /v1/suppressions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {flood}\r\ncontent-length: 100\r\n\r\n"
    );
    let connect = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(head.as_bytes()).map(|()| stream)
    };
    let held: Vec<TcpStream> = (0..600).filter_map(|_| connect().ok()).collect();
    assert_eq!(web.get("/v1/contacts").ok()["items"].as_array().unwrap().len(), 3);
    refused(&Web::new(&rig.host).with_token(&flood).get("/v1/contacts"), 503, "busy");
    drop(held);
    assert_eq!(Web::new(&rig.host).with_token(&flood).get("/v1/contacts").ok()["items"], json!([]));
}
