//! Values that stand in the configuration itself: `constant`, `default`, and what conditions compare with.

use ferry_sdk::mapper::Value;
use toml::de::DeValue;

use super::table::{Node, Table, type_name};
use crate::rules::decimal::Decimal;
use crate::rules::time::{date_of, instant_of};

/// The value of a key; a mistake is noted where it is none that a column can hold.
pub(crate) fn read(table: &Table<'_>, key: &str) -> Option<Value> {
    let node = table.get(key)?;
    let value = value_of(node);
    if value.is_none() {
        let message = format!("`{key}` can't be {}", type_name(node.get_ref()));
        let hint =
            "write text in quotes, a number, true, false, a date, a date with a time and an offset, or a list of texts";
        table.wrong(key, message, Some(hint.to_owned()));
    }
    value
}

pub(crate) fn value_of(node: Node<'_>) -> Option<Value> {
    match node.get_ref() {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Integer),
        DeValue::Float(number) => Decimal::parse(number.as_str()).map(|number| Value::Decimal(number.to_string())),
        DeValue::Boolean(flag) => Some(Value::Boolean(*flag)),
        DeValue::Datetime(moment) => moment_of(&moment.to_string()),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::Texts)
        }
        DeValue::Table(_) => None,
    }
}

/// A date, an instant, or the text of a local time, which becomes an instant only in a zone. A time of day is nothing on its own.
fn moment_of(text: &str) -> Option<Value> {
    date_of(text).or_else(|| instant_of(text)).or_else(|| text.contains('-').then(|| Value::Text(text.to_owned())))
}
