//! Signing in with OAuth 2 at the simulated CRMs, as a person does it with a browser, and what becomes of tokens afterwards.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use ferry_tests::sim::clock::Start;
use ferry_tests::sim::faults::{Fault, Rule};
use ferry_tests::sim::hubspot::{self, HubSpot};
use ferry_tests::sim::pipedrive::{self, Pipedrive};
use ferry_tests::sim::salesforce::{self, Salesforce};
use serde_json::{Value, json};

use crate::rig::{Host, Said, said};

/// An application that is registered with a CRM.
struct Application<'a> {
    id: &'a str,
    secret: &'a str,
}

/// Opens an address as a browser does, and goes where it leads.
fn visit(address: &str) {
    let mut next = Some(address.to_owned());
    while let Some(address) = next.take() {
        let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        next = answer.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
        let status = answer.split(' ').nth(1).unwrap();
        assert!(["200", "302"].contains(&status), "{answer}");
    }
}

/// Connects as `crm` with a browser.
fn connect(host: &Host, plugin: &str, base: &str, app: &Application<'_>, more: &[&str]) -> Said {
    let words = ["connection", "add", "crm", "--plugin", plugin, "--base-url", base, "--sign-in", "oauth2"];
    let browser = ["--client-id", app.id, "--redirect-port", "0", "--no-browser"];
    let mut command = host.command(&[&words[..], &browser, more].concat());
    command.env("FERRY_CLIENT_SECRET", app.secret).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut told = String::new();
    for line in BufReader::new(process.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, address)) = line.split_once("open this address to sign in: ") {
            visit(address.trim());
        }
        told.push_str(&line);
        told.push('\n');
    }
    Said { stderr: told, ..said(process.wait_with_output().unwrap()) }
}

/// Checks the connection, which is good.
fn check(host: &Host) -> Value {
    host.ok(&["connection", "check", "crm"]).document()
}

#[test]
fn a_person_signs_in_to_hubspot_and_the_tokens_are_renewed() {
    let switches = hubspot::Switches { rotate_refresh_tokens: true, ..hubspot::Switches::default() };
    let options = hubspot::Options { contacts: 3, clock: Start::Now, switches, ..hubspot::Options::default() };
    let crm = HubSpot::start(options).unwrap();
    let host = Host::new();
    host.install("hubspot", Some(crm.base_url()));
    let authorize = format!("{}/oauth/authorize", crm.base_url());
    let app = Application { id: &crm.credentials().client_id, secret: &crm.credentials().client_secret };
    let connected = connect(&host, "hubspot", crm.base_url(), &app, &["--authorize-url", &authorize]);
    assert_eq!(connected.code, Some(0), "{connected:?}");
    for _ in 0..2 {
        crm.expire_tokens();
        assert_eq!(check(&host)["sign_in"]["kind"], "oauth2");
    }
}

#[test]
fn a_person_signs_in_to_pipedrive_at_the_address_that_tokens_come_from_and_they_are_renewed_there() {
    let switches = pipedrive::Switches { rotate_refresh_tokens: true, ..pipedrive::Switches::default() };
    let options = pipedrive::Options { contacts: 3, clock: Start::Now, switches, ..pipedrive::Options::default() };
    let crm = Pipedrive::start(options).unwrap();
    let host = Host::new();
    host.install("pipedrive", Some(crm.base_url()));
    let (authorize, token) = (format!("{}/oauth/authorize", crm.base_url()), format!("{}/oauth/token", crm.base_url()));
    let app = Application { id: &crm.credentials().client_id, secret: &crm.credentials().client_secret };
    let addresses = ["--authorize-url", &authorize, "--token-url", &token];
    let connected = connect(&host, "pipedrive", crm.base_url(), &app, &addresses);
    assert_eq!(connected.code, Some(0), "{connected:?}");
    for _ in 0..2 {
        crm.expire_tokens();
        assert_eq!(check(&host)["sign_in"]["kind"], "oauth2");
    }
    assert_eq!(crm.counters()["POST /oauth/token"], 3);
}

