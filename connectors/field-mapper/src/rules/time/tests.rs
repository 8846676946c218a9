use super::*;

fn rule(zone: Option<&str>, formats: &[&str]) -> Time {
    let formats = formats.iter().map(|format| Format::parse(format).expect("a format")).collect();
    let zone = zone.map(|name| ZONES.get(name).expect("a zone"));
    Time { formats, zone, ambiguous: Ambiguous::Compatible, start: Clock::default() }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// An instant from ISO 8601 with an offset.
fn at(text: &str) -> Value {
    instant_of(text).expect("an instant")
}

#[test]
fn a_local_time_is_an_instant_in_its_zone() {
    let berlin = rule(Some("Europe/Berlin"), &[]);
    assert_eq!(berlin.instant(text("2026-07-01 12:00")), Ok(at("2026-07-01T10:00:00Z")));
    assert_eq!(berlin.instant(text("2026-01-01T12:00:00")), Ok(at("2026-01-01T11:00:00Z")));
    assert_eq!(berlin.instant(text(" 2026-01-01T12:00:00-05:00 ")), Ok(at("2026-01-01T17:00:00Z")));
    assert_eq!(rule(None, &[]).instant(text("2026-07-01 12:00")), Err(Refusal::NoZone));
}

#[test]
fn skipped_and_repeated_hours_go_where_the_mapping_says() {
    let (gap, overlap) = ("2026-03-29 02:30", "2026-10-25 02:30");
    for (ambiguous, in_gap, in_overlap) in [
        (Ambiguous::Compatible, "2026-03-29T01:30:00Z", "2026-10-25T00:30:00Z"),
        (Ambiguous::Earlier, "2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z"),
        (Ambiguous::Later, "2026-03-29T01:30:00Z", "2026-10-25T01:30:00Z"),
    ] {
        let berlin = Time { ambiguous, ..rule(Some("Europe/Berlin"), &[]) };
        let found = [gap, overlap].map(|local| berlin.instant(text(local)));
        assert_eq!(found, [Ok(at(in_gap)), Ok(at(in_overlap))], "{ambiguous:?}");
    }
    let strict = Time { ambiguous: Ambiguous::Refuse, ..rule(Some("Europe/Berlin"), &[]) };
    assert_eq!(
        [gap, overlap].map(|local| strict.instant(text(local))),
        [Err(Refusal::Ambiguous), Err(Refusal::Ambiguous)]
    );
    assert!(strict.instant(text("2026-10-25 03:30")).is_ok());
}

#[test]
fn a_date_becomes_the_start_of_its_day_in_the_zone() {
    let berlin = rule(Some("Europe/Berlin"), &[]);
    assert_eq!(berlin.instant(Value::Date(20_635)), Ok(at("2026-06-30T22:00:00Z")));
    let nine = Time { start: Clock { hour: 9, ..Clock::default() }, ..berlin };
    assert_eq!(nine.instant(text("2026-07-01")), Ok(at("2026-07-01T07:00:00Z")));
    assert_eq!(rule(None, &[]).instant(Value::Date(0)), Err(Refusal::NoZone));
}

#[test]
fn the_day_of_an_instant_depends_on_the_zone() {
    let late = at("2026-07-01T23:30:00Z");
    assert_eq!(rule(Some("UTC"), &[]).date(late.clone()), Ok(date_of("2026-07-01").expect("a date")));
    assert_eq!(rule(Some("Europe/Berlin"), &[]).date(late.clone()), Ok(date_of("2026-07-02").expect("a date")));
    assert_eq!(rule(None, &[]).date(late), Err(Refusal::NoZone));
    assert_eq!(rule(None, &[]).date(text("2026-07-01T23:30")), Ok(date_of("2026-07-01").expect("a date")));
    assert_eq!(rule(None, &[]).date(text("2026-07-01T23:30Z")), Err(Refusal::NoZone));
}

#[test]
fn counts_need_a_unit() {
    let start = at("2026-01-01T00:00:00Z");
    assert_eq!(rule(None, &["milliseconds"]).instant(Value::Integer(1_767_225_600_000)), Ok(start.clone()));
    assert_eq!(rule(None, &["iso", "seconds"]).instant(text("1767225600")), Ok(start.clone()));
    assert_eq!(rule(None, &[]).instant(Value::Integer(1_767_225_600_000)), Err(Refusal::BareNumber));
    assert_eq!(rule(None, &["seconds"]).instant(Value::Integer(i64::MAX)), Err(Refusal::OutOfTime));
    assert_eq!(rule(Some("UTC"), &["milliseconds"]).date(Value::Integer(1_767_225_600_000)), Ok(Value::Date(20_454)));
    let mut written = String::new();
    let Value::Instant(micros) = start else { panic!("an instant") };
    assert_eq!(rule(None, &["milliseconds"]).push_instant(micros, &mut written), Ok(()));
    assert_eq!(written, "1767225600000");
}

#[test]
fn several_formats_are_tried_in_turn_and_the_calendar_counts() {
    let rule = rule(None, &["DD.MM.YYYY", "iso"]);
    assert_eq!(rule.date(text("31.12.9999")), Ok(Value::Date(2_932_896)));
    assert_eq!(rule.date(text("2024-02-29")), Ok(Value::Date(19_782)));
    for wrong in ["30.02.2026", "2026-02-29", "2026-13-01", "00.01.2026", "soon", ""] {
        assert_eq!(rule.date(text(wrong)), Err(Refusal::NOT_DATE), "{wrong}");
    }
    assert_eq!(rule.date(Value::Boolean(true)), Err(Refusal::Clash { given: "true or false", wanted: "a date" }));
}

#[test]
fn times_are_written_in_the_zone_and_the_format() {
    let written = |zone, formats: &[&str], value: Value| {
        let mut out = String::new();
        let Value::Instant(micros) = value else { panic!("an instant") };
        rule(zone, formats).push_instant(micros, &mut out).map(|()| out)
    };
    let instant = || at("2026-07-01T22:30:05.25Z");
    assert_eq!(written(None, &[], instant()), Ok("2026-07-01T22:30:05.250Z".to_owned()));
    let berlin = Some("Europe/Berlin");
    assert_eq!(written(berlin, &["D.M.YYYY HH:mm"], instant()), Ok("2.7.2026 00:30".to_owned()));
    assert_eq!(written(berlin, &[], instant()), Ok("2026-07-02T00:30:05.250+02:00".to_owned()));
    assert_eq!(written(None, &[], Value::Instant(i64::MIN)), Err(Refusal::OutOfTime));
    let mut day = String::new();
    assert_eq!(rule(None, &["DD.MM.YYYY"]).push_date(0, &mut day), Ok(()));
    assert_eq!(day, "01.01.1970");
    assert_eq!(rule(None, &[]).push_date(i32::MAX, &mut day), Err(Refusal::OutOfTime));
}

#[test]
fn the_last_day_that_can_be_written_is_an_instant_too() {
    assert_eq!(rule(None, &[]).instant(text("9999-12-31T23:59:59Z")), Ok(Value::Instant(253_402_300_799_000_000)));
}
