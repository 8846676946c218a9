//! Salesforce's values, typed on both sides. What is not of its field's type stays a text, so that the mapping can refuse that
//! one field with a reason.

use ferry_sdk::connector::Failure;
use ferry_sdk::time;
use ferry_sdk::token;
use ferry_sdk::value::Value;
use serde_json::Value as Json;

use crate::soql;

/// How a field's value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Text,
    Integer,
    Decimal,
    Boolean,
    Instant,
    Date,
    /// `a;b`.
    Texts,
}

const ALL: [(Reading, char); 7] = [
    (Reading::Text, 't'),
    (Reading::Integer, 'i'),
    (Reading::Decimal, 'n'),
    (Reading::Boolean, 'b'),
    (Reading::Instant, 's'),
    (Reading::Date, 'd'),
    (Reading::Texts, 'l'),
];

impl Reading {
    /// By the `type` of a field.
    pub(crate) fn of(kind: &str) -> Self {
        match kind {
            "int" | "long" => Self::Integer,
            "double" | "currency" | "percent" => Self::Decimal,
            "boolean" => Self::Boolean,
            "datetime" => Self::Instant,
            "date" => Self::Date,
            "multipicklist" => Self::Texts,
            _ => Self::Text,
        }
    }

    pub(crate) fn text(self, text: &str) -> Value {
        let typed = match self {
            Self::Instant => time::instant(text).map(Value::Instant),
            Self::Date => time::date(text).map(Value::Date),
            Self::Texts => {
                Some(Value::Texts(text.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect()))
            }
            _ => None,
        };
        typed.unwrap_or_else(|| Value::Text(text.to_owned()))
    }

    /// A value of a file, where all are texts and an empty one is null.
    pub(crate) fn plain(self, text: &str) -> Value {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        match (self, text) {
            (_, "") => Value::Null,
            (Self::Boolean, "true") => Value::Boolean(true),
            (Self::Boolean, "false") => Value::Boolean(false),
            (Self::Integer | Self::Decimal, _) => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _) => self.integer(number),
                (_, Ok(_)) if self == Self::Decimal && is_plain(text) => Value::Decimal(text.to_owned()),
                // Large ones are written as `1.5E7`.
                (_, Ok(number)) => self.float(number),
                _ => Value::Text(text.to_owned()),
            },
            _ => self.text(text),
        }
    }

    pub(crate) fn integer(self, number: i64) -> Value {
        match self {
            Self::Integer => Value::Integer(number),
            Self::Decimal => Value::Decimal(number.to_string()),
            _ => Value::Text(number.to_string()),
        }
    }

    /// Salesforce keeps numbers as doubles, and the shortest digits that give the same double are those that were entered.
    pub(crate) fn float(self, number: f64) -> Value {
        let digits = number.to_string();
        match self {
            Self::Decimal if number.is_finite() => Value::Decimal(digits),
            // An API of Salesforce may write a whole number as `3.0`.
            Self::Integer if number.fract() == 0.0 => digits.parse().map_or(Value::Text(digits), Value::Integer),
            _ => Value::Text(digits),
        }
    }

    /// A value as a literal of a query on a field of this kind.
    ///
    /// # Errors
    /// `invalid` where it can't be one; the value is not repeated.
    pub(crate) fn literal(self, field: &str, value: &Value) -> Result<String, Failure> {
        let wrong = |what: &str| Failure::invalid(field, format!("can only be compared with {what}"));
        let text = match value {
            Value::Text(text) | Value::Decimal(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Instant(at) => time::write_instant(*at, 3),
            Value::Date(days) => time::write_date(*days),
            Value::Texts(texts) => texts.join(";"),
            Value::Null => return Ok("null".to_owned()),
        };
        match self {
            Self::Text | Self::Texts => Ok(soql::quoted(&text)),
            Self::Integer | Self::Decimal => {
                let is_number = text.parse::<f64>().is_ok_and(f64::is_finite)
                    && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
                is_number.then_some(text).ok_or_else(|| wrong("a number"))
            }
            Self::Boolean => match text.as_str() {
                "true" | "false" => Ok(text),
                _ => Err(wrong("`true` or `false`")),
            },
            Self::Instant => time::instant(&text)
                .map(|at| time::write_instant(at, 3))
                .ok_or_else(|| wrong("a time, as in `2026-11-22T10:00:00Z`")),
            Self::Date => time::date(&text).map(time::write_date).ok_or_else(|| wrong("a day, as in `2026-11-22`")),
        }
    }
}

/// A value as Salesforce's API takes it.
pub(crate) fn write(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(flag) => Json::from(*flag),
        Value::Integer(number) => Json::from(*number),
        // A text of digits is taken for a number, and loses nothing on the way.
        Value::Decimal(text) | Value::Text(text) => Json::from(text.as_str()),
        Value::Instant(at) => Json::from(time::write_instant(*at, 3)),
        Value::Date(days) => Json::from(time::write_date(*days)),
        Value::Texts(texts) => Json::from(texts.join(";")),
    }
}

