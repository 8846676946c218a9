//! The way of a request: counted, struck by faults, authenticated, limited, answered, spoiled on its way out.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::account::{Account, Table};
use super::auth::{self, Caller};
use super::errors::{ApiError, Outcome};
use super::limits::exceeded;
use super::{fields, first, leads, list, write};
use crate::sim::faults::{Fault, Rule};
use crate::sim::server::{Delivery, Reply, Request, lock};
use crate::sim::spoil::spoiled;

/// Answers one request.
pub(crate) fn answer(account: &Mutex<Account>, request: &Request) -> Reply {
    let mut account = lock(account);
    let latency = Duration::from_millis(account.switches.latency_ms);
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let endpoint = endpoint(&request.method, &path);
    account.journal.count(&endpoint);
    let is_sign_in = path.first() == Some(&"oauth");
    let fault = account.faults.strike(&endpoint, |rule: &Rule| {
        let aimed = rule.endpoint.as_deref().is_some_and(|part| part.contains("oauth"));
        (aimed || !is_sign_in) && (rule.fault != Fault::CommitThenDrop || request.method != "GET")
    });
    let outcome = match before(&mut account, fault, request) {
        Some(outcome) => outcome,
        None if is_sign_in => sign_in(&mut account, &path, request),
        None => admit(&mut account, &path, request),
    };
    let reply = outcome.unwrap_or_else(ApiError::into_reply);
    let wrong = || json!({"success": true, "data": {"0": "no list"}});
    let mut reply = spoiled(fault, reply, wrong, "{\"data\":[],\"padding\":\"");
    reply.delay += latency;
    reply
}

/// `GET /api/v2/persons/{id}`: ids stand for themselves nowhere.
fn endpoint(method: &str, path: &[&str]) -> String {
    let is_id = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) || leads::number(part).is_some();
    let path: Vec<&str> = path.iter().map(|part| if is_id(part) { "{id}" } else { *part }).collect();
    format!("{method} /{}", path.join("/"))
}

/// What a fault answers in place of the endpoint; none when the endpoint is to answer.
fn before(account: &mut Account, fault: Option<Fault>, request: &Request) -> Option<Outcome> {
    let page = |status: u16| Ok(Reply::of(status, "text/html", format!("<html><h1>{status}</h1></html>")));
    Some(match fault? {
        Fault::RateLimitTenSecondly | Fault::RateLimitSecondly | Fault::RateLimitDaily => Err(exceeded()),
        Fault::BadGateway => page(502),
        Fault::Unavailable => page(503),
        Fault::GatewayTimeout => page(504),
        Fault::DropBefore => Ok(Reply { delivery: Delivery::Drop, ..Reply::empty(500) }),
        Fault::PiiInError => {
            let body = String::from_utf8_lossy(&request.body);
            Err(ApiError::validation("emails.0.value", &format!("jane.roe@example.com is invalid in {body}")))
        }
        Fault::Redirect => Ok(Reply::empty(302).with_header("location", "https://elsewhere.example/")),
        Fault::ExpireTokens => {
            let now_ms = account.now_ms();
            account.auth.expire_all(now_ms);
            return None;
        }
        _ => return None,
    })
}

fn sign_in(account: &mut Account, path: &[&str], request: &Request) -> Outcome {
    let (now_ms, rotate) = (account.now_ms(), account.switches.rotate_refresh_tokens);
    match (request.method.as_str(), path) {
        ("GET", ["oauth", "authorize"]) => auth::authorize(&mut account.auth, request, now_ms),
        ("POST", ["oauth", "token"]) => auth::token(&mut account.auth, request, rotate, now_ms),
        _ => Err(ApiError::not_found("Endpoint")),
    }
}

/// Checks token, scope and limits, then answers.
fn admit(account: &mut Account, path: &[&str], request: &Request) -> Outcome {
    let now_ms = account.now_ms();
    let caller = account.auth.authenticate(request, now_ms)?;
    if account.switches.limits {
        account.limits.admit(caller, cost(request, path), now_ms)?;
    }
    let outcome = route(account, caller, path, request);
    if !account.switches.limits {
        return outcome;
    }
    let reply = outcome.unwrap_or_else(ApiError::into_reply);
    Ok(account.limits.describe(caller, reply, now_ms))
}

/// Tokens of the day's budget: version 2 costs half of version 1.
fn cost(request: &Request, path: &[&str]) -> u64 {
    let whole = match (request.method.as_str(), path.len()) {
        ("GET", 3) => 20,
        ("GET", _) => 2,
        ("DELETE", _) => 6,
        _ => 10,
    };
    if path.get(1) == Some(&"v2") { whole / 2 } else { whole }
}

fn route(account: &mut Account, caller: Caller, path: &[&str], request: &Request) -> Outcome {
    let allowed = |account: &Account, area: &str| {
        let refused = || ApiError::new(403, "ERR_FORBIDDEN", "Scope and URL mismatch");
        account.auth.allows(caller, area).then_some(()).ok_or_else(refused)
    };
    let no_such = || ApiError::not_found("Endpoint");
    match (request.method.as_str(), path) {
        ("GET", ["api", "v1", "users", "me"]) => first::me(),
        ("GET", ["api", "v1", "activityTypes"]) => first::activity_types(),
        ("GET", ["api", "v1", "filters"]) => first::filters(request),
        ("GET", ["api", "v1", "recents"]) => {
            allowed(account, "recents")?;
            first::recents(account, request)
        }
        ("GET", ["api", "v1", "leadLabels"]) => leads::labels(),
        ("GET", ["api", "v1", "leads", rest @ ..]) => {
            allowed(account, Table::Leads.area())?;
            match rest {
                [] => leads::list(account, request, false),
                ["archived"] => leads::list(account, request, true),
                [id] => leads::one(account, id),
                _ => Err(no_such()),
            }
        }
        ("PUT", ["api", "v1", name @ ("persons" | "organizations" | "deals"), id, "merge"]) => {
            let table = Table::of(name).ok_or_else(no_such)?;
            allowed(account, table.area())?;
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let other =
                body["merge_with_id"].as_u64().ok_or_else(|| ApiError::validation("merge_with_id", "Required"))?;
            // The record in the path is the one that goes.
            write::merge(account, table, other, number(table, id)?)?;
            let shown = account.live(table, other)?.show(other);
            Ok(Reply::json(200, &json!({"success": true, "data": shown})))
        }
        ("GET", ["api", "v2", name]) if name.ends_with("Fields") => {
            let table = Table::SECOND.into_iter().find(|table| *name == format!("{}Fields", table.item()));
            let data = fields::described(table.ok_or_else(no_such)?);
            Ok(Reply::json(200, &json!({"success": true, "data": data, "additional_data": {"next_cursor": null}})))
        }
        (method, ["api", "v2", name, rest @ ..]) => {
            let table = Table::of(name).filter(|table| Table::SECOND.contains(table)).ok_or_else(no_such)?;
            allowed(account, table.area())?;
            match (method, rest) {
                ("GET", []) => list::list(account, table, request),
                ("POST", []) => write::create(account, table, request),
                ("GET", [id]) => {
                    let id = number(table, id)?;
                    let shown = account.live(table, id)?.show(id);
                    Ok(Reply::json(200, &json!({"success": true, "data": shown})))
                }
                ("PATCH", [id]) => write::update(account, table, number(table, id)?, request),
                ("DELETE", [id]) => write::delete(account, table, number(table, id)?, "api"),
                _ => Err(no_such()),
            }
        }
        _ => Err(no_such()),
    }
}

fn number(table: Table, text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(table.item()))
}
