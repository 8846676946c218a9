//! Odoo's values, typed on our side. `false` is empty in every field but a boolean. What is not of its field's type stays a text, so that
//! the mapping can refuse that one field with a reason.

use ferry_sdk::time::{self, SECOND};
use ferry_sdk::token;
use ferry_sdk::value::{Instant, Value, is_decimal};
use serde_json::{Value as Json, json};

use crate::api::id;

/// How a field's JSON is to be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Text, or one choice.
    Text,
    Integer,
    Decimal,
    Boolean,
    Instant,
    Date,
    /// The id of another record.
    Reference,
    /// What people call the other record.
    Name,
    /// Several ids.
    Ids,
}

const LETTERS: [(Reading, char); 9] = [
    (Reading::Text, 't'),
    (Reading::Integer, 'i'),
    (Reading::Decimal, 'n'),
    (Reading::Boolean, 'b'),
    (Reading::Instant, 's'),
    (Reading::Date, 'd'),
    (Reading::Reference, 'r'),
    (Reading::Name, 'm'),
    (Reading::Ids, 'l'),
];

pub(crate) fn letters(readings: &[Reading]) -> String {
    token::word(&LETTERS, readings)
}

pub(crate) fn of_letters(text: &str) -> Option<Vec<Reading>> {
    token::of_word(&LETTERS, text)
}

impl Reading {
    pub(crate) fn read(self, json: &Json) -> Value {
        match (self, json) {
            (Self::Boolean, Json::Bool(flag)) => Value::Boolean(*flag),
            (_, Json::Bool(false) | Json::Null) => Value::Null,
            (Self::Name, Json::Array(pair)) => pair.get(1).map_or(Value::Null, |name| Self::Text.read(name)),
            // A pair of id and name.
            (Self::Reference, Json::Array(pair)) => pair.first().map_or(Value::Null, |id| Self::Reference.read(id)),
            (Self::Ids, Json::Array(ids)) if ids.is_empty() => Value::Null,
            (Self::Ids, Json::Array(ids)) => Value::Texts(ids.iter().map(Json::to_string).collect()),
            (_, Json::String(text)) => self.of_text(text.clone()),
            // Rust writes a number without an exponent.
            (_, Json::Number(number)) => self.of_text(
                number
                    .as_f64()
                    .filter(|_| number.is_f64())
                    .map_or_else(|| number.to_string(), |float| float.to_string()),
            ),
            _ => Value::Text(json.to_string()),
        }
    }

    fn of_text(self, text: String) -> Value {
        if text.is_empty() {
            return Value::Null;
        }
        let typed = match self {
            Self::Integer => text.parse().ok().map(Value::Integer),
            Self::Decimal => is_decimal(&text).then(|| Value::Decimal(text.clone())),
            Self::Instant => time::instant(&text).map(Value::Instant),
            Self::Date => time::date(&text).map(Value::Date),
            _ => None,
        };
        typed.unwrap_or(Value::Text(text))
    }

