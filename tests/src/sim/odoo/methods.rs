//! The methods of a model that can be called, with named arguments: one that a method does not know is a mistake.

use serde_json::{Map, Value, json};

use super::database::Database;
use super::errors::ApiError;
use super::models::{Field, Model};
use super::{domain, load, values};

/// What a method has, by name.
pub(crate) struct Arguments(pub(crate) Map<String, Value>);

impl Arguments {
    fn only(&self, names: &[&str]) -> Result<(), ApiError> {
        let strange = self.0.keys().find(|name| !names.contains(&name.as_str()) && name.as_str() != "context");
        match strange {
            Some(name) => Err(ApiError::arguments(format!("got an unexpected keyword argument '{name}'"))),
            None => Ok(()),
        }
    }

    fn needed(&self, name: &str) -> Result<&Value, ApiError> {
        self.0.get(name).ok_or_else(|| ApiError::arguments(format!("missing a required argument: '{name}'")))
    }

    fn ids(&self) -> Result<Vec<i64>, ApiError> {
        let ids = self.needed("ids")?.as_array().and_then(|ids| ids.iter().map(Value::as_i64).collect());
        ids.ok_or_else(|| ApiError::value("`ids` is no list of ids"))
    }

    fn sees_archived(&self) -> bool {
        self.0.get("context").is_some_and(|context| context["active_test"] == json!(false))
    }
}

pub(crate) fn call(
    database: &mut Database,
    model: &'static Model,
    method: &str,
    arguments: &Arguments,
) -> Result<Value, ApiError> {
    match method {
        "fields_get" => {
            arguments.only(&["allfields", "attributes"])?;
            fields_get(model, arguments)
        }
        "search_read" => {
            arguments.only(&["domain", "fields", "offset", "limit", "order"])?;
            let ids = search(database, model, arguments)?;
            read(database, model, &ids, arguments.0.get("fields"))
        }
        "search" => {
            arguments.only(&["domain", "offset", "limit", "order"])?;
            Ok(json!(search(database, model, arguments)?))
        }
        "search_count" => {
            arguments.only(&["domain", "limit"])?;
            Ok(json!(search(database, model, arguments)?.len()))
        }
        "read" => {
            arguments.only(&["ids", "fields", "load"])?;
            read_ids(database, model, arguments)
        }
        "create" => {
            arguments.only(&["vals_list"])?;
            let list = arguments.needed("vals_list")?;
            let list = list.as_array().cloned().unwrap_or_else(|| vec![list.clone()]);
            let ids: Result<Vec<i64>, ApiError> =
                list.iter().map(|values| database.create(model, &object(values)?)).collect();
            Ok(json!(ids?))
        }
        "write" => {
            arguments.only(&["ids", "vals"])?;
            let given = object(arguments.needed("vals")?)?;
            arguments.ids()?.into_iter().try_for_each(|id| database.write(model, id, &given))?;
            Ok(json!(true))
        }
        "unlink" => {
            arguments.only(&["ids"])?;
            arguments.ids()?.into_iter().try_for_each(|id| database.delete(model, id))?;
            Ok(json!(true))
        }
        "load" => {
            arguments.only(&["fields", "data"])?;
            load::load(database, model, arguments.needed("fields")?, arguments.needed("data")?)
        }
        _ => Err(ApiError::not_found(&format!("the method '{method}' of '{}'", model.name))),
    }
}

fn object(values: &Value) -> Result<Map<String, Value>, ApiError> {
    values.as_object().cloned().ok_or_else(|| ApiError::value("the values are no dictionary"))
}

fn fields_get(model: &'static Model, arguments: &Arguments) -> Result<Value, ApiError> {
    let list = |name: &str| -> Option<Vec<&str>> {
        arguments.0.get(name)?.as_array().map(|all| all.iter().filter_map(Value::as_str).collect())
    };
    let (fields, attributes) = (list("allfields"), list("attributes"));
    let mut all = Map::new();
    for field in model.fields().filter(|field| fields.as_ref().is_none_or(|only| only.contains(&field.name))) {
        let mut described = field.describe();
        if let (Some(only), Some(described)) = (&attributes, described.as_object_mut()) {
            described.retain(|name, _| only.contains(&name.as_str()));
        }
        all.insert(field.name.to_owned(), described);
    }
    Ok(all.into())
}

