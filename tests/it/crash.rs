//! Kills the host at every commit, before and after it, in both directions: nothing is lost and nothing is doubled.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use crate::rig::Rig;

/// Points after which a run is surely over; a run that gets there did not crash, and the loop ends.
const MOST_POINTS: u32 = 200;

/// Runs the command again and again, each time dying one point later, until it lives; gives how often it died.
pub(crate) fn die_at_every_point(rig: &Rig, words: &[&str], mut again: impl FnMut()) -> u32 {
    for point in 0..MOST_POINTS {
        again();
        let output = rig.host.command(words).env("FERRY_CRASH_AFTER", point.to_string()).output().unwrap();
        if output.status.code() == Some(0) {
            return point;
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), None, "it failed instead of dying: {stderr}");
    }
    panic!("`ferry {}` never came to its end", words.join(" "));
}

#[test]
fn a_crash_at_any_commit_of_an_inbound_run_loses_and_doubles_nothing() {
    let rig = Rig::new(450, 11);
    // Each time something new has come, so that each run has pages to commit.
    let mut born = 0;
    let died = die_at_every_point(&rig, &["sync", "run", "people", "--inbound-only"], || {
        born += 1;
        let email = format!("born{born}@example.com");
        rig.crm.create("contacts", &[("firstname", "Born"), ("email", &email), ("city", "Ulm")]).unwrap();
    });
    assert!(died > 5, "it died only {died} times");
    rig.run_inbound();
    rig.assert_complete();
}

#[test]
fn a_crash_at_any_commit_of_an_outbound_run_sends_each_outcome_once() {
    let rig = Rig::new(120, 12);
    rig.run_inbound();
    let contacts = rig.host.ok(&["contacts", "list", "--limit", "60"]).documents();
    let mut ids = contacts.iter().map(|contact| contact["id"].as_str().unwrap().to_owned());
    let mut recorded = 0;
    let mut record = || {
        let (contact, id) = (ids.next().expect("more contacts than crashes"), format!("call-{recorded}"));
        let words = ["outcome", "record", "call", "--contact", &contact, "--id", &id, "disposition=connected"];
        rig.host.ok(&words);
        recorded += 1;
    };
    let died = die_at_every_point(&rig, &["sync", "run", "people", "--outbound-only"], &mut record);
    assert!(died > 3, "it died only {died} times");
    rig.host.ok(&["sync", "run", "people", "--outbound-only"]);
    assert_eq!(rig.crm.records("calls", 0, usize::MAX).unwrap().len(), recorded);
    assert_eq!(rig.host.ok(&["outbox", "list"]).documents().len(), 0);
}

#[test]
fn a_crash_in_the_midst_of_a_change_of_the_key_loses_no_credential() {
    let rig = Rig::connected(1, 13);
    let key = || std::fs::read_to_string(rig.host.state.path().join("sealing.key")).unwrap();
    let first = key();
    let died = die_at_every_point(&rig, &["vault", "rotate"], || drop(rig.host.ok(&["connection", "check", "crm"])));
    assert!(died >= 2, "it died only {died} times");
    rig.host.ok(&["connection", "check", "crm"]);
    assert_ne!(key(), first);
    let waiting = rig.host.state.path().join("sealing.key.next");
    assert!(!waiting.exists(), "no key is left beside it");
}
