//! The association endpoints of `/crm/v4`.

use serde_json::{Value, json};

use super::account::{Account, At, Source};
use super::associations::{Label, Link, link, types, unlink};
use super::body;
use super::errors::{ApiError, Outcome};
use super::link_types::{LinkType, plain, primary};
use super::objects::answer_batch;
use crate::sim::server::{Reply, Request};

/// HubSpot reads the links of so many records at once.
const READ_INPUTS_MAX: usize = 1_000;

/// So many links of one record stand on a page.
const LINKS_PER_PAGE: usize = 500;

/// `/crm/v4/associations/{from}/{to}/…`
pub(crate) fn route(account: &mut Account, request: &Request, from: &str, to: &str, rest: &[&str]) -> Outcome {
    let (from, to) = (account.at(from)?, account.at(to)?);
    match (request.method.as_str(), rest) {
        ("POST", ["batch", "read"]) => read(account, &body::object(request)?, from, to),
        ("POST", ["batch", "create"]) => create(account, &body::object(request)?, from, to),
        ("POST", ["batch", "associate", "default"]) => create_default(account, &body::object(request)?, from, to),
        ("POST", ["batch", "archive"]) => archive(account, &body::object(request)?, from, to),
        ("POST", ["batch", "labels", "archive"]) => archive_labels(account, &body::object(request)?, from, to),
        ("GET", ["labels"]) => Ok(Reply::json(200, &json!({"results": labels(account, from, to)}))),
        ("POST", ["labels"]) => create_label(account, &body::object(request)?, from, to),
        _ => Err(ApiError::no_endpoint()),
    }
}

/// `/crm/v4/objects/{type}/{id}/associations/…`
pub(crate) fn route_of_record(account: &mut Account, request: &Request, at: At, id: u64, rest: &[&str]) -> Outcome {
    match (request.method.as_str(), rest) {
        ("GET", [to]) => list(account, request, at, id, account.at(to)?),
        ("PUT", ["default", to, to_id]) => {
            let one = one_link(account, at, id, to, to_id)?;
            let kind = plain(&account.kind(at).type_id, &account.kind(one.to).type_id).0;
            link(account, one, &[kind], Source::Api)?;
            let result = default_result(one, kind);
            Ok(Reply::json(200, &answer_batch(account, vec![result])))
        }
        ("PUT", [to, to_id]) => {
            let one = one_link(account, at, id, to, to_id)?;
            let body: Value =
                serde_json::from_slice(&request.body).map_err(|_| ApiError::invalid("Invalid input JSON"))?;
            let kinds = types(account, at, one.to, &body)?;
            link(account, one, &kinds, Source::Api)?;
            Ok(Reply::json(201, &created_result(account, one, &kinds)))
        }
        ("DELETE", [to, to_id]) => {
            let one = one_link(account, at, id, to, to_id)?;
            unlink(account, one, None, Source::Api);
            Ok(Reply::empty(204))
        }
        _ => Err(ApiError::no_endpoint()),
    }
}

fn one_link(account: &Account, from: At, id: u64, to: &str, to_id: &str) -> Result<Link, ApiError> {
    let to_id = to_id.parse().map_err(|_| ApiError::invalid(format!("{to_id} is no record id")))?;
    Ok(Link { from, id, to: account.at(to)?, to_id })
}

fn links_json(account: &Account, from: At, to: At, id: u64) -> Vec<Value> {
    let described = |kind: &LinkType| json!({"category": kind.category(), "typeId": kind.id, "label": account.label(from, to, *kind)});
    let ends = account.links_of(from, id, to).into_iter();
    ends.map(
        |(end, kinds)| json!({"toObjectId": end, "associationTypes": kinds.iter().map(described).collect::<Vec<_>>()}),
    )
    .collect()
}

/// The links after `after`, and where the next page starts.
fn page(mut links: Vec<Value>, after: Option<u64>, limit: usize) -> (Vec<Value>, Option<Value>) {
    links.retain(|link| after.is_none_or(|after| link["toObjectId"].as_u64().is_some_and(|id| id > after)));
    let more = links.len() > limit;
    links.truncate(limit);
    let last = links.last().and_then(|link| link["toObjectId"].as_u64()).filter(|_| more);
    (links, last.map(|last| json!({"next": {"after": last.to_string(), "link": format!("?after={last}")}})))
}

fn list(account: &Account, request: &Request, from: At, id: u64, to: At) -> Outcome {
    if account.table(from).shown_view(id).is_none() {
        return Err(ApiError::not_found(format!("Object not found. objectId is {id}")));
    }
    let limit = super::page::limit(request, LINKS_PER_PAGE, LINKS_PER_PAGE)?;
    let after = request.query("after").and_then(|after| after.parse().ok());
    let (results, paging) = page(links_json(account, from, to, id), after, limit);
    let mut body = json!({ "results": results });
    if let Some(paging) = paging {
        body["paging"] = paging;
    }
    Ok(Reply::json(200, &body))
}

fn read(account: &mut Account, body: &Value, from: At, to: At) -> Outcome {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in body::inputs(body, READ_INPUTS_MAX)? {
        let id = body::id(&input["id"]).ok_or_else(|| ApiError::invalid("each input needs an id"))?;
        let after = body::id(&input["after"]);
        let (links, paging) = page(links_json(account, from, to, id), after, LINKS_PER_PAGE);
        if links.is_empty() {
            errors.push(no_links(account, from, to, id));
            continue;
        }
        let mut result = json!({"from": {"id": id.to_string()}, "to": links});
        if let Some(paging) = paging {
            result["paging"] = paging;
        }
        results.push(result);
    }
    let status = if errors.is_empty() { 200 } else { 207 };
    let mut answer = answer_batch(account, results);
    if !errors.is_empty() {
        answer["numErrors"] = errors.len().into();
        answer["errors"] = errors.into();
    }
    Ok(Reply::json(status, &answer))
}

