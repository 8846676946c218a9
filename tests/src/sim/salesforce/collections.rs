//! `/composite/sobjects`: up to 200 records in one call, each with its own result, in order.

use serde_json::{Map, Value, json};

use super::errors::{ApiError, Outcome};
use super::id::Id;
use super::org::{At, Org};
use super::records::{body, may_write, upsert, written};
use super::table::Record;
use super::write::{self, Writer};
use super::{query, values};
use crate::sim::server::{Reply, Request};

/// Records that one call may write.
const RECORDS_MAX: usize = 200;
/// Records that one call may read.
const READ_MAX: usize = 2_000;
/// Changes of object from one record to the next.
const CHUNKS_MAX: usize = 10;

/// Answers `/composite/sobjects…`; `rest` are the parts of the path behind it.
pub(crate) fn route(org: &mut Org, request: &Request, rest: &[&str], base: &str, writer: &Writer) -> Outcome {
    match (request.method.as_str(), rest) {
        ("POST", []) => each(org, request, |org, record| {
            let (at, fields) = typed(org, record)?;
            may_write(org, at)?;
            let changes = values::read(org, at, fields, true)?;
            Ok(written(write::create(org, at, &changes, writer)?, None))
        }),
        ("PATCH", []) => each(org, request, |org, record| {
            let (at, fields) = typed(org, record)?;
            let (number, fields) = without_id(org, at, fields)?;
            may_write(org, at)?;
            let changes = values::read(org, at, &fields, false)?;
            write::update(org, at, number, &changes, writer)?;
            Ok(written(org.id(at, number), None))
        }),
        ("PATCH", [object, field]) => {
            let own = org.at(object)?;
            each(org, request, |org, record| {
                let (at, fields) = typed(org, record)?;
                let mut fields = fields.clone();
                let key = fields.keys().find(|name| name.eq_ignore_ascii_case(field)).cloned();
                let key = key.and_then(|key| fields.remove(&key)).unwrap_or_default();
                let value = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                if at != own || key.is_null() || value.is_empty() {
                    let message = format!("{field} not specified");
                    return Err(ApiError::bad("MISSING_ARGUMENT", message).about(field));
                }
                let (id, created) = upsert(org, at, field, &value, &fields, writer)?;
                Ok(written(id, Some(created)))
            })
        }
        ("DELETE", []) => {
            let ids: Vec<Value> = request.query_list("ids").into_iter().map(Value::from).collect();
            let all_or_none = request.query("allOrNone") == Some("true");
            items(org, &ids, all_or_none, |org, id| {
                let id = id.as_str().and_then(Id::parse);
                let found = id.and_then(|id| Some((org.at_prefix(id.prefix)?, id)));
                let (at, id) = found.ok_or_else(|| ApiError::bad("MALFORMED_ID", "malformed id"))?;
                may_write(org, at)?;
                let missing = |error: ApiError| match error.code {
                    "NOT_FOUND" => ApiError::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
                    _ => error,
                };
                write::delete(org, at, id.number, writer).map_err(missing)?;
                Ok(written(id, None))
            })
        }
        ("GET" | "POST", [object]) => read(org, request, object, base),
        (method, _) => Err(ApiError::no_method(method, "GET,POST,PATCH,DELETE")),
    }
}

fn each(org: &mut Org, request: &Request, one: impl Fn(&mut Org, &Value) -> Result<Value, ApiError>) -> Outcome {
    let body = body(request)?;
    let records = body.get("records").and_then(Value::as_array);
    let records = records.ok_or_else(|| ApiError::json_parser("the body has no list `records`"))?;
    items(org, records, body.get("allOrNone") == Some(&Value::Bool(true)), one)
}

