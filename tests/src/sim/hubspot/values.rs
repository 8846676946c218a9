//! Which values a property takes. Stricter than HubSpot where that finds a mistake: values are text, nothing is coerced.

use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Property};
use super::errors::ApiError;
use super::owners;
use crate::sim::stamp;

/// The longest text HubSpot stores in one property, characters.
const TEXT_MAX_CHARS: usize = 65_536;

/// Checked names and values, in the order of the names.
pub(crate) type Values = Vec<(String, String)>;

/// Checks the `properties` of a write against the catalog. All problems are listed at once, each with its value, as HubSpot
/// does: its messages echo personal data.
pub(crate) fn check(catalog: &Catalog, properties: &Value) -> Result<Values, ApiError> {
    let Value::Object(properties) = properties else {
        return Err(ApiError::invalid("Invalid input JSON: some required fields were not set: [properties]"));
    };
    let values = texts(properties)?;
    let problems: Vec<Value> = values.iter().filter_map(|(name, value)| problem(catalog, name, value)).collect();
    if problems.is_empty() {
        return Ok(values.into_iter().map(|(name, value)| normal(catalog, name, value)).collect());
    }
    Err(invalid_properties(&problems))
}

/// Times and days are stored in one form, however they were written.
fn normal(catalog: &Catalog, name: String, value: String) -> (String, String) {
    let kind = catalog.get(&name).map_or("", |property| property.kind.as_str());
    let normal = match (kind, stamp::parse(&value)) {
        ("datetime", Some(ms)) => stamp::iso(ms),
        ("date", Some(ms)) => stamp::iso_date(ms),
        _ => value,
    };
    (name, normal)
}

/// The 400 of values that a property does not take.
pub(crate) fn invalid_properties(problems: &[Value]) -> ApiError {
    let errors = problems.iter().map(|problem| {
        json!({"message": problem["message"], "code": problem["error"], "in": "properties",
            "context": {"propertyName": [problem["name"]]}})
    });
    let message = format!("Property values were not valid: {}", Value::from(problems.to_vec()));
    ApiError::invalid(message).with_errors(errors.collect())
}

fn texts(properties: &Map<String, Value>) -> Result<Values, ApiError> {
    let text = |(name, value): (&String, &Value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        // The official clients send null for a value that is to be cleared.
        Value::Null => Ok((name.clone(), String::new())),
        other => Err(ApiError::invalid(format!(
            "Invalid input JSON: Cannot deserialize value of type `java.lang.String` from {other} (property {name})"
        ))),
    };
    properties.iter().map(text).collect()
}

fn problem(catalog: &Catalog, name: &str, value: &str) -> Option<Value> {
    let Some(property) = catalog.get(name).filter(|property| !property.archived) else {
        let message = format!("Property \"{name}\" does not exist");
        return Some(json!({"isValid": false, "message": message, "error": "PROPERTY_DOESNT_EXIST", "name": name,
            "localizedErrorMessage": message, "portalId": super::account::PORTAL_ID}));
    };
    let (error, message) = fault_of(property, value)?;
    Some(json!({"isValid": false, "message": message, "error": error, "name": name, "localizedErrorMessage": message,
        "propertyValue": value, "portalId": super::account::PORTAL_ID}))
}

/// What is wrong with a value, as HubSpot's code and message.
fn fault_of(property: &Property, value: &str) -> Option<(&'static str, String)> {
    let name = &property.name;
    if property.read_only {
        return Some(("READ_ONLY_VALUE", format!("\"{name}\" is a read only property; its value cannot be set.")));
    }
    if value.is_empty() {
        return None;
    }
    let text_like = matches!(property.kind.as_str(), "string" | "phone_number" | "json");
    if !text_like && value.trim() != value {
        return Some(("INVALID_VALUE", format!("\"{value}\" has leading or trailing whitespace")));
    }
    match property.kind.as_str() {
        "number" => (!is_number(value)).then(|| ("INVALID_DOUBLE", format!("{value} was not a valid number."))),
        "date" => (!is_date(value)).then(|| ("INVALID_DATE", format!("{value} was not a valid date."))),
        "datetime" => stamp::parse(value).is_none().then(|| ("INVALID_LONG", format!("{value} was not a valid long."))),
        "enumeration" | "bool" => option_fault(property, value),
        _ if name == "email" => {
            (!is_email(value)).then(|| ("INVALID_EMAIL", format!("Email address {value} is invalid")))
        }
        _ => {
            let length = value.chars().count();
            (length > TEXT_MAX_CHARS).then(|| {
                ("PROPERTY_VALUE_TOO_LONG", format!("{name} has {length} characters, more than {TEXT_MAX_CHARS}"))
            })
        }
    }
}

