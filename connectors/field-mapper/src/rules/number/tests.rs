use proptest::prelude::*;

use super::*;

const RULE: Number = Number { style: PLAIN, scale: None, places: None, round: None, least: None, most: None };

fn style(name: &str) -> Style {
    STYLES.iter().find(|(known, _)| *known == name).expect("a style").1
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn decimal(text: &str) -> Result<Value, Refusal> {
    Ok(Value::Decimal(text.to_owned()))
}

#[test]
fn each_style_reads_its_own_numbers_and_no_others() {
    for (name, reads, refuses) in [
        ("1.234,56", &["1.234,56", "1234,56", "-1.234.567"][..], &["1.23", "1,234.56", "12.34,5", "1..234"][..]),
        ("1,234.56", &["1,234.56", "1234.56", "0.5"], &["1,23", "1.234,56", ",123"]),
        ("1 234,56", &["1 234,56", "1\u{202f}234,56", "1\u{a0}234"], &["1 23", "1.234"]),
        ("1'234.56", &["1'234.56", "1\u{2019}234.56"], &["1'2"]),
        ("1,23,456.78", &["1,23,456.78", "23,456", "456"], &["123,456", "1,234,567"]),
        ("1234,56", &["1234,56"], &["1.234,56", "1,234.5"]),
    ] {
        let rule = Number { style: style(name), ..RULE };
        for number in reads {
            assert!(rule.decimal(text(number)).is_ok(), "{name} reads {number}");
        }
        for number in refuses {
            assert_eq!(rule.decimal(text(number)), Err(Refusal::NOT_NUMBER), "{name} refuses {number}");
        }
    }
}

#[test]
fn a_decimal_stays_the_exact_text_that_it_was() {
    for exact in ["1.50", "-0.5", "0", "12345678901234567890123456789012345678901234567890.10"] {
        assert_eq!(RULE.decimal(Value::Decimal(exact.to_owned())), decimal(exact));
        assert_eq!(RULE.decimal(text(exact)), decimal(exact));
    }
    let tidied = [" 1.50 ", "+1.5", "007", "-0", "1.0E3", ".5"].map(|number| RULE.decimal(text(number)));
    assert_eq!(tidied, ["1.50", "1.5", "7", "0", "1000", "0.5"].map(decimal));
}

#[test]
fn a_duration_in_seconds_becomes_milliseconds_and_back() {
    let to_ms = Number { scale: Decimal::parse("1000"), ..RULE };
    assert_eq!(to_ms.integer(Value::Integer(95)), Ok(Value::Integer(95_000)));
    assert_eq!(to_ms.integer(Value::Decimal("1.5".into())), Ok(Value::Integer(1500)));
    let to_s = Number { scale: Decimal::parse("0.001"), ..RULE };
    assert_eq!(to_s.integer(Value::Integer(95_500)), Err(Refusal::Fraction));
    let rounded = Number { round: Some(Round::HalfUp), ..to_s };
    assert_eq!(rounded.integer(Value::Integer(95_500)), Ok(Value::Integer(96)));
    assert_eq!(to_ms.integer(Value::Integer(i64::MAX)), Err(Refusal::TooLarge));
}

#[test]
fn whole_numbers_come_from_any_writing_of_them() {
    let read = ["7", " -7 ", "7.00", "7e2", "7.5", "seven", ""].map(|number| RULE.integer(text(number)));
    let whole = |number| Ok(Value::Integer(number));
    let wrong = || Err(Refusal::NOT_NUMBER);
    assert_eq!(read, [whole(7), whole(-7), whole(7), whole(700), Err(Refusal::Fraction), wrong(), wrong()]);
    assert_eq!(RULE.integer(Value::Boolean(true)), wrong());
}

#[test]
fn places_and_bounds_hold() {
    let cents = Number { places: Some(2), ..RULE };
    assert_eq!(cents.decimal(text("1.500")), decimal("1.500"));
    assert_eq!(cents.decimal(text("1.505")), Err(Refusal::Places { places: 2 }));
    let rounded = Number { round: Some(Round::HalfEven), ..cents };
    assert_eq!(rounded.decimal(text("1.505")), decimal("1.50"));
    let share = Number { least: Some(Decimal::from(0)), most: Some(Decimal::from(100)), ..RULE };
    let read = ["-1", "0", "100", "100.01"].map(|number| share.decimal(text(number)));
    assert_eq!(read, [Err(Refusal::Bounds), decimal("0"), decimal("100"), Err(Refusal::Bounds)]);
}

proptest! {
    #[test]
    fn a_number_is_the_same_after_writing_and_reading_it(number in "(0|-?[1-9][0-9]{0,17})(\\.[0-9]{1,6})?", name in 0..STYLES.len()) {
        let style = STYLES[name].1;
        let mut written = String::new();
        style.push(&number, &mut written);
        let rule = Number { style, ..RULE };
        prop_assert_eq!(rule.decimal(Value::Text(written)), Ok(Value::Decimal(number)));
    }

    #[test]
    fn no_text_is_too_odd_for_a_number_rule(odd in "\\PC{0,30}", name in 0..STYLES.len()) {
        let rule = Number { style: STYLES[name].1, scale: Decimal::parse("0.001"), ..RULE };
        let _ = (rule.decimal(text(&odd)), rule.integer(text(&odd)));
    }
}
