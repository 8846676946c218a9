//! Audiences by rule, the events that they give, and those who want nothing of us.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use crate::crash::die_at_every_point;
use crate::rig::{Host, Rig, until};
use crate::web::Web;

/// A platform's receiver of webhooks: answers each post with the next status, then with 204, and shows it.
struct Platform {
    url: String,
    posts: Receiver<Post>,
}

#[derive(Debug)]
struct Post {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Platform {
    fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events?from=ferry", listener.local_addr().unwrap());
        let (sender, posts) = channel();
        let mut statuses = statuses.iter().copied();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                assert!(line.starts_with("POST /events?from=ferry "), "{line}");
                let mut headers = BTreeMap::new();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let Some((name, value)) = line.trim().split_once(": ") else { break };
                    headers.insert(name.to_lowercase(), value.to_owned());
                }
                let mut body = vec![0; headers["content-length"].parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                let status = statuses.next().unwrap_or(204);
                stream
                    .write_all(
                        format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").as_bytes(),
                    )
                    .unwrap();
                let _ = sender.send(Post { headers, body: String::from_utf8(body).unwrap() });
            }
        });
        Self { url, posts }
    }

    /// The next post, whose signature must hold.
    fn next(&self, secret: &str) -> (String, Value) {
        let post = self.posts.recv_timeout(Duration::from_secs(60)).unwrap();
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let (id, at) = (&post.headers["webhook-id"], &post.headers["webhook-timestamp"]);
        let mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap().chain_update(format!("{id}.{at}.{}", post.body));
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(post.headers["webhook-signature"], signature);
        (id.clone(), serde_json::from_str(&post.body).unwrap())
    }
}

/// Those whom the audience is for, by what the contacts themselves say.
fn of_city(host: &Host, city: &str) -> BTreeSet<String> {
    let contacts = host.ok(&["contacts", "list", "--limit", "1000000"]).documents();
    let in_city = contacts.iter().filter(|contact| contact["attributes"]["city"] == city);
    let living =
        in_city.filter(|contact| contact["links"].as_array().unwrap().iter().any(|link| link["gone"].is_null()));
    living.map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
}

fn members(host: &Host, audience: &str) -> BTreeSet<String> {
    let members = host.ok(&["audience", "members", audience, "--limit", "1000000"]).documents();
    members.iter().map(|member| member["contact"].as_str().unwrap().to_owned()).collect()
}

fn events(host: &Host) -> Vec<(String, String)> {
    let events = host.ok(&["events", "list", "--limit", "1000000"]).documents();
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    events.iter().map(|event| (text(event, "type"), text(event, "contact"))).collect()
}

