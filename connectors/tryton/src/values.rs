//! Tryton's values, typed on our side. What is not of its field's type stays a text, so that the mapping can refuse that one field with
//! a reason.

use ferry_sdk::time::{self, DAY, SECOND};
use ferry_sdk::token;
use ferry_sdk::value::{Instant, Value, is_decimal};
use serde_json::{Value as Json, json};

/// How a field's JSON is to be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Text, or one choice.
    Text,
    Integer,
    /// A number with a decimal point that Tryton keeps exactly.
    Decimal,
    /// A number with a floating point.
    Float,
    Boolean,
    Instant,
    Date,
    /// The id of another record.
    Reference,
    /// Several choices, or several ids.
    Texts,
}

const LETTERS: [(Reading, char); 9] = [
    (Reading::Text, 't'),
    (Reading::Integer, 'i'),
    (Reading::Decimal, 'n'),
    (Reading::Float, 'f'),
    (Reading::Boolean, 'b'),
    (Reading::Instant, 's'),
    (Reading::Date, 'd'),
    (Reading::Reference, 'r'),
    (Reading::Texts, 'l'),
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
            (Self::Texts, Json::Array(items)) => {
                let texts: Vec<String> = items.iter().filter_map(text_of).collect();
                if texts.is_empty() { Value::Null } else { Value::Texts(texts) }
            }
            (Self::Instant, _) if instant(json).is_some() => instant(json).map_or(Value::Null, Value::Instant),
            (Self::Date, _) if date(json).is_some() => date(json).map_or(Value::Null, Value::Date),
            _ => text_of(json).map_or(Value::Null, |text| self.of_text(text)),
        }
    }

    fn of_text(self, text: String) -> Value {
        let typed = match self {
            Self::Integer => text.parse().ok().map(Value::Integer),
            Self::Decimal | Self::Float => is_decimal(&text).then(|| Value::Decimal(text.clone())),
            Self::Boolean => match text.as_str() {
                "true" | "1" => Some(Value::Boolean(true)),
                "false" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            _ => None,
        };
        typed.unwrap_or(Value::Text(text))
    }

    /// A value as JSON for a field that is read so; the reason where it can't be one.
    pub(crate) fn write(self, value: &Value) -> Result<Json, &'static str> {
        Ok(match (self, value) {
            (_, Value::Null) => Json::Null,
            (Self::Text, Value::Text(text) | Value::Decimal(text)) => json!(text),
            (Self::Text, Value::Integer(number)) => json!(number.to_string()),
            (Self::Text, Value::Boolean(flag)) => json!(flag.to_string()),
            (Self::Text, Value::Date(days)) => json!(time::write_date(*days)),
            (Self::Text, Value::Instant(instant)) => json!(time::write_instant(*instant, 0)),
            (Self::Text, Value::Texts(texts)) => json!(texts.join(", ")),
            (Self::Integer, Value::Integer(number)) => json!(number),
            (Self::Integer, Value::Text(text)) => json!(text.parse::<i64>().map_err(|_| "is not a whole number")?),
            (Self::Decimal, Value::Integer(number)) => json!({"__class__": "Decimal", "decimal": number.to_string()}),
            (Self::Decimal, Value::Decimal(text) | Value::Text(text)) if is_decimal(text) => {
                json!({"__class__": "Decimal", "decimal": text})
            }
            (Self::Float, Value::Integer(number)) => json!(number),
            (Self::Float, Value::Decimal(text) | Value::Text(text)) if is_decimal(text) => {
                json!(text.parse::<f64>().map_err(|_| "is not a number")?)
            }
            (Self::Boolean, Value::Boolean(flag)) => json!(flag),
            (Self::Instant, Value::Instant(instant)) => write_instant(*instant),
            (Self::Date, Value::Date(days)) => write_date(*days),
            (Self::Date, Value::Instant(instant)) => {
                write_date(i32::try_from(instant.div_euclid(DAY)).map_err(|_| "is no day of the calendar")?)
            }
            (Self::Reference, Value::Text(text)) => json!(crate::api::id(text).ok_or("is no id of Tryton's")?),
            (Self::Reference, Value::Integer(number)) => json!(number),
            (Self::Texts, Value::Texts(texts)) => json!(texts),
            (Self::Texts, Value::Text(text)) => json!([text]),
            _ => return Err("is of another type than the field"),
        })
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
        Json::Object(parts) => match parts.get("decimal").and_then(Json::as_str) {
            Some(decimal) => Some(plain(decimal)),
            None => Some(json.to_string()),
        },
        Json::Array(_) => Some(json.to_string()),
        Json::Null => None,
    }
}

