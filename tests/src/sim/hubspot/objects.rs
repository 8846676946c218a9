//! The endpoints of single records and of lists of them: `/crm/v3/objects/{type}/…`.

use serde::Serialize;
use serde_json::{Value, json};

use super::account::{Account, At, Source};
use super::associations::{self, Link};
use super::auth;
use super::body;
use super::errors::{ApiError, Outcome};
use super::record::View;
use super::show::{Selection, Shown};
use super::values;
use super::write::{self, Origin};
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

/// A list page holds at most so many records.
const PAGE_MAX: usize = 100;

/// With histories a page holds fewer.
const PAGE_WITH_HISTORY_MAX: usize = 50;

#[derive(Serialize)]
struct Page<'a> {
    results: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paging: Option<Value>,
}

/// `/crm/v3/objects/{type}` and below.
pub(crate) fn route(account: &mut Account, request: &Request, at: At, rest: &[&str]) -> Outcome {
    match (request.method.as_str(), rest) {
        ("GET", []) => list(account, request, at),
        ("POST", []) => create(account, request, at),
        ("POST", ["search"]) => super::search::answer(account, request, at),
        ("POST", ["merge"]) => merge(account, request, at),
        ("POST", ["gdpr-delete"]) => erase(account, request, at),
        ("POST", ["batch", verb]) => super::batch::route(account, request, at, verb),
        (_, ["search" | "merge" | "gdpr-delete" | "batch", ..]) => Err(ApiError::no_method(&request.method)),
        ("GET", [id]) => get(account, request, at, id),
        ("PATCH", [id]) => update(account, request, at, id),
        ("DELETE", [id]) => archive(account, request, at, id),
        (_, [id, "associations", more @ ..]) => {
            let id = locate(account, at, id, None)?;
            super::association_calls::route_of_record(account, request, at, id, more)
        }
        (_, [] | [_]) => Err(ApiError::no_method(&request.method)),
        _ => Err(ApiError::no_endpoint()),
    }
}

