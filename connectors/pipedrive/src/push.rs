//! Writes to Pipedrive, one request each, and says of each what became of it. There are no batches; two writes to one record go one
//! behind the other.

mod body;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use ferry_sdk::connector::{Failure, Operation, Outcome, Problem, Write, Written};
use ferry_sdk::http::{Method, Request, Response};
use ferry_sdk::push::one_each;
use ferry_sdk::time;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::api::{self, Api, IDS_MOST, is_id};
use crate::failure;
use crate::objects::Standard;
use crate::schema::{self, CrmField, is_key};

use body::Body;

pub(crate) use body::mark;

/// What a write needs to know of the object and its records.
struct Ground<'a> {
    api: &'a Api<'a>,
    object: &'static Standard,
    described: Vec<CrmField>,
    /// Records whose lists of addresses or numbers must be kept while one entry changes.
    held: HashMap<String, Json>,
}

/// One outcome per write, in order.
pub(crate) fn push(api: &Api<'_>, object: &'static Standard, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let ground = Ground::of(api, object, writes)?;
    let judge = |write: &Write, response| judge(write, object, response);
    one_each(writes, |write| ground.request(write), |requests| api.try_send_all(requests), judge)
}

impl<'a> Ground<'a> {
    fn of(api: &'a Api<'a>, object: &'static Standard, writes: &[Write]) -> Result<Self, Failure> {
        let names = || writes.iter().flat_map(|write| &write.values).map(|(name, _)| name.as_str());
        let own = names().any(|name| is_key(schema::base(name)));
        let described = if own { schema::described(api, object)? } else { Vec::new() };
        let mut ground = Self { api, object, described, held: HashMap::new() };
        let keeps = |write: &&Write| write.values.iter().any(|(name, _)| matches!(name.as_str(), "email" | "phone"));
        let ids: HashSet<&str> = writes
            .iter()
            .filter(keeps)
            .filter_map(|write| match &write.operation {
                Operation::Update(id) if is_id(id) => Some(id.as_str()),
                _ => None,
            })
            .collect();
        ground.hold(ids.into_iter().collect())?;
        Ok(ground)
    }

    fn hold(&mut self, mut ids: Vec<&str>) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Held {
            data: Vec<Json>,
        }
        ids.sort_unstable();
        let ask =
            |ids: &[&str]| Request::get(api::records(self.object)).query("limit", IDS_MOST).query("ids", ids.join(","));
        let requests: Vec<Request> = ids.chunks(IDS_MOST).map(ask).collect();
        for response in self.api.send_all(requests, self.object.name)? {
            for record in response.json::<Held>()?.data {
                self.held.insert(record["id"].to_string(), record);
            }
        }
        Ok(())
    }

    fn request(&self, write: &Write) -> Result<Request, Vec<Problem>> {
        let gone = |id: &String| if is_id(id) { Ok(api::record(self.object, id)) } else { Err(vec![no_record()]) };
        match &write.operation {
            Operation::Create => {
                let body = Body::of(self, write, None)?.marked(&write.key).finish()?;
                Ok(Request::post(api::records(self.object)).json(&body))
            }
            Operation::Update(id) => {
                let target = gone(id)?;
                let body = Body::of(self, write, self.held.get(id))?.finish()?;
                // The same values twice are the same values.
                Ok(Request::patch(target).json(&body).repeatable())
            }
            Operation::Delete(id) => Ok(Request::new(Method::Delete, gone(id)?)),
            Operation::Upsert((field, _)) => {
                Err(vec![Problem::of(field, "no field is unique in Pipedrive, so nothing can be written by its value")])
            }
        }
    }
}

fn no_record() -> Problem {
    Problem::general("Pipedrive has no record of this id")
}

#[derive(Deserialize)]
struct Answer {
    data: Saved,
}

#[derive(Deserialize)]
struct Saved {
    id: u64,
    #[serde(default)]
    update_time: Option<String>,
}

fn judge(write: &Write, object: &Standard, response: Response) -> Result<Outcome, Failure> {
    let creates = matches!(write.operation, Operation::Create);
    match (response.status, &write.operation) {
        (200..300, _) => Ok(match response.json::<Answer>() {
            Ok(Answer { data: Saved { id, update_time } }) => Outcome::Written(Written {
                id: id.to_string(),
                created: creates,
                modified: update_time.as_deref().and_then(time::instant),
                version: None,
            }),
            // It was written, but nobody knows under which id.
            Err(_) => Outcome::Unknown("the answer can't be read".into()),
        }),
        // What is to be gone is gone.
        (404 | 410, Operation::Delete(id)) => {
            Ok(Outcome::Unchanged(Written { id: id.clone(), created: false, modified: None, version: None }))
        }
        // The write may have got through before the answer was lost on the way back.
        (status @ (408 | 500 | 502 | 504), Operation::Create) => {
            Ok(Outcome::Unknown(format!("Pipedrive answered with status {status}")))
        }
        _ => match failure::outcome(&response) {
            Some(outcome) => Ok(outcome),
            None => Err(failure::failure(&response, object.name)),
        },
    }
}
