//! Request bodies: JSON, with HubSpot's words for what is wrong with them.

use serde_json::Value;

use super::errors::ApiError;
use crate::sim::server::Request;

/// The most inputs of an object batch.
pub(crate) const INPUTS_MAX: usize = 100;

/// The body as a JSON object.
pub(crate) fn object(request: &Request) -> Result<Value, ApiError> {
    let content_type = request.header("content-type").unwrap_or("");
    if !content_type.starts_with("application/json") {
        return Err(ApiError::new(415, "UNSUPPORTED_MEDIA_TYPE", "Content type must be application/json"));
    }
    let body: Value = serde_json::from_slice(&request.body).map_err(|problem| {
        ApiError::invalid(format!("Invalid input JSON on line {}, column {}", problem.line(), problem.column()))
    })?;
    if !body.is_object() {
        return Err(ApiError::invalid("Invalid input JSON on line 1, column 1: an object is expected"));
    }
    Ok(body)
}

/// The `inputs` of a batch: at least one, at most `max`.
pub(crate) fn inputs(body: &Value, max: usize) -> Result<&Vec<Value>, ApiError> {
    let inputs = body["inputs"].as_array().filter(|inputs| !inputs.is_empty());
    let inputs = inputs.ok_or_else(|| ApiError::invalid("Batch input provided should have at least one object."))?;
    if inputs.len() > max {
        let message = format!("The maximum number of inputs supported in a batch request is {max}");
        return Err(ApiError::invalid(message));
    }
    Ok(inputs)
}

/// A member that must be text.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    let missing = || ApiError::invalid(format!("Invalid input JSON: some required fields were not set: [{name}]"));
    value[name].as_str().filter(|text| !text.is_empty()).ok_or_else(missing)
}

/// A list of texts; empty when absent.
pub(crate) fn texts(value: &Value, name: &str) -> Result<Vec<String>, ApiError> {
    let wrong = || ApiError::invalid(format!("Invalid input JSON: {name} must be a list of strings"));
    match &value[name] {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

/// A number that may also come as text, as HubSpot's ids do.
pub(crate) fn id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