fn search(database: &Database, model: &'static Model, arguments: &Arguments) -> Result<Vec<i64>, ApiError> {
    let none = json!([]);
    let wanted = arguments.0.get("domain").unwrap_or(&none);
    let names_active = wanted.as_array().is_some_and(|all| all.iter().any(|clause| clause[0] == "active"));
    let hides = model.has_archive() && !arguments.sees_archived() && !names_active;
    let mut found: Vec<(i64, &Map<String, Value>)> = Vec::new();
    // A mistake in a domain is one in an empty table too.
    domain::holds(database, model, wanted, 0, &Map::new())?;
    for (id, record) in database.table(model.name) {
        if domain::holds(database, model, wanted, *id, record)? && !(hides && record["active"] == json!(false)) {
            found.push((*id, record));
        }
    }
    order(model, arguments, &mut found)?;
    let number =
        |name: &str| arguments.0.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let ids = found.into_iter().map(|(id, _)| id).skip(number("offset").unwrap_or_default());
    Ok(ids.take(number("limit").unwrap_or(usize::MAX)).collect())
}

/// The order of ids is that of the table.
fn order(
    model: &'static Model,
    arguments: &Arguments,
    found: &mut [(i64, &Map<String, Value>)],
) -> Result<(), ApiError> {
    let Some(order) = arguments.0.get("order").and_then(Value::as_str) else { return Ok(()) };
    for part in order.split(',').rev() {
        let (name, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), "asc"));
        if model.field(name).is_none_or(|field| !field.store) {
            return Err(ApiError::value(format!("Invalid field '{name}' in order")));
        }
        match name {
            "id" => found.sort_by_key(|(id, _)| *id),
            _ => found.sort_by_key(|(_, record)| record.get(name).map(Value::to_string)),
        }
        if direction.eq_ignore_ascii_case("desc") {
            found.reverse();
        }
    }
    Ok(())
}

fn chosen(model: &'static Model, fields: Option<&Value>) -> Result<Vec<&'static Field>, ApiError> {
    let Some(names) = fields.and_then(Value::as_array).filter(|names| !names.is_empty()) else {
        return Ok(model.fields().collect());
    };
    let unknown = |name: &Value| ApiError::value(format!("Invalid field {name} on '{}'", model.name));
    let named = names.iter().map(|name| name.as_str().and_then(|text| model.field(text)).ok_or_else(|| unknown(name)));
    let mut chosen: Vec<&'static Field> = named.collect::<Result<_, _>>()?;
    chosen.extend(model.field("id").filter(|_| !names.contains(&json!("id"))));
    Ok(chosen)
}

fn read(database: &Database, model: &'static Model, ids: &[i64], fields: Option<&Value>) -> Result<Value, ApiError> {
    let chosen = chosen(model, fields)?;
    let records = ids.iter().filter_map(|id| database.table(model.name).get(id).map(|record| (*id, record)));
    let shown = records.map(|(id, record)| {
        let values =
            chosen.iter().map(|field| (field.name.to_owned(), values::shown(database, model, field, id, record)));
        Value::Object(values.collect())
    });
    Ok(shown.collect())
}

fn read_ids(database: &Database, model: &'static Model, arguments: &Arguments) -> Result<Value, ApiError> {
    let (ids, fields) = (arguments.ids()?, arguments.0.get("fields"));
    // Asked for ids alone, Odoo looks nowhere: it gives back what it was given.
    if fields == Some(&json!(["id"])) {
        return Ok(ids.iter().map(|id| json!({"id": id})).collect());
    }
    read(database, model, &ids, fields)
}
