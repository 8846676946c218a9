//! Writes to HubSpot in batches, and says of each write what became of it. Which record a value belongs to, and when to try
//! again, is the host's to decide.

mod batch;
mod key;
mod links;
mod matching;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use ferry_sdk::connector::{Call, Failure, Operation, Outcome, Problem, Value, Write, Written};
use serde_json::{Map, Value as Json, json};

use crate::api::Api;
use crate::objects;
use crate::schema::ACTIVITY_TIME;
use crate::values;

use batch::Sender;
use links::Types;

/// The requests that one push may send. Bisecting is what needs many: a hundred poison rows take about two hundred. Beyond,
/// the rest of the writes waits for the next push.
const REQUESTS_MOST: usize = 250;

/// What a batch does with all of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Create,
    Update,
    /// By the value of this property.
    Upsert(String),
    Archive,
}

/// One write as HubSpot's batches take it.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// Its place among the writes; also its trace id.
    pub(crate) at: usize,
    /// The record's id, or the value that an upsert goes by.
    pub(crate) id: Option<String>,
    pub(crate) properties: Map<String, Json>,
    pub(crate) associations: Vec<Json>,
}

/// What became of the writes so far.
pub(crate) struct Slots(Vec<Option<Result<Outcome, Failure>>>);

impl Slots {
    pub(crate) fn put(&mut self, at: usize, outcome: Outcome) {
        self.set(at, Ok(outcome));
    }

    /// Nothing was written, and the failure would be the same for any write.
    pub(crate) fn fail(&mut self, at: usize, failure: Failure) {
        self.set(at, Err(failure));
    }

    fn set(&mut self, at: usize, result: Result<Outcome, Failure>) {
        if let Some(slot) = self.0.get_mut(at) {
            *slot = Some(result);
        }
    }

    /// The id under which this write now is in HubSpot.
    pub(crate) fn written(&self, at: usize) -> Option<&str> {
        match self.0.get(at)? {
            Some(Ok(Outcome::Written(written))) => Some(&written.id),
            _ => None,
        }
    }

    /// # Errors
    /// The failure of all, where it is one: a failure of the call promises that no write took effect.
    fn finish(self) -> Result<Vec<Outcome>, Failure> {
        let all_failed = !self.0.is_empty() && self.0.iter().all(|slot| matches!(slot, Some(Err(_))));
        if all_failed && let Some(Some(Err(failure))) = self.0.first() {
            return Err(failure.clone());
        }
        Ok(self
            .0
            .into_iter()
            .map(|slot| slot.map_or(Outcome::Later(None), |result| result.unwrap_or_else(later)))
            .collect())
    }
}

fn later(failure: Failure) -> Outcome {
    match failure {
        Failure::RateLimited(wait) => Outcome::Later(wait),
        _ => Outcome::Later(None),
    }
}

/// One outcome per write, in order.
pub(crate) fn push(call: &Call<'_>, object: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let api = Api::open(call)?;
    objects::checked(object)?;
    let mut slots = Slots(vec![None; writes.len()]);
    let mut types = Types::new(&api, object);
    let mut sender = Sender::new(&api, object, REQUESTS_MOST);
    for wave in waves(object, writes) {
        let mut batches: Vec<(Action, Vec<Input>)> = Vec::new();
        for at in wave {
            let Some(write) = writes.get(at) else { continue };
            let Some((action, input)) = prepare(&api, object, write, at, &mut types, &mut slots) else { continue };
            match batches.iter_mut().find(|(known, _)| *known == action) {
                Some((_, inputs)) => inputs.push(input),
                None => batches.push((action, vec![input])),
            }
        }
        for (action, inputs) in batches {
            sender.send(&action, inputs, &mut slots);
        }
    }
    links::associate(&mut types, object, writes, &mut slots, sender.left());
    slots.finish()
}

/// Whether a create of this object is kept apart by the host's key, in a property of its own.
pub(crate) fn is_keyed(object: &str, operation: &Operation) -> bool {
    matches!(operation, Operation::Create) && objects::is_activity(object)
}

/// Places of writes that may go together. HubSpot refuses a batch that names a record twice, and the order of two writes to
/// one record matters; so the second one goes in the next wave.
fn waves(object: &str, writes: &[Write]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        let target = match &write.operation {
            Operation::Create if is_keyed(object, &write.operation) => Some(format!("key {}", write.key)),
            Operation::Create => None,
            Operation::Update(id) | Operation::Delete(id) => Some(format!("id {id}")),
            Operation::Upsert((field, value)) => {
                Some(format!("{field} {}", values::write(value).trim().to_lowercase()))
            }
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

/// The write as an input; none where its outcome is clear without asking HubSpot.
fn prepare(
    api: &Api<'_>,
    object: &str,
    write: &Write,
    at: usize,
    types: &mut Types<'_>,
    slots: &mut Slots,
) -> Option<(Action, Input)> {
    let mut properties: Map<String, Json> =
        write.values.iter().map(|(name, value)| (name.clone(), json!(values::write(value)))).collect();
    let mut associations = Vec::new();
    let (action, id) = match &write.operation {
        Operation::Create if is_keyed(object, &write.operation) => {
            if !has_time(write) {
                let problem = Problem::of(ACTIVITY_TIME, "HubSpot takes no activity without its time");
                slots.put(at, Outcome::Rejected(vec![problem]));
                return None;
            }
            let property = api.settings.unique_call_property.clone();
            properties.insert(property.clone(), json!(write.key));
            (Action::Upsert(property), Some(write.key.clone()))
        }
        Operation::Create => {
            // A create that is not keyed can't be repeated, so its links go with it rather than after it.
            match types.inline(&write.links) {
                Ok(inline) => associations = inline,
                Err(links::Refusal::Problem(problem)) => {
                    slots.put(at, Outcome::Rejected(vec![problem]));
                    return None;
                }
                Err(links::Refusal::Failure(failure)) => {
                    slots.fail(at, failure);
                    return None;
                }
            }
            (Action::Create, None)
        }
        Operation::Update(id) if properties.is_empty() => {
            // Only links are to be written, and these come later.
            slots.put(at, written(id));
            return None;
        }
        Operation::Update(id) => (Action::Update, Some(id.clone())),
        Operation::Upsert((field, value)) => (Action::Upsert(field.clone()), Some(values::write(value))),
        Operation::Delete(id) => (Action::Archive, Some(id.clone())),
    };
    Some((action, Input { at, id, properties, associations }))
}

fn has_time(write: &Write) -> bool {
    write.values.iter().any(|(name, value)| name == ACTIVITY_TIME && *value != Value::Null)
}

fn written(id: &str) -> Outcome {
    Outcome::Written(Written { id: id.to_owned(), created: false, modified: None, version: None })
}
