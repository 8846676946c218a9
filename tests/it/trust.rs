//! Plugins that an admin can trust: who signed them, which version they are, what is refused and why.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::path::PathBuf;
use std::process::Stdio;

use crate::rig::{Host, component, said};

/// The component of the hostile guest without what packing put behind it.
fn bare() -> Vec<u8> {
    const NAME: &[u8] = b"\x0eferry:manifest";
    let mut bytes = std::fs::read(component("hostile")).unwrap();
    let name = bytes.windows(NAME.len()).rposition(|piece| piece == NAME).unwrap();
    // The id of a custom section and its size in LEB128 stand before the name; a size has at most five bytes.
    let start = (2..=6).map(|back| name - back).find(|at| {
        let size = &bytes[at + 1..name];
        bytes[*at] == 0
            && size[..size.len() - 1].iter().all(|byte| byte & 0x80 != 0)
            && size[size.len() - 1] & 0x80 == 0
    });
    bytes.truncate(start.unwrap());
    bytes
}

/// A version of the guest, packed; `change` edits its manifest.
fn packed(host: &Host, version: &str, change: impl Fn(String) -> String) -> String {
    let folder = host.state.path().join(format!("v{version}"));
    std::fs::create_dir_all(&folder).unwrap();
    let guest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("guests/hostile");
    let manifest = std::fs::read_to_string(guest.join("plugin.toml")).unwrap();
    let manifest = change(manifest.replace("version = \"0.1.0\"", &format!("version = \"{version}\"")));
    std::fs::write(folder.join("plugin.toml"), manifest).unwrap();
    std::fs::copy(guest.join("settings.schema.json"), folder.join("settings.schema.json")).unwrap();
    std::fs::write(folder.join("bare.wasm"), bare()).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    host.ok(&[
        "plugin",
        "pack",
        &path("bare.wasm"),
        "--manifest",
        &path("plugin.toml"),
        "--out",
        &path("hostile.wasm"),
    ]);
    path("hostile.wasm")
}

fn unchanged(manifest: String) -> String {
    manifest
}

fn asking_more(manifest: String) -> String {
    manifest.replace("hosts = [", "hosts = [\"https://more.example.com\", ")
}

/// A new publisher: the file with the private key, and the public one.
fn publisher(host: &Host, name: &str) -> (String, String) {
    let file = host.state.path().join(name).display().to_string();
    let key = host.ok(&["plugin", "keygen", &file]).document()["key"].as_str().unwrap().to_owned();
    (file, key)
}

#[test]
fn a_plugin_with_a_publisher_is_taken_from_nobody_else() {
    let host = Host::new();
    let ((ours, our_key), (theirs, their_key)) = (publisher(&host, "ours.pem"), publisher(&host, "theirs.pem"));
    let file = packed(&host, "1.0.0", unchanged);
    let install = |file: &str| ["plugin", "install", file, "--yes"].map(str::to_owned);
    let refused = |code: &str| {
        let words = install(&file);
        host.fails(&words.iter().map(String::as_str).collect::<Vec<_>>(), code)
    };
    host.ok(&["plugin", "trust", "add", "hostile", &our_key, "--name", "Acme"]);
    assert!(refused("plugin-unsigned")["message"].as_str().unwrap().contains("Acme"));
    host.ok(&["plugin", "sign", &file, "--key", &theirs]);
    assert!(refused("plugin-publisher")["message"].as_str().unwrap().contains(&their_key));
    host.ok(&["plugin", "sign", &file, "--key", &ours]);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    let changed = host.state.path().join("changed.wasm").display().to_string();
    std::fs::write(&changed, &bytes).unwrap();
    let error = host.fails(&["plugin", "install", &changed, "--yes"], "package-signature");
    assert!(error["message"].as_str().unwrap().contains("component"), "{error:#}");
    host.fails(&["plugin", "verify", &file, "--key", &their_key], "plugin-not-signed");
    let verified = host.ok(&["plugin", "verify", &file, "--key", &our_key]).document();
    assert_eq!(verified["statement"]["version"], "1.0.0");
    let installed = host.ok(&["plugin", "install", &file, "--yes"]).document();
    assert_eq!(installed["signed_by"], our_key.as_str());
    // What was trusted once is not trusted for ever, and the bytes beside the store are hashed at each load.
    host.ok(&["plugin", "trust", "remove", "hostile", &our_key]);
    host.fails(&["plugin", "trust", "remove", "hostile", &our_key], "publisher-not-found");
}

