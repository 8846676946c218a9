use std::time::Duration;

use super::rig::{Rig, fill, person};
use crate::model::connector::Window;
use crate::model::drift::{Change, SeenFields};
use crate::model::failure::Failure;
use crate::model::sync::{Checkpoint, Counts, RunEnd};
use crate::model::time::Clock;
use crate::sync::{Silent, SyncError, Verdict, run_inbound, stop_signal, try_sync};

#[tokio::test]
async fn a_backfill_in_partitions_brings_every_record_once() {
    let rig = Rig::new();
    fill(&rig, 95);
    let run = rig.inbound().await.unwrap();
    let counts = Counts { pages: run.counts.pages, rows: 95, created: 95, ..Counts::default() };
    assert_eq!((run.counts, run.end), (counts, RunEnd::Done));
    assert_eq!(rig.people().len(), 95);
    let state = rig.state();
    assert_eq!((state.high_water, state.checkpoint, state.linked, state.refused), (Some(rig.clock.now()), None, 95, 0));
}

#[tokio::test]
async fn a_second_run_moves_only_what_has_changed() {
    let rig = Rig::new();
    fill(&rig, 30);
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    let now = rig.clock.now().0;
    rig.crm.put(7, now - 1_000_000, &["Changed", "p7@example.com", ""]);
    rig.crm.put(31, now - 1_000_000, &["New", "p31@example.com", ""]);
    let run = rig.inbound().await.unwrap();
    assert_eq!(run.counts, Counts { pages: 1, rows: 2, created: 1, changed: 1, ..Counts::default() });
    assert_eq!(rig.contacts().iter().filter(|contact| contact.text("first_name") == Some("Changed")).count(), 1);
}

/// What was changed while our clock was wrong by so many seconds, and what was after it was set right, comes.
async fn nothing_is_hidden_by_a_clock_that_is_wrong_by(seconds: i64, is_timeless: bool) {
    let rig = Rig::new();
    rig.crm.state().is_timeless = is_timeless;
    fill(&rig, 3);
    rig.inbound().await.unwrap();
    let change = async |id: u64, name: &str| {
        rig.clock.advance(Duration::from_secs(600));
        rig.crm.put(id, rig.clock.real().0, &[name, &format!("p{id}@example.com"), ""]);
        let run = rig.inbound().await.unwrap();
        let has_come = rig.contacts().iter().any(|contact| contact.text("first_name") == Some(name));
        assert!(has_come, "{name} (wrong by {seconds} s, timeless {is_timeless}): {:?}", run.counts);
    };
    change(1, "before").await;
    rig.clock.set_skew(seconds);
    change(2, "meanwhile").await;
    rig.inbound().await.unwrap();
    rig.clock.set_skew(0);
    change(3, "after").await;
}

#[tokio::test]
async fn a_clock_that_jumps_hides_nothing_whatever_it_jumps_by() {
    for is_timeless in [false, true] {
        for seconds in [-3_600, -150, 150, 3_600, 86_400_000] {
            nothing_is_hidden_by_a_clock_that_is_wrong_by(seconds, is_timeless).await;
        }
    }
}

#[tokio::test]
async fn what_is_gone_is_found_whatever_the_clock_says() {
    for is_timeless in [false, true] {
        let rig = Rig::new();
        rig.crm.state().is_timeless = is_timeless;
        fill(&rig, 3);
        rig.inbound().await.unwrap();
        rig.clock.set_skew(86_400);
        rig.inbound().await.unwrap();
        rig.clock.set_skew(0);
        rig.clock.advance(Duration::from_secs(600));
        rig.inbound().await.unwrap();
        let windows = rig.crm.state().gone_windows.clone();
        let pairs = windows.windows(2).map(|pair| (pair[0].before.min(rig.clock.real()), pair[1].since));
        pairs.for_each(|(before, since)| assert!(since <= before, "{windows:?} leave something out"));
    }
}