fn no_links(account: &Account, from: At, to: At, id: u64) -> Value {
    let (one, other) = (&account.kind(from).singular, &account.kind(to).singular);
    json!({"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": format!("No {other} is associated with {one} {id}."),
        "context": {"fromObjectId": [id.to_string()], "fromObjectType": [one], "toObjectType": [other]},
        "errors": [], "links": {}})
}

fn ends(input: &Value) -> Result<(u64, u64), ApiError> {
    let ends = body::id(&input["from"]["id"]).zip(body::id(&input["to"]["id"]));
    ends.ok_or_else(|| ApiError::invalid("each input needs from.id and to.id"))
}

fn created_result(account: &Account, one: Link, kinds: &[LinkType]) -> Value {
    let labels: Vec<String> = kinds.iter().filter_map(|kind| account.label(one.from, one.to, *kind)).collect();
    json!({"fromObjectTypeId": account.kind(one.from).type_id, "fromObjectId": one.id,
        "toObjectTypeId": account.kind(one.to).type_id, "toObjectId": one.to_id, "labels": labels})
}

fn create(account: &mut Account, body: &Value, from: At, to: At) -> Outcome {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    let max = account.switches.association_create_max;
    for input in body::inputs(body, max)? {
        let (id, to_id) = ends(input)?;
        let kinds = types(account, from, to, &input["types"])?;
        let one = Link { from, id, to, to_id };
        match link(account, one, &kinds, Source::Api) {
            Ok(()) => results.push(created_result(account, one, &kinds)),
            Err(error) => errors.push(error.into_batch_error("id", vec![id.to_string(), to_id.to_string()])),
        }
    }
    let status = if errors.is_empty() { 201 } else { 207 };
    let mut answer = answer_batch(account, results);
    if !errors.is_empty() {
        answer["numErrors"] = errors.len().into();
        answer["errors"] = errors.into();
    }
    Ok(Reply::json(status, &answer))
}

fn default_result(one: Link, kind: LinkType) -> Value {
    json!({"from": {"id": one.id.to_string()}, "to": {"id": one.to_id.to_string()},
        "associationSpec": {"associationCategory": kind.category(), "associationTypeId": kind.id}})
}

fn create_default(account: &mut Account, body: &Value, from: At, to: At) -> Outcome {
    let kind = plain(&account.kind(from).type_id, &account.kind(to).type_id).0;
    let mut results = Vec::new();
    for input in body::inputs(body, account.switches.association_create_max)? {
        let (id, to_id) = ends(input)?;
        let one = Link { from, id, to, to_id };
        link(account, one, &[kind], Source::Api)?;
        results.push(default_result(one, kind));
    }
    Ok(Reply::json(200, &answer_batch(account, results)))
}

fn archive(account: &mut Account, body: &Value, from: At, to: At) -> Outcome {
    for input in body::inputs(body, account.switches.association_create_max)? {
        let id = body::id(&input["from"]["id"]).ok_or_else(|| ApiError::invalid("each input needs from.id"))?;
        let targets = input["to"].as_array().ok_or_else(|| ApiError::invalid("each input needs a list `to`"))?;
        for target in targets {
            let to_id = body::id(&target["id"]).ok_or_else(|| ApiError::invalid("each `to` needs an id"))?;
            unlink(account, Link { from, id, to, to_id }, None, Source::Api);
        }
    }
    Ok(Reply::empty(204))
}

fn archive_labels(account: &mut Account, body: &Value, from: At, to: At) -> Outcome {
    for input in body::inputs(body, account.switches.association_create_max)? {
        let (id, to_id) = ends(input)?;
        let kinds = types(account, from, to, &input["types"])?;
        unlink(account, Link { from, id, to, to_id }, Some(&kinds), Source::Api);
    }
    Ok(Reply::empty(204))
}

fn labels(account: &Account, from: At, to: At) -> Vec<Value> {
    let (one, other) = (&account.kind(from).type_id, &account.kind(to).type_id);
    let fixed = [Some(plain(one, other)), primary(one, other)].into_iter().flatten().map(|(kind, _)| kind);
    let own = account.links.labels.iter().filter_map(|label| match (label.from, label.to) {
        ends if ends == (from, to) => Some(label.kind),
        ends if ends == (to, from) => Some(label.inverse),
        _ => None,
    });
    let shown = |kind: LinkType| json!({"category": kind.category(), "typeId": kind.id, "label": account.label(from, to, kind)});
    fixed.chain(own).map(shown).collect()
}

fn create_label(account: &mut Account, body: &Value, from: At, to: At) -> Outcome {
    let label = body::text(body, "label")?.to_owned();
    body::text(body, "name")?;
    let next = 1 + 2 * u32::try_from(account.links.labels.len()).unwrap_or(0);
    let user = |id| LinkType { user_defined: true, id };
    let (kind, inverse) = (user(next), user(next + 1));
    account.links.labels.push(Label { from, to, kind, inverse, label });
    let shown = |kind: LinkType| json!({"category": kind.category(), "typeId": kind.id, "label": account.label(from, to, kind)});
    Ok(Reply::json(200, &json!({"results": [shown(kind), shown(inverse)]})))
}
