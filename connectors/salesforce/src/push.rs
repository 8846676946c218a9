//! Writes to Salesforce in collections, and says of each write what became of it. Which record a value belongs to, and when to
//! try again, is the host's to decide.

pub(crate) mod bulk;
mod sender;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use ferry_sdk::connector::{Failure, Link, Operation, Outcome, Problem, Write, Written};
use serde_json::{Map, Value as Json, json};

use crate::api::{Api, is_id, is_name};
use crate::objects;
use crate::values;

use sender::Sender;

/// What a request does with all of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Create,
    Update,
    /// By the value of this external id field.
    Upsert(String),
    Delete,
    /// One record by itself, if it has not changed since.
    UpdateUnchanged(String),
}

/// One write as the collections take it.
#[derive(Debug, Clone)]
struct Input {
    /// Its place among the writes.
    at: usize,
    /// The record's id, or the value that an upsert goes by.
    id: String,
    record: Map<String, Json>,
}

/// What became of the writes so far.
struct Slots(Vec<Option<Result<Outcome, Failure>>>);

impl Slots {
    fn put(&mut self, at: usize, outcome: Outcome) {
        self.set(at, Ok(outcome));
    }

    /// Nothing was written, and the failure would be the same for any write.
    fn fail(&mut self, at: usize, failure: Failure) {
        self.set(at, Err(failure));
    }

    fn set(&mut self, at: usize, result: Result<Outcome, Failure>) {
        if let Some(slot) = self.0.get_mut(at) {
            *slot = Some(result);
        }
    }

    /// # Errors
    /// The failure of all, where it is one: a failure of the call promises that no write took effect.
    fn finish(self) -> Result<Vec<Outcome>, Failure> {
        let all_failed = !self.0.is_empty() && self.0.iter().all(|slot| matches!(slot, Some(Err(_))));
        if all_failed && let Some(Some(Err(failure))) = self.0.first() {
            return Err(failure.clone());
        }
        let outcome = |result: Result<Outcome, Failure>| {
            result.unwrap_or_else(|failure| match failure {
                Failure::RateLimited(wait) => Outcome::Later(wait),
                _ => Outcome::Later(None),
            })
        };
        Ok(self.0.into_iter().map(|slot| slot.map_or(Outcome::Later(None), outcome)).collect())
    }
}

/// One outcome per write, in order.
pub(crate) fn push(api: &Api<'_>, object: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let mut slots = Slots(vec![None; writes.len()]);
    let mut sender = Sender::new(api, object);
    for wave in waves(api, object, writes) {
        let mut batches: Vec<(Action, Vec<Input>)> = Vec::new();
        for at in wave {
            let Some(write) = writes.get(at) else { continue };
            let (action, input) = match prepare(api, object, write, at) {
                Ok(prepared) => prepared,
                Err(problem) => {
                    slots.put(at, Outcome::Rejected(vec![problem]));
                    continue;
                }
            };
            match batches.iter_mut().find(|(known, _)| *known == action) {
                Some((_, inputs)) => inputs.push(input),
                None => batches.push((action, vec![input])),
            }
        }
        for (action, inputs) in batches {
            sender.send(&action, inputs, &mut slots);
        }
    }
    slots.finish()
}

/// Whether a create of this object is kept apart by the host's key, in a field of its own.
pub(crate) fn is_keyed(object: &str, operation: &Operation) -> bool {
    matches!(operation, Operation::Create) && objects::is_activity(object)
}

/// Places of writes that may go together. A collection must not name a record twice, and the order of two writes to one record
/// matters; so the second one goes in the next wave.
fn waves(api: &Api<'_>, object: &str, writes: &[Write]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        let target = match &write.operation {
            Operation::Create if is_keyed(object, &write.operation) => {
                Some(format!("{} {}", api.settings.key_field, write.key))
            }
            Operation::Create => None,
            // An id of 15 characters and its form of 18 are one record.
            Operation::Update(id) | Operation::Delete(id) => Some(format!("id {}", id.get(..15).unwrap_or(id))),
            Operation::Upsert((field, value)) => Some(format!("{field} {}", text(value).to_lowercase())),
        };
        let wave = target.map_or(0, |target| {
            let count = seen.entry(target).or_default();
            *count += 1;
            *count - 1
        });
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        if let Some(wave) = waves.get_mut(wave) {
            wave.push(at);
        }
    }
    waves
}

/// A value as the text that an external id is compared by.
pub(crate) fn text(value: &ferry_sdk::value::Value) -> String {
    match values::write(value) {
        Json::String(text) => text.trim().to_owned(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// The write as an input.
///
/// # Errors
/// The problem that is clear without asking Salesforce.
fn prepare(api: &Api<'_>, object: &str, write: &Write, at: usize) -> Result<(Action, Input), Problem> {
    let mut record: Map<String, Json> = Map::new();
    for (name, value) in &write.values {
        if !is_name(name) {
            return Err(Problem::of(name, "is no name of a Salesforce field"));
        }
        record.insert(name.clone(), values::write(value));
    }
    for link in &write.links {
        record.insert(reference(object, link)?, json!(link.id));
    }
    let checked = |id: &String| {
        if is_id(id) { Ok(id.clone()) } else { Err(Problem::general("this is no id of a Salesforce record")) }
    };
    let (action, id) = match &write.operation {
        Operation::Create if is_keyed(object, &write.operation) => {
            (Action::Upsert(api.settings.key_field.clone()), write.key.clone())
        }
        Operation::Create => (Action::Create, String::new()),
        Operation::Update(id) => match &write.version {
            Some(version) => (Action::UpdateUnchanged(version.clone()), checked(id)?),
            None => (Action::Update, checked(id)?),
        },
        Operation::Upsert((field, value)) => {
            if !is_name(field) || text(value).is_empty() {
                return Err(Problem::of(field, "holds nothing that a record could be found by"));
            }
            (Action::Upsert(field.clone()), text(value))
        }
        Operation::Delete(id) => (Action::Delete, checked(id)?),
    };
    Ok((action, Input { at, id, record }))
}

/// The field that holds a link: the one that the label names, else the usual one between these objects.
fn reference(object: &str, link: &Link) -> Result<String, Problem> {
    if !is_id(&link.id) {
        return Err(Problem::general("the linked record's id is none of Salesforce's"));
    }
    if let Some(label) = link.label.as_ref() {
        let problem = || Problem::general("a link's label is the name of the field that holds it, as in `AccountId`");
        return is_name(label).then(|| label.clone()).ok_or_else(problem);
    }
    let field = match (object, link.object.as_str()) {
        ("Task" | "Event", "Contact" | "Lead") => "WhoId",
        ("Task" | "Event", _) => "WhatId",
        ("Contact" | "Opportunity", "Account") => "AccountId",
        (_, other) => {
            let message =
                format!("`{object}` has no usual link with `{other}`: name the field that holds it as its label");
            return Err(Problem::general(message));
        }
    };
    Ok(field.to_owned())
}

fn written(id: &str, created: bool) -> Outcome {
    Outcome::Written(Written { id: id.to_owned(), created, modified: None, version: None })
}
