//! A server that has the state open: commands go through it and are told the same, and it ends in good order.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::io::Write;
use std::process::Stdio;

use crate::rig::{Host, Rig, said};

#[test]
fn a_command_says_the_same_through_a_server() {
    let plain = Host::new();
    let mut served = Host::new();
    served.serve();
    let missing = served.state.path().join("none.toml").display().to_string();
    let commands: [&[&str]; 7] = [
        &["plugin", "list"],
        &["contacts", "list"],
        &["contacts", "show", "c7"],
        &["sync", "run", "nobody"],
        &["sync", "create", "s", "--connection", "c", "--object", "o", "--mapping", &missing],
        &["outbox", "retry", "--all"],
        &["sync", "cancel", "nobody"],
    ];
    for words in commands {
        let (here, there) = (plain.say(words), served.say(words));
        assert_eq!((here.code, here.stdout, here.stderr), (there.code, there.stdout, there.stderr), "{words:?}");
    }
}

#[test]
fn a_server_reads_and_writes_the_callers_files_and_streams() {
    let mut rig = Rig::served(40, 21);
    rig.create_sync(&[]);
    rig.run_inbound();
    let folder = tempfile::tempdir().unwrap();
    // Names that mean something only where the caller stands.
    let said_export = said(
        rig.host.command(&["contacts", "export", "--out", "here.csv"]).current_dir(folder.path()).output().unwrap(),
    );
    assert_eq!(said_export.code, Some(0), "{said_export:?}");
    let exported = std::fs::read_to_string(folder.path().join("here.csv")).unwrap();
    assert_eq!(exported, rig.host.ok(&["contacts", "export"]).stdout);
    let contact = rig.host.ok(&["contacts", "list", "--limit", "1"]).document()["id"].clone();
    let mut import = rig.host.command(&["outcome", "import", "-", "--format", "jsonl"]);
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let line = serde_json::json!({"kind": "call", "contact": contact, "id": "c-1", "disposition": "connected"});
    import.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    let imported = said(import.wait_with_output().unwrap());
    assert_eq!((imported.code, imported.document()["recorded"].clone()), (Some(0), 1.into()), "{imported:?}");
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents().len(), 1);
    assert_eq!(rig.host.server().end(), Some(0));
    // The state is whole and free again.
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents().len(), 1);
}

#[test]
fn a_sync_never_runs_twice_at_a_time_and_can_be_cancelled() {
    let rig = Rig::served(20_000, 22);
    rig.create_sync(&[]);
    let running = rig.host.command(&["sync", "run", "people", "--inbound-only"]);
    let mut running = running_in_background(running);
    let cancelled = loop {
        let said = rig.host.say(&["sync", "cancel", "people"]);
        if said.code == Some(0) {
            break said;
        }
        assert_eq!(running.try_wait().unwrap(), None, "it ended before it could be cancelled");
    };
    assert_eq!(cancelled.document()["stopped"], 1);
    let ended = said(running.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.error()["code"].clone()), (Some(130), "stopped".into()));
    rig.host.fails(&["sync", "cancel", "people"], "sync-not-running");
    let runs = rig.host.ok(&["sync", "runs", "people"]).documents();
    assert_eq!(runs.iter().map(|run| run["error"]["code"].clone()).collect::<Vec<_>>(), ["stopped"]);
}

#[test]
fn a_server_runs_a_sync_whose_time_has_come_and_none_that_is_paused() {
    // Its share of the spread is nothing, so it is due as soon as it may run.
    let name = "nightly-95";
    let rig = Rig::served(30, 24);
    rig.create_sync_named(name, &[]);
    rig.host.fails(&["sync", "schedule", name, "--cron", "0 25 * * *"], "schedule");
    rig.host.fails(&["sync", "schedule", name, "--every", "often"], "schedule");
    rig.host.fails(&["sync", "schedule", "people", "--every", "15m"], "sync-not-found");
    let paused = rig.host.ok(&["sync", "pause", name]).document();
    assert_eq!((paused["paused"].as_bool(), paused["next"].is_null()), (Some(true), true));
    let set = rig.host.ok(&["sync", "schedule", name, "--every", "15m"]).document();
    assert_eq!((set["schedule"].as_str(), set["next"].is_null()), (Some("every 15m"), true));
    assert_eq!(rig.host.ok(&["sync", "runs", name]).documents(), Vec::<serde_json::Value>::new());
    rig.host.ok(&["sync", "resume", name]);
    let run = loop {
        let runs = rig.host.ok(&["sync", "runs", name]).documents();
        if let Some(run) = runs.iter().find(|run| run["direction"] == "inbound" && run["end"] != "running") {
            break run.clone();
        }
    };
    assert_eq!((run["end"].as_str(), run["counts"]["rows"].as_u64()), (Some("done"), Some(30)));
}

fn running_in_background(mut command: std::process::Command) -> std::process::Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_server_that_is_asked_to_end_lets_a_run_finish_its_page() {
    let mut rig = Rig::served(20_000, 23);
    rig.create_sync(&[]);
    let mut running = running_in_background(rig.host.command(&["sync", "run", "people", "--inbound-only"]));
    while rig.host.ok(&["sync", "status", "people"]).document()["last_run"].is_null() {
        assert_eq!(running.try_wait().unwrap(), None, "it ended before it was looked at");
    }
    assert_eq!(rig.host.server().end(), Some(0));
    let ended = said(running.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.error()["code"].clone()), (Some(130), "stopped".into()));
    rig.run_inbound();
    rig.assert_complete();
}
