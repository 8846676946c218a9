//! Object batches, with every rule of the 207: what is partial, what is all or nothing, and how a failure names its input.
//! Results come in an order of their own, since HubSpot promises none.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::account::{Account, At, Source};
use super::associations::{self, Link};
use super::body::{self, INPUTS_MAX};
use super::errors::{ApiError, Outcome};
use super::link_types::LinkType;
use super::objects::{find_by, written};
use super::show::{Selection, Shown};
use super::values::{self, Values};
use super::write::{self, Origin};
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    status: &'static str,
    results: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_errors: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
    started_at: String,
    completed_at: String,
}

/// One input of a write batch, checked but for what only the tables know.
struct Input {
    id: String,
    id_property: Option<String>,
    trace_id: Option<String>,
    values: Result<Values, ApiError>,
    links: Result<Vec<(At, u64, Vec<LinkType>)>, ApiError>,
}

/// An input that was written.
struct Done {
    id: u64,
    new: Option<bool>,
    trace_id: Option<String>,
    selection: Selection,
}

/// `POST /crm/v3/objects/{type}/batch/{verb}`
pub(crate) fn route(account: &mut Account, request: &Request, at: At, verb: &str) -> Outcome {
    let body = body::object(request)?;
    match verb {
        "read" => read(account, request, &body, at),
        "archive" => archive(account, &body, at),
        "create" => write_all(account, &body, at, Verb::Create),
        "update" => write_all(account, &body, at, Verb::Update),
        "upsert" => write_all(account, &body, at, Verb::Upsert),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn answer(account: &Account, status: u16, results: Vec<Shown<'_>>, errors: Vec<Value>) -> Outcome {
    let now = stamp::iso(account.now_ms());
    let num_errors = (!errors.is_empty()).then_some(errors.len());
    let status = if errors.is_empty() { status } else { 207 };
    let answer = Answer { status: "COMPLETE", results, num_errors, errors, started_at: now.clone(), completed_at: now };
    Ok(Reply::json(status, &answer))
}

fn read(account: &Account, request: &Request, body: &Value, at: At) -> Outcome {
    let archived = super::page::flag(request, "archived")?;
    let object = &account.objects[at];
    let (asked, history) = (body::texts(body, "properties")?, body::texts(body, "propertiesWithHistory")?);
    let max = if history.is_empty() { INPUTS_MAX } else { 50 };
    let selection = Selection::new(&object.table.kind, &object.catalog, &asked, &history);
    let (mut found, mut missing) = (BTreeSet::new(), Vec::new());
    for input in body::inputs(body, max)? {
        let text = input["id"].as_str().ok_or_else(|| ApiError::invalid("each input needs an id, as a string"))?;
        let id = match body["idProperty"].as_str() {
            None | Some("hs_object_id") => text.parse().ok(),
            Some(name) => find_by(account, at, name, text)?,
        };
        let view = id.and_then(|id| object.table.view(id)).filter(|view| view.archived_ms().is_some() == archived);
        match view {
            Some(view) => drop(found.insert(view.id())),
            None => missing.push(text.to_owned()),
        }
    }
    let results =
        found.iter().filter_map(|id| object.table.view(*id)).map(|view| Shown::new(view, &selection)).collect();
    let errors = if missing.is_empty() { Vec::new() } else { vec![could_not_get(missing)] };
    answer(account, 200, results, errors)
}

fn could_not_get(missing: Vec<String>) -> Value {
    let error =
        ApiError::not_found("Could not get some objects, they may be deleted or not exist. Check that ids are valid.");
    error.into_batch_error("ids", missing)
}

fn archive(account: &mut Account, body: &Value, at: At) -> Outcome {
    let inputs = body::inputs(body, INPUTS_MAX)?;
    let id = |input: &Value| body::id(&input["id"]).ok_or_else(|| ApiError::invalid("each input needs an id"));
    let ids: Vec<u64> = inputs.iter().map(id).collect::<Result<_, _>>()?;
    for id in ids {
        // What is gone already is no error.
        write::archive(account, at, id, Source::Api);
    }
    Ok(Reply::empty(204))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
    Upsert,
}

fn write_all(account: &mut Account, body: &Value, at: At, verb: Verb) -> Outcome {
    let inputs: Vec<Input> = body::inputs(body, INPUTS_MAX)?
        .iter()
        .map(|input| parse(account, at, verb, input))
        .collect::<Result<_, _>>()?;
    refuse_repeated_ids(&inputs, verb)?;
    let partial = is_partial(&inputs)?;
    if !partial {
        check_all(account, at, verb, &inputs)?;
    }
    let (mut done, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs {
        let (id, trace_id) = (input.id.clone(), input.trace_id.clone());
        match (write_one(account, at, verb, input), trace_id) {
            (Ok(one), _) => done.push(one),
            (Err(error), Some(trace_id)) => errors.push(error.into_batch_error("objectWriteTraceId", vec![trace_id])),
            (Err(error), None) if error.status == 404 => missing.push(id),
            (Err(error), None) => return Err(error),
        }
    }
    if !missing.is_empty() {
        errors.push(could_not_get(missing));
    }
    done.sort_by_key(|one| std::cmp::Reverse(one.id));
    let table = account.table(at);
    let results = done.iter().filter_map(|one| {
        let shown = Shown::new(table.view(one.id)?, &one.selection);
        Some(Shown { new: one.new, trace_id: one.trace_id.clone(), ..shown })
    });
    answer(account, if verb == Verb::Create { 201 } else { 200 }, results.collect(), errors)
}

fn parse(account: &Account, at: At, verb: Verb, input: &Value) -> Result<Input, ApiError> {
    let id = match (verb, &input["id"]) {
        (Verb::Create, _) => String::new(),
        (_, Value::String(id)) if !id.is_empty() => id.clone(),
        _ => return Err(ApiError::invalid("Invalid input JSON: some required fields were not set: [id]")),
    };
    let id_property = input["idProperty"].as_str().map(str::to_owned);
    if verb == Verb::Upsert && id_property.is_none() {
        return Err(ApiError::invalid("Invalid input JSON: some required fields were not set: [idProperty]"));
    }
    Ok(Input {
        id,
        id_property,
        trace_id: input["objectWriteTraceId"].as_str().map(str::to_owned),
        values: values::check(&account.objects[at].catalog, &input["properties"]),
        links: if verb == Verb::Create {
            associations::inline(account, at, &input["associations"])
        } else {
            Ok(Vec::new())
        },
    })
}

fn refuse_repeated_ids(inputs: &[Input], verb: Verb) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    let repeated: Vec<&str> = inputs
        .iter()
        .filter(|input| verb != Verb::Create && !seen.insert(input.id.to_lowercase()))
        .map(|input| input.id.as_str())
        .collect();
    if repeated.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(format!("Duplicate IDs found in batch input: {repeated:?}. IDs must be unique")))
}

/// Whether some inputs may fail alone: each carries a trace id of its own, and none is found by e-mail.
fn is_partial(inputs: &[Input]) -> Result<bool, ApiError> {
    let traces: Vec<&str> = inputs.iter().filter_map(|input| input.trace_id.as_deref()).collect();
    let distinct: BTreeSet<&str> = traces.iter().copied().collect();
    if distinct.len() != traces.len() {
        return Err(ApiError::invalid("objectWriteTraceId values must be unique within a batch"));
    }
    let by_email = inputs.iter().any(|input| input.id_property.as_deref() == Some("email"));
    Ok(traces.len() == inputs.len() && !by_email)
}

/// Without trace ids a batch is all or nothing: the first problem refuses it before anything is written. Only ids that an
/// update doesn't find are left for the 207.
fn check_all(account: &Account, at: At, verb: Verb, inputs: &[Input]) -> Result<(), ApiError> {
    let mut taken = BTreeSet::new();
    for input in inputs {
        let values = with_key(input, verb)?;
        input.links.as_ref().map_err(Clone::clone)?;
        let own = match target(account, at, verb, input) {
            Ok(own) => own,
            Err(error) if error.status == 404 => continue,
            Err(error) => return Err(error),
        };
        write::check(account, at, own, &values)?;
        let unique = &account.table(at).unique_names;
        for (name, value) in values.iter().filter(|(name, value)| unique.contains(name) && !value.is_empty()) {
            if !taken.insert((name.clone(), value.to_lowercase())) {
                return Err(ApiError::conflict(format!("Duplicate value {value} of {name} within the batch")));
            }
        }
    }
    Ok(())
}

/// The values of an input; an upsert also sets the property that it is found by.
fn with_key(input: &Input, verb: Verb) -> Result<Values, ApiError> {
    let mut values = input.values.clone()?;
    if let (Verb::Upsert, Some(name)) = (verb, &input.id_property)
        && !values.iter().any(|(set, _)| set == name)
    {
        values.push((name.clone(), input.id.clone()));
    }
    Ok(values)
}

/// The record that an input means; none when it is to be created.
fn target(account: &Account, at: At, verb: Verb, input: &Input) -> Result<Option<u64>, ApiError> {
    let found = match (verb, input.id_property.as_deref()) {
        (Verb::Create, _) => return Ok(None),
        (Verb::Upsert, Some(name)) if name != "hs_object_id" => return find_by(account, at, name, &input.id),
        (_, None | Some("hs_object_id")) => input.id.parse().ok(),
        (_, Some(name)) => find_by(account, at, name, &input.id)?,
    };
    let shown = found.filter(|id| account.table(at).shown_view(*id).is_some());
    shown.map(Some).ok_or_else(|| {
        ApiError::not_found("Could not get some objects, they may be deleted or not exist. Check that ids are valid.")
            .with_context(serde_json::json!({"ids": [input.id]}))
    })
}

fn write_one(account: &mut Account, at: At, verb: Verb, input: Input) -> Result<Done, ApiError> {
    let values = with_key(&input, verb)?;
    let links = input.links.clone()?;
    let own = target(account, at, verb, &input)?;
    let operation = match (verb, own) {
        (Verb::Create, _) => "create",
        (Verb::Update, _) => "update",
        (Verb::Upsert, None) => "upsert-create",
        (Verb::Upsert, Some(_)) => "upsert-update",
    };
    let origin = Origin { source: Source::Api, trace_id: input.trace_id.as_deref(), operation };
    let id = match own {
        None => write::create(account, at, &values, origin)?,
        Some(id) => {
            write::update(account, at, id, &values, origin)?;
            id
        }
    };
    for (to, to_id, kinds) in links {
        associations::link(account, Link { from: at, id, to, to_id }, &kinds, Source::Api)?;
    }
    let new = (verb == Verb::Upsert).then_some(own.is_none());
    Ok(Done { id, new, selection: written(account, at, &values), trace_id: input.trace_id })
}