fn option_fault(property: &Property, value: &str) -> Option<(&'static str, String)> {
    if property.external_options {
        let valid = property.name != "hubspot_owner_id" || owners::exists(value);
        return (!valid).then(|| ("INVALID_OWNER_ID", format!("Owner {value} does not exist")));
    }
    let several = property.field == "checkbox";
    let known = |part: &str| property.options.iter().any(|choice| choice.value == part);
    let valid = if several { value.split(';').filter(|part| !part.is_empty()).all(known) } else { known(value) };
    let allowed: Vec<&str> = property.options.iter().map(|choice| choice.value.as_str()).collect();
    (!valid).then(|| ("INVALID_OPTION", format!("{value} was not one of the allowed options: {allowed:?}")))
}

fn is_number(value: &str) -> bool {
    // `f64` also takes `inf` and `nan`, which are no numbers here.
    value.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_date(value: &str) -> bool {
    match value.parse::<i64>() {
        Ok(ms) => ms.rem_euclid(86_400_000) == 0,
        Err(_) => stamp::parse_date(value).is_some(),
    }
}

/// One `@` with a plain local part before it and a domain with a dot after it.
pub(crate) fn is_email(value: &str) -> bool {
    let Some((user, host)) = value.split_once('@') else { return false };
    let user_fits =
        !user.is_empty() && user.len() <= 64 && !user.starts_with('.') && !user.ends_with('.') && !user.contains("..");
    let labels_fit = host.contains('.') && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    let plain = |letter: char| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter);
    user_fits
        && labels_fit
        && user.chars().all(plain)
        && host.chars().all(|letter| letter.is_alphanumeric() || ".-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::hubspot::catalog::catalog_of;
    use crate::sim::hubspot::kinds::standard_kinds;

    fn codes(properties: Value) -> Vec<String> {
        let catalog = catalog_of(&standard_kinds().remove(0), 0);
        match check(&catalog, &properties) {
            Ok(_) => Vec::new(),
            Err(error) => match &error.errors {
                Value::Array(errors) => {
                    errors.iter().map(|error| error["code"].as_str().unwrap_or("?").to_owned()).collect()
                }
                _ => vec![error.message.clone()],
            },
        }
    }

    #[test]
    fn each_type_refuses_what_is_none_of_its_values() {
        let cases = [
            (
                json!({"firstname": "Zoë", "email": "zoe+x@example.com", "lead_score": "1.5", "vip": "true", "interests": "garden;music"}),
                vec![],
            ),
            (json!({"firstname": "", "lead_score": "", "lifecyclestage": ""}), vec![]),
            (json!({"nope": "1"}), vec!["PROPERTY_DOESNT_EXIST"]),
            (json!({"email": "no at"}), vec!["INVALID_EMAIL"]),
            (json!({"lead_score": "123;456"}), vec!["INVALID_DOUBLE"]),
            (json!({"lead_score": " 5"}), vec!["INVALID_VALUE"]),
            (json!({"lead_source": "Web"}), vec!["INVALID_OPTION"]),
            (json!({"vip": "yes"}), vec!["INVALID_OPTION"]),
            (json!({"date_of_birth_custom": "2020-02-30"}), vec!["INVALID_DATE"]),
            (json!({"lastmodifieddate": "1"}), vec!["READ_ONLY_VALUE"]),
            (json!({"hubspot_owner_id": "1"}), vec!["INVALID_OWNER_ID"]),
        ];
        for (properties, expected) in cases {
            assert_eq!(codes(properties.clone()), expected, "{properties}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_and_the_message_echoes_values() {
        assert!(codes(json!({"lead_score": 5}))[0].contains("java.lang.String"));
        let catalog = catalog_of(&standard_kinds().remove(0), 0);
        let error = check(&catalog, &json!({"email": "secret@"})).unwrap_err();
        assert!(error.message.starts_with("Property values were not valid: [") && error.message.contains("secret@"));
    }
}
