//! Lists and their memberships: `/crm/v3/lists/…`. A change of membership moves no record's stamp.

use std::cell::Cell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::account::{Account, At, CONTACTS, Source, Write};
use super::body;
use super::errors::{ApiError, Outcome};
use super::filter::Group;
use super::seed::Seed;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

const MEMBERS_PER_PAGE: usize = 100;
const MEMBERS_PER_PAGE_MAX: usize = 250;
const LISTS_PER_PAGE_MAX: usize = 500;
/// HubSpot takes at most so many records in one change of membership.
const CHANGE_MAX: usize = 100_000;

/// All lists of the account.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    lists: BTreeMap<u64, List>,
    last_id: u64,
}

#[derive(Debug)]
struct List {
    id: u64,
    name: String,
    at: At,
    members: Members,
    version: u64,
    created_ms: i64,
    updated_ms: i64,
    deleted: bool,
}

#[derive(Debug)]
enum Members {
    /// `MANUAL` or `SNAPSHOT`: record id and when it joined.
    Listed { processing: &'static str, joined: BTreeMap<u64, i64> },
    /// `DYNAMIC`: whatever matches; the size is kept until the table changes.
    Matching { group: Box<Group>, size: Cell<Option<(u64, u64)>> },
}

impl Lists {
    /// Adds a list and gives its id.
    fn add(&mut self, name: &str, at: At, members: Members, now_ms: i64) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        let name = name.to_owned();
        self.lists.insert(
            id,
            List { id, name, at, members, version: 1, created_ms: now_ms, updated_ms: now_ms, deleted: false },
        );
        id
    }

    /// Puts the new id of a merged record where the old one was.
    pub(crate) fn rename(&mut self, at: At, old: u64, new: u64) {
        for list in self.lists.values_mut().filter(|list| list.at == at) {
            if let Members::Listed { joined, .. } = &mut list.members
                && let Some(at_ms) = joined.remove(&old)
            {
                joined.insert(new, at_ms);
            }
        }
    }

    fn get(&self, id: &str) -> Result<&List, ApiError> {
        let found = id.parse().ok().and_then(|id: u64| self.lists.get(&id)).filter(|list| !list.deleted);
        found.ok_or_else(|| ApiError::not_found(format!("List does not exist with ID {id}.")))
    }
}

impl List {
    fn processing(&self) -> &'static str {
        match &self.members {
            Members::Listed { processing, .. } => processing,
            Members::Matching { .. } => "DYNAMIC",
        }
    }

    /// (record id, joined) of the shown members from `id` on, in the order of ids.
    fn members<'a>(&'a self, account: &'a Account, id: u64) -> Box<dyn Iterator<Item = (u64, i64)> + 'a> {
        let table = account.table(self.at);
        match &self.members {
            Members::Listed { joined, .. } => {
                let shown = joined.range(id..).filter(|(id, _)| table.shown_view(**id).is_some());
                Box::new(shown.map(|(id, at_ms)| (*id, *at_ms)))
            }
            Members::Matching { group, .. } => {
                let matching = table.walk(id).filter(|view| group.matches(account, self.at, view));
                Box::new(matching.map(|view| (view.id(), view.created_ms())))
            }
        }
    }

    /// When a shown record joined; none where it is no member.
    fn joined_ms(&self, account: &Account, id: u64) -> Option<i64> {
        let view = account.table(self.at).shown_view(id)?;
        match &self.members {
            Members::Listed { joined, .. } => joined.get(&id).copied(),
            Members::Matching { group, .. } => group.matches(account, self.at, &view).then(|| view.created_ms()),
        }
    }

    fn size(&self, account: &Account) -> u64 {
        let version = account.table(self.at).version;
        let known = match &self.members {
            Members::Matching { size, .. } => size.get().filter(|(at, _)| *at == version),
            Members::Listed { .. } => None,
        };
        if let Some((_, size)) = known {
            return size;
        }
        let counted = self.members(account, 0).count() as u64;
        if let Members::Matching { size, .. } = &self.members {
            size.set(Some((version, counted)));
        }
        counted
    }

    fn to_json(&self, account: &Account) -> Value {
        let size = self.size(account);
        json!({"listId": self.id.to_string(), "listVersion": self.version, "name": self.name,
            "objectTypeId": account.kind(self.at).type_id, "processingType": self.processing(), "processingStatus": "COMPLETE",
            "size": size, "createdAt": stamp::iso(self.created_ms), "updatedAt": stamp::iso(self.updated_ms),
            "filtersUpdatedAt": stamp::iso(self.created_ms), "createdById": "500", "updatedById": "500",
            "additionalProperties": {"hs_list_size": size.to_string()}})
    }
}

