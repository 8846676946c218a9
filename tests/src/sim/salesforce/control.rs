//! The control interface over HTTP: the same levers that Rust tests have. `GET /` lists what there is.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::cell::Cell;
use super::errors::ApiError;
use super::handle::Shared;
use super::id::Id;
use super::org::{At, Org};
use super::schema::{Field, FieldType};
use super::values;
use super::write::{self, Writer};
use crate::sim::control::{self, Problem, rows, whole};
use crate::sim::server::{Reply, Request, lock};
use crate::sim::stamp;

const DAY_MS: i64 = 86_400_000;

const HELP: [&str; 19] = [
    "GET /state",
    "PUT /clock {now: ISO or ms}",
    "POST /clock/advance {ms}",
    "GET /faults",
    "POST /faults {fault, probability?, seed?, count?, skip?, endpoint?}",
    "DELETE /faults[/{fault}]",
    "GET /switches, PATCH /switches {…}",
    "GET /journal?after=&limit=",
    "GET /changes?after=&limit=",
    "GET /counters, DELETE /counters",
    "GET /records/{object}?skip=&limit=",
    "POST /records/{object} {properties, stamp_ms?}",
    "PATCH /records/{id} {properties, stamp_ms?}",
    "DELETE /records/{id}, POST /records/{id}/undelete",
    "POST /merge {winner, loser}",
    "POST /convert {lead}",
    "POST /stamp-all/{object} {ms}",
    "POST /fields/{object} {name, label}",
    "POST /tokens/expire, POST /tokens/revoke, POST /cursors/close, POST /reset",
];

/// A record as it is stored, with its id and stamps; empty values left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordDump {
    /// The record's id, 18 characters.
    pub id: String,
    /// By name, as JSON has them.
    pub properties: Map<String, Value>,
    /// Whether it is in the recycle bin.
    pub deleted: bool,
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::new(error.message)
    }
}

/// Answers one request to the control interface.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
    control::reply(request, |parts, body| route(shared, request, parts, body))
}

fn route(shared: &Shared, request: &Request, parts: &[&str], body: &Value) -> Result<Value, Problem> {
    let mut org = lock(&shared.org);
    match (request.method.as_str(), parts) {
        ("GET", []) => Ok(json!({ "calls": HELP })),
        ("GET", ["state"]) => Ok(state(&org)),
        (_, ["clock", ..]) => {
            control::set_clock(&shared.clock, request, parts, body)?;
            Ok(state(&org))
        }
        (_, ["faults", ..]) => control::faults(&mut org.faults, request, parts, body),
        ("GET", ["switches"]) => Ok(json!(org.switches)),
        ("PATCH", ["switches"]) => {
            org.switches = control::switched(&org.switches, body)?;
            Ok(json!(org.switches))
        }
        (_, ["journal" | "counters"]) => control::accepted(&mut org.journal, request, parts),
        ("GET", ["changes"]) => Ok(json!({"events": org.changes.after(control::after(request), rows(request))})),
        ("POST", ["reset"]) => {
            drop(org);
            let [access_token, refresh_token] = shared.reset();
            Ok(json!({"access_token": access_token, "refresh_token": refresh_token}))
        }
        _ => order(&mut org, request, parts, body),
    }
}

/// What a person or an admin does in the CRM.
fn order(org: &mut Org, request: &Request, parts: &[&str], body: &Value) -> Result<Value, Problem> {
    let named = |name: &str| body[name].as_str().ok_or_else(|| Problem::new(format!("`{name}` must be a record id")));
    let done = |()| json!({});
    match (request.method.as_str(), parts) {
        ("GET", ["records", object]) => {
            let skip = request.query("skip").and_then(|skip| skip.parse().ok()).unwrap_or(0);
            let living = org.table(org.at(object)?).living();
            Ok(json!({"records": dump(org, object, skip, rows(request))?, "living": living}))
        }
        ("POST", ["records", object]) => {
            Ok(json!({"id": create(org, object, &body["properties"], body["stamp_ms"].as_i64())?}))
        }
        ("PATCH", ["records", id]) => update(org, id, &body["properties"], body["stamp_ms"].as_i64()).map(done),
        ("DELETE", ["records", id]) => delete(org, id).map(done),
        ("POST", ["records", id, "undelete"]) => {
            let (at, number) = find(org, id)?;
            let back = write::undelete(org, at, number, &Writer::person(None));
            if back { Ok(json!({})) } else { Err(Problem::new(format!("`{id}` is not in the recycle bin"))) }
        }
        ("POST", ["merge"]) => merge(org, named("winner")?, named("loser")?).map(done),
        ("POST", ["convert"]) => {
            let [account, contact] = convert(org, named("lead")?)?;
            Ok(json!({"account": account, "contact": contact}))
        }
        ("POST", ["stamp-all", object]) => stamp_all(org, object, whole(body, "ms")?).map(done),
        ("POST", ["fields", object]) => add_field(org, object, body).map(done),
        ("POST", ["tokens", "expire"]) => {
            org.sign_in.end_sessions();
            Ok(json!({}))
        }
        ("POST", ["tokens", "revoke"]) => {
            org.sign_in.revoke_all();
            Ok(json!({}))
        }
        ("POST", ["cursors", "close"]) => {
            org.cursors.close_all();
            Ok(json!({}))
        }
        _ => Err(Problem::new(format!("`{} {}` is no call; `GET /` lists them", request.method, request.path))),
    }
}

fn state(org: &Org) -> Value {
    json!({"now_ms": org.now_ms(), "now": stamp::iso(org.now_ms()), "switches": org.switches, "faults": org.faults.active(),
        "writes": org.journal.len()})
}

