//! What a served host does by itself: follows the webhooks of a CRM, and sends outcomes as they are recorded.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use ferry_tests::sim::hubspot::{Post, signed};
use serde_json::Value;

use crate::rig::{Rig, until};
use crate::web::{Answer, Web};

/// Sends a post as the CRM would.
fn send(web: &Web, post: &Post) -> Answer {
    let headers: Vec<(&str, &str)> = post.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    web.send("POST", "/hooks/default/crm", &headers, &post.body)
}

fn code(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.json["code"].as_str())
}

fn inbound_runs(rig: &Rig) -> Vec<Value> {
    let runs = rig.host.ok(&["sync", "runs", "people"]).documents();
    runs.into_iter().filter(|run| run["direction"] == "inbound" && run["end"] != "running").collect()
}

#[test]
fn a_webhook_leads_to_a_fresh_look_at_what_it_names_and_a_false_one_to_nothing() {
    let rig = Rig::served(40, 81);
    rig.create_sync(&[]);
    rig.run_inbound();
    let url = format!("{}/hooks/default/crm", rig.host.api());
    let web = Web::new(&rig.host);
    let (changed, gone) = (rig.crm.nth("contacts", 3).unwrap(), rig.crm.nth("contacts", 5).unwrap());
    rig.crm.webhook_posts(&url, usize::MAX);
    rig.crm.update("contacts", changed, &[("city", "Webhookstadt")]).unwrap();
    rig.crm.archive("contacts", gone).unwrap();
    let posts = rig.crm.webhook_posts(&url, 100);
    let [post] = posts.as_slice() else { panic!("{posts:?}") };

    // Forged, old, and for somebody else: refused, and nothing is fetched.
    let forged = Post { body: [&post.body[..], b" "].concat(), ..post.clone() };
    assert_eq!(code(&send(&web, &forged)), (401, Some("webhook-refused")));
    let secret = rig.crm.credentials().client_secret.clone();
    let stamp = |post: &Post| -> i64 {
        post.headers.iter().find(|(name, _)| name.ends_with("timestamp")).unwrap().1.parse().unwrap()
    };
    let old = signed(&secret, &url, post.body.clone(), stamp(post) - 6 * 60 * 1_000);
    assert_eq!(code(&send(&web, &old)), (401, Some("webhook-refused")));
    // A stranger can't tell from the answer who has what connected.
    let refused = send(&web, &forged).json;
    for nowhere in ["/hooks/default/nobody", "/hooks/nobody/crm"] {
        let answer = web.send("POST", nowhere, &[], &post.body);
        assert_eq!((code(&answer), &answer.json), ((401, Some("webhook-refused")), &refused));
    }
    assert_eq!(inbound_runs(&rig).len(), 1);

    // The CRM's own is followed, once.
    assert_eq!(send(&web, post).status, 202);
    assert_eq!(code(&send(&web, post)), (409, Some("webhook-replayed")));
    until(|| inbound_runs(&rig).len() == 2);
    let runs = inbound_runs(&rig);
    let counts = &runs[0]["counts"];
    assert_eq!((&counts["rows"], &counts["changed"], &counts["gone"]), (&1.into(), &1.into(), &1.into()), "{counts}");
    let contact = &rig.host.contacts()[&changed.to_string()];
    assert_eq!(contact["attributes"]["city"], "Webhookstadt");
    assert!(!rig.host.contacts().contains_key(&gone.to_string()));
}

const WITH_COMPANIES: &str = r#"
name = "Contacts with the companies that they are linked with"
direction = "inbound"

[fields.email]
from = "email"

[fields.companies]
from = "associations.companies"
type = "choices"
"#;

#[test]
fn a_link_moves_no_stamp_and_comes_by_its_webhook_or_else_by_a_sweep() {
    let rig = Rig::served(40, 83);
    let mapping = rig.host.state.path().join("linked.toml");
    std::fs::write(&mapping, WITH_COMPANIES).unwrap();
    let words = ["sync", "create", "people", "--connection", "crm", "--object", "contacts", "--mapping"];
    rig.host.ok(&[&words[..], &[&mapping.display().to_string()]].concat());
    rig.run_inbound();
    // Every third contact has a company.
    let contact = rig.crm.nth("contacts", 3).unwrap();
    let other = rig.crm.create("companies", &[("name", "Second")]).unwrap();
    let id = contact.to_string();
    let companies = || rig.host.contacts()[&id]["attributes"]["companies"].clone();
    let before = companies();
    assert_eq!(before.as_array().map(Vec::len), Some(1), "{before}");
    let url = format!("{}/hooks/default/crm", rig.host.api());
    rig.crm.webhook_posts(&url, usize::MAX);

    rig.crm.link(("contacts", contact), ("companies", other)).unwrap();
    assert_eq!(rig.run_inbound()["changed"], 0, "a stamp moved");
    assert_eq!(companies(), before);
    for post in rig.crm.webhook_posts(&url, usize::MAX) {
        assert_eq!(send(&Web::new(&rig.host), &post).status, 202);
    }
    let both = serde_json::json!([other.to_string(), before[0]]);
    until(|| companies() == both);

    // This time the webhook is lost.
    rig.crm.unlink(("contacts", contact), ("companies", other)).unwrap();
    assert_eq!(rig.run_inbound()["changed"], 0, "a stamp moved");
    let difference = rig.host.ok(&["sync", "verify", "people"]).document();
    let named = (&difference["kind"], &difference["record"], &difference["fields"]);
    assert_eq!(named, (&"different".into(), &id.as_str().into(), &serde_json::json!(["associations.companies"])));
    rig.host.ok(&["sync", "sweep", "people"]);
    assert_eq!(companies(), before);
    assert_eq!(rig.host.ok(&["sync", "verify", "people"]).document()["complete"], true);
}

#[test]
fn outcomes_leave_by_themselves_where_the_sync_runs_by_itself() {
    let rig = Rig::served(20, 82);
    rig.create_sync(&[]);
    rig.run_inbound();
    let contact = rig.host.ok(&["contacts", "list", "--limit", "1"]).document()["id"].as_str().unwrap().to_owned();
    let record = |id: &str| {
        let words = ["outcome", "record", "call", "--contact", &contact, "--id", id, "disposition=connected"];
        rig.host.ok(&words);
    };
    record("by-hand");
    let timing = rig.host.ok(&["sync", "schedule", "people", "--cron", "0 3 1 1 *"]).document();
    assert_eq!(timing["outcomes"], "at-once");
    let calls = || rig.crm.records("calls", 0, usize::MAX).unwrap().len();
    until(|| calls() == 1);
    record("by-itself");
    until(|| calls() == 2);
    rig.host.ok(&["sync", "pause", "people"]);
    record("paused");
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents().len(), 1);
    rig.host.ok(&["sync", "resume", "people"]);
    until(|| calls() == 3);
    let timing = rig.host.ok(&["sync", "schedule", "people", "--never", "--outcomes", "with-runs"]).document();
    assert_eq!((timing["outcomes"].as_str(), timing["schedule"].is_null()), (Some("with-runs"), true));
}
