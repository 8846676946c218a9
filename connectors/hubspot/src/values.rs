//! HubSpot's values: all of them texts on its side, typed on ours. A text that is not of its property's type stays a text,
//! so that the mapping can refuse that one field with a reason.

use std::fmt::Write;

use ferry_sdk::value::Value;

use crate::time;

/// How a property's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Text,
    /// Text that HubSpot's search compares in lower case in lists.
    Word,
    Integer,
    Decimal,
    Boolean,
    Instant,
    Date,
    /// `a;b`.
    Texts,
    /// No property: the ids of the records that the record is linked with.
    Links,
}

impl Reading {
    /// By the `type` and `fieldType` of a property.
    pub(crate) fn of(name: &str, kind: &str, field_kind: &str) -> Self {
        match (kind, field_kind) {
            // These are numbers without decimals by definition; HubSpot's type does not tell.
            ("number", _) if matches!(name, "hs_object_id" | "hs_call_duration") => Self::Integer,
            ("number", _) => Self::Decimal,
            ("bool", _) | ("enumeration", "booleancheckbox") => Self::Boolean,
            ("datetime", _) => Self::Instant,
            ("date", _) => Self::Date,
            ("enumeration", "checkbox") => Self::Texts,
            ("string" | "phone_number", _) => Self::Word,
            _ => Self::Text,
        }
    }

