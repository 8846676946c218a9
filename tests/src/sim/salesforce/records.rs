//! Single records by id or by external id: read, create, change, upsert, delete, with the conditions of HTTP.

use serde_json::{Map, Value, json};

use super::errors::{ApiError, Outcome};
use super::id::Id;
use super::org::{At, Org};
use super::query;
use super::values;
use super::write::{self, Writer};
use crate::sim::faults::Fault;
use crate::sim::server::{Reply, Request};

/// What a request says about its writes.
pub(crate) fn writer(request: &Request, version: &str, endpoint: &str) -> Writer {
    let client = request.header("sforce-call-options").unwrap_or("");
    let client = client.split(',').find_map(|option| option.trim().strip_prefix("client="));
    let tail = client.map(|client| format!(";client={client}")).unwrap_or_default();
    let duplicates = request.header("sforce-duplicate-rule-header").unwrap_or("").replace(' ', "");
    Writer {
        api: true,
        origin: format!("com/salesforce/api/rest/{}{tail}", version.trim_start_matches('v')),
        assign: !request.header("sforce-auto-assign").unwrap_or("").eq_ignore_ascii_case("false"),
        allow_duplicates: duplicates.to_lowercase().contains("allowsave=true"),
        endpoint: endpoint.to_owned(),
        stamp_ms: None,
    }
}

/// The body as an object.
pub(crate) fn body(request: &Request) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(ApiError::json_parser("The HTTP entity body is required to be an object")),
        Err(error) => Err(ApiError::json_parser(format!(
            "Unexpected input at [line:{}, column:{}]",
            error.line(),
            error.column()
        ))),
    }
}

/// The result of one write.
pub(crate) fn written(id: Id, created: Option<bool>) -> Value {
    let mut result = json!({"id": id, "success": true, "errors": []});
    if let Some(created) = created {
        result["created"] = created.into();
    }
    result
}

/// `POST /sobjects/X`
pub(crate) fn create(org: &mut Org, at: At, request: &Request, writer: &Writer) -> Outcome {
    may_write(org, at)?;
    let changes = values::read(org, at, &body(request)?, true)?;
    let id = write::create(org, at, &changes, writer)?;
    Ok(Reply::json(201, &written(id, None)).with_header("location", format!("/sobjects/{}/{id}", org.kind(at).name)))
}

pub(crate) fn may_write(org: &Org, at: At) -> Result<(), ApiError> {
    let kind = org.kind(at);
    if kind.writable {
        return Ok(());
    }
    let message = format!("entity type {} does not support the operation", kind.name);
    Err(ApiError::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message))
}

