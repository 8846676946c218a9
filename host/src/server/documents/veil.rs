//! Customers' values in lists of what went wrong: these end up in tickets and chats, where the values do not belong.

use serde_json::{Value as Json, json};

use crate::model::value::Value;

/// Whether customers' values are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Shown,
    /// By type and length.
    Veiled,
}

impl Values {
    pub fn cell(self, value: &Value) -> String {
        match (self, value) {
            (Self::Shown, value) => value.to_cell(),
            (_, Value::Null) => "empty".to_owned(),
            (_, Value::Boolean(_)) => "yes or no".to_owned(),
            (_, Value::Integer(_) | Value::Decimal(_)) => "number".to_owned(),
            (_, Value::Text(text)) => format!("text of {} characters", text.chars().count()),
            (_, Value::Instant(_)) => "time".to_owned(),
            (_, Value::Date(_)) => "date".to_owned(),
            (_, Value::Texts(items)) => format!("{} texts", items.len()),
        }
    }

    pub(super) fn json(self, value: &Value) -> Json {
        match self {
            Self::Shown => value.to_json(),
            Self::Veiled => json!({ "veiled": self.cell(value) }),
        }
    }
}