/// Runs each item; where all or none is asked and one fails, everything is as it was.
fn items(
    org: &mut Org,
    records: &[Value],
    all_or_none: bool,
    one: impl Fn(&mut Org, &Value) -> Result<Value, ApiError>,
) -> Outcome {
    if records.is_empty() || records.len() > RECORDS_MAX {
        let message = format!("The number of records must be between 1 and {RECORDS_MAX}; there are {}", records.len());
        return Err(ApiError::bad("EXCEEDED_MAX_SIZE_REQUEST", message));
    }
    let kinds: Vec<&Value> = records.iter().map(|record| &record["attributes"]["type"]).collect();
    if kinds.chunk_by(|one, other| one == other).count() > CHUNKS_MAX {
        return Err(ApiError::bad("INVALID_INPUT", "the records change their object more than 10 times"));
    }
    let before = all_or_none.then(|| Saved::of(org));
    let results: Vec<Result<Value, ApiError>> = records.iter().map(|record| one(org, record)).collect();
    if let Some(saved) = before.filter(|_| results.iter().any(Result::is_err)) {
        saved.restore(org);
        let undone = |result: &Result<Value, ApiError>| match result {
            Err(error) => failed(error),
            Ok(_) => failed(&ApiError::bad(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            )),
        };
        return Ok(Reply::json(200, &results.iter().map(undone).collect::<Vec<_>>()));
    }
    let shown = results.iter().map(|result| result.as_ref().map_or_else(failed, Value::clone));
    Ok(Reply::json(200, &shown.collect::<Vec<_>>()))
}

fn failed(error: &ApiError) -> Value {
    let code =
        if error.status == 300 { ApiError::bad("DUPLICATE_EXTERNAL_ID", error.message.clone()) } else { error.clone() };
    json!({"success": false, "errors": [code.item()]})
}

/// What an undone call must leave as it was: the tables of all objects, and how many events there were.
pub(crate) struct Saved {
    tables: Vec<Vec<Record>>,
    events: super::changes::Mark,
    entries: u64,
}

impl Saved {
    pub(crate) fn of(org: &Org) -> Self {
        let rows = |at: usize| org.table(at).walk(0..=u64::MAX).cloned().collect();
        Self {
            tables: (0..org.objects.len()).map(rows).collect(),
            events: org.changes.mark(),
            entries: org.journal.len(),
        }
    }

    pub(crate) fn restore(self, org: &mut Org) {
        for (object, rows) in org.objects.iter_mut().zip(self.tables) {
            object.table.replace(rows);
        }
        org.changes.back_to(self.events);
        org.journal.back_to(self.entries);
    }
}

fn typed<'a>(org: &Org, record: &'a Value) -> Result<(At, &'a Map<String, Value>), ApiError> {
    let name = record["attributes"]["type"].as_str();
    let missing = || ApiError::bad("INVALID_INPUT", "a record must have attributes with a type");
    let at = org.object(name.ok_or_else(missing)?);
    let at = at.ok_or_else(|| ApiError::bad("INVALID_TYPE", "sObject type is not supported"))?;
    Ok((at, record.as_object().ok_or_else(missing)?))
}

fn without_id(org: &Org, at: At, fields: &Map<String, Value>) -> Result<(u64, Map<String, Value>), ApiError> {
    let mut fields = fields.clone();
    let name = fields.keys().find(|name| name.eq_ignore_ascii_case("id")).cloned();
    let id = name.and_then(|name| fields.remove(&name));
    let id = id.ok_or_else(|| ApiError::bad("MISSING_ARGUMENT", "Id not specified in an update call").about("Id"))?;
    let id = id.as_str().and_then(Id::parse).filter(|id| id.prefix == org.kind(at).prefix);
    let id = id.ok_or_else(|| ApiError::bad("MALFORMED_ID", "Record ID: id value of incorrect type").about("Id"))?;
    if org.table(at).get(id.number).is_none() {
        return Err(ApiError::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
    }
    Ok((id.number, fields))
}

/// Reads records by ids, missing ones as null.
fn read(org: &Org, request: &Request, object: &str, base: &str) -> Outcome {
    let at = org.at(object)?;
    let (ids, fields) = if request.method == "GET" {
        (request.query_list("ids"), request.query_list("fields"))
    } else {
        let body = body(request)?;
        let texts = |name: &str| {
            let list = body.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        (texts("ids"), texts("fields"))
    };
    if ids.is_empty() || ids.len() > READ_MAX || fields.is_empty() {
        return Err(ApiError::bad("INVALID_INPUT", "a read takes 1 to 2000 ids and at least one field"));
    }
    let place = |name: &String| {
        org.place(at, name).ok_or_else(|| {
            ApiError::invalid_field(format!("No such column '{name}' on sobject of type {}", org.kind(at).name))
        })
    };
    let places = fields.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let one = |text: &String| {
        let id = Id::parse(text).filter(|id| id.prefix == org.kind(at).prefix);
        let record = id.and_then(|id| org.table(at).get_living(id.number));
        record.map_or(Value::Null, |record| query::record(org, base, at, record, &places))
    };
    Ok(Reply::json(200, &ids.iter().map(one).collect::<Vec<_>>()))
}