    /// A value as `write` and a domain take it; the reason where the field can't have it.
    pub(crate) fn json(self, value: &Value) -> Result<Json, &'static str> {
        Ok(match (self, value) {
            (_, Value::Null) => json!(false),
            (Self::Boolean, Value::Boolean(flag)) => json!(flag),
            (Self::Integer, Value::Integer(number)) => json!(number),
            (Self::Decimal, Value::Integer(number)) => json!(number),
            (Self::Decimal, Value::Decimal(text) | Value::Text(text)) if is_decimal(text) => {
                json!(text.parse::<f64>().map_err(|_| "is not a number")?)
            }
            (Self::Reference, _) => json!(id(&self.text(value)?).ok_or("is no id of Odoo's")?),
            (Self::Ids, Value::Texts(texts)) => {
                let ids: Option<Vec<i64>> = texts.iter().map(|text| id(text)).collect();
                // The command that puts these in the place of all others.
                json!([[6, 0, ids.ok_or("holds what is no id of Odoo's")?]])
            }
            (Self::Integer | Self::Boolean | Self::Decimal | Self::Ids, _) => {
                return Err("is of another type than the field");
            }
            _ => json!(self.text(value)?),
        })
    }

    /// A value as text, as `load` takes it.
    pub(crate) fn text(self, value: &Value) -> Result<String, &'static str> {
        let other = Err("is of another type than the field");
        Ok(match (self, value) {
            (_, Value::Null) => String::new(),
            (Self::Name, _) => return Err("is what another record is called"),
            (Self::Instant, Value::Instant(instant)) => stamp(*instant),
            (Self::Date, Value::Date(days)) => time::write_date(*days),
            (Self::Date, Value::Instant(instant)) => stamp(*instant).get(..10).unwrap_or_default().to_owned(),
            (Self::Boolean, Value::Boolean(flag)) => if *flag { "1" } else { "0" }.to_owned(),
            (Self::Ids, Value::Texts(texts)) if texts.iter().all(|text| id(text).is_some()) => texts.join(","),
            (Self::Instant | Self::Date | Self::Boolean | Self::Ids, _) => return other,
            (Self::Integer, Value::Integer(number)) => number.to_string(),
            (Self::Integer, _) => return other,
            (Self::Decimal, Value::Decimal(text) | Value::Text(text)) if is_decimal(text) => text.clone(),
            (Self::Decimal | Self::Text | Self::Reference, Value::Integer(number)) => number.to_string(),
            (Self::Decimal, _) => return other,
            (_, Value::Text(text) | Value::Decimal(text)) => text.clone(),
            (_, Value::Boolean(flag)) => flag.to_string(),
            (_, Value::Date(days)) => time::write_date(*days),
            (_, Value::Instant(instant)) => stamp(*instant),
            (_, Value::Texts(texts)) => texts.join(", "),
        })
    }
}

/// `2026-11-22 10:00:00`, in UTC.
pub(crate) fn stamp(instant: Instant) -> String {
    time::write_instant(instant, 0).replace('T', " ").trim_end_matches('Z').to_owned()
}

/// The first whole second at or after an instant: Odoo compares whole seconds.
pub(crate) fn up(instant: Instant) -> Instant {
    -(-instant).div_euclid(SECOND) * SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn false_is_empty_but_in_a_boolean() {
        for (reading, json, expected) in [
            (Reading::Text, json!(false), Value::Null),
            (Reading::Boolean, json!(false), Value::Boolean(false)),
            (Reading::Reference, json!([7, "Germany"]), "7".into()),
            (Reading::Name, json!([7, "Germany"]), "Germany".into()),
            (Reading::Name, json!(false), Value::Null),
            (Reading::Ids, json!([3, 4]), Value::Texts(vec!["3".into(), "4".into()])),
            (Reading::Ids, json!([]), Value::Null),
            (Reading::Instant, json!("2025-11-22 10:00:00"), Value::Instant(1_763_805_600_000_000)),
            (Reading::Date, json!("1970-01-03"), Value::Date(2)),
            (Reading::Decimal, json!(0.5), Value::Decimal("0.5".into())),
            (Reading::Integer, json!(3), Value::Integer(3)),
        ] {
            assert_eq!(reading.read(&json), expected, "{json}");
        }
    }

    #[test]
    fn values_are_written_as_each_call_takes_them() {
        let ten = Value::Instant(1_763_805_600_900_000);
        assert_eq!(Reading::Instant.text(&ten).as_deref(), Ok("2025-11-22 10:00:00"));
        assert_eq!(Reading::Reference.json(&"7".into()), Ok(json!(7)));
        assert_eq!(Reading::Ids.json(&Value::Texts(vec!["7".into()])), Ok(json!([[6, 0, [7]]])));
        assert_eq!(Reading::Ids.text(&Value::Texts(vec!["7".into(), "8".into()])).as_deref(), Ok("7,8"));
        assert_eq!(Reading::Text.json(&Value::Null), Ok(json!(false)));
        assert_eq!(up(1), 1_000_000);
        for (reading, value) in
            [(Reading::Reference, "x".into()), (Reading::Boolean, "yes".into()), (Reading::Integer, ten)]
        {
            assert!(reading.json(&value).is_err(), "{value:?}");
        }
    }
}