/// The lists of a seeded account.
pub(crate) fn seed(account: &mut Account, seed: &Seed) {
    let (now_ms, every) = (account.started_ms, |step: u64, max: u64| {
        let indexes =
            (0..seed.count()).step_by(usize::try_from(step).unwrap_or(1)).take(usize::try_from(max).unwrap_or(0));
        indexes.map(|index| (seed.id(index), seed.created_ms(index))).collect::<BTreeMap<_, _>>()
    });
    let manual = Members::Listed { processing: "MANUAL", joined: every(7, 200_000) };
    let snapshot = Members::Listed { processing: "SNAPSHOT", joined: every(11, 1_000) };
    account.lists.add("Newsletter", CONTACTS, manual, now_ms);
    account.lists.add("Webinar attendees", CONTACTS, snapshot, now_ms);
    let dynamic = [
        ("New leads", json!({"propertyName": "hs_lead_status", "operator": "EQ", "value": "NEW"})),
        ("Customers", json!({"propertyName": "lifecyclestage", "operator": "EQ", "value": "customer"})),
    ];
    for (name, filter) in dynamic {
        // The properties are part of every account's catalog.
        if let Ok(group) = Group::parse(account, CONTACTS, &[filter]) {
            let members = Members::Matching { group: Box::new(group), size: Cell::new(None) };
            account.lists.add(name, CONTACTS, members, now_ms);
        }
    }
}