#[test]
fn older_switched_and_unlocked_versions_are_refused() {
    let host = Host::new();
    let (one, two) = (packed(&host, "1.0.0", unchanged), packed(&host, "2.0.0", unchanged));
    host.ok(&["plugin", "install", &one, "--yes"]);
    let lock = host.state.path().join("ferry.lock").display().to_string();
    let text = String::from_utf8(host.command(&["plugin", "lock"]).output().unwrap().stdout).unwrap();
    let locked: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (version, digest) = (&locked["hostile"]["version"], &locked["hostile"]["digest"]);
    std::fs::write(&lock, format!("[hostile]\nversion = {version}\ndigest = {digest}\n")).unwrap();
    host.ok(&["plugin", "lock", "--check", &lock]);
    host.fails(&["plugin", "install", &two, "--yes", "--locked", &lock], "plugin-locked");
    host.ok(&["plugin", "install", &two, "--yes"]);
    host.fails(&["plugin", "lock", "--check", &lock], "lock-broken");
    host.fails(&["plugin", "install", &one, "--yes"], "plugin-downgrade");
    let other = packed(&host, "2.0.0", |manifest| manifest.replace("description = \"", "description = \"Not "));
    host.fails(&["plugin", "install", &other, "--yes"], "plugin-switched");
    host.ok(&["plugin", "install", &one, "--yes", "--allow-downgrade", "--locked", &lock]);
}

#[test]
fn bytes_that_were_exchanged_beside_the_store_are_not_run() {
    let mut host = Host::new();
    let file = packed(&host, "1.0.0", unchanged);
    let digest = host.ok(&["plugin", "install", &file, "--yes"]).document()["digest"].as_str().unwrap().to_owned();
    let kept = host.state.path().join("plugins").join(format!("{digest}.wasm"));
    std::fs::copy(packed(&host, "1.0.1", unchanged), &kept).unwrap();
    let said = host.say(&["doctor"]);
    assert!(said.stdout.contains("plugin-bytes"), "{said:?}");
    // Nor does anybody take them for what was installed.
    host.fails(&["plugin", "inspect", "hostile"], "plugin-bytes");
    host.ok(&["plugin", "install", &file, "--yes"]);
    host.ok(&["plugin", "inspect", "hostile"]);
    // A server that has the right ones in memory looks at the file all the same.
    connect(&host, "one", "ok").unwrap();
    host.serve();
    host.ok(&["objects", "one"]);
    std::fs::copy(packed(&host, "1.0.1", unchanged), &kept).unwrap();
    host.fails(&["objects", "one"], "plugin-bytes");
    std::fs::copy(&file, &kept).unwrap();
    host.ok(&["objects", "one"]);
}

fn kept(host: &Host) -> usize {
    std::fs::read_dir(host.state.path().join("plugins")).map_or(0, |files| files.count())
}

#[test]
fn bytes_that_nobody_can_use_are_not_kept() {
    let host = Host::new();
    let file = packed(&host, "1.0.0", unchanged);
    // It can't be loaded without a key for the cache.
    let words = ["plugin", "install", &file, "--yes"];
    let failed = said(host.command(&words).env("FERRY_KEY", "no key").output().unwrap());
    assert_ne!(failed.code, Some(0), "{failed:?}");
    assert_eq!(kept(&host), 0);
    host.ok(&words);
    for version in ["2.0.0", "3.0.0"] {
        host.ok(&["plugin", "upgrade", &packed(&host, version, asking_more), "--propose"]);
    }
    assert_eq!(states(&host), ["1.0.0 installed", "3.0.0 proposed"]);
    assert_eq!(kept(&host), 2, "the bytes of a proposal that another one replaced");
}

/// A host with version 1.0.0 and a connection `one` through it to nothing, in mode `ok`.
fn connected() -> Host {
    let host = Host::new();
    host.ok(&["plugin", "install", &packed(&host, "1.0.0", unchanged), "--yes"]);
    connect(&host, "one", "ok").unwrap();
    host
}

/// Adds a connection that needs no CRM.
fn connect(host: &Host, name: &str, mode: &str) -> Result<(), serde_json::Value> {
    connect_with(host, name, &["--set", &format!("mode={mode}")])
}

