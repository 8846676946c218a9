//! Mappings that an admin writes in JavaScript: previewed, run in both directions, and refused by line.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use serde_json::{Value, json};

use crate::rig::Rig;

const CONTACTS: &str = r#"
const reads = ['firstname', 'lastname', 'hs_object_id'];
const gives = { full_name: 'text', crm_id: 'text' };

function map(row) {
  const number = Number(row.hs_object_id);
  if (number % 10 === 1) skip('every tenth is for tests');
  if (number % 10 === 2) throw new Error('no such customer');
  if (number % 10 === 3) return { full_name: String(Date.now()) };
  if (number % 10 === 4) for (;;);
  return { full_name: [row.firstname, row.lastname].filter(Boolean).join(' '), crm_id: String(row.hs_object_id) };
}
"#;

const CALL: &str = r#"
const reads = ['disposition', 'duration_s', 'summary', 'at'];
const gives = { hs_call_title: 'text', hs_call_body: 'text', hs_call_duration: 'integer', hs_timestamp: 'instant' };
const map = (row) => ({
  hs_call_title: `Script: ${row.disposition}`,
  hs_call_body: row.summary,
  hs_call_duration: row.duration_s * 1000,
  hs_timestamp: row.at,
});
"#;

/// A rig with the script mapper and a file with a script.
fn rig(contacts: u64) -> Rig {
    let rig = Rig::connected(contacts, 11);
    rig.host.install("script-mapper", None);
    rig
}

fn file(rig: &Rig, name: &str, text: &str) -> String {
    let path = rig.host.state.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn create<'a>(mapping: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words =
        ["sync", "create", "people", "--connection", "crm", "--object", "contacts", "--mapper", "script-mapper"];
    [&words[..], &["--mapping", mapping], more].concat()
}

#[test]
fn a_script_maps_both_ways_and_what_a_row_does_wrong_is_that_rows_alone() {
    let rig = rig(40);
    let (contacts, call) = (file(&rig, "contacts.js", CONTACTS), file(&rig, "call.js", CALL));
    rig.host.ok(&create(&contacts, &["--outbound", &format!("call=calls:{call}")]));
    let preview = rig.host.ok(&["sync", "test", "people", "--sample", "40"]).stdout;
    for told in ["every tenth is for tests", "line 8 of the script: Error: no such customer"] {
        assert!(preview.contains(told), "{told}: {preview}");
    }
    assert_eq!(rig.host.contacts().len(), 0, "a preview writes nothing");

    let records = rig.crm.records("contacts", 0, usize::MAX).unwrap();
    let numbered = |ends: &[u64]| {
        let last = |id: &str| id.parse::<u64>().unwrap() % 10;
        records.iter().filter(|record| ends.contains(&last(&record.id))).count()
    };
    let (skipped, refused) = (numbered(&[1]), numbered(&[2, 3, 4]));
    let created = records.len() - skipped - refused;
    let counts = rig.run_inbound();
    let told = (&counts["created"], &counts["refused"], &counts["skipped"]);
    assert_eq!(told, (&created.into(), &refused.into(), &skipped.into()), "{counts}");
    let refused = rig.host.ok(&["contacts", "list", "--sync", "people", "--refused"]).documents();
    let mut told: Vec<&str> = refused.iter().map(|row| row["message"].as_str().unwrap()).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(
        told,
        [
            "line 5 of the script: turns more than 100000 times in a loop, or repeats a text as often, here or below",
            "line 8 of the script: Error: no such customer",
            "line 9 of the script: asks for the time of day, which a mapping does not have: the same row must always give the same",
        ],
    );
    let contact = rig.host.contacts().into_values().next().unwrap();
    let id = contact["id"].as_str().unwrap();
    let record = ["outcome", "record", "call", "--contact", id, "--id", "one"];
    rig.host.ok(&[&record[..], &["disposition=connected", "duration_s=83", "summary=Hello"]].concat());
    rig.host.ok(&["sync", "run", "people", "--outbound-only"]);
    let calls = rig.crm.records("calls", 0, usize::MAX).unwrap();
    let sent: Vec<&str> = calls.iter().map(|call| call.properties["hs_call_title"].as_str()).collect();
    assert_eq!(sent, ["Script: connected"]);
}

