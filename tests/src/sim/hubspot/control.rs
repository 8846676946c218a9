//! The control interface over HTTP, for programs in other processes: the same levers that Rust tests have. JSON in and out;
//! `GET /` lists what there is.

use serde_json::{Value, json};

use super::account::{Account, At, Source};
use super::associations::{self, Link};
use super::errors::ApiError;
use super::events;
use super::handle::{RecordDump, Shared, state};
use super::record::View;
use super::write::{self, Origin};
use super::{link_types, lists, properties};
use crate::sim::control::{self, Problem, rows, whole};
use crate::sim::server::{Reply, Request, lock};

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::new(error.message.clone())
    }
}

const HELP: [&str; 23] = [
    "GET /state",
    "PUT /clock {now: ISO or ms}",
    "POST /clock/advance {ms}",
    "GET /faults",
    "POST /faults {fault, probability?, seed?, count?, skip?, endpoint?}",
    "DELETE /faults[/{fault}]",
    "GET /switches, PATCH /switches {…}",
    "GET /journal?after=&limit=",
    "GET /counters, DELETE /counters",
    "GET /records/{object}?from=&limit=",
    "POST /records/{object} {properties}",
    "GET /records/{object}/nth/{place}",
    "PATCH /records/{object}/{id} {properties}",
    "PATCH /records/{object}/nth/{place} {properties}",
    "DELETE /records/{object}/{id}[?erase=true]",
    "POST /records/{object}/{id}/restore",
    "POST /records/{object}/merge {primary, other}",
    "POST /records/{object}/{id}/link {object, id, ended?}",
    "POST /records/{object}/stamp-all {ms}",
    "POST /properties/{object} {name, label, type, fieldType, groupName, …}",
    "POST /lists/{id} {add: [id], remove: [id]}",
    "POST /tokens/expire, POST /tokens/remove-scope {scope}",
    "POST /webhooks/send {url, max?}, POST /reset",
];

/// Answers one request to the control interface.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
    control::reply(request, |parts, body| route(shared, request, parts, body))
}

fn route(shared: &Shared, request: &Request, parts: &[&str], body: &Value) -> Result<Value, Problem> {
    let mut account = lock(&shared.account);
    match (request.method.as_str(), parts) {
        ("GET", []) => Ok(json!({ "calls": HELP })),
        ("GET", ["state"]) => Ok(state(&account)),
        (_, ["clock", ..]) => {
            control::set_clock(&shared.clock, request, parts, body)?;
            Ok(state(&account))
        }
        (_, ["faults", ..]) => control::faults(&mut account.faults, request, parts, body),
        ("GET", ["switches"]) => Ok(json!(account.switches)),
        ("PATCH", ["switches"]) => {
            account.switches = control::switched(&account.switches, body)?;
            Ok(json!(account.switches))
        }
        (_, ["journal" | "counters"]) => control::accepted(&mut account.journal, request, parts),
        (_, ["records", object, rest @ ..]) => records(&mut account, request, object, rest, body),
        ("POST", ["properties", object]) => {
            let at = account.at(object)?;
            Ok(json!({"name": properties::create(&mut account, at, body)?}))
        }
        ("POST", ["lists", id]) => {
            let id = id.parse().map_err(|_| Problem::new(format!("`{id}` is no list id")))?;
            change_list(&mut account, id, &ids(body, "add")?, &ids(body, "remove")?)
        }
        ("POST", ["tokens", verb]) => tokens(&mut account, verb, body),
        ("POST", ["webhooks", "send"]) => {
            let url = body["url"].as_str().ok_or_else(|| Problem::new("`url` is missing"))?;
            let max = body["max"].as_u64().and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
            let posts = events::posts(&mut account, url, max);
            // The receiver may ask the simulator something before it answers.
            drop(account);
            Ok(json!({"statuses": events::send(&posts)}))
        }
        ("POST", ["reset"]) => {
            drop(account);
            let [access_token, refresh_token, service_key] = shared.reset();
            Ok(json!({"access_token": access_token, "refresh_token": refresh_token, "service_key": service_key}))
        }
        _ => Err(Problem::new(format!("`{} {}` is no call; `GET /` lists them", request.method, request.path))),
    }
}