fn connect_with(host: &Host, name: &str, sets: &[&str]) -> Result<(), serde_json::Value> {
    let token = host.state.path().join("token");
    std::fs::write(&token, "pat-0123456789").unwrap();
    let token = token.display().to_string();
    let words = ["connection", "add", name, "--plugin", "hostile", "--base-url", "https://crm.example.com"];
    let said = host.say(&[&words[..], sets, &["--sign-in", "bearer", "--token-file", &token]].concat());
    if said.code == Some(0) { Ok(()) } else { Err(said.error()) }
}

fn versions(host: &Host) -> Vec<(String, String, Vec<serde_json::Value>)> {
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = host.ok(&["plugin", "versions", "hostile"]).documents();
    rows.iter()
        .map(|row| (text(row, "version"), text(row, "state"), row["connections"].as_array().unwrap().clone()))
        .collect()
}

fn states(host: &Host) -> Vec<String> {
    versions(host).iter().map(|(version, state, _)| format!("{version} {state}")).collect()
}

#[test]
fn an_upgrade_that_asks_for_more_waits_and_one_can_go_back() {
    let host = connected();
    let more = packed(&host, "2.0.0", asking_more);
    host.fails(&["plugin", "upgrade", &more], "content");
    let dry = host.ok(&["plugin", "upgrade", &more, "--dry-run"]).document();
    assert_eq!(dry["changes"][0]["what"], "reach https://more.example.com");
    assert_eq!(dry["changes"][0]["asks_more"], true);
    host.ok(&["plugin", "upgrade", &more, "--propose"]);
    assert_eq!(states(&host), ["1.0.0 installed", "2.0.0 proposed"]);
    assert_eq!(host.ok(&["plugin", "list"]).documents()[0]["waiting"], "2.0.0");
    // Nobody runs what nobody granted.
    host.fails(&["plugin", "pin", "one", "2.0.0"], "plugin-version");
    host.fails(&["plugin", "approve", "hostile"], "content");
    host.ok(&["plugin", "approve", "hostile", "--yes"]);
    assert_eq!(states(&host), ["2.0.0 installed", "1.0.0 former"]);
    host.ok(&["connection", "check", "one"]);
    let back = host.ok(&["plugin", "rollback", "hostile"]).document();
    assert_eq!((&back["version"], &back["grant"]["hosts"][0]), (&"1.0.0".into(), &"https://crm.example.com/".into()));
    assert_eq!(states(&host), ["1.0.0 installed", "2.0.0 withdrawn"]);
    host.fails(&["plugin", "rollback", "hostile"], "plugin-version");
    host.ok(&["connection", "check", "one"]);
    host.ok(&["plugin", "approve", "hostile", "--yes"]);
    assert_eq!(states(&host), ["2.0.0 installed", "1.0.0 former"]);
    // What was granted once is not put up for a grant again under the feet of those who may run with it.
    host.ok(&["plugin", "pin", "one", "2.0.0"]);
    host.ok(&["plugin", "upgrade", &packed(&host, "3.0.0", unchanged)]);
    host.fails(&["plugin", "upgrade", &more, "--propose", "--allow-downgrade"], "plugin-version");
    assert_eq!(states(&host), ["3.0.0 installed", "2.0.0 former", "1.0.0 former"]);
    host.ok(&["connection", "check", "one"]);
}

#[test]
fn connections_can_stay_with_a_version_and_those_that_do_not_fit_do() {
    let host = connected();
    connect(&host, "two", "ok").unwrap();
    host.ok(&["plugin", "pin", "two", "1.0.0"]);
    host.ok(&["plugin", "upgrade", &packed(&host, "2.0.0", unchanged)]);
    let used = |host: &Host| versions(host).into_iter().map(|(version, _, used)| (version, used)).collect::<Vec<_>>();
    assert_eq!(used(&host), [("2.0.0".into(), vec!["one".into()]), ("1.0.0".into(), vec!["two".into()])]);
    ["one", "two"].iter().for_each(|name| drop(host.ok(&["connection", "check", name])));
    // A version that wants a setting which nobody gave: its connections stay, and say so.
    let folder = host.state.path().join("v3.0.0");
    let file = packed(&host, "3.0.0", unchanged);
    let schema = r#"{"type": "object", "properties": {"mode": {"type": "string"}, "region": {"type": "string"}}, "required": ["region"]}"#;
    std::fs::write(folder.join("settings.schema.json"), schema).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    host.ok(&["plugin", "pack", &path("bare.wasm"), "--manifest", &path("plugin.toml"), "--out", &file]);
    let upgraded = host.ok(&["plugin", "upgrade", &file]).document();
    assert_eq!(upgraded["left_behind"], serde_json::json!(["one"]));
    assert_eq!(used(&host)[0], ("3.0.0".into(), Vec::new()));
    host.ok(&["connection", "check", "one"]);
    host.fails(&["plugin", "unpin", "one"], "plugin-settings");
    // Going back meets them again.
    host.ok(&["plugin", "rollback", "hostile"]);
    assert_eq!(used(&host)[0], ("2.0.0".into(), vec!["one".into()]));
    host.fails(&["plugin", "remove", "hostile"], "in-use");
    ["one", "two"].iter().for_each(|name| drop(host.ok(&["connection", "remove", name])));
    host.ok(&["plugin", "remove", "hostile"]);
    assert_eq!(kept(&host), 0, "bytes of versions that are gone");
}

