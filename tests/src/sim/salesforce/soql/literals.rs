//! What a literal is worth for a field of some type: quotes where texts are, none elsewhere; dates in words.

use super::parse::Literal;
use crate::sim::salesforce::cell::Cell;
use crate::sim::salesforce::errors::ApiError;
use crate::sim::salesforce::id::Id;
use crate::sim::salesforce::schema::{Field, FieldType};
use crate::sim::stamp;

const DAY_MS: i64 = 86_400_000;

/// A range of instants `[from, until)` or one value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    One(Cell),
    /// Milliseconds; for dates and instants in words.
    Range(i64, i64),
}

/// Reads a literal for a field.
pub(crate) fn value(field: &Field, literal: &Literal, now_ms: i64) -> Result<Value, ApiError> {
    let wrong = |quoted: bool| {
        let form = if quoted { "should be enclosed in quotes" } else { "should not be enclosed in quotes" };
        let kind = if field.kind == FieldType::DateTime { "dateTime" } else { field.kind.name() };
        ApiError::invalid_field(format!(
            "value of filter criterion for field '{}' must be of type {kind} and {form}",
            field.name
        ))
    };
    let cell = match (field.kind, literal) {
        (_, Literal::Bare(word)) if word.eq_ignore_ascii_case("null") => Cell::Null,
        (FieldType::Id | FieldType::Reference, Literal::Text(text)) if text.is_empty() => Cell::Null,
        (FieldType::Id | FieldType::Reference, Literal::Text(text)) => {
            let invalid = || ApiError::bad("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}"));
            Cell::Id(Id::parse(text).ok_or_else(invalid)?)
        }
        (FieldType::Id | FieldType::Reference, Literal::Bare(_)) => return Err(wrong(true)),
        (kind, Literal::Text(text)) if kind.is_text() => Cell::text(text.as_str()),
        (kind, Literal::Bare(_)) if kind.is_text() => return Err(wrong(true)),
        (_, Literal::Text(_)) => return Err(wrong(false)),
        (FieldType::Boolean, Literal::Bare(word)) => match word.to_ascii_lowercase().as_str() {
            "true" => Cell::Bool(true),
            "false" => Cell::Bool(false),
            _ => return Err(wrong(false)),
        },
        (FieldType::DateTime, Literal::Bare(word)) => return instant(word, now_ms).ok_or_else(|| wrong(false)),
        (FieldType::Date, Literal::Bare(word)) => return date(word, now_ms).ok_or_else(|| wrong(false)),
        (FieldType::Int, Literal::Bare(word)) if word.parse::<i64>().is_ok() => {
            Cell::Int(word.parse().unwrap_or_default())
        }
        (_, Literal::Bare(word)) => Cell::Number(word.parse().map_err(|_| wrong(false))?),
    };
    Ok(Value::One(cell))
}

fn instant(word: &str, now_ms: i64) -> Option<Value> {
    if let Some((from, until)) = in_words(word, now_ms) {
        return Some(Value::Range(from, until));
    }
    // A date alone is no instant, and neither is a number.
    if !word.contains('T') {
        return None;
    }
    let word = word.strip_suffix("+0000").map_or_else(|| word.to_owned(), |rest| format!("{rest}Z"));
    stamp::parse(&word).map(|ms| Value::One(Cell::Instant(ms)))
}

fn date(word: &str, now_ms: i64) -> Option<Value> {
    if let Some((from, until)) = in_words(word, now_ms) {
        return Some(Value::Range(from, until));
    }
    stamp::parse_date(word).map(|ms| Value::One(Cell::Date(ms.div_euclid(DAY_MS))))
}

/// Date literals, in UTC: a day, or days back and ahead.
fn in_words(word: &str, now_ms: i64) -> Option<(i64, i64)> {
    let today = now_ms - now_ms.rem_euclid(DAY_MS);
    let word = word.to_ascii_uppercase();
    let days = |from: i64, until: i64| Some((today + from * DAY_MS, today + until * DAY_MS));
    match word.as_str() {
        "TODAY" => return days(0, 1),
        "YESTERDAY" => return days(-1, 0),
        "TOMORROW" => return days(1, 2),
        _ => {}
    }
    let (name, count) = word.split_once(':')?;
    let count: i64 = count.parse().ok().filter(|count| (0..=100_000).contains(count))?;
    match name {
        // The last n days end with today.
        "LAST_N_DAYS" => days(-count, 1),
        "NEXT_N_DAYS" => days(1, count + 1),
        "N_DAYS_AGO" => days(-count, 1 - count),
        _ => None,
    }
}
