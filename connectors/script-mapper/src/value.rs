//! Values as a script has them, and back: what it gives is of the type that it promised, or the row is refused.

use boa_engine::object::builtins::{JsArray, JsDate};
use boa_engine::{Context, JsBigInt, JsString, JsValue, JsVariant};
use ferry_sdk::mapper::{Kind, Value};
use ferry_sdk::time;

/// The largest whole number that a JavaScript number holds exactly.
const MOST_EXACT: i64 = (1 << 53) - 1;

/// Decimals of a second in the texts of instants.
const DECIMALS: u32 = 6;

/// Names of types, as `gives` has them.
pub(crate) const KINDS: [(&str, Kind); 11] = [
    ("boolean", Kind::Boolean),
    ("integer", Kind::Integer),
    ("decimal", Kind::Decimal),
    ("text", Kind::Text),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("url", Kind::Url),
    ("choice", Kind::Choice),
    ("choices", Kind::Choices),
    ("instant", Kind::Instant),
    ("date", Kind::Date),
];

/// A value as scripts have it.
pub(crate) fn given(value: Value, context: &mut Context) -> JsValue {
    match value {
        Value::Null => JsValue::null(),
        Value::Boolean(flag) => flag.into(),
        Value::Integer(number) if number.abs() <= MOST_EXACT => JsValue::rational(number as f64),
        // Rounding it would make another number of it, in most cases the id of something else.
        Value::Integer(number) => JsBigInt::from(number).into(),
        Value::Decimal(text) | Value::Text(text) => JsString::from(text).into(),
        Value::Instant(instant) => JsString::from(time::write_instant(instant, DECIMALS)).into(),
        Value::Date(days) => JsString::from(time::write_date(days)).into(),
        Value::Texts(texts) => {
            let texts = texts.into_iter().map(|text| JsString::from(text).into());
            JsArray::from_iter(texts, context).into()
        }
    }
}

/// What a script gave, as a value of a column's type; else what it should have given.
pub(crate) fn taken(value: &JsValue, kind: Kind, context: &mut Context) -> Result<Value, &'static str> {
    if value.is_null_or_undefined() {
        return Ok(Value::Null);
    }
    let wanted = wanted(kind);
    let value = match kind {
        Kind::Boolean => value.as_boolean().map(Value::Boolean),
        Kind::Integer => integer(value).map(Value::Integer),
        Kind::Decimal => decimal(value).map(Value::Decimal),
        Kind::Instant => instant(value, context).map(Value::Instant),
        Kind::Date => text(value).and_then(|text| time::date(&text)).map(Value::Date),
        Kind::Text | Kind::Choice => text(value).map(Value::Text),
        Kind::Email => text(value).and_then(|text| email(&text)).map(Value::Text),
        Kind::Phone => text(value).filter(|text| is_phone(text)).map(Value::Text),
        Kind::Url => text(value).filter(|text| is_url(text)).map(Value::Text),
        Kind::Choices => texts(value, context).map(Value::Texts),
        Kind::Opaque => None,
    };
    value.ok_or(wanted)
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "must be true or false",
        Kind::Integer => "must be a whole number, exact up to 2^53; a BigInt beyond",
        Kind::Decimal => "must be a number, or a text of plain digits as in \"-12.50\"",
        Kind::Text | Kind::Choice => "must be a text; `String(..)` makes one of anything",
        Kind::Email => "must be an e-mail address",
        Kind::Phone => "must be a phone number in E.164, as in \"+4930123456\"",
        Kind::Url => "must be an absolute http or https address",
        Kind::Choices => "must be an array of texts",
        Kind::Instant => "must be a Date, or a text with a zone as in \"2026-11-22T10:00:00Z\"",
        Kind::Date => "must be a text as in \"2026-11-22\"",
        Kind::Opaque => "can't be given",
    }
}

/// None for text with half a character in it.
fn text(value: &JsValue) -> Option<String> {
    value.as_string()?.to_std_string().ok()
}

fn integer(value: &JsValue) -> Option<i64> {
    match value.variant() {
        JsVariant::Integer32(number) => Some(i64::from(number)),
        JsVariant::Float64(number) => {
            let exact = number.fract() == 0.0 && number.abs() <= MOST_EXACT as f64;
            exact.then_some(number as i64)
        }
        JsVariant::BigInt(number) => i64::try_from(number.to_i128()).ok().filter(|it| number == JsBigInt::from(*it)),
        _ => None,
    }
}

fn decimal(value: &JsValue) -> Option<String> {
    match value.variant() {
        JsVariant::Integer32(number) => Some(number.to_string()),
        JsVariant::Float64(0.0) => Some("0".into()),
        // Rust writes the shortest digits that mean the number, without exponent.
        JsVariant::Float64(number) => number.is_finite().then(|| number.to_string()),
        JsVariant::BigInt(number) => Some(number.to_string_radix(10)),
        JsVariant::String(_) => text(value).filter(|text| is_plain(text)),
        _ => None,
    }
}

/// `-?[0-9]+(\.[0-9]+)?`
fn is_plain(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    text.split_once('.').map_or_else(|| digits(text), |(whole, fraction)| digits(whole) && digits(fraction))
}

fn instant(value: &JsValue, context: &mut Context) -> Option<i64> {
    if let Some(text) = text(value) {
        // Without a zone it could be any of a day's hours.
        let clock = text.get(10..)?;
        let zoned = clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']);
        return zoned.then(|| time::instant(&text)).flatten();
    }
    let date = JsDate::from_object(value.as_object()?).ok()?;
    let millis = date.get_time(context).ok()?.as_number()?;
    millis.is_finite().then_some(millis as i64 * 1_000)
}

fn texts(value: &JsValue, context: &mut Context) -> Option<Vec<String>> {
    let array = JsArray::from_object(value.as_object()?).ok()?;
    let length = array.length(context).ok()?;
    (0..length).map(|at| text(&array.at(i64::try_from(at).ok()?, context).ok()?)).collect()
}

/// Trimmed and in lower case, as addresses are compared.
fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.split_once('@')?;
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    let dotted = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    (plain(local) && plain(domain) && dotted).then_some(text)
}

/// `+`, a country code and a number, fifteen digits at most (ITU-T E.164).
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}