/// Whether what the CRM holds is the value that was to be written, though it may be spelt in another way.
pub(crate) fn holds(value: &Value, held: &Json) -> bool {
    match (value, held) {
        (Value::Null, Json::Null) => true,
        (Value::Text(text), Json::Null) => text.trim().is_empty(),
        (Value::Integer(_) | Value::Decimal(_), Json::Number(number)) => {
            let written = write(value).to_string();
            written.trim_matches('"').parse::<f64>().ok() == number.as_f64()
        }
        (Value::Instant(at), Json::String(text)) => {
            time::instant(text).is_some_and(|held| held / 1_000_000 == at / 1_000_000)
        }
        (Value::Texts(texts), Json::String(held)) => {
            let (mut one, mut other): (Vec<&str>, Vec<&str>) =
                (texts.iter().map(String::as_str).collect(), held.split(';').collect());
            one.sort_unstable();
            other.sort_unstable();
            one == other
        }
        // Salesforce keeps e-mail addresses in lower case and cuts white space off.
        (Value::Text(text), Json::String(held)) if text.contains('@') => text.trim().eq_ignore_ascii_case(held),
        (Value::Text(text), Json::String(held)) => text.trim() == held,
        (value, held) => write(value) == *held,
    }
}

/// The readings of several columns as one word.
pub(crate) fn letters(readings: &[Reading]) -> String {
    token::word(&ALL, readings)
}

/// None where a letter is not of this version of the connector.
pub(crate) fn of_letters(word: &str) -> Option<Vec<Reading>> {
    token::of_word(&ALL, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_what_their_field_is() {
        assert_eq!(Reading::Instant.text("2025-11-22T10:00:00.000+0000"), Value::Instant(1_763_805_600_000_000));
        assert_eq!(Reading::Date.text("1970-01-02"), Value::Date(1));
        assert_eq!(Reading::Texts.text("a;b"), Value::Texts(vec!["a".into(), "b".into()]));
        assert_eq!(Reading::Date.text("soon"), Value::Text("soon".into()));
        assert_eq!(Reading::Decimal.float(12.5), Value::Decimal("12.5".into()));
        assert_eq!(Reading::Decimal.float(1.5e9), Value::Decimal("1500000000".into()));
        assert_eq!(Reading::Integer.float(3.0), Value::Integer(3));
        assert_eq!(Reading::Decimal.integer(7), Value::Decimal("7".into()));
    }

    #[test]
    fn a_files_texts_become_the_values_that_json_gives() {
        assert_eq!(Reading::Text.plain(""), Value::Null);
        assert_eq!(Reading::Boolean.plain("true"), Value::Boolean(true));
        assert_eq!(Reading::Integer.plain("-83"), Value::Integer(-83));
        assert_eq!(Reading::Integer.plain("83.0"), Value::Integer(83));
        assert_eq!(Reading::Decimal.plain("12.5"), Value::Decimal("12.5".into()));
        assert_eq!(Reading::Decimal.plain("1.5E7"), Value::Decimal("15000000".into()));
        assert_eq!(Reading::Decimal.plain("much"), Value::Text("much".into()));
        assert_eq!(Reading::Date.plain("1970-01-02"), Value::Date(1));
        assert_eq!(Reading::Instant.plain("1970-01-01T00:00:01.000Z"), Value::Instant(1_000_000));
    }

    #[test]
    fn literals_are_of_the_fields_kind_and_can_not_break_out() {
        let text = |text: &str| Value::Text(text.into());
        let literal = |reading: Reading, given: &str| reading.literal("F", &text(given));
        assert_eq!(literal(Reading::Text, "O'Hara \\ x").as_deref(), Ok("'O\\'Hara \\\\ x'"));
        assert_eq!(literal(Reading::Integer, "-7.5").as_deref(), Ok("-7.5"));
        assert_eq!(literal(Reading::Boolean, "true").as_deref(), Ok("true"));
        assert_eq!(literal(Reading::Instant, "2025-11-22T10:00:00Z").as_deref(), Ok("2025-11-22T10:00:00.000Z"));
        for (reading, given) in
            [(Reading::Integer, "1 OR"), (Reading::Integer, "inf"), (Reading::Boolean, "yes"), (Reading::Date, "soon")]
        {
            assert!(matches!(literal(reading, given), Err(Failure::Invalid(_))), "{given}");
        }
    }

    #[test]
    fn a_value_is_recognised_in_another_spelling() {
        assert!(holds(&Value::Decimal("10.0".into()), &Json::from(10)));
        assert!(holds(&Value::Text("Ada@X.com".into()), &Json::from("ada@x.com")));
        assert!(holds(&Value::Instant(1_763_805_600_123_456), &Json::from("2025-11-22T10:00:00.000+0000")));
        assert!(holds(&Value::Boolean(true), &Json::from(true)) && !holds(&Value::Text("a".into()), &Json::from("b")));
    }
}
