//! What the control interfaces of all simulators have in common: JSON in and out, the clock, faults, switches, journal and
//! counters. What only one CRM has stands in that CRM's folder.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::Clock;
use super::faults::{Fault, Faults, Rule};
use super::journal::Journal;
use super::server::{Reply, Request};
use super::stamp;

/// Rows that one answer of the control interface has unless told.
const ROWS_DEFAULT: usize = 1_000;

/// Why an order of a test was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    /// A problem in words.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

/// Reads the body of a request, lets `route` answer it by the parts of its path, and makes a reply of what it says.
pub(crate) fn reply(request: &Request, route: impl FnOnce(&[&str], &Value) -> Result<Value, Problem>) -> Reply {
    let body = if request.body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(&request.body) };
    let body = body.map_err(|problem| Problem(format!("the body is no JSON: {problem}")));
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match body.and_then(|body: Value| route(&parts, &body)) {
        Ok(answer) => Reply::json(200, &answer),
        Err(problem) => Reply::json(400, &json!({"error": problem.0})),
    }
}

/// `PUT /clock {now}` and `POST /clock/advance {ms}`.
pub(crate) fn set_clock(clock: &Clock, request: &Request, parts: &[&str], body: &Value) -> Result<(), Problem> {
    match (request.method.as_str(), parts) {
        ("PUT", [_]) => {
            let text = body["now"].as_str().map_or_else(|| body["now"].to_string(), str::to_owned);
            let now_ms = stamp::parse(&text);
            clock.set(now_ms.ok_or_else(|| Problem::new("`now` must be an ISO instant or milliseconds"))?);
        }
        ("POST", [_, "advance"]) => clock.advance(whole(body, "ms")?),
        _ => return Err(Problem::new("the clock takes `PUT /clock` and `POST /clock/advance`")),
    }
    Ok(())
}

/// `GET`, `POST` and `DELETE /faults[/{fault}]`.
pub(crate) fn faults(faults: &mut Faults, request: &Request, parts: &[&str], body: &Value) -> Result<Value, Problem> {
    match (request.method.as_str(), parts) {
        ("GET", [_]) => {}
        ("POST", [_]) => {
            let rule = Rule::deserialize(body);
            faults.add(rule.map_err(|problem| Problem(format!("the body is no fault: {problem}")))?);
        }
        ("DELETE", [_]) => faults.clear(None),
        ("DELETE", [_, name]) => {
            let fault = Fault::deserialize(&json!(name)).map_err(|problem| Problem(problem.to_string()))?;
            faults.clear(Some(fault));
        }
        _ => return Err(Problem::new("faults take GET, POST and DELETE")),
    }
    Ok(json!({"faults": faults.active()}))
}

/// The named switches as the body sets them, the others as they are.
pub(crate) fn switched<S: Serialize + DeserializeOwned>(switches: &S, body: &Value) -> Result<S, Problem> {
    let mut merged = json!(switches);
    for (name, value) in body.as_object().into_iter().flatten() {
        merged[name] = value.clone();
    }
    S::deserialize(merged).map_err(|problem| Problem(format!("no such switch: {problem}")))
}

/// `GET /journal?after=&limit=`, `GET` and `DELETE /counters`.
pub(crate) fn accepted(journal: &mut Journal, request: &Request, parts: &[&str]) -> Result<Value, Problem> {
    match (request.method.as_str(), parts) {
        ("GET", ["journal"]) => {
            Ok(json!({"entries": journal.after(after(request), rows(request)), "last": journal.len()}))
        }
        ("GET", ["counters"]) => Ok(json!(journal.counters())),
        ("DELETE", ["counters"]) => {
            journal.clear_counters();
            Ok(json!({}))
        }
        _ => Err(Problem::new("the journal takes GET, the counters take GET and DELETE")),
    }
}

/// The sequence after which to begin.
pub(crate) fn after(request: &Request) -> u64 {
    request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0)
}

/// How many rows the answer may have.
pub(crate) fn rows(request: &Request) -> usize {
    request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(ROWS_DEFAULT)
}

/// A whole number that the order must have.
pub(crate) fn whole(body: &Value, name: &str) -> Result<i64, Problem> {
    body[name].as_i64().ok_or_else(|| Problem(format!("`{name}` must be an integer")))
}
