//! Bulk queries: what was found when the job ran, as CSV, page by page behind opaque locators.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::super::errors::{ApiError, Outcome};
use super::super::org::Org;
use super::super::schema::FieldType;
use super::super::soql::{self, Bound};
use super::csv::Format;
use super::{Job, State, Work};
use crate::sim::server::{Reply, Request};

#[derive(Debug)]
pub(super) struct Query {
    bound: Bound,
    header: String,
    /// The lines of the results, once it has run.
    lines: Vec<String>,
    format: Format,
}

/// A new query job.
pub(super) fn open(org: &mut Org, body: &Map<String, Value>, format: Format, version: &str) -> Result<Job, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let now_ms = org.now_ms();
    if org.jobs.queries(now_ms) >= org.switches.daily_bulk_queries_max {
        return Err(ApiError::bad("EXCEEDEDQUOTA", "The allowance of bulk query jobs in 24 hours is used up"));
    }
    let operation = text("operation").unwrap_or("");
    if !["query", "queryAll"].contains(&operation) {
        return Err(ApiError::bad("INVALIDJOB", "operation must be query or queryAll"));
    }
    let soql = text("query").ok_or_else(|| ApiError::bad("INVALIDJOB", "a query job needs a query"))?;
    // A query that can't be run is told with a code of the job's, whatever is wrong with it.
    let told = |error: ApiError| ApiError::bad("API_ERROR", error.message);
    let bound = soql::bind(org, &soql::parse(soql).map_err(told)?, operation == "queryAll").map_err(told)?;
    check(org, &bound)?;
    let names: Vec<String> = bound.columns.iter().map(path).collect();
    let query = Query { header: format.line(names.iter().map(String::as_str)), lines: Vec::new(), format, bound };
    Ok(Job {
        id: org.jobs.new_id(),
        object: org.kind(query.bound.at).name.clone(),
        operation: operation.to_owned(),
        version: version.to_owned(),
        format,
        state: State::UploadComplete,
        looks: 0,
        created_ms: now_ms,
        error: None,
        work: Work::Query(query),
    })
}

fn check(org: &Org, bound: &Bound) -> Result<(), ApiError> {
    if bound.count_only || !bound.aggregates.is_empty() {
        return Err(ApiError::bad("API_ERROR", "Aggregate Relationships not supported in Bulk Query"));
    }
    if bound.offset > 0 {
        return Err(ApiError::bad("API_ERROR", "OFFSET not supported in Bulk Query"));
    }
    let places = bound.columns.iter().filter_map(|column| column.place);
    let compound = places.map(|place| &org.kind(bound.at).fields[place]).find(|field| field.kind == FieldType::Address);
    compound.map_or(Ok(()), |field| {
        let message =
            format!("FunctionalityNotEnabled : Selecting compound data not supported in Bulk Query: {}", field.name);
        Err(ApiError::bad("API_ERROR", message))
    })
}

fn path(column: &soql::Column) -> String {
    let steps = column.steps.iter().map(|(step, _)| step.as_str());
    steps.chain([column.name.as_str()]).collect::<Vec<_>>().join(".")
}

impl Query {
    pub(super) fn run(&mut self, org: &Org) -> Result<(), String> {
        let table = org.table(self.bound.at);
        let records = soql::find(org, &self.bound).into_iter().filter_map(|number| table.get(number));
        let line = |record| {
            let cells: Vec<String> =
                self.bound.columns.iter().map(|column| soql::cell(org, self.bound.at, record, column).csv()).collect();
            self.format.line(cells.iter().map(String::as_str))
        };
        self.lines = records.map(line).collect();
        Ok(())
    }

    pub(super) fn numbers(&self) -> Map<String, Value> {
        let numbers =
            json!({"jobType": "V2Query", "numberRecordsProcessed": self.lines.len(), "isPkChunkingSupported": true});
        numbers.as_object().cloned().unwrap_or_default()
    }
}

/// `GET /jobs/query/{id}/results?locator=&maxRecords=`
pub(super) fn results(org: &Org, job: &Job, request: &Request) -> Outcome {
    let Work::Query(query) = &job.work else { return Err(ApiError::not_found()) };
    if job.state != State::JobComplete {
        return Err(job.wrong_state("give results"));
    }
    let bad = |what: &str| ApiError::bad("INVALID_INPUT", format!("{what} is invalid"));
    let asked = request.query("maxRecords").map_or(Some(usize::MAX), |text| text.parse().ok());
    let most = asked.filter(|most| *most > 0).ok_or_else(|| bad("maxRecords"))?.min(org.switches.bulk_page_max);
    let place = match request.query("locator") {
        None => 0,
        Some(text) => {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            let place = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.strip_prefix("at ")?.parse().ok());
            place.filter(|place| *place < query.lines.len()).ok_or_else(|| bad("locator"))?
        }
    };
    let end = place.saturating_add(most).min(query.lines.len());
    let body = query.header.clone() + &query.lines[place..end].concat();
    let next = if end < query.lines.len() { URL_SAFE_NO_PAD.encode(format!("at {end}")) } else { "null".to_owned() };
    Ok(Reply::of(200, "text/csv; charset=utf-8", body)
        .with_header("sforce-locator", next)
        .with_header("sforce-numberofrecords", end - place))
}
