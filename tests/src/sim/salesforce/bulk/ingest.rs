//! Bulk ingest: a file of records, each with a result of its own; the results keep no order.

use serde_json::{Map, Value, json};

use super::super::errors::{ApiError, Outcome};
use super::super::id::Id;
use super::super::org::{At, Org};
use super::super::records::{self, may_write};
use super::super::schema::FieldType;
use super::super::values;
use super::super::write::{self, Writer};
use super::csv::Format;
use super::{Job, State, Work};
use crate::sim::server::{Reply, Request};

/// `#N/A` empties a field; an empty value leaves it as it is.
const NULL: &str = "#N/A";

#[derive(Debug)]
pub(super) struct Ingest {
    /// The external id field of an upsert.
    pub(super) key: Option<String>,
    data: Option<String>,
    writer: Writer,
    header: Vec<String>,
    done: Vec<(Id, bool, Vec<String>)>,
    failed: Vec<(ApiError, Vec<String>)>,
    /// Rows that a job which ended before its time has not come to.
    left: Vec<Vec<String>>,
}

/// A new ingest job.
pub(super) fn open(
    org: &mut Org,
    request: &Request,
    body: &Map<String, Value>,
    format: Format,
    version: &str,
) -> Result<Job, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let invalid = |message: &str| ApiError::bad("INVALIDJOB", message);
    let object = text("object").ok_or_else(|| invalid("object is missing"))?;
    let at = org.object(object).ok_or_else(|| ApiError::bad("INVALIDENTITY", "the object is not supported"))?;
    may_write(org, at)?;
    let operation = text("operation").unwrap_or("");
    if !["insert", "update", "upsert", "delete"].contains(&operation) {
        return Err(invalid("operation must be insert, update, upsert or delete"));
    }
    let key = text("externalIdFieldName").map(str::to_owned);
    if (operation == "upsert") != key.is_some() {
        return Err(invalid("externalIdFieldName belongs to upsert, and to nothing else"));
    }
    let is_key = |name: &String| org.place(at, name).is_some_and(|place| org.kind(at).fields[place].is_key());
    if key.as_ref().is_some_and(|name| !is_key(name)) {
        return Err(invalid("externalIdFieldName is no external id field"));
    }
    // Assignment rules run only where a job names one.
    let writer = Writer { assign: false, ..records::writer(request, version, "POST /jobs/ingest") };
    let ingest =
        Ingest { key, data: None, writer, header: Vec::new(), done: Vec::new(), failed: Vec::new(), left: Vec::new() };
    Ok(Job {
        id: org.jobs.new_id(),
        object: org.kind(at).name.clone(),
        operation: operation.to_owned(),
        version: version.to_owned(),
        format,
        state: State::Open,
        looks: 0,
        created_ms: org.now_ms(),
        error: None,
        work: Work::Ingest(ingest),
    })
}

/// `PUT /jobs/ingest/{id}/batches`: once.
pub(super) fn upload(job: &mut Job, request: &Request) -> Outcome {
    let refused = job.wrong_state("take data");
    let Work::Ingest(ingest) = &mut job.work else { return Err(ApiError::not_found()) };
    if !request.header("content-type").unwrap_or("").starts_with("text/csv") {
        return Err(ApiError::new(415, "UNSUPPORTED_MEDIA_TYPE", "Content type must be text/csv"));
    }
    if job.state != State::Open || ingest.has_data() {
        return Err(refused);
    }
    let text = String::from_utf8(request.body.to_vec());
    ingest.data = Some(text.map_err(|_| ApiError::bad("INVALID_INPUT", "the data are not UTF-8"))?);
    Ok(Reply::empty(201))
}

impl Ingest {
    pub(super) fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// Each row by itself, or one that `stops` the first half of them; fails as a whole where the file can't be read.
    pub(super) fn run(
        &mut self,
        org: &mut Org,
        object: &str,
        operation: &str,
        format: Format,
        stops: bool,
    ) -> Result<(), String> {
        let at = org.object(object).ok_or("InvalidBatch : no such object")?;
        let rows = format.read(self.data.as_deref().unwrap_or(""))?;
        let most = if stops { rows.len() / 2 } else { rows.len() };
        let mut rows = rows.into_iter();
        self.header = rows.next().ok_or("InvalidBatch : The file has no header")?;
        let unknown = self.header.iter().find(|name| !is_column(org, at, name));
        if let Some(name) = unknown {
            return Err(format!("InvalidBatch : Field name not found : {name}"));
        }
        for row in rows.by_ref().take(most) {
            match self.one(org, at, operation, &row) {
                Ok((id, created)) => self.done.push((id, created, row)),
                Err(error) => self.failed.push((error, row)),
            }
        }
        // The real thing works in chunks side by side: nobody may rely on the order.
        self.done.reverse();
        self.left = rows.collect();
        Ok(())
    }