#[test]
fn a_version_that_keeps_failing_is_quarantined_until_it_is_released() {
    let mut host = connected();
    for number in 0..3 {
        assert_eq!(connect(&host, &format!("bad-{number}"), "trap").unwrap_err()["code"], "plugin-trap");
    }
    // Kept over processes, and told everywhere.
    let error = host.fails(&["connection", "check", "one"], "plugin-quarantined");
    assert!(error["message"].as_str().unwrap().contains("it crashed"), "{error:#}");
    let listed = host.ok(&["plugin", "list"]).documents().remove(0);
    assert_eq!((&listed["health"]["faults"], &listed["health"]["code"]), (&3.into(), &"plugin-trap".into()));
    assert!(listed["health"]["quarantined_until"].is_string());
    let said = host.say(&["doctor"]);
    assert!(said.stdout.contains("plugin-quarantined"), "{said:?}");
    host.serve();
    let page = host.metrics();
    assert!(page.contains("\nferry_plugins_quarantined 1\n"), "a server that has just begun: {page}");
    assert_eq!(host.server().end(), Some(0));
    host.ok(&["plugin", "release", "hostile"]);
    host.ok(&["connection", "check", "one"]);
    host.fails(&["plugin", "release", "hostile"], "not-quarantined");
}

#[test]
fn a_version_that_connections_stay_with_is_quarantined_for_all_to_see_and_released() {
    let host = connected();
    connect_with(&host, "two", &["--set", "mode=trap", "--set", "checks=true"]).unwrap();
    host.ok(&["plugin", "pin", "two", "1.0.0"]);
    host.ok(&["plugin", "upgrade", &packed(&host, "2.0.0", unchanged)]);
    // That it can still be checked helps it nothing.
    for _ in 0..3 {
        host.fails(&["objects", "two"], "plugin-trap");
        host.ok(&["connection", "check", "one"]);
    }
    host.fails(&["objects", "two"], "plugin-quarantined");
    host.ok(&["objects", "one"]);
    let listed = host.ok(&["plugin", "list"]).documents().remove(0);
    assert_eq!((&listed["health"], &listed["pinned"][0]["version"]), (&serde_json::Value::Null, &"1.0.0".into()));
    let said = host.say(&["doctor", "--offline"]).stdout;
    assert!(said.contains("in version 1.0.0, which connections stay with, is quarantined after 3 faults"), "{said}");
    host.ok(&["plugin", "release", "hostile"]);
    host.fails(&["objects", "two"], "plugin-trap");
}

#[test]
fn what_a_caller_who_has_gone_was_waiting_for_is_given_up() {
    let mut host = Host::new();
    host.ok(&["plugin", "install", &packed(&host, "1.0.0", unchanged), "--yes"]);
    connect_with(&host, "endless", &["--set", "mode=spin", "--set", "checks=true"]).unwrap();
    connect(&host, "well", "ok").unwrap();
    host.serve();
    // More than the places of a plugin whose calls do not end, and enough to have it quarantined.
    for _ in 0..8 {
        let mut caller =
            host.command(&["objects", "endless"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        caller.kill().unwrap();
        caller.wait().unwrap();
    }
    // Longer than the calls' deadline: by then they would have failed.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(host.ok(&["plugin", "list"]).documents()[0]["health"], serde_json::Value::Null);
    host.ok(&["objects", "well"]);
}