fn id(body: &Value, name: &str) -> Result<u64, Problem> {
    super::body::id(&body[name]).ok_or_else(|| Problem::new(format!("`{name}` must be a record id")))
}

fn ids(body: &Value, name: &str) -> Result<Vec<u64>, Problem> {
    let list = body[name].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|item| super::body::id(item).ok_or_else(|| Problem::new(format!("`{item}` is no record id"))))
        .collect()
}

fn tokens(account: &mut Account, verb: &str, body: &Value) -> Result<Value, Problem> {
    match verb {
        "expire" => {
            let now_ms = account.now_ms();
            account.auth.expire_all(now_ms);
        }
        "remove-scope" => {
            let scope = body["scope"].as_str().ok_or_else(|| Problem::new("`scope` is missing"))?;
            account.auth.remove_scope(scope);
        }
        _ => return Err(Problem::new(format!("`{verb}` is no order for tokens"))),
    }
    Ok(json!({}))
}

fn records(
    account: &mut Account,
    request: &Request,
    object: &str,
    rest: &[&str],
    body: &Value,
) -> Result<Value, Problem> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| Problem::new(format!("`{text}` is no number")));
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let from = request.query("from").map(number).transpose()?.unwrap_or(0);
            Ok(
                json!({"records": dump(account, object, from, rows(request))?, "shown": account.table(account.at(object)?).shown()}),
            )
        }
        ("POST", []) => Ok(json!({"id": create(account, object, &pairs(&body["properties"])?)?.to_string()})),
        ("POST", ["merge"]) => {
            let merged = merge(account, object, id(body, "primary")?, id(body, "other")?)?;
            Ok(json!({"id": merged.to_string()}))
        }
        ("POST", ["stamp-all"]) => stamp_all(account, object, whole(body, "ms")?).map(|()| json!({})),
        ("GET", ["nth", place]) => {
            let found = nth(account, object, usize::try_from(number(place)?).unwrap_or(usize::MAX))?;
            Ok(json!(dump(account, object, found, 1)?.pop()))
        }
        ("PATCH", ["nth", place]) => {
            let found = nth(account, object, usize::try_from(number(place)?).unwrap_or(usize::MAX))?;
            update(account, object, found, &pairs(&body["properties"])?)?;
            Ok(json!({"id": found.to_string()}))
        }
        ("PATCH", [id]) => {
            update(account, object, number(id)?, &pairs(&body["properties"])?)?;
            Ok(json!({ "id": id }))
        }
        ("DELETE", [id]) => {
            let removal = if request.query("erase") == Some("true") { Removal::Erase } else { Removal::Archive };
            remove(account, object, number(id)?, removal).map(|()| json!({}))
        }
        ("POST", [one, "link"]) => {
            let other = (body["object"].as_str().unwrap_or_default(), id(body, "id")?);
            relink(account, (object, number(one)?), other, body["ended"] == true).map(|()| json!({}))
        }
        ("POST", [id, "restore"]) => remove(account, object, number(id)?, Removal::Restore).map(|()| json!({})),
        _ => Err(Problem::new("no such call for records; `GET /` lists them")),
    }
}

fn pairs(properties: &Value) -> Result<Vec<(String, String)>, Problem> {
    let properties = properties.as_object().ok_or_else(|| Problem::new("`properties` must be an object"))?;
    let text = |(name, value): (&String, &Value)| {
        let value = value.as_str().ok_or_else(|| Problem::new(format!("the value of `{name}` must be a string")))?;
        Ok((name.clone(), value.to_owned()))
    };
    properties.iter().map(text).collect()
}

pub(crate) fn dump(account: &Account, object: &str, from: u64, limit: usize) -> Result<Vec<RecordDump>, Problem> {
    let at = account.at(object)?;
    let table = account.table(at);
    let mut views: Vec<View<'_>> = table.walk(from).take(limit).chain(table.walk_archived(from).take(limit)).collect();
    views.sort_by_key(View::id);
    views.truncate(limit);
    Ok(views.iter().map(describe).collect())
}

