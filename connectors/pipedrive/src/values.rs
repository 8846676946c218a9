//! Pipedrive's values, typed on our side. What is not of its field's type stays a text, so that the mapping can refuse that one
//! field with a reason.

use ferry_sdk::time::{self, SECOND};
use ferry_sdk::token;
use ferry_sdk::value::{Value, is_decimal};
use serde_json::{Value as Json, json};

/// How a field's JSON is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Text, the id of one choice, or the id of another record.
    Text,
    Integer,
    Decimal,
    Boolean,
    Instant,
    Date,
    /// A list of ids.
    Texts,
    /// The primary one of a list of addresses or numbers.
    Primary,
    /// All of a list of addresses or numbers, the primary one first.
    All,
    /// A day and a time of day in two fields, both in UTC.
    Due,
    /// `HH:MM`, on our side seconds.
    Duration,
}

const LETTERS: [(Reading, char); 11] = [
    (Reading::Text, 't'),
    (Reading::Integer, 'i'),
    (Reading::Decimal, 'n'),
    (Reading::Boolean, 'b'),
    (Reading::Instant, 's'),
    (Reading::Date, 'd'),
    (Reading::Texts, 'l'),
    (Reading::Primary, 'p'),
    (Reading::All, 'a'),
    (Reading::Due, 'u'),
    (Reading::Duration, 'h'),
];

pub(crate) fn letters(readings: &[Reading]) -> String {
    token::word(&LETTERS, readings)
}

pub(crate) fn of_letters(text: &str) -> Option<Vec<Reading>> {
    token::of_word(&LETTERS, text)
}

impl Reading {
    /// `second` is the time of day beside a day.
    pub(crate) fn read(self, json: &Json, second: Option<&Json>) -> Value {
        match self {
            // Version 1 has the ids of a set in one text.
            Self::Texts if json.is_string() => list(&parts(json), text_of),
            Self::Texts => list(json, text_of),
            Self::All => list(&primary_first(json), |item| text_of(&item["value"])),
            Self::Primary => primary_first(json).get(0).map_or(Value::Null, |item| self.plain(&item["value"])),
            Self::Due => due(json, second),
            // What is more than a value (an amount with its currency, an address with its parts) has it as `value`.
            _ => self.plain(json.get("value").unwrap_or(json)),
        }
    }

    fn plain(self, json: &Json) -> Value {
        let Some(text) = text_of(json) else { return Value::Null };
        let typed = match self {
            Self::Integer => text.parse().ok().map(Value::Integer),
            Self::Decimal => is_decimal(&text).then(|| Value::Decimal(text.clone())),
            Self::Boolean => match text.as_str() {
                "true" | "1" => Some(Value::Boolean(true)),
                "false" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Self::Instant => time::instant(&text).map(Value::Instant),
            Self::Date => time::date(&text).map(Value::Date),
            Self::Duration => time::clock(&text).map(|micros| Value::Integer(micros / SECOND)),
            _ => None,
        };
        typed.unwrap_or(Value::Text(text))
    }
}

/// None for what is empty.
fn text_of(json: &Json) -> Option<String> {
    match json {
        Json::String(text) if text.is_empty() => None,
        Json::String(text) => Some(text.clone()),
        // Rust writes a number without an exponent.
        Json::Number(number) => Some(
            number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), |float| float.to_string()),
        ),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn list(json: &Json, text: impl Fn(&Json) -> Option<String>) -> Value {
    let texts: Vec<String> = json.as_array().into_iter().flatten().filter_map(text).collect();
    if texts.is_empty() { Value::Null } else { Value::Texts(texts) }
}

fn parts(json: &Json) -> Json {
    json.as_str().into_iter().flat_map(|text| text.split(',')).map(str::trim).collect()
}

/// The entries that have a value; Pipedrive keeps an empty one where there is none.
fn primary_first(json: &Json) -> Json {
    let mut entries: Vec<Json> = json.as_array().cloned().unwrap_or_default();
    entries.retain(|entry| text_of(&entry["value"]).is_some());
    entries.sort_by_key(|entry| entry["primary"] != Json::Bool(true));
    Json::Array(entries)
}

fn due(day: &Json, clock: Option<&Json>) -> Value {
    let Some(text) = text_of(day) else { return Value::Null };
    let Some(days) = time::date(&text) else { return Value::Text(text) };
    let clock = clock.and_then(text_of).and_then(|clock| time::clock(&clock)).unwrap_or_default();
    Value::Instant(i64::from(days) * time::DAY + clock)
}

/// A value as JSON for a field that is read by `reading`; the reason where it can't be one.
pub(crate) fn write(reading: Reading, value: &Value) -> Result<Json, &'static str> {
    Ok(match (reading, value) {
        (_, Value::Null) => Json::Null,
        (Reading::Text, Value::Text(text)) => json!(text),
        (Reading::Text, Value::Integer(number)) => json!(number.to_string()),
        (Reading::Text, Value::Decimal(text)) => json!(text),
        (Reading::Text, Value::Boolean(flag)) => json!(flag.to_string()),
        (Reading::Text, Value::Date(days)) => json!(time::write_date(*days)),
        (Reading::Text, Value::Instant(instant)) => json!(time::write_instant(*instant, 0)),
        (Reading::Text, Value::Texts(texts)) => json!(texts.join(", ")),
        (Reading::Integer, Value::Integer(number)) => json!(number),
        (Reading::Integer, Value::Text(text)) => json!(text.parse::<i64>().map_err(|_| "is not a whole number")?),
        (Reading::Decimal, Value::Integer(number)) => json!(number),
        (Reading::Decimal, Value::Decimal(text) | Value::Text(text)) if is_decimal(text) => {
            json!(text.parse::<f64>().map_err(|_| "is not a number")?)
        }
        (Reading::Boolean, Value::Boolean(flag)) => json!(flag),
        (Reading::Instant, Value::Instant(instant)) => json!(time::write_instant(*instant, 0)),
        (Reading::Date, Value::Date(days)) => json!(time::write_date(*days)),
        (Reading::Date, Value::Instant(instant)) => json!(time::write_instant(*instant, 0).get(..10)),
        (Reading::Texts, Value::Texts(texts)) => ids(texts)?,
        (Reading::Texts, Value::Text(text)) => ids(std::slice::from_ref(text))?,
        // Pipedrive counts minutes: a started one is a whole one, so that a short call is not nothing.
        (Reading::Duration, Value::Integer(seconds)) if (0..360_000).contains(seconds) => {
            let minutes = (seconds + 59) / 60;
            json!(format!("{:02}:{:02}", minutes / 60, minutes % 60))
        }
        _ => return Err("is of another type than the field"),
    })
}