#[test]
fn who_enters_and_leaves_an_audience_is_told_once_and_signed() {
    let rig = Rig::served(60, 91);
    rig.create_sync(&[]);
    rig.run_inbound();
    let host = &rig.host;
    let (mover, other) = (rig.crm.nth("contacts", 2).unwrap(), rig.crm.nth("contacts", 7).unwrap());
    rig.crm.update("contacts", other, &[("city", "Ulm")]).unwrap();
    rig.run_inbound();
    let made =
        host.ok(&["audience", "create", "ulm", "--where", "city = ULM and city present or city = nowhere"]).document();
    assert!(made["members"].as_u64() > Some(0), "{made}");
    assert_eq!(members(host, "ulm"), of_city(host, "Ulm"));
    let error = host.fails(&["audience", "create", "bad", "--where", "town = Ulm and city < 5"], "rule");
    assert_eq!(error["causes"].as_array().unwrap().len(), 2, "{error}");
    host.fails(&["audience", "create", "ulm", "--where", "city = Ulm"], "name-taken");

    // The first post of each event fails.
    let platform = Platform::start(&[500]);
    host.fails(&["hook", "add", "calls", "--url", &platform.url], "hook-address");
    let words = ["hook", "add", "calls", "--url", &platform.url, "--audience", "ulm", "--allow-loopback"];
    let secret = host.ok(&words).document()["secret"].as_str().unwrap().to_owned();
    host.fails(&["audience", "remove", "ulm"], "in-use");
    rig.crm.update("contacts", mover, &[("city", "Ulm")]).unwrap();
    rig.run_inbound();
    let contact = host.contacts()[&mover.to_string()]["id"].as_str().unwrap().to_owned();
    let (first, told) = platform.next(&secret);
    assert_eq!(told["type"], "audience.entered");
    assert_eq!(told["data"], json!({"event": "e1", "workspace": "default", "audience": "ulm", "contact": contact}));
    assert_eq!(platform.next(&secret), (first.clone(), told), "a second try has the same id and the same body");

    // Who is suppressed leaves; nothing is recorded for them and nothing that waits is sent.
    let call = |id: &str| {
        ["outcome", "record", "call", "--contact", &contact, "--id", id, "disposition=busy"].map(str::to_owned)
    };
    host.ok(&call("before").each_ref().map(String::as_str));
    let email = host.contacts()[&mover.to_string()]["attributes"]["email"].as_str().unwrap().to_uppercase();
    host.ok(&["suppress", "add", "--email", &email, "--reason", "asked on the phone"]);
    let (second, told) = platform.next(&secret);
    assert_eq!((&told["type"], &told["data"]["contact"]), (&json!("audience.left"), &json!(contact)));
    assert_ne!(first, second);
    host.fails(&call("after").each_ref().map(String::as_str), "contact-suppressed");
    let dead = host.ok(&["outbox", "list", "--dead"]).documents();
    assert_eq!(dead.iter().map(|entry| &entry["outcome"]["id"]).collect::<Vec<_>>(), ["before"]);
    assert_eq!(host.ok(&["outbox", "retry", "--all"]).document()["retried"], 0);
    host.fails(&["outbox", "retry", dead[0]["id"].as_str().unwrap()], "contact-suppressed");
    let listed = host.ok(&["suppress", "list"]).document();
    assert_eq!((&listed["by"], &listed["reason"]), (&json!("email"), &json!("asked on the phone")));

    // Through the API, the same.
    let token = host.ok(&["token", "create", "t", "--scope", "write"]).document()["token"].as_str().unwrap().to_owned();
    let web = Web::new(host).with_token(&token);
    let by_api: BTreeSet<_> = web.get("/v1/audiences/ulm/members").ok()["items"]
        .as_array()
        .unwrap()
        .clone()
        .into_iter()
        .map(|member| member["contact"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(by_api, members(host, "ulm"));
    let page = web.get("/v1/events?limit=1").ok();
    assert_eq!(page["items"][0]["contact"], contact.as_str());
    let rest = web.get(&format!("/v1/events?cursor={}", page["next"].as_str().unwrap())).ok();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(web.post("/v1/suppressions/remove", &json!({"email": email})).status, 204);
    let (_, told) = platform.next(&secret);
    assert_eq!(told["type"], "audience.entered");
    assert_eq!(members(host, "ulm"), of_city(host, "Ulm"));
    until(|| host.ok(&["hook", "list"]).document()["waiting"] == 0);
    host.ok(&["hook", "remove", "calls"]);
    host.ok(&["audience", "remove", "ulm"]);
    assert_eq!(host.ok(&["audience", "list"]).documents(), Vec::<Value>::new());
}

#[test]
fn a_crash_at_any_commit_loses_and_doubles_no_membership_and_no_event() {
    let rig = Rig::new(60, 92);
    rig.run_inbound();
    rig.host.ok(&["audience", "create", "ulm", "--where", "city = Ulm"]);
    let before = members(&rig.host, "ulm");
    let mut born = 0;
    let died = die_at_every_point(&rig, &["sync", "run", "people", "--inbound-only"], || {
        born += 1;
        let email = format!("born{born}@example.com");
        rig.crm.create("contacts", &[("firstname", "Born"), ("email", &email), ("city", "Ulm")]).unwrap();
    });
    assert!(died > 5, "it died only {died} times");
    rig.run_inbound();
    let now = members(&rig.host, "ulm");
    assert_eq!(now, of_city(&rig.host, "Ulm"));
    assert_eq!(now.len(), before.len() + born);
    let mut told = events(&rig.host);
    told.sort();
    let entered: Vec<_> = now.difference(&before).map(|id| ("audience.entered".to_owned(), id.clone())).collect();
    assert_eq!(told, entered);
}
