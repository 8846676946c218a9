//! What crosses the boundary: values, rows, tombstones, problems. The host's own form of `types.wit`.

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// One value of a row. Text is as the CRM or the mapping gave it; a decimal is plain digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// `-?[0-9]+(\.[0-9]+)?`
    Decimal(String),
    Text(String),
    Instant(Instant),
    /// Days since 1970-01-01.
    Date(i32),
    Texts(Vec<String>),
}

/// One CRM record, its values in the order of the columns that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: String,
    pub modified: Option<Instant>,
    pub version: Option<String>,
    pub values: Vec<Value>,
}

/// The record that another one lives on in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// Another object than the lost record's, after a conversion.
    pub object: String,
    pub id: String,
}

/// A record that is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    pub id: String,
    pub at: Option<Instant>,
    pub into: Option<Successor>,
}

/// What a CRM, a mapping or the host's own checks say about one field of one row; never the value itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub field: Option<String>,
    pub message: String,
}

impl Value {
    /// For people and for JSON: dates and instants as ISO 8601, null as null, decimals as text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Boolean(flag) => Json::from(*flag),
            Self::Integer(number) => Json::from(*number),
            Self::Decimal(text) | Self::Text(text) => Json::from(text.as_str()),
            Self::Instant(at) => Json::from(at.to_string()),
            Self::Date(days) => Json::from(date_text(*days)),
            Self::Texts(items) => Json::from(items.clone()),
        }
    }

    /// For a table's cell or a CSV field; empty for null, several texts joined by `;`.
    pub fn to_cell(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Decimal(text) | Self::Text(text) => text.clone(),
            Self::Instant(at) => at.to_string(),
            Self::Date(days) => date_text(*days),
            Self::Texts(items) => items.join(";"),
        }
    }
}

fn date_text(days: i32) -> String {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    let date = jiff::Span::new().try_days(days).and_then(|span| epoch.checked_add(span));
    date.map_or_else(|_| format!("{days} days"), |date| date.to_string())
}

/// The days from 1970-01-01 to a date as in `2026-11-23`.
pub(crate) fn days(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.parse().ok()?;
    Some((date - jiff::civil::Date::constant(1970, 1, 1)).get_days())
}

/// Whether a number is in plain digits: `-?[0-9]+(\.[0-9]+)?`
pub(crate) fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_people_write_them() {
        let shown: Vec<String> = [
            Value::Null,
            Value::Boolean(true),
            Value::Integer(-3),
            Value::Decimal("1.50".into()),
            Value::Text("Zoë".into()),
            Value::Instant(Instant(0)),
            Value::Date(-1),
            Value::Texts(vec!["a".into(), "b".into()]),
        ]
        .iter()
        .map(Value::to_cell)
        .collect();
        assert_eq!(shown, ["", "true", "-3", "1.50", "Zoë", "1970-01-01T00:00:00Z", "1969-12-31", "a;b"]);
    }

    #[test]
    fn a_date_out_of_range_is_still_shown() {
        assert_eq!(Value::Date(i32::MAX).to_cell(), format!("{} days", i32::MAX));
    }

    #[test]
    fn a_decimal_is_plain_digits() {
        for good in ["0", "-1", "007", "3.14", "-0.50", "99999999999999999999.1"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "-", ".5", "5.", "+1", "1e5", "1,5", "1.2.3", " 1", "NaN", "--1", "1.-2", "１"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }
}
