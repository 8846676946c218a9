//! The way of a request: counted, struck by faults, authenticated, limited, answered, spoiled on its way out.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::errors::{ApiError, Outcome};
use super::org::{At, Org};
use super::write::RECORD_FAULTS;
use super::{bulk, collections, composite, describe, limits, query, records, replication, sign_in, soap, views};
use crate::sim::faults::{Fault, Rule};
use crate::sim::server::{Delivery, Reply, Request, lock};
use crate::sim::spoil::spoiled;

/// Versions of the interface that are supported: `v31.0` to `v68.0`.
const VERSIONS: std::ops::RangeInclusive<u32> = 31..=68;

/// The longest address and headers together that Salesforce takes.
const TARGET_MAX_BYTES: usize = 16_384;

/// Answers one request.
pub(crate) fn answer(org: &Mutex<Org>, request: &Request) -> Reply {
    let mut org = lock(org);
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let endpoint = endpoint(&request.method, &parts);
    org.journal.count(&endpoint);
    let fault = strike(&mut org, &endpoint, request);
    let outcome = before(&mut org, fault).unwrap_or_else(|| route(&mut org, request, &parts, &endpoint));
    let reply = outcome.unwrap_or_else(ApiError::into_reply);
    let data = parts.starts_with(&["services", "data"]);
    let reply = if data { limits::describe(&org, reply) } else { reply };
    let wrong = || json!({"records": {"0": "no list"}, "id": [], "access_token": 7, "totalSize": "many"});
    let mut reply = spoiled(fault, reply, wrong, "{\"records\":[],\"padding\":\"");
    reply.delay += Duration::from_millis(org.switches.latency_ms);
    reply
}

/// `METHOD /path` without the version, with `{id}` for ids and `{key}` for external ids.
fn endpoint(method: &str, parts: &[&str]) -> String {
    let rest = match parts {
        ["services", "data", version, rest @ ..] if version.starts_with('v') => rest,
        all => all,
    };
    let keyed = matches!(rest, ["sobjects", _, field, _] if !["listviews", "updated", "deleted"].contains(field));
    let name = |(at, part): (usize, &&str)| match part {
        part if super::id::Id::parse(part.split('-').next().unwrap_or("")).is_some() => "{id}".to_owned(),
        _ if keyed && at == 3 => "{key}".to_owned(),
        part => (**part).to_owned(),
    };
    let path: Vec<String> = rest.iter().enumerate().map(name).collect();
    format!("{method} /{}", path.join("/"))
}

fn is_write(request: &Request) -> bool {
    !matches!(request.method.as_str(), "GET" | "HEAD")
}

fn strike(org: &mut Org, endpoint: &str, request: &Request) -> Option<Fault> {
    let sign_in = endpoint.contains("oauth2");
    org.faults.strike(endpoint, |rule: &Rule| {
        // Sign-in is struck only by a rule that is aimed at it.
        let aimed = rule.endpoint.as_deref().is_some_and(|part| part.contains("oauth2"));
        let fits = match rule.fault {
            Fault::CommitThenDrop => is_write(request),
            Fault::LocatorExpired => endpoint.contains("/query/") && !endpoint.contains("/jobs/"),
            Fault::QueryTimeout => endpoint.contains("/query") && !endpoint.contains("/jobs/"),
            fault if fault == Fault::Ambiguous || bulk::FAULTS.contains(&fault) => false,
            fault => !RECORD_FAULTS.contains(&fault),
        };
        fits && (aimed || !sign_in)
    })
}

/// What a fault answers in place of the endpoint; none when the endpoint is to answer.
fn before(org: &mut Org, fault: Option<Fault>) -> Option<Outcome> {
    let page = |status: u16, title: &str| {
        let body = format!("<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>");
        Ok(Reply::of(status, "text/html", body))
    };
    Some(match fault? {
        Fault::RateLimitDaily => Err(limits::exceeded()),
        Fault::BadGateway => page(502, "Bad Gateway"),
        Fault::GatewayTimeout => page(504, "Gateway Timeout"),
        Fault::Unavailable => Err(ApiError::new(503, "SERVER_UNAVAILABLE", "Server is unavailable; try again later")),
        Fault::LocatorExpired => {
            org.cursors.close_all();
            Err(query::expired())
        }
        Fault::QueryTimeout => Err(ApiError::bad("QUERY_TIMEOUT", "Your query request was running for too long.")),
        Fault::DropBefore => Ok(Reply { delivery: Delivery::Drop, ..Reply::empty(500) }),
        Fault::PiiInError => Err(ApiError::bad(
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: jane.roe@example.com, +4915112345678",
        )),
        Fault::Redirect => Ok(Reply::empty(302).with_header("location", "https://elsewhere.example/")),
        Fault::ExpireTokens => {
            org.sign_in.end_sessions();
            return None;
        }
        _ => return None,
    })
}

