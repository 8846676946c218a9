//! Which result of a batch belongs to which input. HubSpot's success says nothing by itself: a batch may come back with some
//! inputs refused (207), in another order, or empty and still `COMPLETE`.

use std::collections::HashMap;

use ferry_sdk::connector::{Outcome, Value, Written};
use ferry_sdk::http::Response;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Action, Input, Slots};
use crate::failure::CrmError;
use crate::{time, values};

/// What the host reads where an answer leaves an input out.
const UNEXPLAINED: &str = "HubSpot's answer does not say what became of this record";

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Saved>,
    #[serde(default)]
    errors: Vec<CrmError>,
}

/// A record as it is after the write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    id: String,
    #[serde(default)]
    properties: HashMap<String, Json>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    new: Option<bool>,
    #[serde(default)]
    object_write_trace_id: Option<String>,
}

/// Gives each input its outcome, but for those that it returns: these were refused, though not which one for what.
pub(super) fn outcomes(action: &Action, inputs: &[Input], response: &Response, slots: &mut Slots) -> Vec<Input> {
    let Ok(answer) = response.json::<Answer>() else {
        for input in inputs {
            slots.put(input.at, Outcome::Unknown("HubSpot's answer can't be read".to_owned()));
        }
        return Vec::new();
    };
    let mut open: Vec<&Input> = inputs.iter().collect();
    let nameless = take_errors(&answer.errors, &mut open, slots);
    take_results(action, answer.results, &mut open, slots);
    if let (Some(error), [input]) = (nameless.first(), inputs) {
        if !open.is_empty() {
            slots.put(input.at, error.outcome());
        }
        return Vec::new();
    }
    if !open.is_empty() && nameless.len() == open.len() {
        return open.into_iter().cloned().collect();
    }
    for input in open {
        slots.put(input.at, Outcome::Unknown(UNEXPLAINED.to_owned()));
    }
    Vec::new()
}

/// Gives the inputs that an error names their outcome, and returns the errors that name none.
fn take_errors<'a>(errors: &'a [CrmError], open: &mut Vec<&Input>, slots: &mut Slots) -> Vec<&'a CrmError> {
    let mut nameless = Vec::new();
    for error in errors {
        let names = |input: &Input| {
            let Some(context) = &error.context else { return false };
            let traces = context.object_write_trace_id.iter().flatten();
            let ids = context.ids.iter().flatten();
            let trace = input.at.to_string();
            traces.into_iter().any(|known| *known == trace)
                || input.id.as_ref().is_some_and(|id| ids.into_iter().any(|known| known == id))
        };
        let before = open.len();
        open.retain(|input| {
            let is_named = names(input);
            if is_named {
                slots.put(input.at, error.outcome());
            }
            !is_named
        });
        if open.len() == before {
            nameless.push(error);
        }
    }
    nameless
}

/// Finds each result's input by the surest sign first: the trace id, then the id or the unique value, then what was written.
fn take_results(action: &Action, results: Vec<Saved>, open: &mut Vec<&Input>, slots: &mut Slots) {
    let signs: [fn(&Action, &Input, &Saved) -> bool; 3] = [has_trace, has_identity, has_values];
    // The most telling input first: one with fewer values also fits the result of one that says more.
    open.sort_by_key(|input| std::cmp::Reverse(input.properties.len()));
    let mut results: Vec<Option<Saved>> = results.into_iter().map(Some).collect();
    for is_of in signs {
        open.retain(|input| {
            let found =
                results.iter_mut().find(|slot| slot.as_ref().is_some_and(|result| is_of(action, input, result)));
            let Some(result) = found.and_then(Option::take) else { return true };
            slots.put(input.at, result.outcome(action));
            false
        });
    }
}

fn has_trace(_: &Action, input: &Input, result: &Saved) -> bool {
    result.object_write_trace_id.as_deref() == Some(input.at.to_string().as_str())
}

fn has_identity(action: &Action, input: &Input, result: &Saved) -> bool {
    let Some(id) = &input.id else { return false };
    match action {
        Action::Upsert(property) => result.holds(property, id),
        Action::Update | Action::Archive => result.id == *id,
        Action::Create => false,
    }
}

/// Only for creates: what has an id or a unique value is known by it, or not at all.
fn has_values(action: &Action, input: &Input, result: &Saved) -> bool {
    *action == Action::Create
        && !input.properties.is_empty()
        && result.object_write_trace_id.is_none()
        && input.properties.iter().all(|(name, value)| result.holds(name, value.as_str().unwrap_or_default()))
}

impl Saved {
    fn holds(&self, property: &str, text: &str) -> bool {
        let held = self.properties.get(property).and_then(Json::as_str).unwrap_or_default();
        values::holds(&Value::Text(text.to_owned()), held)
    }

    fn outcome(self, action: &Action) -> Outcome {
        let created = self.new.unwrap_or(*action == Action::Create);
        let modified = self.updated_at.as_deref().and_then(time::instant);
        Outcome::Written(Written { id: self.id, created, modified, version: None })
    }
}
