//! Bulk API 2.0: jobs that are made, looked at until they are done, and read. A job is done when it was looked at as often as
//! the switch says, so that no test waits for a clock.

mod csv;
mod ingest;
mod query;

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::errors::{ApiError, Outcome};
use super::id::Id;
use super::org::{INTEGRATION_USER, Org};
use super::records::body;
use crate::sim::faults::Fault;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;
use csv::Format;

const DAY_MS: i64 = 86_400_000;
/// What faults can end a job.
pub(crate) const FAULTS: [Fault; 3] = [Fault::BulkFailed, Fault::BulkCutShort, Fault::BulkAborted];
/// How long jobs and their results are kept.
const KEPT_MS: i64 = 7 * DAY_MS;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Aborted,
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Aborted => "Aborted",
            Self::Failed => "Failed",
        }
    }

    fn is_over(self) -> bool {
        matches!(self, Self::JobComplete | Self::Aborted | Self::Failed)
    }
}

#[derive(Debug)]
enum Work {
    Query(query::Query),
    Ingest(ingest::Ingest),
}

/// A job.
#[derive(Debug)]
struct Job {
    id: Id,
    object: String,
    operation: String,
    /// As the address named it: results are read by the same one.
    version: String,
    format: Format,
    state: State,
    looks: u32,
    created_ms: i64,
    /// Why it failed.
    error: Option<String>,
    work: Work,
}

/// The jobs that are kept, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    kept: VecDeque<Job>,
    made: u64,
}

impl Jobs {
    fn new_id(&mut self) -> Id {
        self.made += 1;
        Id::new(*b"750", self.made)
    }

    /// Query jobs that were made in the last 24 hours.
    pub(crate) fn queries(&self, now_ms: i64) -> u64 {
        let recent = |job: &&Job| matches!(job.work, Work::Query(_)) && job.created_ms > now_ms - DAY_MS;
        u64::try_from(self.kept.iter().filter(recent).count()).unwrap_or(u64::MAX)
    }
}

/// Answers `/jobs/query…` and `/jobs/ingest…`; `rest` are the parts of the path behind `jobs`.
pub(crate) fn route(org: &mut Org, request: &Request, rest: &[&str], version: &str) -> Outcome {
    let now_ms = org.now_ms();
    org.jobs.kept.retain(|job| job.created_ms > now_ms - KEPT_MS);
    let (kind, rest) = rest.split_first().ok_or_else(ApiError::not_found)?;
    let is_query = match *kind {
        "query" => true,
        "ingest" => false,
        _ => return Err(ApiError::not_found()),
    };
    match (request.method.as_str(), rest) {
        ("POST", []) => {
            let body = body(request)?;
            let format = Format::of(&body)?;
            let job = if is_query {
                query::open(org, &body, format, version)?
            } else {
                ingest::open(org, request, &body, format, version)?
            };
            let shown = job.show();
            org.jobs.kept.push_back(job);
            Ok(Reply::json(200, &shown))
        }
        ("GET", []) => {
            let jobs = org.jobs.kept.iter().filter(|job| matches!(job.work, Work::Query(_)) == is_query);
            let shown: Vec<Value> = jobs.map(Job::show).collect();
            Ok(Reply::json(200, &json!({"done": true, "nextRecordsUrl": null, "records": shown})))
        }
        (_, [id, rest @ ..]) => {
            let mut job = take(org, id, is_query)?;
            let outcome = one(org, &mut job, request, rest, version);
            // A job that was deleted stays away.
            if !(request.method == "DELETE" && outcome.is_ok()) {
                org.jobs.kept.push_back(job);
                org.jobs.kept.make_contiguous().sort_by_key(|job| job.id.number);
            }
            outcome
        }
        (method, _) => Err(ApiError::no_method(method, "GET,POST")),
    }
}

/// A job by its id, out of those that are kept.
fn take(org: &mut Org, id: &str, is_query: bool) -> Result<Job, ApiError> {
    let id = Id::parse(id).ok_or_else(|| ApiError::bad("INVALIDJOB", "Invalid job id"))?;
    let is = |job: &Job| job.id == id && matches!(job.work, Work::Query(_)) == is_query;
    let at = org.jobs.kept.iter().position(is).ok_or_else(ApiError::not_found)?;
    org.jobs.kept.remove(at).ok_or_else(ApiError::not_found)
}

