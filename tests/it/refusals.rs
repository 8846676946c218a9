//! What bad input gets: a clear error, and nothing lost.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::path::PathBuf;
use std::process::Command;

use crate::rig::{Host, Rig, component, mapping, said};

/// A file in the host's state directory.
fn file(host: &Host, name: &str, content: impl AsRef<[u8]>) -> String {
    let path: PathBuf = host.state.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn a_plugin_that_is_cut_short_foreign_or_no_plugin_is_refused() {
    let host = Host::new();
    let whole = std::fs::read(component("hostile")).unwrap();
    let cut = file(&host, "cut.wasm", &whole[..whole.len() / 2]);
    let foreign = file(&host, "foreign.wasm", b"\0asm\x01\0\0\0");
    let text = file(&host, "text.wasm", b"hello");
    for path in [&cut, &foreign, &text] {
        let said = host.say(&["plugin", "install", path, "--yes"]);
        assert_eq!(said.code, Some(6), "{path}: {said:?}");
        assert_eq!(said.error()["whose"], "plugin", "{path}: {said:?}");
    }
    assert_eq!(host.ok(&["plugin", "list"]).documents().len(), 0);
}

#[test]
fn a_manifest_with_unknown_keys_is_told_which() {
    let host = Host::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("guests/hostile/plugin.toml")).unwrap();
    std::fs::copy(root.join("guests/hostile/settings.schema.json"), host.state.path().join("settings.schema.json"))
        .unwrap();
    let manifest = file(&host, "plugin.toml", manifest.replace("memory-mib", "memory-mb"));
    let built = component("hostile").with_file_name("../wasm32-wasip2/component/ferry_hostile.wasm");
    let packed = built.display().to_string();
    let said = host.say(&["plugin", "pack", &packed, "--manifest", &manifest, "--out", "/dev/null"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.error().to_string().contains("memory-mb"), "{said:?}");
}

#[test]
fn a_mapping_that_names_a_missing_field_is_told_line_and_suggestion() {
    let rig = Rig::connected(10, 1);
    let text = std::fs::read_to_string(mapping("contacts.toml")).unwrap();
    let wrong = file(&rig.host, "wrong.toml", text.replace("\"lifecyclestage\"", "\"lifecyclestge\""));
    let words = ["sync", "create", "people", "--connection", "crm", "--object", "contacts", "--mapping", &wrong];
    let error = rig.host.fails(&words, "mapping-mistakes").to_string();
    assert!(error.contains("line ") && error.contains("lifecyclestage"), "{error}");
    assert_eq!(rig.host.ok(&["sync", "list"]).documents().len(), 0);
}

#[test]
fn a_second_process_learns_who_holds_the_state() {
    let host = Host::new();
    let store = ferry::store::Store::open(host.state.path(), "a test").unwrap();
    let error = host.fails(&["sync", "list"], "store-held");
    assert!(
        error["message"].as_str().unwrap().contains(&format!("process {} (`a test`", std::process::id())),
        "{error:#}"
    );
    drop(store);
}

#[test]
fn a_full_disk_ends_a_run_with_a_clear_error_and_the_next_run_finishes_it() {
    let rig = Rig::new(12_000, 31);
    // A bound on the size of files, here 4 MiB, is to the store what a full disk is.
    let program = rig.host.command(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$@\"", "sh"]).arg(program);
    command.args(["sync", "run", "people", "--inbound-only", "--json"]).env("FERRY_STATE", rig.host.state.path());
    let full = said(command.output().unwrap());
    assert_eq!(full.code, Some(7), "{full:?}");
    assert_eq!(full.error()["code"], "store-disk-full", "{full:?}");
    rig.run_inbound();
    rig.assert_complete();
}

#[test]
fn broken_lines_of_an_import_are_named_and_the_others_are_taken() {
    let rig = Rig::new(120, 32);
    rig.run_inbound();
    let contacts = rig.host.ok(&["contacts", "list", "--limit", "2"]).documents();
    let (one, two) = (contacts[0]["id"].as_str().unwrap(), contacts[1]["id"].as_str().unwrap());
    let csv = format!(
        "id,kind,contact,disposition,duration_s\na,call,{one},connected,12\nb,call,{two},connected,many\nc,call,c999999,busy,1\nd,call,{one}\na,call,{two},busy,3\n"
    );
    let path = file(&rig.host, "outcomes.csv", csv);
    let said = rig.host.say(&["outcome", "import", &path]);
    let report = said.document();
    assert_eq!((&report["recorded"], &report["already"]), (&1.into(), &1.into()), "{said:?}");
    let lines: Vec<u64> =
        report["refusals"].as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 4, 5], "{said:?}");
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents().len(), 1);
}
