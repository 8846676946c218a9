//! What became of writes whose answer was lost. Tryton keeps no key of a call, so what was created is searched for among what was
//! created lately: a note by the key in its text, others by holding the values that were to be written.

use ferry_sdk::connector::{Comparison, Condition, Failure, Operation, Write, Written};
use ferry_sdk::time::DAY;
use ferry_sdk::value::{Instant, Value};
use serde_json::{Value as Json, json};

use crate::api::{Api, context, id, search, with_archived};
use crate::domain;
use crate::objects::NOTE;
use crate::push::mark;
use crate::schema::{self, Described};
use crate::values;

/// How long a write may wait to be asked about: the host asks as soon as the CRM can be reached again.
const LOOK_BACK: Instant = 7 * DAY;

/// Records that hold the same values: beyond these it can't be told which is whose.
const ALIKE_MOST: usize = 100;

pub(crate) fn resolve(
    api: &Api<'_>,
    model: &str,
    writes: &[Write],
    now: Instant,
) -> Result<Vec<Option<Written>>, Failure> {
    let names = writes.iter().flat_map(|write| &write.values).map(|(name, _)| name.as_str());
    let described = schema::described(api, model, names)?;
    let mut taken: Vec<i64> = Vec::new();
    writes
        .iter()
        .map(|write| {
            let found = match &write.operation {
                Operation::Create if model == NOTE => note(api, write)?,
                Operation::Create => holding(api, model, &described, write, since(now))?,
                // Writing again what had a condition would be a conflict with itself.
                Operation::Update(text) => match id(text) {
                    Some(record) => holding(api, model, &described, write, json!(["id", "=", record]))?,
                    None => Vec::new(),
                },
                Operation::Delete(text) => return deleted(api, model, text),
                Operation::Upsert(_) => Vec::new(),
            };
            let created = matches!(write.operation, Operation::Create);
            // A record that was created is one write's.
            let own = found.into_iter().find(|record| !(created && taken.contains(record)));
            taken.extend(own.filter(|_| created));
            Ok(own.map(|record| written(record.to_string(), created)))
        })
        .collect()
}

fn written(id: String, created: bool) -> Written {
    Written { id, created, modified: None, version: None }
}

fn since(now: Instant) -> Json {
    json!(["create_date", ">=", values::write_instant(now - LOOK_BACK)])
}

fn deleted(api: &Api<'_>, model: &str, text: &str) -> Result<Option<Written>, Failure> {
    let Some(record) = id(text) else { return Ok(None) };
    let found: Vec<i64> = api.ask(search(model, &json!([["id", "=", record]]), 1, with_archived()), model)?;
    Ok(found.is_empty().then(|| written(text.to_owned(), false)))
}

/// A note is searched for below its record, as everybody may.
fn note(api: &Api<'_>, write: &Write) -> Result<Vec<i64>, Failure> {
    let Some(link) = write.links.first() else { return Ok(Vec::new()) };
    let resource = format!("{},{}", link.object, link.id);
    let domain = json!([["resource", "=", resource], ["message", "like", format!("%{}", mark(&write.key))]]);
    api.ask(search(NOTE, &domain, 1, context()), NOTE)
}

/// Records that hold all values of a write, the eldest first.
fn holding(api: &Api<'_>, model: &str, described: &Described, write: &Write, place: Json) -> Result<Vec<i64>, Failure> {
    let mut clauses = vec![place];
    for (name, value) in &write.values {
        let Some((_, reading)) = described.get(name).and_then(schema::CrmField::types) else { return Ok(Vec::new()) };
        let empty = *value == Value::Null;
        let comparison = if empty { Comparison::Absent } else { Comparison::Equal };
        let values = if empty { Vec::new() } else { vec![value.clone()] };
        let equal = Condition { field: name.clone(), comparison, values };
        // A value that can't be searched for was never written.
        let Ok(clause) = domain::condition(model, &equal, reading) else { return Ok(Vec::new()) };
        clauses.push(clause);
    }
    if clauses.len() == 1 {
        return Ok(Vec::new());
    }
    api.ask(search(model, &clauses.into(), ALIKE_MOST, with_archived()), model)
}