#[tokio::test]
async fn rows_that_come_again_unchanged_write_nothing() {
    let rig = Rig::new();
    rig.crm.put(1, rig.clock.now().0, &["Ada", "ada@example.com", ""]);
    rig.inbound().await.unwrap();
    let before = rig.contacts();
    let run = rig.inbound().await.unwrap();
    assert_eq!(run.counts, Counts { pages: 1, rows: 1, unchanged: 1, ..Counts::default() });
    assert_eq!(rig.contacts(), before);
}

#[tokio::test]
async fn a_run_that_fails_goes_on_where_it_stopped() {
    let mut rig = Rig::new();
    rig.sync.abilities.partitions = false;
    fill(&rig, 40);
    rig.inbound_failing_after(2, Failure::Unauthorized("expired".into())).await;
    assert_eq!(rig.contacts().len(), 20);
    let rig = rig.restart();
    let pulls = rig.crm.state().pulls;
    let run = rig.inbound().await.unwrap();
    // Two pages are left of the backfill; then a window over what changed meanwhile.
    assert_eq!(run.counts.created, 20);
    assert_eq!(rig.crm.state().pulls - pulls, 3);
    assert_eq!(rig.contacts().len(), 40);
}

#[tokio::test]
async fn windows_that_are_too_large_are_halved_until_they_fit() {
    let rig = Rig::new();
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    let now = rig.clock.now().0;
    for id in 1..=64 {
        rig.crm.put(id, now - 1_000_000 * i64::try_from(id).unwrap(), &[&format!("P{id}"), "", ""]);
    }
    rig.crm.state().window_cap = 5;
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.created, rig.contacts().len()), (64, 64));
}

#[tokio::test]
async fn an_instant_that_holds_too_much_ends_the_run_with_advice() {
    let rig = Rig::new();
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    (1..=6).for_each(|id| rig.crm.put(id, rig.clock.now().0, &["P", "", ""]));
    rig.crm.state().window_cap = 5;
    assert!(matches!(rig.inbound().await, Err(SyncError::TooDense(Window { .. }))));
}

#[tokio::test]
async fn an_expired_token_starts_the_walk_over_and_doubles_nothing() {
    let mut rig = Rig::new();
    rig.sync.abilities.partitions = false;
    fill(&rig, 30);
    rig.inbound_failing_after(2, Failure::Permanent("stop here".into())).await;
    rig.crm.state().pull_failures.push_back(Failure::TokenExpired);
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.created, run.counts.unchanged, rig.contacts().len()), (10, 20, 30));
}

#[tokio::test]
async fn a_field_that_has_vanished_is_an_alarm_and_never_a_null() {
    let rig = Rig::new();
    rig.crm.put(1, 1, &["Ada", "ada@example.com", ""]);
    rig.inbound().await.unwrap();
    rig.clock.advance(Duration::from_secs(3600));
    rig.crm.state().fields.retain(|name| *name != "email");
    rig.crm.put(1, rig.clock.now().0, &["Ada L.", "", ""]);
    let failed = rig.inbound().await.unwrap_err();
    assert!(matches!(&failed, SyncError::FieldsVanished(fields) if *fields == ["email"]), "{failed}");
    assert_eq!(rig.people(), [person("Ada", "ada@example.com", "")]);
    rig.crm.state().fields.push("email");
    rig.inbound().await.unwrap();
    let seen = rig.ports.workspace.get::<SeenFields>(&rig.sync.id).unwrap().unwrap();
    let drifts: Vec<_> = seen.drifts.iter().map(|drift| (drift.field.as_str(), &drift.change, drift.is_read)).collect();
    assert_eq!(drifts, [("email", &Change::Vanished, true), ("email", &Change::Appeared, true)]);
}

