//! One value of a record: how it prints in JSON and in CSV and how two of them compare.

use std::cmp::Ordering;

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use super::id::Id;
use crate::sim::stamp;

const DAY_MS: i64 = 86_400_000;

/// A value. Small, since a large account holds millions of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Cell {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(Box<str>),
    /// Milliseconds since 1970.
    Instant(i64),
    /// Days since 1970.
    Date(i64),
    Id(Id),
    /// A compound value (an address), as JSON.
    Compound(Box<Value>),
}

impl Cell {
    /// A text; an empty one is null, as Salesforce keeps it.
    pub(crate) fn text(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }

    pub(crate) fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_id(&self) -> Option<Id> {
        match self {
            Self::Id(id) => Some(*id),
            _ => None,
        }
    }

    /// As a CSV file has it: empty for null, instants with `Z`.
    pub(crate) fn csv(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Number(value) => decimal(*value),
            Self::Text(text) => text.to_string(),
            Self::Instant(ms) => stamp::iso_millis(*ms, "Z"),
            Self::Date(days) => stamp::iso_date(days * DAY_MS),
            Self::Id(id) => id.to_string(),
            Self::Compound(value) => value.to_string(),
        }
    }

    /// Null first; texts without regard to case; values of different kinds are not comparable and count as equal.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            _ => self.compare(other).unwrap_or(Ordering::Equal),
        }
    }

    /// How two values that are not null compare; none where they are of different kinds.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Int(one), Self::Int(other))
            | (Self::Instant(one), Self::Instant(other))
            | (Self::Date(one), Self::Date(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => fold_order(one, other),
            (Self::Id(one), Self::Id(other)) => one.cmp(other),
            _ => return self.number()?.partial_cmp(&other.number()?),
        })
    }

    fn number(&self) -> Option<f64> {
        match self {
            // Salesforce's own numbers are doubles, so what is lost here is lost there.
            Self::Int(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }
}

/// A number as Salesforce prints it: with a fraction, if only `.0`.
fn decimal(value: f64) -> String {
    format!("{value:?}")
}

/// The order of two texts without regard to case; free of allocation where both are ASCII.
fn fold_order(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        return one.bytes().map(lower).cmp(other.bytes().map(lower));
    }
    one.to_lowercase().cmp(&other.to_lowercase())
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Instant(ms) => serializer.serialize_str(&stamp::iso_millis(*ms, "+0000")),
            Self::Date(days) => serializer.serialize_str(&stamp::iso_date(days * DAY_MS)),
            Self::Id(id) => id.serialize(serializer),
            Self::Compound(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_prints_as_documented() {
        let cells = [
            Cell::Null,
            Cell::Bool(true),
            Cell::Int(83),
            Cell::Number(100.0),
            Cell::text("Zoë, \"x\""),
            Cell::text(""),
            Cell::Instant(1_772_442_000_000),
            Cell::Date(20_514),
            Cell::Id(Id::new(*b"003", 1)),
        ];
        let json: Vec<String> = cells.iter().map(|cell| serde_json::to_string(cell).unwrap()).collect();
        assert_eq!(
            json,
            [
                "null",
                "true",
                "83",
                "100.0",
                r#""Zoë, \"x\"""#,
                "null",
                r#""2026-03-02T09:00:00.000+0000""#,
                r#""2026-03-02""#,
                r#""0035g0000000001AAA""#
            ]
        );
        assert_eq!(cells.map(|cell| cell.csv())[6], "2026-03-02T09:00:00.000Z");
    }

    #[test]
    fn texts_compare_without_case_also_beyond_ascii() {
        let order = |one: &str, other: &str| Cell::text(one).order(&Cell::text(other));
        assert_eq!(order("MÜLLER", "müller"), Ordering::Equal);
        assert_eq!(order("ABC", "abd"), Ordering::Less);
        assert_eq!(Cell::Null.order(&Cell::text("a")), Ordering::Less);
        assert_eq!(Cell::Int(2).compare(&Cell::Number(2.0)), Some(Ordering::Equal));
    }
}
