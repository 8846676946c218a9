//! Sends batches, and takes apart those that HubSpot refuses as a whole, so that a poison row costs nobody but itself.

use std::collections::VecDeque;

use ferry_sdk::connector::{Failure, Outcome};
use ferry_sdk::http::{Error, Request, Response};
use serde_json::{Value as Json, json};

use super::{Action, Input, Slots, key, matching, written};
use crate::api::{Api, BATCH_MOST};
use crate::failure::{self, CrmError};

/// HubSpot needs a moment until a new property can be written.
const PROPERTY_SETTLES_MS: u32 = 5_000;

/// How many batches go side by side: a handful fills the account's rate, and a refusal of all of them costs little.
const SIDE_BY_SIDE: usize = 8;

/// Sends the batches of one push.
pub(super) struct Sender<'a> {
    api: &'a Api<'a>,
    object: &'a str,
    left: usize,
    /// The property for keys was looked for, and made if it was not there.
    key_ensured: bool,
}

/// What an answer means for its batch.
enum Verdict {
    /// Each input has its outcome.
    Done,
    /// Nothing was written; whose fault it is shows in smaller batches.
    Split,
    /// Nothing was written, for the property that keeps keys is not there.
    KeyMissing,
    /// These inputs were refused, but not which one for what: alone they will show.
    Apart(Vec<Input>),
}

impl<'a> Sender<'a> {
    pub(super) fn new(api: &'a Api<'a>, object: &'a str, requests: usize) -> Self {
        Self { api, object, left: requests, key_ensured: false }
    }