pub(crate) fn route(account: &mut Account, request: &Request, rest: &[&str]) -> Outcome {
    match (request.method.as_str(), rest) {
        ("POST", []) => create(account, request),
        ("GET", []) => by_ids(account, request),
        ("POST", ["search"]) => search(account, request),
        ("GET", ["object-type-id", type_id, "name", name]) => {
            let at = account.at(type_id)?;
            let found = account.lists.lists.values().find(|list| list.at == at && list.name == *name && !list.deleted);
            let found = found.ok_or_else(|| ApiError::not_found(format!("List does not exist with name {name}.")))?;
            Ok(Reply::json(200, &json!({"list": found.to_json(account)})))
        }
        ("GET", ["records", type_id, id, "memberships"]) => lists_of(account, account.at(type_id)?, id),
        ("GET", [id]) => Ok(Reply::json(200, &json!({"list": account.lists.get(id)?.to_json(account)}))),
        ("DELETE", [id]) => {
            let id = account.lists.get(id)?.id;
            account.lists.lists.entry(id).and_modify(|list| list.deleted = true);
            Ok(Reply::empty(204))
        }
        ("GET", [id, "memberships"]) => memberships(account, request, id, false),
        ("GET", [id, "memberships", "join-order"]) => memberships(account, request, id, true),
        ("PUT", [id, "memberships", verb]) => change(account, request, id, verb),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn create(account: &mut Account, request: &Request) -> Outcome {
    let body = body::object(request)?;
    let (name, at) = (body::text(&body, "name")?, account.at(body::text(&body, "objectTypeId")?)?);
    let processing = match body::text(&body, "processingType")? {
        "MANUAL" => "MANUAL",
        "SNAPSHOT" => "SNAPSHOT",
        other => {
            return Err(ApiError::invalid(format!("processingType {other} needs filters that are not supported here")));
        }
    };
    if account.lists.lists.values().any(|list| list.name == name && list.at == at && !list.deleted) {
        return Err(ApiError::invalid(format!("List with name {name} already exists.")));
    }
    let now_ms = account.now_ms();
    let id = account.lists.add(name, at, Members::Listed { processing, joined: BTreeMap::new() }, now_ms);
    Ok(Reply::json(200, &json!({"list": account.lists.get(&id.to_string())?.to_json(account)})))
}

fn by_ids(account: &Account, request: &Request) -> Outcome {
    let ids = request.query_list("listIds");
    let lists: Vec<Value> =
        ids.iter().filter_map(|id| account.lists.get(id).ok()).map(|list| list.to_json(account)).collect();
    Ok(Reply::json(200, &json!({ "lists": lists })))
}

fn search(account: &Account, request: &Request) -> Outcome {
    let body = body::object(request)?;
    let number = |name: &str, default: u64| {
        let number = if body[name].is_null() { Some(default) } else { body[name].as_u64() };
        number
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| ApiError::invalid(format!("{name} must be an integer")))
    };
    let (offset, count) = (number("offset", 0)?, number("count", 20)?);
    let count = super::page::check_limit(count, LISTS_PER_PAGE_MAX)?;
    let query = body["query"].as_str().unwrap_or("").to_lowercase();
    let types = body::texts(&body, "processingTypes")?;
    let at = body["objectTypeId"].as_str().map(|name| account.at(name)).transpose()?;
    let asked = |list: &&List| {
        let typed = types.is_empty() || types.iter().any(|kind| kind == list.processing());
        !list.deleted && typed && at.is_none_or(|at| list.at == at) && list.name.to_lowercase().contains(&query)
    };
    let found: Vec<&List> = account.lists.lists.values().filter(asked).collect();
    let page: Vec<Value> = found.iter().skip(offset).take(count).map(|list| list.to_json(account)).collect();
    let end = offset + page.len();
    Ok(Reply::json(200, &json!({"lists": page, "total": found.len(), "offset": end, "hasMore": end < found.len()})))
}

fn memberships(account: &Account, request: &Request, id: &str, by_join: bool) -> Outcome {
    let limit = super::page::limit(request, MEMBERS_PER_PAGE, MEMBERS_PER_PAGE_MAX)?;
    let list = account.lists.get(id)?;
    let token = |name: &str| request.query(name).map(untoken).transpose();
    let (after, before) = (token("after")?, token("before")?);
    if after.is_some() && before.is_some() {
        return Err(ApiError::invalid("after and before can not be given together"));
    }
    let mut members: Vec<(u64, i64)> = match (by_join, before) {
        (true, _) => {
            let mut members: Vec<_> = list.members(account, 0).collect();
            members.sort_by_key(|(id, at_ms)| (*at_ms, *id));
            let start = after.map_or(0, |after| members.iter().position(|(id, _)| *id == after).map_or(0, |at| at + 1));
            members.drain(..start);
            members
        }
        (false, Some(before)) => {
            let mut members: Vec<_> = list.members(account, 0).take_while(|(id, _)| *id < before).collect();
            members.drain(..members.len().saturating_sub(limit));
            members
        }
        (false, None) => list.members(account, after.map_or(0, |after| after + 1)).take(limit + 1).collect(),
    };
    let more = members.len() > limit;
    members.truncate(limit);
    let shown =
        |(id, at_ms): &(u64, i64)| json!({"recordId": id.to_string(), "membershipTimestamp": stamp::iso(*at_ms)});
    let mut answer = json!({"results": members.iter().map(shown).collect::<Vec<_>>()});
    if let Some((last, _)) = members.last().filter(|_| more) {
        answer["paging"] = json!({"next": {"after": to_token(*last), "link": format!("?after={}", to_token(*last))}});
    }
    Ok(Reply::json(200, &answer))
}

/// The lists that a record is in.
fn lists_of(account: &Account, at: At, id: &str) -> Outcome {
    let id = id.parse().map_err(|_| ApiError::invalid(format!("{id} is no record id")))?;
    let lists = account.lists.lists.values().filter(|list| list.at == at && !list.deleted);
    let shown = |list: &List| {
        let joined = stamp::iso(list.joined_ms(account, id)?);
        Some(json!({"listId": list.id.to_string(), "listVersion": list.version, "firstAddedTimestamp": joined,
            "lastAddedTimestamp": joined}))
    };
    let results: Vec<Value> = lists.filter_map(shown).collect();
    Ok(Reply::json(200, &json!({"total": results.len(), "results": results})))
}

/// HubSpot's tokens here are opaque; nobody is to compute one from an id.
fn to_token(id: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("m:{id}"))
}