#[tokio::test]
async fn limits_are_waited_out_as_long_as_the_crm_says() {
    let rig = Rig::new();
    fill(&rig, 5);
    let before = rig.clock.now();
    rig.crm.state().pull_failures.push_back(Failure::RateLimited(Some(Duration::from_secs(42))));
    rig.inbound().await.unwrap();
    assert_eq!(rig.clock.now().since(before), Duration::from_secs(42));
    assert_eq!(rig.contacts().len(), 5);
}

#[tokio::test]
async fn refused_rows_are_kept_with_their_reason_until_they_are_mended() {
    let rig = Rig::new();
    let now = rig.clock.now().0;
    rig.crm.put(1, now, &["refuse me", "a@example.com", ""]);
    rig.crm.put(2, now, &["Bea", "NOT AN E-MAIL", "030 123"]);
    rig.crm.put(3, now, &["skip me", "", ""]);
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.refused, run.counts.skipped, rig.state().refused), (2, 1, 2));
    assert_eq!(
        rig.refusals(),
        [
            ("1".to_owned(), "first_name: is not a name".to_owned()),
            (
                "2".to_owned(),
                "email: is not an e-mail address in lower case; phone: is not a phone number in E.164, as in \
                 +4930123456; map it with type `phone`"
                    .to_owned()
            ),
        ]
    );
    rig.crm.put(1, now, &["Ada", "a@example.com", ""]);
    rig.inbound().await.unwrap();
    assert_eq!((rig.refusals().len(), rig.state().refused, rig.contacts().len()), (1, 1, 1));
}

#[tokio::test]
async fn a_record_of_another_source_joins_the_contact_with_its_email() {
    let mut rig = Rig::new();
    rig.crm.put(1, 1, &["Ada", "ada@example.com", "+4930111111"]);
    rig.inbound().await.unwrap();
    rig.sync.id = "leads".parse().unwrap();
    rig.sync.object = "leads".into();
    rig.crm.state().records.clear();
    rig.crm.put(9, 1, &["Ada L.", "ada@example.com", ""]);
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.created, run.counts.changed), (0, 1));
    assert_eq!(rig.people(), [person("Ada L.", "ada@example.com", "")]);
    assert_eq!(rig.contacts()[0].links.len(), 2);
}

#[tokio::test]
async fn a_shared_phone_does_not_join_people_with_different_emails() {
    let rig = Rig::new();
    rig.crm.put(1, 1, &["Ada", "ada@example.com", "+4930111111"]);
    rig.crm.put(2, 1, &["Bea", "bea@example.com", "+4930111111"]);
    rig.inbound().await.unwrap();
    assert_eq!(rig.contacts().len(), 2);
    assert_eq!(rig.refusals(), []);
}

#[tokio::test]
async fn a_number_that_very_many_share_tells_nobody_apart() {
    let rig = Rig::new();
    for id in 1..=60 {
        rig.crm.put(id, 1_000_000, &[&format!("P{id}"), &format!("p{id}@example.com"), "+4930111111"]);
    }
    // Without an e-mail address there is nothing else to go by.
    rig.crm.put(61, 1_000_000, &["Who", "", "+4930111111"]);
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.created, run.counts.refused), (60, 1));
    let [(record, reason)] = &rig.refusals()[..] else { panic!("{:?}", rig.refusals()) };
    assert_eq!(record, "61");
    assert!(reason.starts_with("held: its phone is also that of c1"), "{reason}");
}

#[tokio::test]
async fn a_record_that_could_be_somebody_known_is_held() {
    let rig = Rig::new();
    rig.crm.put(1, 1, &["Ada", "ada@example.com", "+4930111111"]);
    rig.crm.put(2, 1, &["A.", "", "+4930111111"]);
    rig.inbound().await.unwrap();
    assert_eq!(rig.people(), [person("Ada", "ada@example.com", "+4930111111")]);
    assert_eq!(rig.refusals(), [("2".to_owned(), "held: its phone is also that of c1".to_owned())]);
}