    fn one(&self, org: &mut Org, at: At, operation: &str, row: &[String]) -> Result<(Id, bool), ApiError> {
        if row.len() != self.header.len() {
            return Err(ApiError::bad("INVALID_INPUT", "the row has not as many values as the header"));
        }
        let (id, mut fields) = self.fields(org, at, row);
        let named = || {
            let id = id.as_deref().ok_or_else(|| ApiError::bad("MISSING_ARGUMENT", "Id not specified").about("Id"))?;
            let id = Id::parse(id).filter(|id| id.prefix == org.kind(at).prefix);
            let id = id.ok_or_else(|| ApiError::bad("MALFORMED_ID", "bad id").about("Id"))?;
            let found = org.table(at).get(id.number).map(|_| id);
            found.ok_or_else(|| ApiError::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
        };
        match operation {
            "insert" => {
                let changes = values::read(org, at, &fields, true)?;
                Ok((write::create(org, at, &changes, &self.writer)?, true))
            }
            "update" => {
                let id = named()?;
                let changes = values::read(org, at, &fields, false)?;
                write::update(org, at, id.number, &changes, &self.writer)?;
                Ok((id, false))
            }
            "delete" => {
                let id = named()?;
                write::delete(org, at, id.number, &self.writer)?;
                Ok((id, false))
            }
            _ => {
                let key = self.key.as_deref().unwrap_or("");
                let own = fields.keys().find(|name| name.eq_ignore_ascii_case(key)).cloned();
                let value = own.and_then(|own| fields.remove(&own));
                let value = value.as_ref().and_then(Value::as_str);
                let missing = || ApiError::bad("MISSING_ARGUMENT", format!("{key} not specified")).about(key);
                records::upsert(org, at, key, value.ok_or_else(missing)?, &fields, &self.writer)
            }
        }
    }

    /// The id, and the fields as JSON has them.
    fn fields(&self, org: &Org, at: At, row: &[String]) -> (Option<String>, Map<String, Value>) {
        let (mut id, mut fields) = (None, Map::new());
        for (name, text) in self.header.iter().zip(row).filter(|(_, text)| !text.is_empty()) {
            if name.eq_ignore_ascii_case("id") {
                id = Some(text.clone());
            } else if let Some((relation, field)) = name.split_once('.') {
                fields.insert(relation.to_owned(), json!({field: text}));
            } else {
                let kind = org.place(at, name).map(|place| org.kind(at).fields[place].kind);
                let value = match (kind, text.to_lowercase().as_str()) {
                    _ if text == NULL => Value::Null,
                    (Some(FieldType::Boolean), "true" | "1") => true.into(),
                    (Some(FieldType::Boolean), "false" | "0") => false.into(),
                    _ => text.as_str().into(),
                };
                fields.insert(name.clone(), value);
            }
        }
        (id, fields)
    }

    pub(super) fn numbers(&self) -> Map<String, Value> {
        let numbers = json!({"jobType": "V2Ingest", "numberRecordsProcessed": self.done.len() + self.failed.len(),
            "numberRecordsFailed": self.failed.len(), "apiActiveProcessingTime": 50, "apexProcessingTime": 0});
        numbers.as_object().cloned().unwrap_or_default()
    }
}

fn is_column(org: &Org, at: At, name: &str) -> bool {
    match name.split_once('.') {
        Some((relation, _)) => org.kind(at).relation(relation).is_some(),
        None => org.place(at, name).is_some(),
    }
}

/// `GET /jobs/ingest/{id}/successfulResults`, `failedResults`, `unprocessedrecords`
pub(super) fn results(job: &Job, which: &str) -> Outcome {
    let Work::Ingest(ingest) = &job.work else { return Err(ApiError::not_found()) };
    let header = |own: &[&str]| job.format.line(own.iter().copied().chain(ingest.header.iter().map(String::as_str)));
    let line =
        |own: &[&str], row: &[String]| job.format.line(own.iter().copied().chain(row.iter().map(String::as_str)));
    let body = match which.to_lowercase().as_str() {
        "successfulresults" => {
            let rows = ingest.done.iter().map(|(id, created, row)| line(&[&id.to_string(), &created.to_string()], row));
            header(&["sf__Id", "sf__Created"]) + &rows.collect::<String>()
        }
        "failedresults" => {
            let rows = ingest.failed.iter().map(|(error, row)| {
                let told = format!("{}:{}:{} --", error.code, error.message, error.fields.join(","));
                line(&["", &told], row)
            });
            header(&["sf__Id", "sf__Error"]) + &rows.collect::<String>()
        }
        // A job that failed at once has no header yet: all its data are left over.
        "unprocessedrecords" if ingest.header.is_empty() => ingest.data.clone().unwrap_or_default(),
        "unprocessedrecords" => header(&[]) + &ingest.left.iter().map(|row| line(&[], row)).collect::<String>(),
        _ => return Err(ApiError::not_found()),
    };
    Ok(Reply::of(200, "text/csv; charset=utf-8", body))
}
