//! What a request writes: names and types are checked here, against the fields that the user may write.

use serde_json::{Map, Value};

use super::cell::Cell;
use super::errors::ApiError;
use super::id::Id;
use super::org::{At, Org};
use super::schema::{Field, FieldType, Source};
use crate::sim::stamp;

const DAY_MS: i64 = 86_400_000;

/// Places of fields and what they get.
pub(crate) type Changes = Vec<(usize, Cell)>;

/// Reads the fields of a body. `create` says which of the two permissions counts.
pub(crate) fn read(org: &Org, at: At, body: &Map<String, Value>, create: bool) -> Result<Changes, ApiError> {
    let mut changes = Changes::new();
    for (name, value) in body.iter().filter(|(name, _)| *name != "attributes") {
        if let Value::Object(key) = value {
            changes.push(by_key(org, at, name, key)?);
            continue;
        }
        let place = org.place(at, name).ok_or_else(|| {
            ApiError::invalid_field(format!("No such column '{name}' on sobject of type {}", org.kind(at).name))
        })?;
        let field = &org.kind(at).fields[place];
        let allowed = if create { field.createable } else { field.updateable };
        if !allowed || !org.is_editable(at, place) {
            let verb = if create { "create" } else { "update" };
            return Err(ApiError::bad(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                format!(
                    "Unable to {verb} fields: {name}. Please check the security settings of this field and verify that it is \
                     read/write for your profile or permission set."
                ),
            )
            .about(&field.name));
        }
        changes.push((place, cell(org, field, value)?));
    }
    Ok(changes)
}

/// Reads the fields that a person sets: no permission counts, and no picklist, length or address is checked, as with data
/// of old.
pub(crate) fn read_unchecked(org: &Org, at: At, body: &Map<String, Value>) -> Result<Changes, ApiError> {
    let one = |(name, value): (&String, &Value)| {
        let place = org.kind(at).place(name).filter(|place| org.kind(at).fields[*place].source == Source::Stored);
        let unknown = || ApiError::invalid_field(format!("`{name}` is no field that {} stores", org.kind(at).name));
        let place = place.ok_or_else(unknown)?;
        let field = &org.kind(at).fields[place];
        let text = value.as_str().filter(|_| field.kind.is_text());
        Ok((place, text.map_or_else(|| cell(org, field, value), |text| Ok(Cell::text(text)))?))
    };
    body.iter().map(one).collect()
}

/// A reference by an external id of the record that it leads to: `"Account": {"Ferry_Id__c": "a1"}`.
fn by_key(org: &Org, at: At, name: &str, key: &Map<String, Value>) -> Result<(usize, Cell), ApiError> {
    let kind = org.kind(at);
    let unknown = || ApiError::invalid_field(format!("No such relation '{name}' on sobject of type {}", kind.name));
    let place = kind.relation(name).ok_or_else(unknown)?;
    let named = key.get("attributes").and_then(|attributes| attributes["type"].as_str());
    let object = named.or_else(|| kind.fields[place].reference_to.first().map(String::as_str)).ok_or_else(unknown)?;
    let target = org.object(object).ok_or_else(unknown)?;
    let (field, value) = key.iter().find(|(name, _)| *name != "attributes").ok_or_else(unknown)?;
    let found = org.place(target, field).filter(|place| org.kind(target).fields[*place].external_id);
    let found = found.and_then(|place| org.table(target).find(place, value.as_str()?).first());
    let number = found.ok_or_else(|| {
        let message = format!("Foreign key external ID: {value} not found for field {field} in entity {object}");
        ApiError::bad("INVALID_FIELD", message)
    })?;
    Ok((place, Cell::Id(org.id(target, *number))))
}

/// A value for a field, or why it is none.
fn cell(org: &Org, field: &Field, value: &Value) -> Result<Cell, ApiError> {
    let no = |kind: &str| {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Err(ApiError::json_parser(format!(
            "Cannot deserialize instance of {kind} from VALUE_STRING value {shown} or request may be missing a required field"
        )))
    };
    if value.is_null() || *value == "" {
        let null_boolean = field.kind == FieldType::Boolean;
        return if null_boolean { no("boolean") } else { Ok(Cell::Null) };
    }
    let text = value.as_str();
    match field.kind {
        FieldType::Boolean => value.as_bool().map_or_else(|| no("boolean"), |value| Ok(Cell::Bool(value))),
        FieldType::Int => {
            let number = value.as_i64().or_else(|| text?.parse().ok());
            number.map_or_else(|| no("int"), |number| Ok(Cell::Int(number)))
        }
        FieldType::Double | FieldType::Currency | FieldType::Percent => {
            let number = value.as_f64().or_else(|| text?.parse().ok()).filter(|number| number.is_finite());
            number.map_or_else(|| no(field.kind.name()), |number| Ok(Cell::Number(number)))
        }
        FieldType::Date => {
            let days = text.map(|text| text.get(..10).unwrap_or(text)).and_then(stamp::parse_date);
            days.map_or_else(|| no("date"), |ms| Ok(Cell::Date(ms.div_euclid(DAY_MS))))
        }
        FieldType::DateTime => text.and_then(instant).map_or_else(|| no("datetime"), |ms| Ok(Cell::Instant(ms))),
        FieldType::Id | FieldType::Reference => reference(org, field, text.unwrap_or("")),
        FieldType::Address => no("address"),
        _ => match text {
            Some(text) => checked(field, text.trim()),
            // Numbers and flags are taken as texts.
            None if value.is_number() || value.is_boolean() => checked(field, &value.to_string()),
            None => no("string"),
        },
    }
}

fn instant(text: &str) -> Option<i64> {
    let text = text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |rest| format!("{rest}Z"));
    // A bare number is no instant here.
    if text.contains('T') { stamp::parse(&text) } else { stamp::parse_date(&text) }
}

fn reference(org: &Org, field: &Field, text: &str) -> Result<Cell, ApiError> {
    let malformed = || {
        ApiError::bad("MALFORMED_ID", format!("{}: id value of incorrect type: {text}", field.label)).about(&field.name)
    };
    let id = Id::parse(text).ok_or_else(malformed)?;
    let at = org.at_prefix(id.prefix).filter(|at| field.reference_to.contains(&org.kind(*at).name));
    let at = at.ok_or_else(malformed)?;
    if org.table(at).get_living(id.number).is_none() {
        let dead = org.table(at).get(id.number).is_some();
        return Err(if dead {
            ApiError::bad("ENTITY_IS_DELETED", "entity is deleted")
        } else {
            ApiError::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        }
        .about(&field.name));
    }
    Ok(Cell::Id(id))
}

fn checked(field: &Field, text: &str) -> Result<Cell, ApiError> {
    if text.chars().count() > field.length {
        let shown: String = text.chars().take(255).collect();
        let message = format!("{}: data value too large: {shown} (max length={})", field.label, field.length);
        return Err(ApiError::bad("STRING_TOO_LONG", message).about(&field.name));
    }
    if field.kind == FieldType::Email && !is_email(text) {
        let message = format!("{}: invalid email address: {text}", field.label);
        return Err(ApiError::bad("INVALID_EMAIL_ADDRESS", message).about(&field.name));
    }
    let mut parts = text.split(';').filter(|part| !part.is_empty());
    if field.restricted && !parts.all(|part| field.choices.iter().any(|choice| choice == part)) {
        let message = format!("{}: bad value for restricted picklist field: {text}", field.label);
        return Err(ApiError::bad("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).about(&field.name));
    }
    Ok(Cell::text(text))
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ', ',', ';']);
        plain(user) && plain(host) && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    })
}