#[tokio::test]
async fn another_sync_of_the_same_object_finds_contacts_by_their_records() {
    let mut rig = Rig::new();
    fill(&rig, 12);
    rig.inbound().await.unwrap();
    rig.sync.id = "again".parse().unwrap();
    rig.sync.match_keys.clear();
    let run = rig.inbound().await.unwrap();
    assert_eq!((run.counts.created, rig.contacts().len(), rig.state().linked), (0, 12, 12));
}

#[tokio::test]
async fn a_refused_row_that_comes_back_as_it_was_is_refused_no_more() {
    let rig = Rig::new();
    let now = rig.clock.now().0;
    for (name, refused) in [("Ada", 0), ("refuse me", 1), ("Ada", 0), ("skip me", 0), ("Ada", 0)] {
        rig.crm.put(1, now, &[name, "a@example.com", ""]);
        rig.inbound().await.unwrap();
        assert_eq!((rig.state().refused, rig.refusals().len()), (refused, usize::try_from(refused).unwrap()), "{name}");
    }
    let aside = rig.ports.workspace.scan::<crate::model::ledger::SetAside>().count();
    assert_eq!((aside, rig.people()), (0, vec![person("Ada", "a@example.com", "")]));
}

#[tokio::test]
async fn a_stopped_run_says_so_and_keeps_what_it_has() {
    let rig = Rig::new();
    fill(&rig, 30);
    let (stopper, stop) = stop_signal();
    stopper.stop();
    let stopped = run_inbound(&rig.ports, &rig.sync, 4, &Silent, &stop).await;
    assert!(matches!(stopped, Err(SyncError::Stopped)));
    rig.inbound().await.unwrap();
    assert_eq!(rig.contacts().len(), 30);
}

#[tokio::test]
async fn a_test_sync_tells_all_and_writes_nothing() {
    let rig = Rig::new();
    rig.crm.put(1, 1, &["Ada", "ada@example.com", ""]);
    rig.crm.put(2, 1, &["refuse me", "", ""]);
    let report = try_sync(&rig.ports, &rig.sync, 10).await.unwrap();
    assert_eq!(report.counts, Counts { pages: 1, rows: 2, created: 1, refused: 1, ..Counts::default() });
    let verdicts: Vec<_> = report.rows.iter().map(|row| (row.record.as_str(), &row.verdict)).collect();
    assert!(matches!(verdicts[..], [("1", Verdict::Created(_)), ("2", Verdict::Refused(_))]), "{verdicts:?}");
    assert_eq!(rig.contacts(), []);
    assert_eq!(rig.refusals(), []);
}

#[tokio::test]
async fn a_crm_that_is_at_work_is_waited_for_within_bounds() {
    let mut rig = Rig::new();
    rig.sync.abilities.partitions = false;
    fill(&rig, 30);
    rig.crm.state().waits = [30, 24 * 3_600].map(Duration::from_secs).into();
    let started = rig.clock.now();
    rig.inbound().await.unwrap();
    assert_eq!(rig.clock.now(), started.plus(Duration::from_secs(30 + 5 * 60)));
    assert_eq!(rig.contacts().len(), 30);
}

#[tokio::test]
async fn a_checkpoint_is_kept_with_each_page() {
    let mut rig = Rig::new();
    rig.sync.abilities.partitions = false;
    fill(&rig, 40);
    rig.inbound_failing_after(3, Failure::Permanent("stop here".into())).await;
    let Some(Checkpoint::Backfill { partitions, .. }) = rig.state().checkpoint else { panic!("no checkpoint") };
    assert_eq!(partitions[0].next.as_deref(), Some("31-18446744073709551615"));
    assert_eq!(rig.contacts().len(), 30);
}

impl Rig {
    /// Runs until so many pages have been pulled, then the CRM fails.
    async fn inbound_failing_after(&self, pages: u64, failure: Failure) {
        let pulls = self.crm.state().pulls;
        self.crm.state().fail_pull = Some((pulls + pages + 1, failure));
        assert!(self.inbound().await.is_err());
    }
}