fn describe(view: &View<'_>) -> RecordDump {
    let kind = view.kind();
    let fixed = ["hs_object_id", kind.created_property, kind.modified_property].map(str::to_owned);
    let names = view.names().into_iter().chain(fixed);
    let properties = names.filter_map(|name| view.get(&name).map(|value| (name.clone(), value.into_owned()))).collect();
    RecordDump { id: view.id().to_string(), properties, archived: view.archived_ms().is_some() }
}

fn user(operation: &'static str) -> Origin<'static> {
    Origin { source: Source::User, trace_id: None, operation }
}

pub(crate) fn create(account: &mut Account, object: &str, properties: &[(String, String)]) -> Result<u64, Problem> {
    let at = account.at(object)?;
    known(account, at, properties)?;
    Ok(write::create(account, at, &properties.to_vec(), user("create"))?)
}

pub(crate) fn update(
    account: &mut Account,
    object: &str,
    id: u64,
    properties: &[(String, String)],
) -> Result<(), Problem> {
    let at = account.at(object)?;
    known(account, at, properties)?;
    Ok(write::update(account, at, id, &properties.to_vec(), user("update"))?)
}

/// A user can type what the interface would refuse, but not into a property that isn't there.
fn known(account: &Account, at: At, properties: &[(String, String)]) -> Result<(), Problem> {
    let unknown = properties.iter().find(|(name, _)| !account.objects[at].catalog.contains_key(name));
    unknown.map_or(Ok(()), |(name, _)| {
        Err(Problem::new(format!("`{name}` is no property of `{}`", account.kind(at).name)))
    })
}

pub(crate) fn nth(account: &Account, object: &str, place: usize) -> Result<u64, Problem> {
    let found = account.table(account.at(object)?).walk(0).nth(place);
    found.map(|view| view.id()).ok_or_else(|| Problem::new(format!("`{object}` has no record at {place}")))
}

/// The ways in which a record goes or comes back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Removal {
    Archive,
    Restore,
    Erase,
}

pub(crate) fn remove(account: &mut Account, object: &str, id: u64, removal: Removal) -> Result<(), Problem> {
    let at = account.at(object)?;
    let done = match removal {
        Removal::Archive => write::archive(account, at, id, Source::User),
        Removal::Restore => write::restore(account, at, id, Source::User),
        Removal::Erase => write::erase(account, at, id, Source::User),
    };
    if done { Ok(()) } else { Err(Problem::new(format!("`{object}` has no such record {id}"))) }
}

pub(crate) fn merge(account: &mut Account, object: &str, primary: u64, other: u64) -> Result<u64, Problem> {
    let at = account.at(object)?;
    Ok(write::merge(account, at, primary, other, Source::User)?)
}

/// Links two records as primary ones where there is such a link, or ends all links between them.
pub(crate) fn relink(
    account: &mut Account,
    (object, id): (&str, u64),
    (other, to_id): (&str, u64),
    is_ended: bool,
) -> Result<(), Problem> {
    let (from, to) = (account.at(object)?, account.at(other)?);
    let link = Link { from, id, to, to_id };
    if is_ended {
        associations::unlink(account, link, None, Source::User);
        return Ok(());
    }
    let (one, other) = (account.kind(from).type_id.clone(), account.kind(to).type_id.clone());
    let kind = link_types::primary(&one, &other).unwrap_or_else(|| link_types::plain(&one, &other)).0;
    Ok(associations::link(account, link, &[kind], Source::User)?)
}

pub(crate) fn change_list(account: &mut Account, list: u64, add: &[u64], remove: &[u64]) -> Result<Value, Problem> {
    Ok(lists::change_members(account, &list.to_string(), add, remove, Source::User)?)
}

pub(crate) fn stamp_all(account: &mut Account, object: &str, stamp_ms: i64) -> Result<(), Problem> {
    let at = account.at(object)?;
    account.objects[at].table.stamp_all(stamp_ms);
    Ok(())
}
