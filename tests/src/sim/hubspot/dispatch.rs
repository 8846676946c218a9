//! The way of a request: counted, struck by faults, authenticated, limited, answered, spoiled on its way out.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::account::Account;
use super::auth;
use super::errors::{ApiError, Outcome};
use super::limits::{Caller, Policy, describe_unlimited, exceeded};
use super::paths::{Area, area};
use super::{account_calls, association_calls, lists, objects, owners, properties, schemas};
use crate::sim::faults::{Fault, Rule};
use crate::sim::server::{Delivery, Reply, Request, lock};
use crate::sim::spoil::spoiled;

/// How long HubSpot asks callers to wait while it moves an account, seconds.
const MIGRATION_RETRY_S: u64 = 30;

/// Answers one request.
pub(crate) fn answer(account: &Mutex<Account>, request: &Request) -> Reply {
    let mut account = lock(account);
    let latency = Duration::from_millis(account.switches.latency_ms);
    let area = area(&request.segments());
    let endpoint =
        area.as_ref().map_or_else(|| format!("{} other", request.method), |area| area.endpoint(&request.method));
    account.journal.count(&endpoint);
    let fault = area.as_ref().and_then(|area| strike(&mut account, area, &endpoint, request));
    let outcome = match (before(&mut account, fault, request), area) {
        (Some(outcome), _) => outcome,
        (None, None) => Err(ApiError::no_endpoint()),
        (None, Some(area)) => admit(&mut account, &area, request),
    };
    let correlation = account.next_correlation();
    let reply = outcome.unwrap_or_else(|error| error.into_reply(correlation));
    let mut reply = spoiled(
        fault,
        reply,
        || json!({"results": {"0": "no list"}, "id": [], "access_token": 7}),
        "{\"results\":[],\"padding\":\"",
    )
    .with_header("x-hubspot-correlation-id", super::errors::correlation_id(correlation));
    reply.delay += latency;
    reply
}

fn strike(account: &mut Account, area: &Area, endpoint: &str, request: &Request) -> Option<Fault> {
    account.faults.strike(endpoint, |rule: &Rule| {
        // Sign-in is struck only by a rule that is aimed at it.
        let aimed = rule.endpoint.as_deref().is_some_and(|part| part.contains("oauth"));
        let fits = match rule.fault {
            Fault::BatchConflict | Fault::SilentEmpty => area.is_batch_write(),
            Fault::CommitThenDrop => area.is_write(request),
            Fault::RateLimitSecondly => area.is_search() || rule.endpoint.is_some(),
            _ => true,
        };
        fits && (aimed || !area.is_oauth())
    })
}

/// What a fault answers in place of the endpoint; none when the endpoint is to answer.
fn before(account: &mut Account, fault: Option<Fault>, request: &Request) -> Option<Outcome> {
    let page = |status: u16, title: &str| {
        let body = format!("<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>");
        Ok(Reply::of(status, "text/html", body))
    };
    Some(match fault? {
        Fault::RateLimitTenSecondly => Err(exceeded(Policy::TenSecondly)),
        Fault::RateLimitSecondly => Err(exceeded(Policy::Secondly)),
        Fault::RateLimitDaily => Err(exceeded(Policy::Daily)),
        Fault::Locked => Err(ApiError::new(423, "LOCKED", "The resource is locked; wait at least 2 seconds")),
        Fault::Migration => {
            let error =
                ApiError::new(477, "MIGRATION_IN_PROGRESS", "The account is being moved to another data center");
            Err(error.with_header("retry-after", MIGRATION_RETRY_S))
        }
        Fault::BadGateway => page(502, "Bad Gateway"),
        Fault::Unavailable => page(503, "Service Unavailable"),
        Fault::GatewayTimeout => page(504, "Gateway Timeout"),
        Fault::BadToken => Err(ApiError::new(530, "", "The access token is badly formed")),
        Fault::DropBefore => Ok(Reply { delivery: Delivery::Drop, ..Reply::empty(500) }),
        Fault::BatchConflict => Err(ApiError::conflict("Conflict while writing the batch; nothing was written")),
        Fault::SilentEmpty => Ok(Reply::json(
            if request.path.ends_with("create") { 201 } else { 200 },
            &objects::answer_batch(account, Vec::new()),
        )),
        Fault::PiiInError => Err(echo(request)),
        Fault::Redirect => Ok(Reply::empty(302).with_header("location", "https://elsewhere.example/")),
        Fault::ExpireTokens => {
            let now_ms = account.now_ms();
            account.auth.expire_all(now_ms);
            return None;
        }
        _ => return None,
    })
}