fn one(org: &mut Org, job: &mut Job, request: &Request, rest: &[&str], version: &str) -> Outcome {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            job.look(org);
            Ok(Reply::json(200, &job.show_all()))
        }
        ("PATCH", []) => {
            let body = body(request)?;
            job.set(body.get("state").and_then(Value::as_str).unwrap_or(""))?;
            Ok(Reply::json(200, &job.show()))
        }
        ("DELETE", []) if job.state.is_over() => Ok(Reply::empty(204)),
        ("DELETE", []) => Err(job.wrong_state("be deleted")),
        ("PUT", ["batches"]) => ingest::upload(job, request),
        ("GET", _) if !job.state.is_over() => Err(job.wrong_state("give results")),
        ("GET", ["results"]) if job.version != version => {
            Err(ApiError::new(409, "API_ERROR", "The API version of the job and of the request differ"))
        }
        ("GET", ["results"]) => query::results(org, job, request),
        ("GET", [which]) => ingest::results(job, which),
        _ => Err(ApiError::not_found()),
    }
}

impl Job {
    fn wrong_state(&self, what: &str) -> ApiError {
        ApiError::bad("INVALIDJOBSTATE", format!("A job in state {} can't {what}", self.state.name()))
    }

    fn set(&mut self, state: &str) -> Result<(), ApiError> {
        self.state = match (state, self.state, &self.work) {
            ("UploadComplete", State::Open, Work::Ingest(ingest)) if ingest.has_data() => State::UploadComplete,
            ("UploadComplete", State::Open, _) => {
                return Err(ApiError::bad("INVALIDJOBSTATE", "No data was uploaded for the job"));
            }
            ("Aborted", state, _) if !state.is_over() => State::Aborted,
            _ => return Err(self.wrong_state(&format!("become {state}"))),
        };
        Ok(())
    }

    /// A look at the job, which goes on a little each time.
    fn look(&mut self, org: &mut Org) {
        if self.state.is_over() || self.state == State::Open {
            return;
        }
        self.state = State::InProgress;
        self.looks += 1;
        if self.looks <= org.switches.bulk_looks {
            return;
        }
        let endpoint = if matches!(self.work, Work::Query(_)) { "/jobs/query" } else { "/jobs/ingest" };
        let fault = org.faults.strike(endpoint, |rule| FAULTS.contains(&rule.fault));
        let stops = fault.is_some();
        let done = match &mut self.work {
            _ if fault == Some(Fault::BulkFailed) => Ok(()),
            Work::Query(query) => org.as_queries_see(|org| query.run(org)),
            Work::Ingest(ingest) => ingest.run(org, &self.object, &self.operation, self.format, stops),
        };
        let done = if stops { Err("InternalServerError : Unable to process the job".to_owned()) } else { done };
        self.state = match (fault, &done) {
            (Some(Fault::BulkAborted), _) => State::Aborted,
            (_, Ok(())) => State::JobComplete,
            (_, Err(_)) => State::Failed,
        };
        self.error = done.err();
    }

    /// As making it and changing its state answer.
    fn show(&self) -> Value {
        let when = stamp::iso_millis(self.created_ms, "+0000");
        let mut shown = json!({"id": self.id, "operation": self.operation, "object": self.object, "state": self.state.name(),
            "createdById": INTEGRATION_USER, "createdDate": when, "systemModstamp": when, "concurrencyMode": "Parallel",
            "contentType": "CSV", "apiVersion": self.version.trim_start_matches('v').parse::<f64>().unwrap_or_default(),
            "lineEnding": self.format.line_ending(), "columnDelimiter": self.format.delimiter_name()});
        if let Work::Ingest(ingest) = &self.work {
            shown["contentUrl"] = format!("services/data/{}/jobs/ingest/{}/batches", self.version, self.id).into();
            if let Some(field) = &ingest.key {
                shown["externalIdFieldName"] = field.as_str().into();
            }
        }
        shown
    }

    /// As a look at it answers.
    fn show_all(&self) -> Value {
        let mut shown = self.show();
        let own: Map<String, Value> = match &self.work {
            Work::Query(query) => query.numbers(),
            Work::Ingest(ingest) => ingest.numbers(),
        };
        for (name, value) in own {
            shown[&name] = value;
        }
        (shown["retries"], shown["totalProcessingTime"]) = (0.into(), 100.into());
        if let Some(error) = &self.error {
            shown["errorMessage"] = error.as_str().into();
        }
        shown
    }
}
