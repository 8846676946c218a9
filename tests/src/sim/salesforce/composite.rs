//! `/composite` and `/composite/graph`: several requests in one call, in order; each may refer to what those before it answered.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::collections::Saved;
use super::errors::{ApiError, Outcome};
use super::org::Org;
use super::records::body;
use crate::sim::server::{Reply, Request};

/// Requests of one composite call.
const REQUESTS_MAX: usize = 25;
/// Queries and collections among them.
const HEAVY_MAX: usize = 5;
/// Requests of all graphs together.
const NODES_MAX: usize = 500;

/// Answers one of the requests as if it had come by itself.
pub(crate) type Inner<'a> = &'a dyn Fn(&mut Org, &Request) -> Reply;

/// Answers `/composite` and `/composite/graph`.
pub(crate) fn route(org: &mut Org, request: &Request, rest: &[&str], inner: Inner<'_>) -> Outcome {
    let body = body(request)?;
    match (request.method.as_str(), rest) {
        ("POST", []) => {
            let parts = list(&body, "compositeRequest", REQUESTS_MAX)?;
            if parts.iter().filter(|part| is_heavy(part)).count() > HEAVY_MAX {
                let message = format!("The composite request contains more than {HEAVY_MAX} queries or collections");
                return Err(ApiError::bad("INVALID_INPUT", message));
            }
            let (answers, _) = run(org, parts, body.get("allOrNone") == Some(&Value::Bool(true)), inner)?;
            Ok(Reply::json(200, &json!({"compositeResponse": answers})))
        }
        ("POST", ["graph"]) => {
            let graphs = list(&body, "graphs", NODES_MAX)?;
            let nodes: usize =
                graphs.iter().map(|graph| graph["compositeRequest"].as_array().map_or(0, Vec::len)).sum();
            if nodes > NODES_MAX {
                return Err(ApiError::bad("INVALID_INPUT", format!("The graphs have more than {NODES_MAX} nodes")));
            }
            let graph = |graph: &Value| -> Result<Value, ApiError> {
                let parts = graph.as_object().ok_or_else(|| ApiError::json_parser("a graph is an object"))?;
                let (answers, whole) = run(org, list(parts, "compositeRequest", NODES_MAX)?, true, inner)?;
                Ok(
                    json!({"graphId": graph["graphId"], "graphResponse": {"compositeResponse": answers}, "isSuccessful": whole}),
                )
            };
            Ok(Reply::json(200, &json!({"graphs": graphs.iter().map(graph).collect::<Result<Vec<_>, _>>()?})))
        }
        (method, [] | ["graph"]) => Err(ApiError::no_method(method, "POST")),
        _ => Err(ApiError::not_found()),
    }
}

fn list<'a>(body: &'a Map<String, Value>, name: &str, most: usize) -> Result<&'a [Value], ApiError> {
    let parts = body.get(name).and_then(Value::as_array).filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| ApiError::json_parser(format!("the body has no list `{name}`")))?;
    if parts.len() > most {
        let message = format!("The number of requests must not be more than {most}; there are {}", parts.len());
        return Err(ApiError::bad("LIMIT_EXCEEDED", message));
    }
    Ok(parts)
}

fn is_heavy(part: &Value) -> bool {
    let url = part["url"].as_str().unwrap_or("");
    ["/query", "/composite/sobjects"].iter().any(|kind| url.contains(kind))
}