fn route(org: &mut Org, request: &Request, parts: &[&str], endpoint: &str) -> Outcome {
    let method = request.method.as_str();
    match (method, parts) {
        ("GET", ["services", "oauth2", "authorize"]) => sign_in::authorize(org, request),
        ("POST", ["services", "Soap", "u", version, ..]) => soap::login(org, request, version),
        ("POST", ["services", "oauth2", "token"]) => sign_in::token(org, request),
        ("GET" | "POST", ["services", "oauth2", "revoke"]) => sign_in::revoke(org, request),
        ("POST", ["services", "oauth2", "introspect"]) => sign_in::introspect(org, request),
        ("GET" | "POST", ["services", "oauth2", "userinfo"]) | ("GET", ["id", _, _]) => {
            sign_in::authenticate(org, request)?;
            Ok(Reply::json(200, &sign_in::identity(org)))
        }
        ("GET", ["services", "data"]) => {
            let version = |number: u32| json!({"label": format!("Release {number}"), "url": format!("/services/data/v{number}.0"), "version": format!("{number}.0")});
            Ok(Reply::json(200, &VERSIONS.map(version).collect::<Vec<Value>>()))
        }
        (_, ["services", "data", version, rest @ ..]) => {
            let number = version.strip_prefix('v').and_then(|text| text.strip_suffix(".0")?.parse().ok());
            if !number.is_some_and(|number: u32| VERSIONS.contains(&number)) {
                return Err(ApiError::not_found());
            }
            let length = request.path.len()
                + request.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
            if length > TARGET_MAX_BYTES {
                return Ok(Reply::of(414, "text/html", "<html><body>URI Too Long</body></html>"));
            }
            sign_in::authenticate(org, request)?;
            limits::admit(org)?;
            let base = format!("/services/data/{version}");
            data(org, &Call { request, base: &base, endpoint, version }, rest)
        }
        _ => Err(ApiError::not_found()),
    }
}

/// A request to the data interface.
struct Call<'a> {
    request: &'a Request,
    /// `/services/data/vXX.0`
    base: &'a str,
    endpoint: &'a str,
    version: &'a str,
}

fn data(org: &mut Org, call: &Call<'_>, rest: &[&str]) -> Outcome {
    let (request, base) = (call.request, call.base);
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let names = ["sobjects", "query", "queryAll", "limits", "composite", "jobs"];
            let resources = names.map(|name| (name.to_owned(), Value::from(format!("{base}/{name}"))));
            let identity = ("identity".to_owned(), sign_in::identity(org)["id"].clone());
            Ok(Reply::json(200, &resources.into_iter().chain([identity]).collect::<serde_json::Map<_, _>>()))
        }
        ("GET", ["limits"]) => Ok(Reply::json(200, &limits::answer(org))),
        ("GET", ["query"]) => org.as_queries_see(|org| query::run(org, request, base, false)),
        ("GET", ["queryAll"]) => org.as_queries_see(|org| query::run(org, request, base, true)),
        ("GET", ["query" | "queryAll", locator]) => org.as_queries_see(|org| query::next(org, locator, base)),
        ("GET", ["sobjects"]) => {
            let objects: Vec<Value> = (0..org.objects.len()).map(|at| describe::summary(org, at, base)).collect();
            Ok(Reply::json(200, &json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})))
        }
        (_, ["sobjects", object, rest @ ..]) => {
            let at = org.at(object)?;
            sobject(org, call, at, rest)
        }
        (_, ["composite", "sobjects", rest @ ..]) => {
            let writer = records::writer(request, call.version, call.endpoint);
            collections::route(org, request, rest, base, &writer)
        }
        (_, ["composite", rest @ ..]) => composite::route(org, request, rest, &|org, part| inside(org, call, part)),
        (_, ["jobs", rest @ ..]) => bulk::route(org, request, rest, call.version),
        _ => Err(ApiError::not_found()),
    }
}

/// A request inside of a composite one.
fn inside(org: &mut Org, call: &Call<'_>, part: &Request) -> Reply {
    let segments = part.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let endpoint = endpoint(&part.method, &parts);
    org.journal.count(&endpoint);
    let mut request = part.clone();
    for (name, value) in &call.request.headers {
        if !request.headers.contains_key(name) {
            request.headers.insert(name.clone(), value.clone());
        }
    }
    let outcome = match parts.as_slice() {
        // Requests of a composite do not nest, and jobs are none of them.
        ["services", "data", version, rest @ ..]
            if *version == call.version
                && matches!(
                    rest,
                    ["query" | "queryAll" | "sobjects" | "limits", ..] | ["composite", "sobjects", ..]
                ) =>
        {
            data(org, &Call { request: &request, endpoint: &endpoint, ..*call }, rest)
        }
        _ => Err(ApiError::bad("INVALID_INPUT", "this resource can't be part of a composite request")),
    };
    outcome.unwrap_or_else(ApiError::into_reply)
}

fn sobject(org: &mut Org, call: &Call<'_>, at: At, rest: &[&str]) -> Outcome {
    let (request, base) = (call.request, call.base);
    let writer = records::writer(request, call.version, call.endpoint);
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            Ok(Reply::json(200, &json!({"objectDescribe": describe::summary(org, at, base), "recentItems": []})))
        }
        ("POST", []) => records::create(org, at, request, &writer),
        ("GET", ["describe"]) => {
            let changed_ms = org.kind(at).changed_ms.max(org.started_ms);
            if records::http_date_ms(request, "if-modified-since").is_some_and(|ms| changed_ms / 1_000 <= ms / 1_000) {
                return Ok(Reply::empty(304));
            }
            Ok(Reply::json(200, &describe::object(org, at, base)))
        }
        (_, ["listviews", rest @ ..]) => org.as_queries_see(|org| views::route(org, at, request, rest, base)),
        ("GET", ["updated"]) => replication::updated(org, at, request),
        ("GET", ["deleted"]) => replication::deleted(org, at, request),
        (_, [id]) => {
            let number = records::number(org, at, id)?;
            records::by_id(org, at, number, request, base, &writer)
        }
        ("PATCH", [field, value]) if !field.eq_ignore_ascii_case("id") => {
            records::upsert_one(org, at, field, value, request, &writer)
        }
        (_, [field, value]) => {
            let found = if field.eq_ignore_ascii_case("id") {
                Some(records::number(org, at, value)?)
            } else {
                records::by_key(org, at, field, value, call.endpoint)?.number
            };
            records::by_id(org, at, found.ok_or_else(ApiError::not_found)?, request, base, &writer)
        }
        _ => Err(ApiError::not_found()),
    }
}