/// Python writes some decimals with an exponent, as in `1E+3`; they stay as they are where they are beyond all sense.
fn plain(decimal: &str) -> String {
    let Some((digits, power)) = decimal.split_once(['E', 'e']) else { return decimal.to_owned() };
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let Some(power) = power.parse::<i32>().ok().filter(|power| power.unsigned_abs() <= 64) else {
        return decimal.to_owned();
    };
    let all = format!("{whole}{places}");
    let point = i32::try_from(whole.len()).unwrap_or_default() + power;
    match usize::try_from(point) {
        Ok(0) | Err(_) => format!("{sign}0.{}{all}", "0".repeat(usize::try_from(-point).unwrap_or_default())),
        Ok(point) if point >= all.len() => format!("{sign}{all}{}", "0".repeat(point - all.len())),
        Ok(point) => format!("{sign}{}.{}", all.get(..point).unwrap_or_default(), all.get(point..).unwrap_or_default()),
    }
}

/// `{"__class__": "datetime", "year": 2026, ..}`, in UTC.
pub(crate) fn instant(json: &Json) -> Option<Instant> {
    let part = |name: &str| json.get(name).and_then(Json::as_i64);
    let (hour, minute, second) = (part("hour")?, part("minute")?, part("second")?);
    Some(
        i64::from(date(json)?) * DAY
            + (hour * 3_600 + minute * 60 + second) * SECOND
            + part("microsecond").unwrap_or_default(),
    )
}

fn date(json: &Json) -> Option<i32> {
    let part = |name: &str| json.get(name).and_then(Json::as_i64);
    time::day(part("year")?, part("month")?, part("day")?)
}

pub(crate) fn write_instant(instant: Instant) -> Json {
    let days = i32::try_from(instant.div_euclid(DAY)).unwrap_or_default();
    let (year, month, day) = time::parts_of_date(days);
    let rest = instant.rem_euclid(DAY);
    let seconds = rest / SECOND;
    json!({
        "__class__": "datetime", "year": year, "month": month, "day": day, "hour": seconds / 3_600,
        "minute": seconds / 60 % 60, "second": seconds % 60, "microsecond": rest % SECOND,
    })
}

pub(crate) fn write_date(days: i32) -> Json {
    let (year, month, day) = time::parts_of_date(days);
    json!({"__class__": "date", "year": year, "month": month, "day": day})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_server_writes_them() {
        let stamp = json!({"__class__": "datetime", "year": 2025, "month": 11, "day": 22, "hour": 10, "minute": 0, "second": 0, "microsecond": 7});
        for (reading, json, expected) in [
            (Reading::Text, json!(""), Value::Null),
            (Reading::Text, json!("x"), "x".into()),
            (Reading::Instant, stamp.clone(), Value::Instant(1_763_805_600_000_007)),
            (Reading::Instant, json!("soon"), "soon".into()),
            (Reading::Date, json!({"__class__": "date", "year": 1970, "month": 1, "day": 3}), Value::Date(2)),
            (Reading::Decimal, json!({"__class__": "Decimal", "decimal": "12.50"}), Value::Decimal("12.50".into())),
            (Reading::Decimal, json!({"__class__": "Decimal", "decimal": "-1.5E+3"}), Value::Decimal("-1500".into())),
            (Reading::Decimal, json!({"__class__": "Decimal", "decimal": "15E-3"}), Value::Decimal("0.015".into())),
            (Reading::Decimal, json!({"__class__": "Decimal", "decimal": "NaN"}), "NaN".into()),
            (Reading::Float, json!(1.5e10), Value::Decimal("15000000000".into())),
            (Reading::Reference, json!(7), "7".into()),
            (Reading::Reference, Json::Null, Value::Null),
            (Reading::Boolean, json!(false), Value::Boolean(false)),
            (Reading::Texts, json!([3, "a"]), Value::Texts(vec!["3".into(), "a".into()])),
            (Reading::Texts, json!([]), Value::Null),
        ] {
            assert_eq!(reading.read(&json), expected, "{json}");
        }
        assert_eq!(write_instant(1_763_805_600_000_007), stamp);
    }

    #[test]
    fn values_are_written_as_their_field_wants() {
        assert_eq!(Reading::Reference.write(&"7".into()), Ok(json!(7)));
        assert_eq!(Reading::Reference.write(&"x".into()), Err("is no id of Tryton's"));
        assert_eq!(
            Reading::Decimal.write(&Value::Decimal("1.50".into())),
            Ok(json!({"__class__": "Decimal", "decimal": "1.50"}))
        );
        assert_eq!(Reading::Text.write(&Value::Null), Ok(Json::Null));
        assert!(Reading::Boolean.write(&"yes".into()).is_err());
    }
}
