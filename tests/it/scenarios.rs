//! Crossings as data: each file in `tests/scenarios` is a CRM, faults, commands, and what must hold in the end.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::path::Path;

use ferry_tests::sim::faults::Rule;
use serde::Deserialize;
use serde_json::Value;

use crate::rig::Rig;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows.
    claim: String,
    contacts: u64,
    seed: u64,
    /// More words for `sync create`.
    #[serde(default)]
    sync: Vec<String>,
    step: Vec<Step>,
    end: End,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) enum Step {
    Fault(Rule),
    /// Somebody in the CRM edits the contact at this place.
    Edit {
        nth: usize,
        city: String,
    },
    /// Somebody in the CRM puts the contact at this place into the bin.
    Archive {
        nth: usize,
    },
    ExpireTokens {},
    ClearFaults {},
    /// The CRM's clock moves by so much against the host's, also back: as if the host's had jumped the other way.
    Clock {
        seconds: i64,
    },
    /// From now on the CRM's search shows what was written only after so long.
    Lag {
        seconds: i64,
    },
    /// A real pause, where the host's own clock must pass a back-off.
    Pause {
        seconds: u64,
    },
    /// A command; its error code if it must fail, and counts of its run that must come out.
    Ferry {
        words: Vec<String>,
        #[serde(default)]
        fails: Option<String>,
        #[serde(default)]
        inbound: Option<Value>,
        #[serde(default)]
        outbound: Option<Value>,
    },
    /// Records a call for the contact at this place in our list.
    Call {
        nth: usize,
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// Every record is a contact or refused.
    #[serde(default)]
    complete: bool,
    /// How many calls the CRM has.
    #[serde(default)]
    calls: Option<usize>,
    #[serde(default)]
    dead: Option<usize>,
}

#[expect(clippy::print_stderr, reason = "the seed of a failure is to be seen")]
fn play(name: &str, connected: fn(u64, u64) -> Rig) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let scenario: Scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    eprintln!("{name} (seed {}): {}", scenario.seed, scenario.claim);
    let rig = connected(scenario.contacts, scenario.seed);
    rig.create_sync(&scenario.sync.iter().map(String::as_str).collect::<Vec<_>>());
    for step in scenario.step {
        take(&rig, step);
    }
    end(&rig, &scenario.end);
}

pub(crate) fn take(rig: &Rig, step: Step) {
    match step {
        Step::Fault(rule) => rig.crm.fault(rule),
        Step::Edit { nth, city } => {
            let id = rig.crm.nth("contacts", nth).unwrap();
            rig.crm.update("contacts", id, &[("city", &city)]).unwrap();
        }
        Step::Archive { nth } => {
            let id = rig.crm.nth("contacts", nth).unwrap();
            rig.crm.archive("contacts", id).unwrap();
        }
        Step::ExpireTokens {} => rig.crm.expire_tokens(),
        Step::ClearFaults {} => rig.crm.clear_faults(None),
        Step::Clock { seconds } => rig.crm.clock().advance(seconds * 1_000),
        Step::Lag { seconds } => rig.crm.switch(|switches| switches.search_lag_ms = seconds * 1_000),
        Step::Pause { seconds } => std::thread::sleep(std::time::Duration::from_secs(seconds)),
        Step::Call { nth, id } => {
            let contacts = rig.host.ok(&["contacts", "list", "--limit", &(nth + 1).to_string()]).documents();
            let contact = contacts[nth]["id"].as_str().unwrap();
            let words = ["outcome", "record", "call", "--contact", contact, "--id", &id, "disposition=connected"];
            rig.host.ok(&[&words[..], &["duration_s=83", "summary=Said <yes> & thanks"]].concat());
        }
        Step::Ferry { words, fails, inbound, outbound } => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let Some(code) = fails else {
                let report = rig.host.ok(&words).document();
                assert_counts(&report["inbound"]["counts"], inbound);
                assert_counts(&report["outbound"]["counts"], outbound);
                return;
            };
            rig.host.fails(&words, &code);
        }
    }
}

fn assert_counts(counts: &Value, expected: Option<Value>) {
    for (name, count) in expected.iter().filter_map(Value::as_object).flatten() {
        assert_eq!(&counts[name], count, "{name} in {counts}");
    }
}

fn end(rig: &Rig, end: &End) {
    if end.complete {
        rig.assert_complete();
    }
    if let Some(calls) = end.calls {
        assert_eq!(rig.crm.records("calls", 0, usize::MAX).unwrap().len(), calls);
    }
    if let Some(dead) = end.dead {
        assert_eq!(rig.host.ok(&["outbox", "list", "--dead"]).documents().len(), dead);
    }
}

macro_rules! scenarios {
    ($($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                play(stringify!($name), Rig::connected);
            }
        )+

        /// The same, with a server that has the state open.
        mod served {
            use super::*;
            $(
                #[test]
                fn $name() {
                    play(stringify!($name), Rig::served);
                }
            )+
        }

        #[test]
        fn every_file_is_played() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
            let mut files: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),+]);
        }
    };
}

scenarios! {
    broken_answers
    changed_records
    clock_jumps
    equal_stamps
    filtered
    lagging_search
    lost_replies
    only_what_is_asked
    refused_sign_in
    server_errors
}