fn ids(texts: &[String]) -> Result<Json, &'static str> {
    let ids: Result<Vec<i64>, _> = texts.iter().map(|text| text.parse()).collect();
    ids.map(|ids| json!(ids)).map_err(|_| "holds a choice that is no id of Pipedrive's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_fields() {
        let read = |reading: Reading, json: Json| reading.read(&json, None);
        let people = json!([{"value": "b@x", "primary": false}, {"value": ""}, {"value": "a@x", "primary": true}]);
        for (value, expected) in [
            (read(Reading::Text, json!("")), Value::Null),
            (read(Reading::Text, json!(7)), "7".into()),
            (read(Reading::Text, json!({"value": "Alster 1", "locality": "Hamburg"})), "Alster 1".into()),
            (read(Reading::Integer, json!(7)), Value::Integer(7)),
            (read(Reading::Decimal, json!({"value": 12.5, "currency": "EUR"})), Value::Decimal("12.5".into())),
            (read(Reading::Decimal, json!(1e21)), Value::Decimal("1000000000000000000000".into())),
            (read(Reading::Decimal, json!("many")), "many".into()),
            (read(Reading::Boolean, json!(true)), Value::Boolean(true)),
            (read(Reading::Instant, json!("1970-01-01T00:00:01Z")), Value::Instant(SECOND)),
            (read(Reading::Date, json!("1970-01-02")), Value::Date(1)),
            (read(Reading::Texts, json!([1, 2])), Value::Texts(vec!["1".into(), "2".into()])),
            (read(Reading::Texts, json!("1, 2")), Value::Texts(vec!["1".into(), "2".into()])),
            (read(Reading::Texts, json!([])), Value::Null),
            (read(Reading::Texts, json!("")), Value::Null),
            (read(Reading::Primary, people.clone()), "a@x".into()),
            (read(Reading::All, people), Value::Texts(vec!["a@x".into(), "b@x".into()])),
            (read(Reading::Primary, json!([])), Value::Null),
            (read(Reading::Duration, json!("01:30")), Value::Integer(5_400)),
            (Reading::Due.read(&json!("1970-01-01"), Some(&json!("09:30"))), Value::Instant(34_200 * SECOND)),
        ] {
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn values_are_written_as_their_fields_take_them() {
        assert_eq!(write(Reading::Duration, &Value::Integer(83)), Ok(json!("00:02")));
        assert_eq!(write(Reading::Decimal, &Value::Decimal("12.5".into())), Ok(json!(12.5)));
        assert_eq!(write(Reading::Texts, &"7".into()), Ok(json!([7])));
        assert_eq!(write(Reading::Integer, &"7".into()), Ok(json!(7)));
        assert_eq!(write(Reading::Date, &Value::Instant(SECOND)), Ok(json!("1970-01-01")));
        assert_eq!(write(Reading::Text, &Value::Null), Ok(Json::Null));
        for (reading, value) in [
            (Reading::Decimal, Value::Text("many".into())),
            (Reading::Texts, "red".into()),
            (Reading::Boolean, "yes".into()),
            (Reading::Duration, Value::Integer(-1)),
        ] {
            assert!(write(reading, &value).is_err(), "{reading:?}");
        }
    }

    #[test]
    fn readings_come_back_from_their_letters() {
        let all: Vec<Reading> = LETTERS.iter().map(|(reading, _)| *reading).collect();
        assert_eq!(of_letters(&letters(&all)), Some(all));
        assert_eq!(of_letters("tx"), None);
    }
}
