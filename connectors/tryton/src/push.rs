//! Writes to Tryton, one call each, since a call is one transaction: what is refused takes back all of it. Two writes to one record go
//! one behind the other.

mod body;

use std::collections::HashMap;

use ferry_sdk::connector::{Failure, Operation, Outcome, Problem, Write, Written};
use ferry_sdk::http::{Error, Request, Response};
use serde_json::{Value as Json, json};

use crate::api::{Api, Reply, context, id, request};
use crate::failure;
use crate::mechanisms::{self, Held};
use crate::schema::{self, Described};

pub(crate) use body::mark;

/// What a write needs to know of the model and its records.
struct Ground<'a> {
    model: &'a str,
    described: Described,
    held: Held,
}

/// One outcome per write, in order.
pub(crate) fn push(api: &Api<'_>, model: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let ground = Ground::of(api, model, writes)?;
    let mut results: Vec<Result<Outcome, Failure>> = Vec::with_capacity(writes.len());
    results.resize_with(writes.len(), || Ok(Outcome::Later(None)));
    for wave in waves(writes) {
        let (mut sent, mut requests) = (Vec::new(), Vec::new());
        for at in wave {
            match ground.request(&writes[at]) {
                Ok(request) => {
                    sent.push(at);
                    requests.push(request);
                }
                Err(problems) => results[at] = Ok(Outcome::Rejected(problems)),
            }
        }
        for (at, answer) in sent.into_iter().zip(api.write_all(requests)) {
            results[at] = judge(&writes[at], model, answer);
        }
    }
    finish(results)
}

/// The failure of all, where all have failed: a failure of the call promises that no write took effect.
fn finish(results: Vec<Result<Outcome, Failure>>) -> Result<Vec<Outcome>, Failure> {
    if !results.is_empty() && results.iter().all(Result::is_err) {
        return results.into_iter().collect();
    }
    let later = |failure| match failure {
        Failure::RateLimited(wait) => Outcome::Later(wait),
        _ => Outcome::Later(None),
    };
    Ok(results.into_iter().map(|result| result.unwrap_or_else(later)).collect())
}

/// Places of writes that may go side by side.
fn waves(writes: &[Write]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut waves: Vec<Vec<usize>> = vec![Vec::new()];
    for (at, write) in writes.iter().enumerate() {
        let wave = match &write.operation {
            Operation::Update(id) | Operation::Delete(id) => {
                let count = seen.entry(id).or_default();
                *count += 1;
                *count - 1
            }
            Operation::Create | Operation::Upsert(_) => 0,
        };
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push(at);
    }
    waves
}

/// The record that a write changes, if Tryton can have it.
pub(crate) fn changed(write: &Write) -> Option<i64> {
    match &write.operation {
        Operation::Update(text) | Operation::Delete(text) => id(text),
        Operation::Create | Operation::Upsert(_) => None,
    }
}

impl<'a> Ground<'a> {
    fn of(api: &Api<'_>, model: &'a str, writes: &[Write]) -> Result<Self, Failure> {
        let is_reached = |write: &&Write| write.values.iter().any(|(name, _)| mechanisms::kind(model, name).is_some());
        let mut parties: Vec<i64> = writes.iter().filter(is_reached).filter_map(changed).collect();
        parties.sort_unstable();
        parties.dedup();
        // Which field a link leads by, only all of them tell.
        let is_linked = writes.iter().any(|write| !write.links.is_empty());
        let named = writes.iter().filter(|_| !is_linked).flat_map(|write| &write.values);
        let described = schema::described(api, model, named.map(|(name, _)| name.as_str()))?;
        Ok(Self { model, described, held: Held::of(api, &parties)? })
    }

    fn request(&self, write: &Write) -> Result<Request, Vec<Problem>> {
        let record = || changed(write).ok_or_else(|| vec![Problem::general("Tryton has no record of this id")]);
        match &write.operation {
            Operation::Create => {
                let values = body::of(self, write, None)?;
                Ok(request(self.model, "create", vec![json!([values])], context()))
            }
            Operation::Update(_) => {
                let id = record()?;
                let values = body::of(self, write, Some(id))?;
                let sent = request(self.model, "write", vec![json!([id]), values], self.conditional(write, id));
                // The same values twice are the same values; but a stamp that was good is not so twice, and a way to reach
                // somebody that was made is made again.
                let is_whole = write.version.is_none() && !write.values.iter().any(|(name, _)| self.is_reached(name));
                Ok(if is_whole { sent.repeatable() } else { sent })
            }
            Operation::Delete(_) => {
                let id = record()?;
                Ok(request(self.model, "delete", vec![json!([id])], self.conditional(write, id)))
            }
            Operation::Upsert((field, _)) => {
                Err(vec![Problem::of(field, "Tryton has no call that writes by the value of a field")])
            }
        }
    }

    fn is_reached(&self, field: &str) -> bool {
        mechanisms::kind(self.model, field).is_some()
    }

    /// The stamp that the record must still have.
    fn conditional(&self, write: &Write, id: i64) -> Json {
        let mut context = context();
        if let Some(version) = &write.version {
            let record = format!("{},{id}", self.model);
            context["_timestamp"] = json!({ record: version });
        }
        context
    }
}

fn judge(write: &Write, model: &str, answer: Result<Response, Error>) -> Result<Outcome, Failure> {
    let response = match answer {
        Ok(response) => response,
        Err(Error::Unanswered(why)) => return Ok(Outcome::Unknown(why)),
        Err(Error::TooLarge(_)) => return Ok(Outcome::Unknown("the answer was too large to be read".into())),
        Err(error) => return Err(error.into()),
    };
    match response.status {
        200 => {}
        // The write may have got through before the answer was lost on the way back.
        status @ (408 | 500 | 502 | 504) => {
            return Ok(Outcome::Unknown(format!("Tryton answered with status {status}")));
        }
        _ => return Err(failure::of_status(&response, model)),
    }
    let Ok(Reply { result, error }) = response.json::<Reply<Json>>() else {
        return Ok(Outcome::Unknown("the answer can't be read".into()));
    };
    if let Some(refusal) = error {
        return refusal.of_a_write(model);
    }
    let written = |id: String, created| Outcome::Written(Written { id, created, modified: None, version: None });
    Ok(match &write.operation {
        Operation::Update(id) | Operation::Delete(id) => written(id.clone(), false),
        Operation::Create | Operation::Upsert(_) => match result.and_then(|ids| ids.get(0)?.as_i64()) {
            Some(id) => written(id.to_string(), true),
            // It was written, but nobody knows under which id.
            None => Outcome::Unknown("the answer names no record".into()),
        },
    })
}

#[cfg(test)]
mod tests;