/// A 400 that repeats the values of the request, or those of some person.
fn echo(request: &Request) -> ApiError {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let own = [&body["properties"], &body["inputs"][0]["properties"]].into_iter().find(|values| values.is_object());
    let values = own.map_or_else(|| "jane.roe@example.com, +4915112345678".to_owned(), Value::to_string);
    ApiError::invalid(format!("Property values were not valid: [{{\"isValid\":false,\"message\":{values:?}}}]"))
}

/// Checks token, scope and limits, then answers.
fn admit(account: &mut Account, area: &Area, request: &Request) -> Outcome {
    let now_ms = account.now_ms();
    if area.is_oauth() {
        return sign_in(account, area, request, now_ms);
    }
    let (_, access) = account.auth.authenticate(request, now_ms)?;
    let (oauth, access) = (access.expires_ms.is_some(), access.clone());
    let caller = Caller { oauth, search: area.is_search() };
    if account.switches.limits {
        account.limits.admit(caller, now_ms)?;
    }
    auth::require(&access, &scope(account, area, request)?)?;
    let reply = endpoint(account, area, request)?;
    let limited = account.switches.limits;
    Ok(if limited { account.limits.describe(caller, reply) } else { describe_unlimited(caller, reply) })
}

fn sign_in(account: &mut Account, area: &Area, request: &Request, now_ms: i64) -> Outcome {
    let rotate = account.switches.rotate_refresh_tokens;
    match (area, request.method.as_str()) {
        (Area::Authorize, "GET") => auth::authorize(&mut account.auth, request, now_ms),
        (Area::Token, "POST") => auth::token(&mut account.auth, request, rotate, now_ms),
        (Area::Introspect, "POST") => auth::introspect(&account.auth, request, now_ms),
        (Area::Revoke, "POST") => auth::revoke(&mut account.auth, request),
        (Area::AccessToken { token }, "GET") => auth::access_info(&account.auth, token, now_ms),
        (Area::RefreshToken { token }, "GET") => auth::refresh_info(&account.auth, token),
        (Area::RefreshToken { token }, "DELETE") => Ok(auth::delete_refresh(&mut account.auth, token)),
        _ => Err(ApiError::no_method(&request.method)),
    }
}

/// The scope that an endpoint asks for; empty when any token will do.
fn scope(account: &Account, area: &Area, request: &Request) -> Result<String, ApiError> {
    let verb = if area.is_write(request) { "write" } else { "read" };
    Ok(match area {
        Area::Objects { object, rest } => {
            let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
            objects::scope(account, account.at(object)?, request, &rest)
        }
        Area::Properties { object, .. } => {
            let scope = account.kind(account.at(object)?).scope;
            // Tickets have no schema scope of their own.
            if scope == "tickets" { String::new() } else { schema_scope(scope, verb) }
        }
        Area::Associations { from, .. } => format!("crm.objects.{}.{verb}", account.kind(account.at(from)?).scope),
        Area::Lists { .. } => format!("crm.lists.{verb}"),
        Area::Schemas { .. } => schema_scope("custom", verb),
        Area::Owners { .. } => "crm.objects.owners.read".to_owned(),
        _ => String::new(),
    })
}

fn schema_scope(object: &str, verb: &str) -> String {
    format!("crm.schemas.{object}.{verb}")
}

fn endpoint(account: &mut Account, area: &Area, request: &Request) -> Outcome {
    match area {
        Area::Objects { object, rest } => objects::route(account, request, account.at(object)?, &slices(rest)),
        Area::Properties { object, rest } => properties::route(account, request, account.at(object)?, &slices(rest)),
        Area::Associations { from, to, rest } => association_calls::route(account, request, from, to, &slices(rest)),
        Area::Lists { rest } => lists::route(account, request, &slices(rest)),
        Area::Schemas { rest } => schemas::route(account, request, &slices(rest)),
        Area::Owners { rest } => match (request.method.as_str(), slices(rest).as_slice()) {
            ("GET", []) => owners::list(request, account.started_ms),
            ("GET", [id]) => owners::get(request, id, account.started_ms),
            _ => Err(ApiError::no_endpoint()),
        },
        Area::Details => Ok(account_calls::details()),
        Area::Usage => account_calls::usage(account),
        Area::Dispositions => Ok(account_calls::dispositions()),
        // Sign-in is answered before a token is asked for.
        Area::Authorize
        | Area::Token
        | Area::Introspect
        | Area::Revoke
        | Area::AccessToken { .. }
        | Area::RefreshToken { .. } => Err(ApiError::no_endpoint()),
    }
}

fn slices(parts: &[String]) -> Vec<&str> {
    parts.iter().map(String::as_str).collect()
}