/// `{status: "COMPLETE", results, startedAt, completedAt}`.
pub(crate) fn answer_batch(account: &Account, results: Vec<Value>) -> Value {
    let now = stamp::iso(account.now_ms());
    json!({"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})
}

/// The shown properties that a request asks for.
fn selection(account: &Account, request: &Request, at: At) -> Selection {
    let object = &account.objects[at];
    let asked = request.query_list("properties");
    Selection::new(&object.table.kind, &object.catalog, &asked, &request.query_list("propertiesWithHistory"))
}

fn wanted_associations(account: &Account, request: &Request) -> Result<Vec<At>, ApiError> {
    request.query_list("associations").iter().map(|name| account.at(name)).collect()
}

fn with_associations<'a>(account: &'a Account, at: At, shown: Shown<'a>, wanted: &[At]) -> Shown<'a> {
    let links = (!wanted.is_empty()).then(|| associations::shown(account, at, shown.view.id(), wanted));
    Shown { associations: links.filter(|links| !links.is_empty()), ..shown }
}

fn list(account: &Account, request: &Request, at: At) -> Outcome {
    let with_history = request.query("propertiesWithHistory").is_some_and(|names| !names.is_empty());
    let limit = super::page::limit(request, 10, if with_history { PAGE_WITH_HISTORY_MAX } else { PAGE_MAX })?;
    let after = match request.query("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| ApiError::invalid("Invalid paging token for `after`"))?,
    };
    let selection = selection(account, request, at);
    let wanted = wanted_associations(account, request)?;
    let table = account.table(at);
    // The token is the id of the first record of the next page, so one record more is looked up.
    let mut views: Vec<View<'_>> = if super::page::flag(request, "archived")? {
        table.walk_archived(after).take(limit + 1).collect()
    } else {
        table.walk(after).take(limit + 1).collect()
    };
    let next = if views.len() > limit { views.pop().map(|view| view.id()) } else { None };
    let results =
        views.into_iter().map(|view| with_associations(account, at, Shown::new(view, &selection), &wanted)).collect();
    let link = |next| format!("https://api.hubapi.com{}?limit={limit}&after={next}", request.path);
    let paging = next.map(|next: u64| json!({"next": {"after": next.to_string(), "link": link(next)}}));
    Ok(Reply::json(200, &Page { results, paging }))
}

/// The id that a path segment means, by `idProperty` where one is given; old ids of merged records lead to the new one.
fn locate(account: &Account, at: At, text: &str, id_property: Option<&str>) -> Result<u64, ApiError> {
    let table = account.table(at);
    let missing = || ApiError::not_found(format!("Object not found. objectId are usually numeric. objectId is {text}"));
    match id_property {
        None | Some("hs_object_id") => text.parse().map(|id| table.resolve(id)).map_err(|_| missing()),
        Some(name) => find_by(account, at, name, text)?.ok_or_else(missing),
    }
}

/// The shown record with a value of a unique property; an error where the property is not unique.
pub(crate) fn find_by(account: &Account, at: At, name: &str, value: &str) -> Result<Option<u64>, ApiError> {
    let table = account.table(at);
    if !table.unique_names.contains(name) {
        return Err(ApiError::invalid(format!("Property \"{name}\" is not a unique property of {}", table.kind.name)));
    }
    Ok(table.find_unique(name, value))
}

fn get(account: &Account, request: &Request, at: At, id: &str) -> Outcome {
    let archived = super::page::flag(request, "archived")?;
    let found = locate(account, at, id, request.query("idProperty"))?;
    let view = account.table(at).view(found).filter(|view| view.archived_ms().is_some() == archived);
    let Some(view) = view else {
        // HubSpot answers this 404 without its usual error body.
        let message = format!("Object not found. objectId are usually numeric. objectId is {id}");
        return Err(ApiError::not_found(message));
    };
    let selection = selection(account, request, at);
    let wanted = wanted_associations(account, request)?;
    Ok(Reply::json(200, &with_associations(account, at, Shown::new(view, &selection), &wanted)))
}

/// What the answer to a write shows: the written properties, the id and the stamps.
pub(crate) fn written(account: &Account, at: At, values: &values::Values) -> Selection {
    let names: Vec<String> = values.iter().map(|(name, _)| name.clone()).collect();
    let object = &account.objects[at];
    Selection::new(&object.table.kind, &object.catalog, &names, &[])
}

/// The answer to a write of one record.
fn answer_one(account: &Account, status: u16, at: At, id: u64, values: &values::Values) -> Outcome {
    let selection = written(account, at, values);
    let view = account.table(at).view(id).ok_or_else(|| ApiError::not_found("Object not found"))?;
    Ok(Reply::json(status, &Shown::new(view, &selection)))
}

fn create(account: &mut Account, request: &Request, at: At) -> Outcome {
    let body = body::object(request)?;
    let values = values::check(&account.objects[at].catalog, &body["properties"])?;
    let links = associations::inline(account, at, &body["associations"])?;
    let origin = Origin { source: Source::Api, trace_id: body["objectWriteTraceId"].as_str(), operation: "create" };
    let id = write::create(account, at, &values, origin)?;
    for (to, to_id, kinds) in links {
        associations::link(account, Link { from: at, id, to, to_id }, &kinds, Source::Api)?;
    }
    answer_one(account, 201, at, id, &values)
}

fn update(account: &mut Account, request: &Request, at: At, id: &str) -> Outcome {
    let body = body::object(request)?;
    let found = locate(account, at, id, request.query("idProperty"))?;
    let values = values::check(&account.objects[at].catalog, &body["properties"])?;
    let origin = Origin { source: Source::Api, trace_id: body["objectWriteTraceId"].as_str(), operation: "update" };
    write::update(account, at, found, &values, origin)?;
    answer_one(account, 200, at, found, &values)
}

fn archive(account: &mut Account, request: &Request, at: At, id: &str) -> Outcome {
    let found = locate(account, at, id, request.query("idProperty"))?;
    // Archiving what is archived already, or never was, is no error.
    write::archive(account, at, found, Source::Api);
    Ok(Reply::empty(204))
}

fn merge(account: &mut Account, request: &Request, at: At) -> Outcome {
    let body = body::object(request)?;
    let id = |name: &str| body::id(&body[name]).ok_or_else(|| ApiError::invalid(format!("{name} must be a record id")));
    let merged = write::merge(account, at, id("primaryObjectId")?, id("objectIdToMerge")?, Source::Api)?;
    answer_one(account, 200, at, merged, &values::Values::new())
}

fn erase(account: &mut Account, request: &Request, at: At) -> Outcome {
    let body = body::object(request)?;
    let found = locate(account, at, body::text(&body, "objectId")?, body["idProperty"].as_str())?;
    write::erase(account, at, found, Source::Api);
    Ok(Reply::empty(204))
}

/// The scope that an object's endpoints ask for.
pub(crate) fn scope(account: &Account, at: At, request: &Request, rest: &[&str]) -> String {
    let reads = request.method == "GET" || matches!(rest, ["search"] | ["batch", "read"]);
    let scope = format!("crm.objects.{}.{}", account.kind(at).scope, if reads { "read" } else { "write" });
    debug_assert!(auth::SCOPES.contains(&scope.as_str()), "{scope}");
    scope
}
