//! What fields hold, and how it is shown: empty is `false`, a reference a pair of id and name, an instant a text in UTC.

use serde_json::{Map, Value, json};

use super::database::Database;
use super::errors::ApiError;
use super::models::{Field, Kind, Model};
use crate::sim::stamp;

/// `2026-03-02 09:00:00`: whole seconds, as everything that compares sees them.
pub(crate) fn datetime(ms: i64) -> String {
    stamp::iso(ms.div_euclid(1_000) * 1_000).replace('T', " ").trim_end_matches('Z').to_owned()
}

fn is_datetime(text: &str) -> bool {
    text.len() == 19 && stamp::parse(&format!("{}Z", text.replace(' ', "T"))).is_some() && text.contains(' ')
}

/// Checks a value as `write` and `create` take it; gives it as it is kept.
pub(crate) fn kept(database: &Database, model: &Model, field: &Field, value: &Value) -> Result<Value, ApiError> {
    let wrong = || ApiError::value(format!("Wrong value for {}.{}: {value}", model.name, field.name));
    if *value == json!(false) && field.kind != Kind::Boolean || value.is_null() {
        return Ok(json!(false));
    }
    let fits = match field.kind {
        Kind::Char | Kind::Html | Kind::Binary => value.is_string(),
        Kind::Integer => value.is_i64(),
        Kind::Float => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Date => value.as_str().is_some_and(|text| stamp::parse_date(text).is_some()),
        Kind::Datetime => value.as_str().is_some_and(is_datetime),
        Kind::Selection(choices) => choices.iter().any(|(choice, _)| value == choice),
        Kind::Many2one(relation) => value.as_i64().is_some_and(|id| database.table(relation).contains_key(&id)),
        Kind::Many2oneReference => value.is_i64(),
        Kind::Many2many(relation) => {
            // Only the command that puts these in the place of all others.
            let command =
                value.as_array().filter(|commands| commands.len() == 1).and_then(|commands| commands[0].as_array());
            let ids = command
                .filter(|command| command.len() == 3 && command[0] == 6)
                .and_then(|command| command[2].as_array());
            let ids = ids.ok_or_else(wrong)?;
            let known = |id: &Value| id.as_i64().is_some_and(|id| database.table(relation).contains_key(&id));
            return if ids.iter().all(known) { Ok(json!(ids)) } else { Err(wrong()) };
        }
    };
    // Odoo keeps no empty text.
    if fits && *value == "" {
        Ok(json!(false))
    } else if fits {
        Ok(value.clone())
    } else {
        Err(wrong())
    }
}

/// A field of a record, as `read` shows it.
pub(crate) fn shown(database: &Database, model: &Model, field: &Field, id: i64, record: &Map<String, Value>) -> Value {
    match (field.name, field.kind) {
        ("id", _) => json!(id),
        ("display_name", _) => json!(name(model, id, record)),
        (_, Kind::Many2one(relation)) => {
            let Some(other) = record.get(field.name).and_then(Value::as_i64) else { return json!(false) };
            let related = Model::of(relation).zip(database.table(relation).get(&other));
            related.map_or(json!(false), |(model, record)| json!([other, name(model, other, record)]))
        }
        (_, Kind::Many2many(_)) => record.get(field.name).filter(|ids| ids.is_array()).cloned().unwrap_or(json!([])),
        (_, Kind::Integer | Kind::Many2oneReference | Kind::Float) => match record.get(field.name) {
            Some(number) if number.is_number() => number.clone(),
            _ => json!(0),
        },
        _ => record.get(field.name).cloned().unwrap_or(json!(false)),
    }
}

fn name(model: &Model, id: i64, record: &Map<String, Value>) -> String {
    record.get("name").and_then(Value::as_str).map_or_else(|| format!("{},{id}", model.name), str::to_owned)
}
