//! Custom objects: `/crm/v3/schemas/…`.

use serde_json::{Value, json};

use super::account::{Account, At, PORTAL_ID};
use super::body;
use super::errors::{ApiError, Outcome};
use super::kinds::Kind;
use super::properties;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

/// Ids of custom object types begin here.
const FIRST_TYPE: usize = 3_453_932;

pub(crate) fn route(account: &mut Account, request: &Request, rest: &[&str]) -> Outcome {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let custom = (0..account.objects.len()).filter(|at| account.objects[*at].schema.is_some());
            let results: Vec<Value> = custom.map(|at| to_json(account, at)).collect();
            Ok(Reply::json(200, &json!({ "results": results })))
        }
        ("POST", []) => {
            let at = create(account, &body::object(request)?)?;
            Ok(Reply::json(201, &to_json(account, at)))
        }
        ("GET", [name]) => {
            let at = account.at(name)?;
            Ok(Reply::json(200, &to_json(account, at)))
        }
        _ => Err(ApiError::no_endpoint()),
    }
}

fn to_json(account: &Account, at: At) -> Value {
    let (object, kind) = (&account.objects[at], account.kind(at));
    let own = object.schema.as_ref().unwrap_or(&Value::Null);
    let labels = match &own["labels"] {
        Value::Null => json!({"singular": kind.title(), "plural": kind.name}),
        labels => labels.clone(),
    };
    let now = stamp::iso(account.started_ms);
    let properties: Vec<Value> = object.catalog.values().map(super::catalog::Property::to_json).collect();
    let associations: Vec<Value> = (0..account.objects.len())
        .filter(|to| *to != at)
        .map(|to| {
            let kind = super::link_types::plain(&account.kind(at).type_id, &account.kind(to).type_id).0;
            let name = format!("{}_to_{}", account.kind(at).singular, account.kind(to).singular);
            json!({"fromObjectTypeId": account.kind(at).type_id, "toObjectTypeId": account.kind(to).type_id, "name": name,
                "id": kind.id.to_string()})
        })
        .collect();
    json!({"id": kind.type_id.trim_start_matches("2-"), "objectTypeId": kind.type_id, "fullyQualifiedName": kind.name,
        "name": kind.singular, "labels": labels, "requiredProperties": kind.required, "searchableProperties": kind.searchable,
        "primaryDisplayProperty": own["primaryDisplayProperty"], "secondaryDisplayProperties": [], "archived": false,
        "properties": properties, "associations": associations, "createdAt": now, "updatedAt": now})
}

fn create(account: &mut Account, body: &Value) -> Result<At, ApiError> {
    let name = body::text(body, "name")?;
    body::text(&body["labels"], "singular")?;
    body::text(&body["labels"], "plural")?;
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if !name.chars().all(plain) {
        return Err(ApiError::invalid(format!("Schema name {name} may have only a-z, 0-9 and _")));
    }
    if account.at(name).is_ok() {
        return Err(ApiError::new(409, "OBJECT_ALREADY_EXISTS", format!("Schema {name} already exists")));
    }
    let (required, searchable) = (body::texts(body, "requiredProperties")?, body::texts(body, "searchableProperties")?);
    let number = FIRST_TYPE + account.objects.len();
    let first_id = 40_000_000_001 + 1_000_000_000 * account.objects.len() as u64;
    let mut kind = Kind::custom(&format!("p{PORTAL_ID}_{name}"), name, format!("2-{number}"), first_id);
    kind.required = required;
    kind.searchable = searchable;
    kind.default_properties = kind.required.clone();
    let at = account.add_object(kind, None, Some(body.clone()));
    for property in body["properties"].as_array().into_iter().flatten() {
        let mut property = property.clone();
        if property["groupName"].is_null() {
            property["groupName"] = format!("{name}_information").into();
        }
        if let Err(error) = properties::create(account, at, &property) {
            account.objects.pop();
            return Err(error);
        }
    }
    Ok(at)
}
