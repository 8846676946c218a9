//! What a write may hold: known names, values of their field's type, records that are there.

use serde_json::{Map, Value, json};

use super::account::{Account, Table};
use super::errors::ApiError;
use super::fields::{self, Takes};
use super::leads;
use crate::sim::stamp;

/// The body of a write, checked and in the form in which it is kept.
pub(crate) fn checked(account: &Account, table: Table, body: &Value) -> Result<Map<String, Value>, ApiError> {
    let body = body.as_object().ok_or_else(|| ApiError::validation("body", "Expected object"))?;
    let mut kept = Map::new();
    for (name, value) in body {
        if name == "custom_fields" {
            kept.insert(name.clone(), custom(table, value)?.into());
            continue;
        }
        let takes = fields::takes(table, name).filter(|takes| *takes != Takes::Nothing);
        let takes = takes.ok_or_else(|| ApiError::validation(name, "Unrecognized key"))?;
        check(account, name, takes, value)?;
        kept.insert(name.clone(), value.clone());
    }
    if let Some(first) = kept.get("participants").and_then(Value::as_array) {
        let primary = first.iter().find(|entry| entry["primary"] == true).or(first.first());
        let person = primary.map_or(Value::Null, |entry| entry["person_id"].clone());
        kept.insert("person_id".to_owned(), person);
    }
    Ok(kept)
}

fn check(account: &Account, name: &str, takes: Takes, value: &Value) -> Result<(), ApiError> {
    let refuse = |wanted: &str| Err(ApiError::validation(name, &format!("{wanted}, received {value}")));
    let fits = |fits: bool, wanted: &str| if fits { Ok(()) } else { refuse(wanted) };
    let required = matches!(name, "name" | "title");
    if value.is_null() {
        return fits(!required, "Expected string");
    }
    match takes {
        Takes::Nothing => refuse("Read-only"),
        Takes::Text => {
            fits(value.as_str().is_some_and(|text| !(required && text.trim().is_empty())), "Expected string")
        }
        Takes::Whole => fits(value.as_u64().is_some(), "Expected integer"),
        Takes::Number => fits(value.is_number(), "Expected number"),
        Takes::Flag => fits(value.is_boolean(), "Expected boolean"),
        Takes::Date => fits(value.as_str().is_some_and(|text| stamp::parse_date(text).is_some()), "Expected date"),
        Takes::Clock => fits(value.as_str().is_some_and(is_clock), "Expected time"),
        Takes::Id(to) => {
            let id = value.as_u64();
            let there =
                |table| id.is_some_and(|id| account.table(table).get(&id).is_some_and(|record| !record.deleted));
            fits(id.is_some() && to.is_none_or(there), "Expected the id of a record")
        }
        Takes::Ids => {
            fits(value.as_array().is_some_and(|ids| ids.iter().all(|id| id.as_u64().is_some())), "Expected ids")
        }
        Takes::Lead => {
            let there = |number: &u64| account.table(Table::Leads).get(number).is_some_and(|lead| !lead.deleted);
            fits(
                value.as_str().and_then(leads::number).is_some_and(|number| there(&number)),
                "Expected the id of a lead",
            )
        }
        Takes::OneOf(words) => fits(value.as_str().is_some_and(|text| words.contains(&text)), "Invalid enum value"),
        Takes::Place => fits(value.get("value").is_some_and(Value::is_string), "Expected object"),
        Takes::Entries => entries(name, value),
        Takes::Participants => {
            let people = account.table(Table::Persons);
            let there = |entry: &Value| entry["person_id"].as_u64().is_some_and(|id| people.contains_key(&id));
            fits(value.as_array().is_some_and(|list| list.iter().all(there)), "Expected persons")
        }
    }
}

fn entries(name: &str, value: &Value) -> Result<(), ApiError> {
    let list = value.as_array().ok_or_else(|| ApiError::validation(name, "Expected array"))?;
    for (at, entry) in list.iter().enumerate() {
        let known = entry.as_object().is_some_and(|entry| {
            entry.keys().all(|key| matches!(key.as_str(), "value" | "primary" | "label")) && entry["value"].is_string()
        });
        if !known {
            return Err(ApiError::validation(&format!("{name}.{at}"), "Expected value, primary and label"));
        }
    }
    if list.iter().filter(|entry| entry["primary"] == true).count() > 1 {
        return Err(ApiError::validation(name, "Only one can be primary"));
    }
    Ok(())
}

fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    matches!(parts.len(), 2 | 3)
        && parts.iter().all(|part| part.len() == 2 && part.parse::<u8>().is_ok_and(|part| part < 60))
}

fn custom(table: Table, value: &Value) -> Result<Map<String, Value>, ApiError> {
    let own = value.as_object().ok_or_else(|| ApiError::validation("custom_fields", "Expected object"))?;
    for (key, value) in own {
        let path = format!("custom_fields.{key}");
        let field = fields::custom(table).iter().find(|(code, ..)| code == key);
        let (.., kind, options) = field.ok_or_else(|| ApiError::validation(&path, "Unrecognized key"))?;
        let is_option = |id: &Value| id.as_u64().is_some_and(|id| options.iter().any(|(known, _)| *known == id));
        let fits = match *kind {
            _ if value.is_null() => true,
            "enum" => is_option(value),
            // An empty list is refused: `null` clears.
            "set" => value.as_array().is_some_and(|ids| !ids.is_empty() && ids.iter().all(is_option)),
            "monetary" => value["value"].is_number() && value["currency"].as_str().is_some_and(|text| text.len() == 3),
            _ => value.is_string(),
        };
        if !fits {
            return Err(ApiError::validation(&path, &format!("Invalid value, received {value}")));
        }
    }
    Ok(own.clone())
}

/// A new record as it is kept: what was not given is there and empty.
pub(crate) fn complete(table: Table, given: Map<String, Value>) -> Map<String, Value> {
    let mut values = Map::new();
    for (name, _, takes) in fields::all(table) {
        let empty = match takes {
            Takes::Entries | Takes::Ids | Takes::Participants => json!([]),
            Takes::Flag => json!(false),
            _ => Value::Null,
        };
        values.insert((*name).to_owned(), empty);
    }
    if !matches!(table, Table::Activities | Table::Leads) {
        let own: Map<String, Value> =
            fields::custom(table).iter().map(|(code, ..)| ((*code).to_owned(), Value::Null)).collect();
        values.insert("custom_fields".to_owned(), own.into());
    }
    merge(table, &mut values, given);
    values
}

/// Puts written values over those that are there.
pub(crate) fn merge(table: Table, values: &mut Map<String, Value>, given: Map<String, Value>) {
    for (name, value) in given {
        match (name.as_str(), values.get_mut(&name), value) {
            ("custom_fields", Some(Value::Object(own)), Value::Object(more)) => own.extend(more),
            (_, _, value) => drop(values.insert(name, value)),
        }
    }
    if table == Table::Persons
        && let Some(name) = values.get("name").and_then(Value::as_str)
    {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let (first, last) = (json!(first), if last.is_empty() { Value::Null } else { json!(last) });
        values.insert("first_name".to_owned(), first);
        values.insert("last_name".to_owned(), last);
    }
}
