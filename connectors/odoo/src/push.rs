//! Writes to Odoo, one call each, since a call is one transaction. A record is created by `load` under an external id made of the write's
//! key: the same write twice is the same record. Two writes to one record go one behind the other.

mod body;

use std::collections::HashMap;

use ferry_sdk::connector::{Failure, Operation, Outcome, Problem, Write, Written};
use ferry_sdk::http::{Request, Response};
use ferry_sdk::push::one_each;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, id};
use crate::failure;
use crate::objects::ACTIVITY;
use crate::schema::{self, Described};

pub(crate) use body::EXTERNAL_MODULE;
pub(crate) use body::external_name;

/// What a write needs to know of the model and of those that it is linked with.
struct Ground<'a> {
    api: &'a Api<'a>,
    model: &'a str,
    described: Described,
    /// Ids of models: an activity names the model that it belongs to so.
    models: HashMap<String, i64>,
}

/// One outcome per write, in order.
pub(crate) fn push(api: &Api<'_>, model: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let ground = Ground::of(api, model, writes)?;
    let judge = |write: &Write, response| judge(write, model, response);
    one_each(writes, |write| ground.request(write), |requests| api.send_all(requests), judge)
}

impl<'a> Ground<'a> {
    fn of(api: &'a Api<'a>, model: &'a str, writes: &[Write]) -> Result<Self, Failure> {
        let mut models = HashMap::new();
        if model == ACTIVITY {
            #[derive(Deserialize)]
            struct Model {
                id: i64,
                model: String,
            }
            let mut names: Vec<&str> =
                writes.iter().flat_map(|write| &write.links).map(|link| link.object.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let question =
                api.search_read("ir.model", &json!([["model", "in", names]]), names.len().max(1), &["model"]);
            let found: Vec<Model> = api.ask(question, "ir.model")?;
            models = found.into_iter().map(|Model { id, model }| (model, id)).collect();
        }
        Ok(Self { api, model, described: schema::described(api, model)?, models })
    }

    fn request(&self, write: &Write) -> Result<Request, Vec<Problem>> {
        let record = |text: &str| id(text).ok_or_else(|| vec![Problem::general("Odoo has no record of this id")]);
        Ok(match &write.operation {
            Operation::Create => {
                let (fields, row) = body::row(self, write)?;
                // Under its external id it is the same record, however often it is sent.
                self.api.request(self.model, "load", json!({"fields": fields, "data": [row]})).repeatable()
            }
            Operation::Update(text) => {
                let arguments = json!({"ids": [record(text)?], "vals": body::values(self, write)?});
                self.api.request(self.model, "write", arguments).repeatable()
            }
            Operation::Delete(text) => self.api.request(self.model, "unlink", json!({"ids": [record(text)?]})),
            Operation::Upsert((field, _)) => {
                return Err(vec![Problem::of(field, "Odoo has no call that writes by the value of a field")]);
            }
        })
    }
}

/// What `load` answers, also where it refuses.
#[derive(Deserialize)]
struct Loaded {
    ids: Json,
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    field: Option<String>,
    #[serde(rename = "type", default)]
    kind: String,
}

fn judge(write: &Write, model: &str, response: Response) -> Result<Outcome, Failure> {
    let written = |id: &str, created| Written { id: id.to_owned(), created, modified: None, version: None };
    if response.is_success() {
        return Ok(match &write.operation {
            Operation::Create | Operation::Upsert(_) => loaded(&response),
            // Both answer `true`; half an answer proves nothing.
            Operation::Update(id) | Operation::Delete(id) if response.json() == Ok(true) => {
                Outcome::Written(written(id, false))
            }
            Operation::Update(_) | Operation::Delete(_) => Outcome::Unknown("the answer can't be read".into()),
        });
    }
    match (failure::problem(&response), &write.operation) {
        // What is to be gone is gone.
        (Some(_), Operation::Delete(id)) if response.status == 404 => Ok(Outcome::Unchanged(written(id, false))),
        (Some(problem), _) => Ok(Outcome::Rejected(vec![problem])),
        // The write may have got through before the answer was lost on the way back.
        (None, _) if matches!(response.status, 408 | 500 | 502 | 504) => {
            Ok(Outcome::Unknown(format!("Odoo answered with status {}", response.status)))
        }
        (None, _) => Err(failure::of(&response, model)),
    }
}

fn loaded(response: &Response) -> Outcome {
    let Ok(Loaded { ids, messages }) = response.json::<Loaded>() else {
        return Outcome::Unknown("the answer can't be read".into());
    };
    if let Some(id) = ids.get(0).and_then(Json::as_i64) {
        return Outcome::Written(Written { id: id.to_string(), created: true, modified: None, version: None });
    }
    let refused = messages.into_iter().filter(|message| message.kind != "warning");
    let problems: Vec<Problem> = refused
        .map(|message| {
            // `load` names a column: a reference stands as `partner_id/.id`.
            let field = message.field.map(|column| column.split('/').next().unwrap_or_default().to_owned());
            Problem { field, message: "Odoo refuses the value".into() }
        })
        .collect();
    if problems.is_empty() {
        return Outcome::Rejected(vec![Problem::general("Odoo refuses the record and does not say why")]);
    }
    Outcome::Rejected(problems)
}

#[cfg(test)]
mod tests;
