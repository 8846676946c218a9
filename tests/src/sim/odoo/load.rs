//! `load`: rows of text under external ids. The same external id is the same record; all rows are taken, or none.

use serde_json::{Map, Value, json};

use super::database::Database;
use super::errors::ApiError;
use super::models::{Kind, Model};

/// What is wrong with one cell.
struct Refused {
    field: String,
    message: String,
}

pub(crate) fn load(
    database: &mut Database,
    model: &'static Model,
    fields: &Value,
    data: &Value,
) -> Result<Value, ApiError> {
    let texts = |list: &Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let columns = texts(fields).ok_or_else(|| ApiError::value("`fields` is no list of texts"))?;
    let rows: Option<Vec<Vec<String>>> = data.as_array().and_then(|rows| rows.iter().map(texts).collect());
    let rows = rows.filter(|rows| rows.iter().all(|row| row.len() == columns.len()));
    let rows = rows.ok_or_else(|| ApiError::value("`data` is no list of rows with a text for each column"))?;
    let saved = database.saved();
    let (mut ids, mut messages) = (Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate() {
        match one(database, model, &columns, row) {
            Ok(id) => ids.push(id),
            Err(Refused { field, message }) => messages
                .push(json!({"type": "error", "record": at, "rows": {"from": at,
                "to": at}, "field": field, "message": message})),
        }
    }
    if messages.is_empty() {
        return Ok(json!({"ids": ids, "messages": [], "nextrow": 0}));
    }
    database.restore(saved);
    Ok(json!({"ids": false, "messages": messages, "nextrow": 0}))
}

fn one(database: &mut Database, model: &'static Model, columns: &[String], row: &[String]) -> Result<i64, Refused> {
    let (mut values, mut external) = (Map::new(), None);
    for (column, cell) in columns.iter().zip(row) {
        let refused = |message: String| Refused { field: column.clone(), message };
        if column == "id" {
            external = Some(cell.clone()).filter(|cell| !cell.is_empty());
            continue;
        }
        let (name, sub) = column.split_once('/').map_or((column.as_str(), None), |(name, sub)| (name, Some(sub)));
        let field = model.field(name).ok_or_else(|| refused(format!("unknown field {column}")))?;
        let value =
            if cell.is_empty() { json!(false) } else { cast(database, field.kind, sub, cell).map_err(refused)? };
        values.insert(name.to_owned(), value);
    }
    let known = external.as_deref().and_then(|external| database.known(model.name, external));
    let failed =
        |error: ApiError| Refused { field: columns.last().cloned().unwrap_or_default(), message: format!("{error:?}") };
    if let Some(id) = known {
        database.write(model, id, &values).map_err(failed)?;
        return Ok(id);
    }
    let id = database.create(model, &values).map_err(failed)?;
    if let Some(external) = external {
        let (module, name) = external.split_once('.').unwrap_or(("__import__", &external));
        let known = json!({"module": module, "name": name, "model": model.name, "res_id": id});
        let now_ms = database.clock.now_ms();
        if let (Some(data), Some(known)) = (Model::of("ir.model.data"), known.as_object()) {
            database.insert(data, known.clone(), now_ms);
        }
    }
    Ok(id)
}

/// A text as a value of a field, as `write` would take it.
fn cast(database: &Database, kind: Kind, sub: Option<&str>, cell: &str) -> Result<Value, String> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| format!("'{text}' does not seem to be an integer"));
    match (kind, sub) {
        (Kind::Many2one(_), Some(".id")) => Ok(json!(number(cell)?)),
        (Kind::Many2one(relation), Some("id")) => {
            let found = database.known(relation, cell);
            found.map(|id| json!(id)).ok_or_else(|| format!("No matching record found for external id '{cell}'"))
        }
        (Kind::Many2many(_), Some(".id")) => {
            let ids: Result<Vec<i64>, String> = cell.split(',').map(number).collect();
            Ok(json!([[6, 0, ids?]]))
        }
        // Without a sub-field a relation is found by its name, which this simulator leaves to others.
        (Kind::Many2one(_) | Kind::Many2many(_), _) | (_, Some(_)) => Err("Can not find the record".to_owned()),
        (Kind::Integer | Kind::Many2oneReference, None) => Ok(json!(number(cell)?)),
        (Kind::Float, None) => {
            let number: f64 = cell.parse().map_err(|_| format!("'{cell}' does not seem to be a number"))?;
            Ok(json!(number))
        }
        (Kind::Boolean, None) => match cell.to_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(json!(true)),
            "0" | "false" | "no" => Ok(json!(false)),
            _ => Err(format!("Unknown value '{cell}' for boolean field")),
        },
        (Kind::Selection(choices), None) => {
            let found = choices.iter().find(|(value, label)| cell == *value || cell == *label);
            found.map(|(value, _)| json!(value)).ok_or_else(|| format!("Value '{cell}' not found in selection field"))
        }
        _ => Ok(json!(cell)),
    }
}
