//! Links between records, which HubSpot calls associations.

use std::collections::{HashMap, VecDeque};

use ferry_sdk::connector::{Failure, Link, Outcome, Problem, Write};
use ferry_sdk::http::{Request, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Slots, is_keyed};
use crate::api::{Api, is_name};
use crate::failure::{self, CrmError};

/// HubSpot takes more, but a refused batch of this size is soon taken apart.
const BATCH_MOST: usize = 100;

/// A kind of link: `HUBSPOT_DEFINED` or the account's own, and its number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kind {
    category: String,
    type_id: u32,
    #[serde(default)]
    label: Option<String>,
}

#[derive(Deserialize)]
struct Kinds {
    results: Vec<Kind>,
}

/// Why a link can't be written.
pub(super) enum Refusal {
    /// It is the write's own fault.
    Problem(Problem),
    /// It may not be the write's fault.
    Failure(Failure),
}

/// HubSpot's documentation, "Associations | Association type id values": links without a label.
const PLAIN: [(&str, &str, u32); 15] = [
    ("contacts", "companies", 279),
    ("companies", "contacts", 280),
    ("deals", "contacts", 3),
    ("contacts", "deals", 4),
    ("deals", "companies", 341),
    ("calls", "contacts", 194),
    ("calls", "companies", 182),
    ("calls", "deals", 206),
    ("meetings", "contacts", 200),
    ("notes", "contacts", 202),
    ("notes", "companies", 190),
    ("notes", "deals", 214),
    ("tasks", "contacts", 204),
    ("tasks", "companies", 192),
    ("tasks", "deals", 216),
];

/// The kinds of links from one object, asked for at most once per other object.
pub(super) struct Types<'a> {
    api: &'a Api<'a>,
    from: &'a str,
    known: HashMap<String, Vec<Kind>>,
}

impl<'a> Types<'a> {
    pub(super) fn new(api: &'a Api<'a>, from: &'a str) -> Self {
        Self { api, from, known: HashMap::new() }
    }

    /// Links as they stand in the input of a create.
    pub(super) fn inline(&mut self, links: &[Link]) -> Result<Vec<Json>, Refusal> {
        let mut inline = Vec::with_capacity(links.len());
        for link in links {
            let kind = self.kind(link)?;
            let types = json!([{"associationCategory": kind.category, "associationTypeId": kind.type_id}]);
            inline.push(json!({"to": {"id": link.id}, "types": types}));
        }
        Ok(inline)
    }

    fn kind(&mut self, link: &Link) -> Result<Kind, Refusal> {
        let plain = PLAIN.iter().find(|(from, to, _)| *from == self.from && *to == link.object);
        if let (None, Some((.., type_id))) = (&link.label, plain) {
            return Ok(Kind { category: "HUBSPOT_DEFINED".to_owned(), type_id: *type_id, label: None });
        }
        let kinds = self.kinds(&link.object)?;
        let found =
            kinds.iter().find(|kind| kind.label.as_deref().filter(|label| !label.is_empty()) == link.label.as_deref());
        found.cloned().ok_or_else(|| {
            let label = link.label.as_deref().map_or("without a label".to_owned(), |label| format!("`{label}`"));
            let message = format!("HubSpot has no link {label} from `{}` to `{}`", self.from, link.object);
            Refusal::Problem(Problem::general(message))
        })
    }

    fn kinds(&mut self, to: &str) -> Result<&[Kind], Refusal> {
        if !is_name(to) {
            return Err(Refusal::Problem(Problem::general("a link names an object that HubSpot can't have")));
        }
        if !self.known.contains_key(to) {
            let request = Request::get(self.api.associations(self.from, to, "/labels"));
            let kinds: Kinds = self.api.json(request, to).map_err(Refusal::Failure)?;
            self.known.insert(to.to_owned(), kinds.results);
        }
        Ok(self.known.get(to).map(Vec::as_slice).unwrap_or_default())
    }
}

/// One link of a record that is there.
struct Pair {
    at: usize,
    from: String,
    to: String,
}

/// Links that go in one batch: to one object, of one kind, or of HubSpot's default.
type Group = (String, Option<Kind>);

/// Links what was written with what it belongs to. Doing so twice does no harm, so a write whose link failed for now is
/// reported as to be done later, and is then repeated as a whole.
pub(super) fn associate(types: &mut Types<'_>, object: &str, writes: &[Write], slots: &mut Slots, requests: usize) {
    let mut left = requests;
    for ((to, kind), pairs) in groups(types, object, writes, slots) {
        let mut queue = VecDeque::from(batches(pairs));
        while let Some(mut pairs) = queue.pop_front() {
            if left == 0 {
                postpone(&pairs, None, slots);
                continue;
            }
            left -= 1;
            match send(types, &to, kind.as_ref(), &pairs) {
                Sent::Done => {}
                Sent::Later(wait) => postpone(&pairs, wait, slots),
                Sent::Refused if pairs.len() > 1 => {
                    let rest = pairs.split_off(pairs.len() / 2);
                    queue.extend([pairs, rest]);
                }
                Sent::Refused => pairs.iter().for_each(|pair| refuse(pair, &to, slots)),
            }
        }
    }
}