fn find(org: &Org, id: &str) -> Result<(At, u64), Problem> {
    let found = Id::parse(id).and_then(|id| Some((org.record(id)?.0, id.number)));
    found.ok_or_else(|| Problem::new(format!("`{id}` is no record")))
}

/// The values that a person sets: names and types must be right, permissions and rules do not count.
fn changes(org: &Org, at: At, fields: &Value) -> Result<values::Changes, Problem> {
    let fields = fields.as_object().ok_or_else(|| Problem::new("`properties` must be an object"))?;
    Ok(values::read_unchecked(org, at, fields)?)
}

pub(crate) fn create(org: &mut Org, object: &str, fields: &Value, stamp_ms: Option<i64>) -> Result<String, Problem> {
    let at = org.at(object)?;
    let changes = changes(org, at, fields)?;
    Ok(write::create(org, at, &changes, &Writer::person(stamp_ms))?.to_string())
}

pub(crate) fn update(org: &mut Org, id: &str, fields: &Value, stamp_ms: Option<i64>) -> Result<(), Problem> {
    let (at, number) = find(org, id)?;
    let changes = changes(org, at, fields)?;
    Ok(write::update(org, at, number, &changes, &Writer::person(stamp_ms))?)
}

pub(crate) fn delete(org: &mut Org, id: &str) -> Result<(), Problem> {
    let (at, number) = find(org, id)?;
    Ok(write::delete(org, at, number, &Writer::person(None))?)
}

pub(crate) fn merge(org: &mut Org, winner: &str, loser: &str) -> Result<(), Problem> {
    let ((at, winner), (other, loser)) = (find(org, winner)?, find(org, loser)?);
    if at != other || !org.kind(at).mergeable {
        return Err(Problem::new("only leads, contacts and accounts are merged, each with their like"));
    }
    Ok(write::merge(org, at, winner, loser, &Writer::person(None))?)
}

/// Makes an account and a contact of a lead, which is read-only from then on.
pub(crate) fn convert(org: &mut Org, lead: &str) -> Result<[String; 2], Problem> {
    let (at, number) = find(org, lead)?;
    if org.kind(at).name != "Lead" {
        return Err(Problem::new(format!("`{lead}` is no lead")));
    }
    let writer = Writer::person(None);
    let value = |org: &Org, name: &str| {
        let cell = org.kind(at).place(name).and_then(|place| Some(org.table(at).get(number)?.value(place).clone()));
        cell.unwrap_or_default()
    };
    if value(org, "IsConverted") == Cell::Bool(true) {
        return Err(Problem::new(format!("`{lead}` is converted already")));
    }
    let placed = |org: &Org, object: At, values: Vec<(&str, Cell)>| -> values::Changes {
        values.into_iter().filter_map(|(name, cell)| Some((org.kind(object).place(name)?, cell))).collect()
    };
    let (accounts, contacts) = (org.at("Account")?, org.at("Contact")?);
    let own = placed(org, accounts, vec![("Name", value(org, "Company")), ("Phone", value(org, "Phone"))]);
    let account = write::create(org, accounts, &own, &writer)?;
    let same = ["FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "LeadSource"];
    let mut own: Vec<(&str, Cell)> = same.map(|name| (name, value(org, name))).into();
    own.push(("AccountId", Cell::Id(account)));
    let own = placed(org, contacts, own);
    let contact = write::create(org, contacts, &own, &writer)?;
    let converted = vec![
        ("IsConverted", Cell::Bool(true)),
        ("Status", Cell::text("Closed - Converted")),
        ("ConvertedDate", Cell::Date(org.now_ms().div_euclid(DAY_MS))),
        ("ConvertedAccountId", Cell::Id(account)),
        ("ConvertedContactId", Cell::Id(contact)),
    ];
    let converted = placed(org, at, converted);
    write::update(org, at, number, &converted, &writer)?;
    Ok([account.to_string(), contact.to_string()])
}

pub(crate) fn stamp_all(org: &mut Org, object: &str, stamp_ms: i64) -> Result<(), Problem> {
    let at = org.at(object)?;
    org.objects[at].table.stamp_all(stamp_ms);
    Ok(())
}

/// Adds a custom text field, as an admin does.
fn add_field(org: &mut Org, object: &str, body: &Value) -> Result<(), Problem> {
    let at = org.at(object)?;
    let name = body["name"].as_str().filter(|name| name.ends_with("__c") && org.kind(at).place(name).is_none());
    let name = name.ok_or_else(|| Problem::new("`name` must be new and end with `__c`"))?;
    let field = Field::new(name, body["label"].as_str().unwrap_or(name), FieldType::Text);
    let now_ms = org.now_ms();
    org.objects[at].kind.add(field);
    org.objects[at].kind.changed_ms = now_ms;
    Ok(())
}

pub(crate) fn dump(org: &Org, object: &str, skip: usize, limit: usize) -> Result<Vec<RecordDump>, Problem> {
    let at = org.at(object)?;
    let records = org.table(at).walk(0..=u64::MAX).skip(skip).take(limit);
    let one = |record| {
        let fields = org.kind(at).fields.iter().enumerate();
        let values = fields.map(|(place, field)| (field.name.clone(), json!(*org.cell(at, record, place))));
        let properties = values.filter(|(_, value)| !value.is_null()).collect();
        RecordDump { id: org.id(at, record.number).to_string(), properties, deleted: record.deleted_ms.is_some() }
    };
    Ok(records.map(one).collect())
}