    /// One character, for page tokens.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Text => 't',
            Self::Word => 'w',
            Self::Integer => 'i',
            Self::Decimal => 'n',
            Self::Boolean => 'b',
            Self::Instant => 's',
            Self::Date => 'd',
            Self::Texts => 'l',
            Self::Links => 'a',
        }
    }

    pub(crate) fn of_letter(letter: char) -> Option<Self> {
        let all = [
            Self::Text,
            Self::Word,
            Self::Integer,
            Self::Decimal,
            Self::Boolean,
            Self::Instant,
            Self::Date,
            Self::Texts,
            Self::Links,
        ];
        all.into_iter().find(|reading| reading.letter() == letter)
    }

    /// A text of the CRM. Empty is null: HubSpot clears a property with an empty text.
    pub(crate) fn read(self, text: &str) -> Value {
        if text.is_empty() {
            return Value::Null;
        }
        let typed = match self {
            Self::Text | Self::Word | Self::Links => None,
            Self::Integer => text.parse().ok().map(Value::Integer),
            Self::Decimal => decimal(text).map(Value::Decimal),
            Self::Boolean => boolean(text).map(Value::Boolean),
            Self::Instant => time::instant(text).map(Value::Instant),
            Self::Date => time::date(text).map(Value::Date),
            Self::Texts => Some(texts(text)),
        };
        typed.unwrap_or_else(|| Value::Text(text.to_owned()))
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn texts(text: &str) -> Value {
    Value::Texts(text.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// The most zeros that an exponent may stand for: beyond, it is no number that a CRM means.
const ZEROS_MOST: usize = 40;

/// Plain digits, `-?[0-9]+(\.[0-9]+)?`; an exponent is written out.
pub(crate) fn decimal(text: &str) -> Option<String> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let plain = match unsigned.split_once('.') {
        None => is_digits(unsigned),
        Some((whole, places)) => is_digits(whole) && is_digits(places),
    };
    if plain { Some(text.to_owned()) } else { scientific(text) }
}

/// `1.5E7`, `.5`, `+3`.
fn scientific(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{places}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent.parse::<i64>().ok()?)?;
    let most = i64::try_from(ZEROS_MOST).ok()?;
    if !(-most..=most + i64::try_from(digits.len()).ok()?).contains(&point) {
        return None;
    }
    let before = usize::try_from(point.min(0).unsigned_abs()).ok()?;
    let padded = format!("{}{digits}", "0".repeat(before));
    let split = usize::try_from(point.max(0)).ok()?;
    let padded = format!("{padded}{}", "0".repeat(split.saturating_sub(padded.len())));
    let (whole, places) = padded.split_at_checked(split)?;
    let (whole, places) = (whole.trim_start_matches('0'), places.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if places.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{places}") })
}

/// A value as HubSpot's API takes it. Null clears the property.
pub(crate) fn write(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(text) | Value::Text(text) => text.clone(),
        Value::Instant(instant) => time::write_instant(*instant),
        Value::Date(days) => time::write_date(*days),
        Value::Texts(texts) => texts.join(";"),
    }
}

/// A value as HubSpot's search takes it: times and dates are milliseconds there.
pub(crate) fn write_for_search(value: &Value) -> String {
    match value {
        Value::Instant(instant) => instant.div_euclid(1_000).to_string(),
        Value::Date(days) => (i64::from(*days) * 86_400_000).to_string(),
        other => write(other),
    }
}

/// A text as a value, for comparing.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Whether a text that the CRM holds is the value that was to be written, though it may be spelt in another way.
pub(crate) fn holds(value: &Value, held: &str) -> bool {
    let written = write(value);
    if written.trim() == held.trim() {
        return true;
    }
    match value {
        Value::Integer(_) | Value::Decimal(_) => {
            scientific(held).is_some_and(|held| scientific(&written) == Some(held))
        }
        Value::Instant(instant) => time::instant(held).is_some_and(|held| held / 1_000 == instant / 1_000),
        Value::Date(days) => time::date(held) == Some(*days),
        Value::Texts(texts) => same_set(texts, held),
        // HubSpot keeps e-mail addresses in lower case.
        Value::Text(text) => text.contains('@') && text.trim().to_lowercase() == held.to_lowercase(),
        Value::Null | Value::Boolean(_) => false,
    }
}

fn same_set(texts: &[String], held: &str) -> bool {
    let mut wanted: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut held: Vec<&str> = held.split(';').filter(|part| !part.is_empty()).collect();
    wanted.sort_unstable();
    held.sort_unstable();
    wanted == held
}

/// The readings of several columns as one word.
pub(crate) fn letters(readings: &[Reading]) -> String {
    readings.iter().fold(String::with_capacity(readings.len()), |mut word, reading| {
        // Writing to a `String` never fails.
        let _ = word.write_char(reading.letter());
        word
    })
}

/// None where a letter is not of this version of the connector.
pub(crate) fn of_letters(word: &str) -> Option<Vec<Reading>> {
    word.chars().map(Reading::of_letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_what_their_property_is() {
        let cases = [
            (Reading::Word, "Ada", Value::Text("Ada".into())),
            (Reading::Integer, "6001", Value::Integer(6001)),
            (Reading::Decimal, "12.50", Value::Decimal("12.50".into())),
            (Reading::Decimal, "-1.5E-2", Value::Decimal("-0.015".into())),
            (Reading::Decimal, "1.25E9", Value::Decimal("1250000000".into())),
            (Reading::Boolean, "false", Value::Boolean(false)),
            (Reading::Instant, "2025-11-22T10:00:00Z", Value::Instant(1_763_805_600_000_000)),
            (Reading::Date, "1970-01-02", Value::Date(1)),
            (Reading::Texts, "a;b", Value::Texts(vec!["a".into(), "b".into()])),
        ];
        for (reading, text, expected) in cases {
            assert_eq!(reading.read(text), expected, "{text}");
        }
    }

    #[test]
    fn empty_is_null_for_every_type() {
        for reading in of_letters("twinbsdl").unwrap() {
            assert_eq!(reading.read(""), Value::Null);
        }
    }

    #[test]
    fn a_text_of_the_wrong_type_stays_a_text() {
        let cases = [
            (Reading::Decimal, "123;456"),
            (Reading::Decimal, "1e999"),
            (Reading::Instant, "soon"),
            (Reading::Boolean, "yes"),
        ];
        for (reading, text) in cases {
            assert_eq!(reading.read(text), Value::Text(text.into()));
        }
    }

    #[test]
    fn letters_name_readings_and_nothing_else() {
        assert_eq!(letters(&of_letters("twinbsdl").unwrap()), "twinbsdl");
        assert_eq!(of_letters("tx"), None);
    }

    #[test]
    fn values_are_written_as_the_api_takes_them() {
        let instant = Value::Instant(1_763_805_600_123_456);
        assert_eq!(write(&instant), "2025-11-22T10:00:00.123Z");
        assert_eq!(write_for_search(&instant), "1763805600123");
        assert_eq!(write(&Value::Date(11_016)), "2000-02-29");
        assert_eq!(write_for_search(&Value::Date(11_016)), "951782400000");
        assert_eq!(write(&Value::Texts(vec!["a".into(), "b".into()])), "a;b");
        assert_eq!(write(&Value::Null), "");
    }

    #[test]
    fn a_value_is_recognised_in_another_spelling() {
        assert!(holds(&Value::Decimal("10.0".into()), "10"));
        assert!(holds(&Value::Text("Ada@Example.com".into()), "ada@example.com"));
        assert!(holds(&Value::Instant(1_763_805_600_123_456), "2025-11-22T10:00:00.123Z"));
        assert!(holds(&Value::Texts(vec!["b".into(), "a".into()]), "a;b"));
        assert!(holds(&Value::Null, ""));
        assert!(!holds(&Value::Text("Ada".into()), "ada"));
        assert!(!holds(&Value::Decimal("10".into()), "ten"));
    }
}