fn groups(types: &mut Types<'_>, object: &str, writes: &[Write], slots: &mut Slots) -> Vec<(Group, Vec<Pair>)> {
    let mut groups: Vec<(Group, Vec<Pair>)> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        let is_inline = matches!(write.operation, super::Operation::Create) && !is_keyed(object, &write.operation);
        let Some(from) = slots.written(at).map(str::to_owned).filter(|_| !is_inline) else { continue };
        for link in &write.links {
            let kind = match (&link.label, is_name(&link.object)) {
                (None, true) => Ok(None),
                _ => types.kind(link).map(Some),
            };
            match kind {
                Ok(kind) => {
                    let pair = Pair { at, from: from.clone(), to: link.id.clone() };
                    let group = (link.object.clone(), kind);
                    match groups.iter_mut().find(|(known, _)| *known == group) {
                        Some((_, pairs)) => pairs.push(pair),
                        None => groups.push((group, vec![pair])),
                    }
                }
                Err(Refusal::Problem(problem)) => slots.put(at, Outcome::Rejected(vec![problem])),
                Err(Refusal::Failure(failure)) => slots.put(at, super::later(failure)),
            }
        }
    }
    groups
}

fn batches(pairs: Vec<Pair>) -> Vec<Vec<Pair>> {
    let mut batches: Vec<Vec<Pair>> = Vec::new();
    for pair in pairs {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_MOST => batch.push(pair),
            _ => batches.push(vec![pair]),
        }
    }
    batches
}

enum Sent {
    Done,
    Later(Option<u32>),
    Refused,
}

fn send(types: &Types<'_>, to: &str, kind: Option<&Kind>, pairs: &[Pair]) -> Sent {
    let input = |pair: &Pair| match kind {
        None => json!({"from": {"id": pair.from}, "to": {"id": pair.to}}),
        Some(kind) => {
            let types = json!([{"associationCategory": kind.category, "associationTypeId": kind.type_id}]);
            json!({"from": {"id": pair.from}, "to": {"id": pair.to}, "types": types})
        }
    };
    let rest = if kind.is_none() { "/batch/associate/default" } else { "/batch/create" };
    let inputs: Vec<Json> = pairs.iter().map(input).collect();
    let request = Request::post(types.api.associations(types.from, to, rest)).json(&json!({"inputs": inputs}));
    match types.api.try_send(request.repeatable()) {
        Ok(response) => judge(&response, to),
        Err(error) => Sent::later(error.into()),
    }
}

fn judge(response: &Response, to: &str) -> Sent {
    match response.status {
        200..300 if response.status != 207 => match response.json::<Json>() {
            // Nothing was linked and nothing refused: HubSpot's empty success, which proves nothing.
            Ok(answer) if answer["results"].as_array().is_some_and(Vec::is_empty) => Sent::Later(None),
            Ok(answer) if answer["errors"].as_array().is_some_and(|errors| !errors.is_empty()) => Sent::Refused,
            _ => Sent::Done,
        },
        207 | 400 | 404 | 409 | 413 | 422 => {
            let is_for_now = |error: &CrmError| matches!(error.outcome(), Outcome::Later(_));
            let errors = CrmError::all_of(response).unwrap_or_default();
            if errors.iter().any(is_for_now) { Sent::Later(None) } else { Sent::Refused }
        }
        _ => Sent::later(failure::failure(response, to)),
    }
}

impl Sent {
    fn later(failure: Failure) -> Self {
        match super::later(failure) {
            Outcome::Later(wait) => Self::Later(wait),
            _ => Self::Later(None),
        }
    }
}

fn postpone(pairs: &[Pair], wait: Option<u32>, slots: &mut Slots) {
    for pair in pairs {
        // A link that was refused for good stays refused.
        if slots.written(pair.at).is_some() {
            slots.put(pair.at, Outcome::Later(wait));
        }
    }
}

fn refuse(pair: &Pair, to: &str, slots: &mut Slots) {
    let message = format!(
        "it is in HubSpot as {}, but can't be linked with `{to}` {}: that record was deleted, archived or merged, or such \
         a link is not allowed",
        pair.from, pair.to
    );
    slots.put(pair.at, Outcome::Rejected(vec![Problem::general(message)]));
}