    /// The requests that this push may still send.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn send(&mut self, action: &Action, inputs: Vec<Input>, slots: &mut Slots) {
        let mut queue: VecDeque<Vec<Input>> = VecDeque::new();
        let mut inputs = inputs;
        while !inputs.is_empty() {
            let rest = inputs.split_off(inputs.len().min(BATCH_MOST));
            queue.push_back(std::mem::replace(&mut inputs, rest));
        }
        while !queue.is_empty() && self.left > 0 {
            let count = queue.len().min(SIDE_BY_SIDE).min(self.left);
            let round: Vec<Vec<Input>> = queue.drain(..count).collect();
            self.left -= count;
            let requests = round.iter().map(|inputs| self.request(action, inputs)).collect();
            let answers = self.api.try_send_all(requests);
            for (inputs, answer) in round.into_iter().zip(answers) {
                self.follow(action, inputs, answer, &mut queue, slots);
            }
        }
        // Whatever is still queued has no outcome, which is "later".
    }

    fn follow(
        &mut self,
        action: &Action,
        mut inputs: Vec<Input>,
        answer: Result<Response, Error>,
        queue: &mut VecDeque<Vec<Input>>,
        slots: &mut Slots,
    ) {
        match self.judge(action, &inputs, answer, slots) {
            Verdict::Done => {}
            Verdict::Split => {
                let rest = inputs.split_off(inputs.len() / 2);
                queue.extend([inputs, rest]);
            }
            Verdict::Apart(inputs) => queue.extend(inputs.into_iter().map(|input| vec![input])),
            Verdict::KeyMissing if self.key_ensured => {
                for input in &inputs {
                    slots.put(input.at, Outcome::Later(Some(PROPERTY_SETTLES_MS)));
                }
            }
            Verdict::KeyMissing => match key::ensure(self.api, self.object) {
                Ok(()) => {
                    self.key_ensured = true;
                    queue.push_back(inputs);
                }
                Err(failure) => {
                    fail(&inputs, &failure, slots);
                }
            },
        }
    }

    fn request(&self, action: &Action, inputs: &[Input]) -> Request {
        let (rest, is_repeatable) = match action {
            Action::Create => ("/batch/create", false),
            Action::Update => ("/batch/update", true),
            Action::Upsert(_) => ("/batch/upsert", true),
            Action::Archive => ("/batch/archive", true),
        };
        let inputs: Vec<Json> = inputs.iter().map(|input| body(action, input)).collect();
        let request = Request::post(self.api.objects(self.object, rest)).json(&json!({"inputs": inputs}));
        if is_repeatable { request.repeatable() } else { request }
    }

    fn judge(&self, action: &Action, inputs: &[Input], answer: Result<Response, Error>, slots: &mut Slots) -> Verdict {
        let response = match answer {
            Ok(response) => response,
            Err(Error::Unanswered(why)) => return unknown(inputs, &why, slots),
            Err(Error::TooLarge(_)) => return unknown(inputs, "HubSpot's answer was too large to be read", slots),
            Err(error) => return fail(inputs, &Failure::from(error), slots),
        };
        match response.status {
            204 if *action == Action::Archive => {
                for input in inputs {
                    slots.put(input.at, written(input.id.as_deref().unwrap_or_default()));
                }
                Verdict::Done
            }
            200..300 if self.key_missing(action, &response) => Verdict::KeyMissing,
            200..300 => match matching::outcomes(action, inputs, &response, slots) {
                apart if apart.is_empty() => Verdict::Done,
                apart => Verdict::Apart(apart),
            },
            400 | 404 | 409 | 413 | 422 => self.refused(action, inputs, &response, slots),
            // The write may have got through before the answer was lost on the way back.
            status @ (408 | 500 | 502 | 504 | 524) if *action == Action::Create => {
                unknown(inputs, &format!("HubSpot answered with status {status}"), slots)
            }
            408 | 500 | 502 | 504 | 524 => {
                for input in inputs {
                    slots.put(input.at, Outcome::Later(None));
                }
                Verdict::Done
            }
            _ => fail(inputs, &failure::failure(&response, self.object), slots),
        }
    }

    fn is_keyed(&self, action: &Action) -> bool {
        matches!(action, Action::Upsert(property) if *property == self.api.settings.unique_call_property)
    }

    /// Whether every input was refused because the key's property is not there: then none took effect.
    fn key_missing(&self, action: &Action, response: &Response) -> bool {
        let errors = if self.is_keyed(action) { CrmError::all_of(response) } else { return false };
        let key = &self.api.settings.unique_call_property;
        errors.is_ok_and(|errors| !errors.is_empty() && errors.iter().all(|error| error.misses_property(key)))
    }

    fn refused(&self, action: &Action, inputs: &[Input], response: &Response, slots: &mut Slots) -> Verdict {
        let error = CrmError::of(response);
        if self.is_keyed(action) && error.misses_property(&self.api.settings.unique_call_property) {
            return Verdict::KeyMissing;
        }
        if response.status == 404 && error.category() != "OBJECT_NOT_FOUND" {
            return fail(inputs, &Failure::Missing(self.object.to_owned()), slots);
        }
        match inputs {
            [input] => {
                slots.put(input.at, error.outcome());
                Verdict::Done
            }
            _ => Verdict::Split,
        }
    }
}

fn fail(inputs: &[Input], failure: &Failure, slots: &mut Slots) -> Verdict {
    for input in inputs {
        slots.fail(input.at, failure.clone());
    }
    Verdict::Done
}

fn unknown(inputs: &[Input], why: &str, slots: &mut Slots) -> Verdict {
    for input in inputs {
        slots.put(input.at, Outcome::Unknown(why.to_owned()));
    }
    Verdict::Done
}

fn body(action: &Action, input: &Input) -> Json {
    if *action == Action::Archive {
        return json!({"id": input.id});
    }
    let mut body = json!({"properties": input.properties, "objectWriteTraceId": input.at.to_string()});
    if let Some(id) = &input.id {
        body["id"] = json!(id);
    }
    if let Action::Upsert(property) = action {
        body["idProperty"] = json!(property);
    }
    if !input.associations.is_empty() {
        body["associations"] = json!(input.associations);
    }
    body
}
