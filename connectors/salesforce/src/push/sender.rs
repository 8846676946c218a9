//! Sends collections, and takes apart those that Salesforce refuses as a whole, so that a poison row costs nobody but itself.

use std::collections::VecDeque;

use ferry_sdk::connector::{Failure, Outcome};
use ferry_sdk::http::{Error, Request, Response};
use ferry_sdk::time;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Action, Input, Slots, written};
use crate::api::{Api, COLLECTION_MOST};
use crate::failure::{self, CrmError};
use crate::resolve;

/// The requests that one push may send. Bisecting is what needs many. Beyond, the rest of the writes waits for the next push.
const REQUESTS_MOST: usize = 250;

/// How many requests go side by side: an org serves few at a time, and a refusal of all of them costs little.
const SIDE_BY_SIDE: usize = 8;

/// What a collection says of one record.
#[derive(Deserialize)]
struct Saved {
    #[serde(default)]
    id: Option<String>,
    success: bool,
    #[serde(default)]
    created: Option<bool>,
    #[serde(default)]
    errors: Vec<CrmError>,
}

/// Sends the batches of one push.
pub(super) struct Sender<'a> {
    api: &'a Api<'a>,
    object: &'a str,
    left: usize,
}

impl<'a> Sender<'a> {
    pub(super) fn new(api: &'a Api<'a>, object: &'a str) -> Self {
        Self { api, object, left: REQUESTS_MOST }
    }

    pub(super) fn send(&mut self, action: &Action, mut inputs: Vec<Input>, slots: &mut Slots) {
        let most = if matches!(action, Action::UpdateUnchanged(_)) { 1 } else { COLLECTION_MOST };
        let mut queue: VecDeque<Vec<Input>> = VecDeque::new();
        while !inputs.is_empty() {
            let rest = inputs.split_off(inputs.len().min(most));
            queue.push_back(std::mem::replace(&mut inputs, rest));
        }
        while !queue.is_empty() && self.left > 0 {
            let round: Vec<Vec<Input>> = queue.drain(..queue.len().min(SIDE_BY_SIDE).min(self.left)).collect();
            self.left -= round.len();
            let requests = round.iter().map(|inputs| self.request(action, inputs)).collect();
            for (mut inputs, answer) in round.into_iter().zip(self.api.try_send_all(requests)) {
                if self.judge(action, &inputs, answer, slots) {
                    let rest = inputs.split_off(inputs.len() / 2);
                    queue.extend([inputs, rest]);
                }
            }
        }
        // Whatever is still queued has no outcome, which is "later".
    }

    fn request(&self, action: &Action, inputs: &[Input]) -> Request {
        let collection = self.api.path("/composite/sobjects");
        let request = match action {
            Action::Create => Request::post(collection).json(&self.body(action, inputs)),
            // Setting values a second time does no more than setting them once.
            Action::Update => Request::patch(collection).json(&self.body(action, inputs)).repeatable(),
            // Not repeated by the host: a field that can only be given at creation would refuse the second time.
            Action::Upsert(field) => {
                let target = format!("{collection}/{}/{field}", self.object);
                Request::patch(target).json(&self.body(action, inputs))
            }
            Action::Delete => {
                let ids: Vec<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
                Request::delete(collection).query("ids", ids.join(",")).query("allOrNone", "false")
            }
            Action::UpdateUnchanged(version) => {
                let (id, record) =
                    inputs.first().map_or(("", json!({})), |input| (input.id.as_str(), json!(input.record)));
                let since = time::instant(version).map(http_date).unwrap_or_default();
                let target = self.api.object(self.object, &format!("/{id}"));
                Request::patch(target).json(&record).header("if-unmodified-since", since)
            }
        };
        self.api.write(request)
    }

    fn body(&self, action: &Action, inputs: &[Input]) -> Json {
        let record = |input: &Input| {
            let mut record = input.record.clone();
            record.insert("attributes".to_owned(), json!({"type": self.object}));
            match action {
                Action::Update => record.insert("id".to_owned(), json!(input.id)),
                Action::Upsert(field) => record.insert(field.clone(), json!(input.id)),
                _ => None,
            };
            Json::Object(record)
        };
        json!({"allOrNone": false, "records": inputs.iter().map(record).collect::<Vec<_>>()})
    }