/// The answers in order, and whether all are successes; where they must be and are not, everything is as it was.
fn run(org: &mut Org, parts: &[Value], all_or_none: bool, inner: Inner<'_>) -> Result<(Vec<Value>, bool), ApiError> {
    let saved = all_or_none.then(|| Saved::of(org));
    let mut known: HashMap<&str, Value> = HashMap::new();
    let mut answers = Vec::new();
    for part in parts {
        let reference = part["referenceId"].as_str().filter(|id| is_reference(id));
        let reference =
            reference.ok_or_else(|| ApiError::bad("INVALID_INPUT", "a referenceId is missing or malformed"))?;
        if known.contains_key(reference) {
            return Err(ApiError::bad("INVALID_INPUT", format!("Duplicate referenceId: {reference}")));
        }
        let reply = match filled(part, &known) {
            Ok(part) => inner(org, &request(&part)?),
            Err(error) => error.into_reply(),
        };
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let location = reply.headers.iter().find(|(name, _)| name == "location");
        let headers = location.map_or_else(|| json!({}), |(_, place)| json!({"Location": place}));
        let answer =
            json!({"body": body, "httpHeaders": headers, "httpStatusCode": reply.status, "referenceId": reference});
        known.insert(reference, if reply.status < 300 { body } else { Value::Null });
        answers.push(answer);
    }
    let whole = answers.iter().all(is_success);
    if let Some(saved) = saved.filter(|_| !whole) {
        saved.restore(org);
        let message = "The transaction was rolled back since another operation in the same transaction failed.";
        for answer in answers.iter_mut().filter(|answer| is_success(answer)) {
            (answer["httpStatusCode"], answer["httpHeaders"]) = (400.into(), json!({}));
            answer["body"] = json!([{"errorCode": "PROCESSING_HALTED", "message": message}]);
        }
    }
    Ok((answers, whole))
}

fn is_success(answer: &Value) -> bool {
    answer["httpStatusCode"].as_u64().is_some_and(|status| status < 300)
}

fn is_reference(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A request with every `@{reference.path}` in its address and its body filled in.
fn filled(part: &Value, known: &HashMap<&str, Value>) -> Result<Value, ApiError> {
    Ok(match part {
        Value::String(text) => Value::String(filled_text(text, known)?),
        Value::Array(items) => items.iter().map(|item| filled(item, known)).collect::<Result<_, _>>()?,
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| Ok((name.clone(), filled(value, known)?));
            Value::Object(members.iter().map(member).collect::<Result<_, ApiError>>()?)
        }
        other => other.clone(),
    })
}

fn filled_text(text: &str, known: &HashMap<&str, Value>) -> Result<String, ApiError> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("@{") {
        let (path, after) = behind.split_once('}').ok_or_else(|| ApiError::bad("INVALID_INPUT", "`@{` without end"))?;
        let (reference, pointer) = path.split_once('.').unwrap_or((path, ""));
        // `records[0].Id` is `/records/0/Id`.
        let pointer = format!("/{}", pointer.replace(['.', '['], "/").replace(']', ""));
        let value = known.get(reference).and_then(|body| body.pointer(&pointer)).filter(|value| !value.is_null());
        let halted = || {
            let message = format!("Invalid reference specified. No value for {path} found in {reference}");
            ApiError::bad("PROCESSING_HALTED", message)
        };
        let value = value.ok_or_else(halted)?;
        out.push_str(before);
        out.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        rest = after;
    }
    Ok(out + rest)
}

fn request(part: &Value) -> Result<Request, ApiError> {
    let bad = |what: &str| ApiError::bad("INVALID_INPUT", format!("a request has no {what}"));
    let method = part["method"].as_str().ok_or_else(|| bad("method"))?;
    let url = part["url"].as_str().filter(|url| url.starts_with("/services/data/v")).ok_or_else(|| bad("url"))?;
    let body = if part["body"].is_null() { String::new() } else { part["body"].to_string() };
    let mut request = Request::new(&method.to_uppercase(), url, body);
    for (name, value) in part["httpHeaders"].as_object().into_iter().flatten() {
        let value = value.as_str().and_then(|value| value.parse().ok());
        let header = hyper::header::HeaderName::try_from(name.as_str()).ok().zip(value);
        let (name, value) = header.ok_or_else(|| bad("good httpHeaders"))?;
        request.headers.insert(name, value);
    }
    Ok(request)
}
