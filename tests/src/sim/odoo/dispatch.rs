//! The way of a request: counted, struck by faults, signed in, answered in a transaction, spoiled on its way out.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::database::Database;
use super::errors::ApiError;
use super::methods::{self, Arguments};
use crate::sim::faults::Fault;
use crate::sim::journal::Entry;
use crate::sim::server::{Delivery, Reply, Request, lock};
use crate::sim::spoil::spoiled;

/// Methods that change something.
const WRITES: [&str; 4] = ["create", "write", "unlink", "load"];

/// Answers one request.
pub(crate) fn answer(database: &Mutex<Database>, request: &Request) -> Reply {
    let mut database = lock(database);
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let endpoint = format!("{} /{}", request.method, path.join("/"));
    database.journal.count(&endpoint);
    let is_write = path.last().is_some_and(|method| WRITES.contains(method));
    let fault = database.faults.strike(&endpoint, |rule| rule.fault != Fault::CommitThenDrop || is_write);
    let reply = match fault.and_then(|fault| before(&mut database, fault, request)) {
        Some(reply) => reply,
        None => admit(&mut database, &path, request).unwrap_or_else(ApiError::into_reply),
    };
    let mut reply = spoiled(fault, reply, || json!({"result": {"0": "no list"}}), "{\"padding\":\"")
        .with_header("connection", "close");
    reply.delay += Duration::from_millis(database.switches.latency_ms);
    reply
}

/// What a fault answers in place of the call; none when the call is to be answered.
fn before(database: &mut Database, fault: Fault, request: &Request) -> Option<Reply> {
    let page = |status: u16| Reply::of(status, "text/html", format!("<html><h1>{status}</h1></html>"));
    Some(match fault {
        Fault::BadGateway => page(502),
        Fault::Unavailable => page(503),
        Fault::GatewayTimeout => page(504),
        Fault::DropBefore => Reply { delivery: Delivery::Drop, ..Reply::empty(500) },
        Fault::PiiInError => {
            let body = String::from_utf8_lossy(&request.body);
            ApiError::validation(format!("jane.roe@example.com is invalid in {body}")).into_reply()
        }
        Fault::Redirect => Reply::empty(302).with_header("location", "https://elsewhere.example/"),
        // A key is good until somebody takes it away.
        Fault::ExpireTokens => {
            database.key.clear();
            return None;
        }
        _ => return None,
    })
}

fn admit(database: &mut Database, path: &[&str], request: &Request) -> Result<Reply, ApiError> {
    let unauthorized = || ApiError::new(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey");
    let key = request.header("authorization").and_then(|value| value.split_once(' '));
    let is_key = key.is_some_and(|(scheme, key)| {
        scheme.eq_ignore_ascii_case("bearer") && !database.key.is_empty() && key == database.key
    });
    let ["json", "2", model, method] = path else { return Err(ApiError::not_found("the page")) };
    if request.method != "POST" {
        return Err(ApiError::new(405, "werkzeug.exceptions.MethodNotAllowed", "use POST"));
    }
    if !is_key {
        return Err(unauthorized());
    }
    let is_json = request.header("content-type").is_some_and(|kind| kind.split(';').next() == Some("application/json"));
    if !is_json {
        return Err(ApiError::new(415, "werkzeug.exceptions.UnsupportedMediaType", "the content type must be JSON"));
    }
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|_| ApiError::bad_request("could not parse the body"))?;
    let Value::Object(arguments) = body else { return Err(ApiError::bad_request("the body is no object")) };
    let found = database.model(model).ok_or_else(|| ApiError::not_found(&format!("the model '{model}'")))?;
    if database.switches.closed.contains(*model) && *method != "fields_get" {
        return Err(ApiError::access(model));
    }
    // A call is a transaction.
    let is_write = WRITES.contains(method);
    let saved = is_write.then(|| database.saved());
    let result = methods::call(database, found, method, &Arguments(arguments.clone()));
    match (result, saved) {
        (Ok(answer), _) => {
            if is_write {
                note(database, model, method, &arguments);
            }
            Ok(Reply::json(200, &answer))
        }
        (Err(error), saved) => {
            if let Some(saved) = saved {
                database.restore(saved);
            }
            Err(error)
        }
    }
}

fn note(database: &mut Database, model: &str, method: &str, arguments: &serde_json::Map<String, Value>) {
    database.journal.record(Entry {
        sequence: 0,
        at_ms: database.clock.now_ms(),
        object: model.to_owned(),
        id: arguments.get("ids").map(Value::to_string).unwrap_or_default(),
        operation: method.to_owned(),
        properties: arguments.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
        trace_id: None,
        by: "api",
    });
}
