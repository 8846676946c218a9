//! `/crm/v3/properties/{type}/…`: definitions, read and made.

use serde_json::{Value, json};

use super::account::Source;
use super::account::{Account, At, PORTAL_ID, Write};
use super::body;
use super::catalog::{Choice, Property};
use super::errors::{ApiError, Outcome};
use crate::sim::server::{Reply, Request};

/// An object has at most so many unique properties of its own.
const UNIQUE_MAX: usize = 10;

/// type and the field types that go with it.
const FIELDS: [(&str, &[&str]); 7] = [
    ("string", &["text", "textarea", "html", "file", "phonenumber", "calculation_equation"]),
    ("number", &["number", "calculation_equation"]),
    ("bool", &["booleancheckbox", "calculation_equation"]),
    ("date", &["date"]),
    ("datetime", &["date"]),
    ("enumeration", &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"]),
    ("phone_number", &["phonenumber"]),
];

pub(crate) fn route(account: &mut Account, request: &Request, at: At, rest: &[&str]) -> Outcome {
    match (request.method.as_str(), rest) {
        ("GET", []) => list(account, request, at),
        ("POST", []) => {
            let body = body::object(request)?;
            let name = create(account, at, &body)?;
            Ok(Reply::json(201, &account.objects[at].catalog[&name].to_json()))
        }
        ("POST", ["batch", verb]) => batch(account, request, at, verb),
        ("GET", ["groups"]) => groups(account, at),
        ("POST", ["groups"]) => create_group(request),
        ("GET", [name]) => {
            let archived = super::page::flag(request, "archived")?;
            let found = account.objects[at].catalog.get(*name).filter(|property| property.archived == archived);
            found.map(|property| Reply::json(200, &property.to_json())).ok_or_else(|| unknown(name))
        }
        ("PATCH", [name]) => update(account, &body::object(request)?, at, name),
        ("DELETE", [name]) => archive(account, at, name),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn unknown(name: &str) -> ApiError {
    ApiError::not_found(format!("Property \"{name}\" does not exist"))
}

fn list(account: &Account, request: &Request, at: At) -> Outcome {
    let archived = super::page::flag(request, "archived")?;
    let properties = account.objects[at].catalog.values().filter(|property| property.archived == archived);
    let results: Vec<Value> = properties.map(Property::to_json).collect();
    Ok(Reply::json(200, &json!({ "results": results })))
}

fn groups(account: &Account, at: At) -> Outcome {
    let mut names: Vec<&str> = account.objects[at].catalog.values().map(|property| property.group.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let group = |name: &str| json!({"name": name, "label": name, "displayOrder": -1, "archived": false});
    Ok(Reply::json(200, &json!({"results": names.into_iter().map(group).collect::<Vec<_>>()})))
}

fn create_group(request: &Request) -> Outcome {
    let body = body::object(request)?;
    let (name, label) = (body::text(&body, "name")?, body::text(&body, "label")?);
    Ok(Reply::json(201, &json!({"name": name, "label": label, "displayOrder": -1, "archived": false})))
}

/// Checks and adds a definition; gives its name.
pub(crate) fn create(account: &mut Account, at: At, body: &Value) -> Result<String, ApiError> {
    let property = define(account, body)?;
    let object = &account.objects[at];
    if object.catalog.contains_key(&property.name) {
        let message = format!("Property named '{}' already exists", property.name);
        return Err(ApiError::new(409, "OBJECT_ALREADY_EXISTS", message));
    }
    let own_unique =
        object.catalog.values().filter(|property| property.unique && !property.hubspot_defined && !property.archived);
    if property.unique && own_unique.count() >= UNIQUE_MAX {
        return Err(ApiError::invalid(format!("An object has at most {UNIQUE_MAX} properties with unique values")));
    }
    let name = property.name.clone();
    if property.unique {
        account.objects[at].table.add_unique(&name);
    }
    account.objects[at].catalog.insert(name.clone(), property);
    let object = account.kind(at).name.clone();
    let described = [("object".to_owned(), object)];
    account.note(Write {
        object: "properties",
        id: &name,
        operation: "create",
        properties: &described,
        trace_id: None,
        by: Source::Api,
    });
    Ok(name)
}

fn define(account: &Account, body: &Value) -> Result<Property, ApiError> {
    let name = body::text(body, "name")?;
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if name.len() > 100 || !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(ApiError::invalid(format!(
            "Property name '{name}' must start with a letter and have only a-z, 0-9 and _"
        )));
    }
    let (kind, field) = (body::text(body, "type")?, body::text(body, "fieldType")?);
    let fits = FIELDS.iter().any(|(own, fields)| *own == kind && fields.contains(&field));
    if !fits {
        return Err(ApiError::invalid(format!("fieldType {field} does not go with type {kind}")));
    }
    let unique = body["hasUniqueValue"].as_bool().unwrap_or(false);
    if unique && !matches!(kind, "string" | "number") {
        return Err(ApiError::invalid(format!("A property of type {kind} can not have unique values")));
    }
    let options = options(body)?;
    if kind == "enumeration" && options.is_empty() {
        return Err(ApiError::invalid(format!("Property '{name}' of type enumeration needs options")));
    }
    let now_ms = account.now_ms();
    Ok(Property {
        name: name.to_owned(),
        label: body::text(body, "label")?.to_owned(),
        kind: kind.to_owned(),
        field: field.to_owned(),
        group: body::text(body, "groupName")?.to_owned(),
        description: body["description"].as_str().unwrap_or("").to_owned(),
        options,
        read_only: field == "calculation_equation",
        unique,
        hubspot_defined: false,
        external_options: false,
        form_field: body["formField"].as_bool().unwrap_or(false),
        hidden: body["hidden"].as_bool().unwrap_or(false),
        archived: false,
        created_ms: now_ms,
        updated_ms: now_ms,
    })
}

fn options(body: &Value) -> Result<Vec<Choice>, ApiError> {
    let Some(options) = body["options"].as_array() else { return Ok(Vec::new()) };
    let parse = |option: &Value| {
        let (value, label) = (body::text(option, "value")?, body::text(option, "label")?);
        Ok(Choice { hidden: option["hidden"].as_bool().unwrap_or(false), ..Choice::new(value, label) })
    };
    options.iter().map(parse).collect()
}

fn own<'a>(account: &'a mut Account, at: At, name: &str) -> Result<&'a mut Property, ApiError> {
    let property = account.objects[at].catalog.get_mut(name).filter(|property| !property.archived);
    let property = property.ok_or_else(|| unknown(name))?;
    if property.hubspot_defined {
        return Err(ApiError::invalid(format!(
            "{name} is defined by HubSpot and can not be changed in portal {PORTAL_ID}"
        )));
    }
    Ok(property)
}

fn update(account: &mut Account, body: &Value, at: At, name: &str) -> Outcome {
    let (now_ms, given) = (account.now_ms(), options(body)?);
    let property = own(account, at, name)?;
    if let Some(label) = body["label"].as_str() {
        property.label = label.to_owned();
    }
    if let Some(description) = body["description"].as_str() {
        property.description = description.to_owned();
    }
    if body["options"].is_array() {
        property.options = given;
    }
    property.updated_ms = now_ms;
    Ok(Reply::json(200, &property.to_json()))
}

fn archive(account: &mut Account, at: At, name: &str) -> Outcome {
    own(account, at, name)?.archived = true;
    Ok(Reply::empty(204))
}

fn batch(account: &mut Account, request: &Request, at: At, verb: &str) -> Outcome {
    let body = body::object(request)?;
    let inputs = body::inputs(&body, 100)?;
    let mut results = Vec::new();
    match verb {
        "read" => {
            let found = |input: &Value| account.objects[at].catalog.get(input["name"].as_str()?).map(Property::to_json);
            results.extend(inputs.iter().filter_map(found));
        }
        "create" => {
            for input in inputs {
                let name = create(account, at, input)?;
                results.push(account.objects[at].catalog[&name].to_json());
            }
        }
        "archive" => {
            for input in inputs {
                own(account, at, body::text(input, "name")?)?.archived = true;
            }
            return Ok(Reply::empty(204));
        }
        _ => return Err(ApiError::no_endpoint()),
    }
    let answer = super::objects::answer_batch(account, results);
    Ok(Reply::json(if verb == "create" { 201 } else { 200 }, &answer))
}