#[test]
fn a_script_that_cant_be_used_is_refused_with_the_line() {
    let rig = rig(1);
    for (script, told) in [
        ("const reads = ['email'];\nconst gives = {\n", "line 2: ends in the middle of something"),
        (
            "const reads = ['emial'];\nconst gives = { email: 'email' };\nfunction map(row) { return row; }",
            "line 1, `reads`",
        ),
        (
            "const reads = ['email'];\nconst gives = { email: 'mail' };\nfunction map(row) { return row; }",
            "line 2, `gives.email`",
        ),
        (
            "const reads = ['email'];\nconst gives = { email: 'email' };\nconst when = Date.now();",
            "asks for the time of day",
        ),
    ] {
        let path = file(&rig, "wrong.js", script);
        let error = rig.host.fails(&create(&path, &[]), "mapping-mistakes");
        assert!(error.to_string().contains(told), "{told}: {error:#}");
    }
    assert_eq!(rig.host.ok(&["sync", "list"]).documents().len(), 0);
}

/// Takes all the memory that its call has, in no time: a text that doubles.
const HOARD: &str = "const reads = ['email'];\nconst gives = { note: 'text' };\n\
    function map(row) { let text = 'x'; for (let i = 0; i < 40; i++) text += text; return { note: text }; }";

/// The same, content with little.
fn modest() -> String {
    HOARD.replace("40", "4")
}

#[test]
fn a_script_without_bounds_of_its_own_ends_at_the_bounds_of_its_call() {
    let rig = rig(5);
    rig.host.ok(&create(&file(&rig, "hoard.js", HOARD), &[]));
    rig.host.fails(&["sync", "run", "people", "--inbound-only"], "plugin-memory");
    rig.host.ok(&["sync", "apply", "people", "--mapping", &file(&rig, "mend.js", &modest())]);
    assert_eq!(rig.run_inbound()["created"], 5);
}

#[test]
fn a_script_that_keeps_failing_rests_alone() {
    let rig = rig(5);
    let (hoard, good) = (file(&rig, "hoard.js", HOARD), file(&rig, "good.js", &modest()));
    rig.host.ok(&create(&hoard, &[]));
    let others: Vec<&str> =
        create(&good, &[]).into_iter().map(|word| if word == "people" { "others" } else { word }).collect();
    rig.host.ok(&others);
    let run = ["sync", "run", "people", "--inbound-only"];
    (0..3).for_each(|_| drop(rig.host.fails(&run, "plugin-memory")));
    let error = rig.host.fails(&run, "plugin-quarantined");
    assert!(error["remedy"].as_str().unwrap().starts_with("mend the mapping"), "{error:#}");
    // The same mapper goes on for whoever's script is well.
    rig.host.ok(&["sync", "run", "others", "--inbound-only"]);
    let listed = rig.host.ok(&["plugin", "list"]).documents();
    let mapper = listed.iter().find(|plugin| plugin["id"] == "script-mapper").unwrap();
    assert_eq!((&mapper["health"], &mapper["mappings"][0]["syncs"]), (&Value::Null, &json!(["people"])), "{mapper:#}");
    let said = rig.host.say(&["doctor", "--offline"]).stdout;
    assert!(said.contains("with the mapping of `people`, is quarantined after 3 faults"), "{said}");
    // Released it is tried again, and mended it is well at once.
    rig.host.ok(&["plugin", "release", "script-mapper"]);
    rig.host.fails(&run, "plugin-memory");
    (0..2).for_each(|_| drop(rig.host.fails(&run, "plugin-memory")));
    rig.host.ok(&["sync", "apply", "people", "--mapping", &file(&rig, "mend.js", &modest())]);
    rig.host.ok(&run);
    assert!(!rig.host.say(&["doctor", "--offline"]).stdout.contains("quarantined"));
}