/// The record that an id in a path names.
pub(crate) fn number(org: &Org, at: At, text: &str) -> Result<u64, ApiError> {
    let missing =
        || ApiError::new(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: ");
    let id = Id::parse(text).filter(|id| id.prefix == org.kind(at).prefix).ok_or_else(missing)?;
    org.table(at).get(id.number).map(|record| record.number).ok_or_else(ApiError::not_found)
}

/// `/sobjects/X/{id}`
pub(crate) fn by_id(org: &mut Org, at: At, number: u64, request: &Request, base: &str, writer: &Writer) -> Outcome {
    let record = org.table(at).get(number).ok_or_else(ApiError::not_found)?;
    if record.deleted_ms.is_some() {
        return Err(ApiError::deleted());
    }
    let modified_ms = record.modified_ms;
    match request.method.as_str() {
        "GET" | "HEAD" => {
            if !since(request, "if-modified-since", modified_ms, true) {
                return Ok(Reply::empty(304));
            }
            let places = places(org, at, request)?;
            Ok(Reply::json(200, &query::record(org, base, at, record, &places)))
        }
        "PATCH" => {
            may_write(org, at)?;
            unchanged(request, modified_ms)?;
            let changes = values::read(org, at, &body(request)?, false)?;
            write::update(org, at, number, &changes, writer)?;
            Ok(Reply::empty(204))
        }
        "DELETE" => {
            may_write(org, at)?;
            unchanged(request, modified_ms)?;
            write::delete(org, at, number, writer)?;
            Ok(Reply::empty(204))
        }
        method => Err(ApiError::no_method(method, "GET,HEAD,PATCH,DELETE")),
    }
}

/// Whether a record was modified after the instant in a header; `otherwise` where there is none.
fn since(request: &Request, header: &str, modified_ms: i64, otherwise: bool) -> bool {
    http_date_ms(request, header).map_or(otherwise, |ms| modified_ms / 1_000 > ms / 1_000)
}

/// The instant in a header, as HTTP writes it.
pub(crate) fn http_date_ms(request: &Request, header: &str) -> Option<i64> {
    let text = request.header(header)?;
    let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(instant.as_millisecond())
}

/// Refuses a write whose conditions do not hold.
fn unchanged(request: &Request, modified_ms: i64) -> Result<(), ApiError> {
    let moved = since(request, "if-unmodified-since", modified_ms, false);
    let still = !since(request, "if-modified-since", modified_ms, true);
    if moved || still {
        return Err(ApiError::new(412, "PRECONDITION_FAILED", "A precondition in the request headers was not met"));
    }
    Ok(())
}

fn places(org: &Org, at: At, request: &Request) -> Result<Vec<usize>, ApiError> {
    let asked = request.query_list("fields");
    if asked.is_empty() {
        return Ok((0..org.kind(at).fields.len()).filter(|place| org.is_visible(at, *place)).collect());
    }
    let place = |name: &String| {
        org.place(at, name).ok_or_else(|| {
            ApiError::invalid_field(format!("No such column '{name}' on sobject of type {}", org.kind(at).name))
        })
    };
    asked.iter().map(place).collect()
}

/// The records with a value of an external id field.
pub(crate) fn by_key(org: &mut Org, at: At, field: &str, value: &str, endpoint: &str) -> Result<Found, ApiError> {
    let place = org.place(at, field).filter(|place| org.kind(at).fields[*place].external_id);
    let place = place.ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {field}");
        ApiError::new(404, "NOT_FOUND", message)
    })?;
    let numbers = org.table(at).find(place, value).to_vec();
    if org.faults.strike(endpoint, |rule| rule.fault == Fault::Ambiguous).is_some() || numbers.len() > 1 {
        let urls: Vec<String> =
            numbers.iter().map(|number| format!("/sobjects/{}/{}", org.kind(at).name, org.id(at, *number))).collect();
        return Err(ApiError::new(300, "", "the external id is not unique").with_body(json!(urls)));
    }
    Ok(Found { place, number: numbers.first().copied() })
}

/// Where an external id leads.
#[derive(Debug)]
pub(crate) struct Found {
    /// The place of the external id field.
    pub(crate) place: usize,
    pub(crate) number: Option<u64>,
}

/// Creates or updates by an external id; says which.
pub(crate) fn upsert(
    org: &mut Org,
    at: At,
    field: &str,
    value: &str,
    fields: &Map<String, Value>,
    writer: &Writer,
) -> Result<(Id, bool), ApiError> {
    may_write(org, at)?;
    let found = by_key(org, at, field, value, &writer.endpoint)?;
    match found.number {
        Some(number) => {
            let changes = values::read(org, at, fields, false)?;
            write::update(org, at, number, &changes, writer)?;
            Ok((org.id(at, number), false))
        }
        None => {
            let mut fields = fields.clone();
            fields.insert(org.kind(at).fields[found.place].name.clone(), value.into());
            let changes = values::read(org, at, &fields, true)?;
            Ok((write::create(org, at, &changes, writer)?, true))
        }
    }
}

/// `PATCH /sobjects/X/{field}/{value}`
pub(crate) fn upsert_one(
    org: &mut Org,
    at: At,
    field: &str,
    value: &str,
    request: &Request,
    writer: &Writer,
) -> Outcome {
    let fields = body(request)?;
    if fields.keys().any(|name| name.eq_ignore_ascii_case(field)) {
        let message = format!("The {field} field should not be specified in the sobject data.");
        return Err(ApiError::bad("INVALID_FIELD", message).about(field));
    }
    if request.query("updateOnly") == Some("true") && by_key(org, at, field, value, &writer.endpoint)?.number.is_none()
    {
        return Err(ApiError::not_found());
    }
    let (id, created) = upsert(org, at, field, value, &fields, writer)?;
    Ok(Reply::json(if created { 201 } else { 200 }, &written(id, Some(created))))
}
