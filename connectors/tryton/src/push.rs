//! Writes to Tryton, one call each, since a call is one transaction: what is refused takes back all of it. Two writes to one record go
//! one behind the other.

mod body;

use ferry_sdk::connector::{Failure, Operation, Outcome, Problem, Write, Written};
use ferry_sdk::http::{Request, Response};
use ferry_sdk::push::one_each;
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
    let judge = |write: &Write, response| judge(write, model, response);
    one_each(writes, |write| ground.request(write), |requests| api.write_all(requests), judge)
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

fn judge(write: &Write, model: &str, response: Response) -> Result<Outcome, Failure> {
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