fn untoken(token: &str) -> Result<u64, ApiError> {
    let text = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let id = text.and_then(|text| text.strip_prefix("m:").and_then(|id| id.parse().ok()));
    id.ok_or_else(|| ApiError::invalid("Invalid paging token"))
}

fn change(account: &mut Account, request: &Request, id: &str, verb: &str) -> Outcome {
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| ApiError::invalid("Invalid input JSON"))?;
    let ids = |value: &Value| {
        let list = value.as_array().filter(|list| list.len() <= CHANGE_MAX);
        let list =
            list.ok_or_else(|| ApiError::invalid(format!("a list of at most {CHANGE_MAX} record ids is expected")))?;
        let id = |item: &Value| body::id(item).ok_or_else(|| ApiError::invalid(format!("{item} is no record id")));
        list.iter().map(id).collect::<Result<Vec<u64>, ApiError>>()
    };
    let (add, remove) = match verb {
        "add" => (ids(&body)?, Vec::new()),
        "remove" => (Vec::new(), ids(&body)?),
        "add-and-remove" => (ids(&body["recordIdsToAdd"])?, ids(&body["recordIdsToRemove"])?),
        _ => return Err(ApiError::no_endpoint()),
    };
    let changed = change_members(account, id, &add, &remove, Source::Api)?;
    Ok(Reply::json(200, &changed))
}

/// Adds and removes members of a MANUAL or SNAPSHOT list; says which ids changed and which are unknown.
pub(crate) fn change_members(
    account: &mut Account,
    id: &str,
    add: &[u64],
    remove: &[u64],
    source: Source,
) -> Result<Value, ApiError> {
    let list = account.lists.get(id)?;
    let (id, at, now_ms) = (list.id, list.at, account.now_ms());
    let table = &account.objects[at].table;
    let exists = |id: &&u64| table.shown_view(**id).is_some();
    let missing: Vec<u64> = add.iter().filter(|id| !exists(id)).copied().collect();
    let Some(List { members: Members::Listed { joined, .. }, updated_ms, .. }) = account.lists.lists.get_mut(&id)
    else {
        return Err(ApiError::invalid("Memberships of a DYNAMIC list can not be changed"));
    };
    let mut added = Vec::new();
    for id in add.iter().filter(exists) {
        if joined.insert(*id, now_ms).is_none() {
            added.push(*id);
        }
    }
    let removed: Vec<u64> = remove.iter().filter(|id| joined.remove(id).is_some()).copied().collect();
    *updated_ms = now_ms;
    let text = |ids: &[u64]| ids.iter().map(u64::to_string).collect::<Vec<_>>();
    let described = [("added".to_owned(), text(&added).join(";")), ("removed".to_owned(), text(&removed).join(";"))];
    account.note(Write {
        object: "lists",
        id: &id,
        operation: "membership",
        properties: &described,
        trace_id: None,
        by: source,
    });
    Ok(json!({"recordsIdsAdded": text(&added), "recordIdsRemoved": text(&removed), "recordIdsMissing": text(&missing)}))
}
