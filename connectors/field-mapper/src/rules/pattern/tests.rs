use super::*;

fn read(format: &str, text: &str) -> Option<Moment> {
    Format::parse(format).expect("a format").read(text)
}

fn day(year: i16, month: i8, day: i8) -> Moment {
    Moment { year, month, day, time: None, offset: None }
}

fn at(moment: Moment, hour: i8, minute: i8, second: i8, micros: i32) -> Moment {
    Moment { time: Some(Clock { hour, minute, second, micros }), ..moment }
}

#[test]
fn iso_comes_in_all_its_usual_writings() {
    let start = at(day(2026, 1, 31), 9, 5, 0, 0);
    let zoned = |offset| Some(Moment { offset: Some(offset), ..start });
    for (text, expected) in [
        ("2026-01-31", Some(day(2026, 1, 31))),
        ("2026-01-31T09:05", Some(start)),
        ("2026-01-31 09:05:00", Some(start)),
        ("2026-01-31T09:05:00Z", zoned(0)),
        ("2026-01-31T09:05:00.000+0000", zoned(0)),
        ("2026-01-31T09:05:00+02", zoned(7200)),
        ("2026-01-31t09:05:00-05:30", zoned(-19800)),
        ("2026-01-31T09:05:00.1234567Z", Some(Moment { offset: Some(0), ..at(start, 9, 5, 0, 123_456) })),
        ("2026-1-31", None),
        ("31.01.2026", None),
        ("2026-01-31T09", None),
        ("2026-01-31T09:05:00.Z", None),
        ("2026-01-31T09:05:00+24:00", None),
        ("2026-01-31T09:05:00Z ", None),
        ("２026-01-31", None),
    ] {
        assert_eq!(read("iso", text), expected, "{text}");
    }
}

#[test]
fn patterns_read_what_they_show() {
    for (format, text, expected) in [
        ("DD.MM.YYYY", "31.01.2026", Some(day(2026, 1, 31))),
        ("D.M.YY", "1.2.26", Some(day(2026, 2, 1))),
        ("D.M.YY", "01.02.70", Some(day(1970, 2, 1))),
        ("DD.MM.YYYY", "1.2.2026", None),
        ("MM/DD/YYYY hh:mm A", "01/31/2026 12:05 am", Some(at(day(2026, 1, 31), 0, 5, 0, 0))),
        ("MM/DD/YYYY h:mm A", "01/31/2026 1:05 PM", Some(at(day(2026, 1, 31), 13, 5, 0, 0))),
        ("MMM D, YYYY", "jan 5, 2026", Some(day(2026, 1, 5))),
        ("D MMMM YYYY", "5 May 2026", Some(day(2026, 5, 5))),
        ("YYYYMMDDHHmmss", "20260131090507", Some(at(day(2026, 1, 31), 9, 5, 7, 0))),
        (
            "YYYY-MM-DD[ um ]HH:mm:ss.SSSZ",
            "2026-01-31 um 09:05:07.250+01:00",
            Some(Moment { offset: Some(3600), ..at(day(2026, 1, 31), 9, 5, 7, 250_000) }),
        ),
        ("DD.MM.YYYY", "31.01.2026 ", None),
        ("MMMM D", "Jänner 5", None),
    ] {
        assert_eq!(read(format, text), expected, "{format} {text}");
    }
}

#[test]
fn what_a_pattern_writes_it_reads_again() {
    let moment = Moment { offset: Some(-9000), ..at(day(2026, 9, 3), 13, 5, 7, 250_000) };
    for format in ["YYYY-MM-DDTHH:mm:ss.SSSZ", "MMMM D YYYY h:mm:ss.SSS A Z", "MMM DD YYYY HH:mm:ss.SSS Z"] {
        let format = format.replace('T', "[T]");
        let Ok(Format::Pattern(pieces)) = Format::parse(&format) else { panic!("{format} is a pattern") };
        let mut text = String::new();
        push(&pieces, &moment, &mut text);
        assert_eq!(Format::Pattern(pieces).read(&text), Some(moment), "{text}");
    }
    let mut iso = String::new();
    push_iso(&moment, &mut iso);
    assert_eq!(iso, "2026-09-03T13:05:07.250-02:30");
    assert_eq!(read("iso", &iso), Some(moment));
}

#[test]
fn a_format_that_says_nothing_is_a_mistake() {
    for format in ["", "%d.%m.%Y", "dd.mm.yyyy", "DD.MM.YYYY [at", "at HH"] {
        assert!(Format::parse(format).is_err(), "{format}");
    }
    let lacks = |format: &str| Format::parse(format).expect("a format").lacks_for_reading();
    assert!(lacks("HH:mm").is_some() && lacks("DD.MM.YYYY hh:mm").is_some());
    assert_eq!(lacks("DD.MM.YYYY hh:mm A"), None);
    assert_eq!(lacks("iso"), None);
}