#[test]
fn a_token_address_that_the_grant_does_not_cover_is_refused_before_anything_is_sent() {
    let crm = Pipedrive::start(pipedrive::Options { clock: Start::Now, ..pipedrive::Options::default() }).unwrap();
    let host = Host::new();
    host.install("pipedrive", Some(crm.base_url()));
    let authorize = format!("{}/oauth/authorize", crm.base_url());
    let app = Application { id: &crm.credentials().client_id, secret: &crm.credentials().client_secret };
    let elsewhere = ["--authorize-url", &authorize, "--token-url", "https://tokens.example.com/oauth"];
    let refused = connect(&host, "pipedrive", crm.base_url(), &app, &elsewhere);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let message = refused.error()["message"].to_string();
    assert!(message.contains("https://tokens.example.com"), "{message}");
}

/// An org that ends a refresh token when it is used, and a host that has the connector.
fn rotating() -> (Salesforce, Host) {
    let switches = salesforce::Switches { rotate_refresh_tokens: true, ..salesforce::Switches::default() };
    let options = salesforce::Options { contacts: 3, clock: Start::Now, switches, ..salesforce::Options::default() };
    let crm = Salesforce::start(options).unwrap();
    let host = Host::new();
    host.install("salesforce", Some(crm.base_url()));
    (crm, host)
}

#[test]
fn a_person_signs_in_to_salesforce_and_each_refresh_token_is_used_once() {
    let (crm, host) = rotating();
    let app = Application { id: &crm.credentials().client_id, secret: &crm.credentials().client_secret };
    let connected = connect(&host, "salesforce", crm.base_url(), &app, &[]);
    assert_eq!(connected.code, Some(0), "{connected:?}");
    for _ in 0..3 {
        crm.expire_tokens();
        let checked = check(&host);
        let instance = checked["sign_in"]["address"].as_str().unwrap();
        assert_eq!(instance.trim_end_matches('/'), crm.credentials().instance_url, "{checked:#}");
    }
    assert_eq!(crm.counters()["POST /services/oauth2/token"], 4);
}

#[test]
fn a_new_refresh_token_is_kept_although_its_first_use_fails_and_an_old_one_is_refused() {
    let (crm, host) = rotating();
    let tokens = host.state.path().join("tokens.json");
    std::fs::write(&tokens, json!({"refresh_token": crm.credentials().refresh_token}).to_string()).unwrap();
    let tokens = tokens.display().to_string();
    let add = |name: &str| {
        let words = ["connection", "add", name, "--plugin", "salesforce", "--base-url", crm.base_url()];
        let sign_in = ["--sign-in", "oauth2", "--client-id", &crm.credentials().client_id, "--token-file", &tokens];
        let mut command = host.command(&[&words[..], &sign_in].concat());
        said(command.env("FERRY_CLIENT_SECRET", &crm.credentials().client_secret).output().unwrap())
    };
    let added = add("crm");
    assert_eq!(added.code, Some(0), "{added:?}");
    crm.expire_tokens();
    // The answer to the refresh arrives, and nothing that is asked with the new token does.
    crm.fault(Rule::always(Fault::DropBefore).at("GET /"));
    host.fails(&["connection", "check", "crm"], "crm-temporary");
    crm.clear_faults(None);
    crm.expire_tokens();
    check(&host);
    // Whoever comes with the token of the beginning comes too late, and is told whose turn it is.
    let late = add("late");
    assert_ne!(late.code, Some(0), "{late:?}");
    assert_eq!((&late.error()["code"], &late.error()["whose"]), (&json!("crm-unauthorized"), &json!("crm")));
    assert!(!late.stderr.contains(&crm.credentials().refresh_token), "{late:?}");
    check(&host);
}