    /// Whether nothing was written, and whose fault it is shows in smaller batches.
    fn judge(&self, action: &Action, inputs: &[Input], answer: Result<Response, Error>, slots: &mut Slots) -> bool {
        let response = match answer {
            Ok(response) => response,
            Err(Error::Unanswered(why)) => return unknown(inputs, &why, slots),
            Err(Error::TooLarge(_)) => return unknown(inputs, "Salesforce's answer was too large to be read", slots),
            Err(error) => return fail(inputs, &Failure::from(error), slots),
        };
        match (response.status, action) {
            (412, Action::UpdateUnchanged(_)) => put(inputs, &Outcome::Conflict, slots),
            (204, Action::UpdateUnchanged(_)) => {
                for input in inputs {
                    slots.put(input.at, written(&input.id, false));
                }
                false
            }
            (200 | 201, _) => self.saved(action, inputs, &response, slots),
            (400 | 404 | 409 | 413 | 422, _) => self.refused(inputs, &response, slots),
            // The write may have got through before the answer was lost on the way back.
            (status @ (408 | 500 | 502 | 504), Action::Create | Action::Upsert(_) | Action::UpdateUnchanged(_)) => {
                unknown(inputs, &format!("Salesforce answered with status {status}"), slots)
            }
            (408 | 500 | 502 | 504, _) => put(inputs, &Outcome::Later(None), slots),
            _ => fail(inputs, &failure::failure(&response, self.object), slots),
        }
    }

    /// Results come in the order of the records, one for each; anything else proves nothing.
    fn saved(&self, action: &Action, inputs: &[Input], response: &Response, slots: &mut Slots) -> bool {
        let results: Vec<Saved> = match response.json() {
            Ok(results) => results,
            Err(_) => return unknown(inputs, "Salesforce's answer could not be read", slots),
        };
        if results.len() != inputs.len() {
            return unknown(inputs, "Salesforce's answer has not one result for each record", slots);
        }
        for (input, saved) in inputs.iter().zip(results) {
            let id = saved.id.as_deref().filter(|id| !id.is_empty());
            let outcome = match (saved.success, id) {
                (true, Some(id)) => written(id, saved.created.unwrap_or(*action == Action::Create)),
                (true, None) => Outcome::Unknown("Salesforce tells success and no id".to_owned()),
                // Already deleted is deleted.
                (false, _) if *action == Action::Delete && saved.errors.iter().any(|e| e.is("ENTITY_IS_DELETED")) => {
                    written(&input.id, false)
                }
                (false, _) => self.there_already(action, input, &saved.errors),
            };
            slots.put(input.at, outcome);
        }
        false
    }

    /// A keyed activity that is there already can't be given once more what can only be given at creation.
    pub(super) fn there_already(&self, action: &Action, input: &Input, errors: &[CrmError]) -> Outcome {
        let is_keyed = matches!(action, Action::Upsert(field) if *field == self.api.settings.key_field);
        if is_keyed && errors.iter().any(|error| error.is("INVALID_FIELD_FOR_INSERT_UPDATE")) {
            match resolve::by_key(self.api, self.object, &[input.id.as_str()]) {
                Ok(found) => {
                    if let Some(there) = found.into_iter().next() {
                        return written(&there.id, false);
                    }
                }
                Err(_) => return Outcome::Unknown("whether it is there already could not be asked".to_owned()),
            }
        }
        failure::outcome(errors)
    }

    fn refused(&self, inputs: &[Input], response: &Response, slots: &mut Slots) -> bool {
        if inputs.len() > 1 {
            return true;
        }
        let errors = CrmError::all_of(response);
        if errors.iter().any(|error| error.is("INVALID_TYPE")) {
            return fail(inputs, &Failure::Missing(self.object.to_owned()), slots);
        }
        put(inputs, &failure::outcome(&errors), slots)
    }
}

fn put(inputs: &[Input], outcome: &Outcome, slots: &mut Slots) -> bool {
    for input in inputs {
        slots.put(input.at, outcome.clone());
    }
    false
}

fn unknown(inputs: &[Input], why: &str, slots: &mut Slots) -> bool {
    put(inputs, &Outcome::Unknown(why.to_owned()), slots)
}

fn fail(inputs: &[Input], failure: &Failure, slots: &mut Slots) -> bool {
    for input in inputs {
        slots.fail(input.at, failure.clone());
    }
    false
}

/// `Sat, 22 Nov 2025 10:00:00 GMT`.
fn http_date(instant: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = instant.div_euclid(time::DAY);
    let (year, month, day) = time::parts_of_date(i32::try_from(days).unwrap_or_default());
    let place = |number: i64| usize::try_from(number).unwrap_or_default();
    let second = instant.rem_euclid(time::DAY) / time::SECOND;
    let (name, month) = (DAYS[place(days.rem_euclid(7))], MONTHS[place((month - 1).clamp(0, 11))]);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{name}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_stamp_is_written_as_http_has_it() {
        assert_eq!(super::http_date(1_763_805_600_000_000), "Sat, 22 Nov 2025 10:00:00 GMT");
        assert_eq!(super::http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
