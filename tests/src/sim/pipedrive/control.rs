//! The control interface over HTTP, for programs in other processes. JSON in and out; `GET /` lists what there is.

use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use super::account::{Account, Switches, Table};
use super::errors::ApiError;
use super::write;
use crate::sim::faults::Rule;
use crate::sim::server::{Reply, Request, lock};
use crate::sim::stamp;

const HELP: [&str; 10] = [
    "GET /state",
    "PUT /clock {now: ISO or ms}",
    "POST /clock/advance {ms}",
    "POST /faults {fault, probability?, seed?, count?, skip?, endpoint?}, DELETE /faults",
    "PATCH /switches {…}",
    "GET /journal, GET /counters",
    "GET /records/{object}",
    "POST /records/{object} {…}, PATCH or DELETE /records/{object}/{id}",
    "POST /records/{object}/merge {primary, other}",
    "POST /tokens/expire, POST /tokens/remove-scope {scope}",
];

/// Answers one request to the control interface.
pub(crate) fn answer(account: &Mutex<Account>, request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match route(&mut lock(account), request, &parts, &body) {
        Ok(answer) => Reply::json(200, &answer),
        Err(problem) => Reply::json(400, &json!({"error": problem})),
    }
}

fn state(account: &Account) -> Value {
    json!({"now_ms": account.now_ms(), "now": stamp::iso(account.now_ms()), "switches": account.switches,
        "faults": account.faults.active(), "writes": account.journal.len()})
}

fn route(account: &mut Account, request: &Request, parts: &[&str], body: &Value) -> Result<Value, String> {
    match (request.method.as_str(), parts) {
        ("GET", []) => return Ok(json!({"calls": HELP})),
        ("GET", ["state"]) => {}
        ("PUT", ["clock"]) => {
            let text = body["now"].as_str().map_or_else(|| body["now"].to_string(), str::to_owned);
            account.clock.set(stamp::parse(&text).ok_or("`now` must be an ISO instant or milliseconds")?);
        }
        ("POST", ["clock", "advance"]) => account.clock.advance(body["ms"].as_i64().ok_or("`ms` must be an integer")?),
        ("POST", ["faults"]) => account.faults.add(Rule::deserialize(body).map_err(|problem| problem.to_string())?),
        ("DELETE", ["faults"]) => account.faults.clear(None),
        ("PATCH", ["switches"]) => {
            let mut merged = json!(account.switches);
            for (name, value) in body.as_object().into_iter().flatten() {
                merged[name] = value.clone();
            }
            account.switches = Switches::deserialize(merged).map_err(|problem| problem.to_string())?;
        }
        ("GET", ["journal"]) => return Ok(json!({"entries": account.journal.after(0, usize::MAX)})),
        ("GET", ["counters"]) => return Ok(json!(account.journal.counters())),
        ("POST", ["tokens", "expire"]) => {
            let now_ms = account.now_ms();
            account.auth.expire_all(now_ms);
        }
        ("POST", ["tokens", "remove-scope"]) => account.auth.remove_scope(body["scope"].as_str().unwrap_or_default()),
        (_, ["records", object, rest @ ..]) => {
            let table = Table::of(object).ok_or("no such object")?;
            return records(account, request, table, rest, body).map_err(|error| format!("{error:?}"));
        }
        _ => return Err(format!("`{} {}` is no call; `GET /` lists them", request.method, request.path)),
    }
    Ok(state(account))
}

fn records(
    account: &mut Account,
    request: &Request,
    table: Table,
    rest: &[&str],
    body: &Value,
) -> Result<Value, ApiError> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| ApiError::not_found(table.item()));
    let given = body.as_object().cloned().unwrap_or_default();
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let live = account.table(table).iter().filter(|(_, record)| !record.deleted);
            Ok(live.map(|(id, record)| table.show(*id, record)).collect::<Vec<_>>().into())
        }
        ("POST", []) => Ok(json!({"id": write::insert(account, table, given, "user")})),
        ("POST", ["merge"]) => {
            let id = |name: &str| body[name].as_u64().unwrap_or_default();
            write::merge(account, table, id("primary"), id("other")).map(|()| json!({}))
        }
        ("PATCH", [id]) => write::change(account, table, number(id)?, given, "user").map(|()| json!({})),
        ("DELETE", [id]) => write::delete(account, table, number(id)?, "user").map(|_| json!({})),
        _ => Err(ApiError::not_found("call")),
    }
}
