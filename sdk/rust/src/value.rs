//! Values, rows, and what goes wrong with them, as the contract has them.

pub use crate::bindings::connector::ferry::crm::types::{Instant, Problem, Row, Successor, Tombstone, Value};

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Whether a number is in the plain digits of [`Value::Decimal`], `-?[0-9]+(\.[0-9]+)?`.
pub fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, places) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(places)
}

impl Problem {
    /// A problem with one field. The message must not repeat the field's value.
    pub fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), message: message.into() }
    }

    /// A problem that no single field has.
    pub fn general(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }
}
