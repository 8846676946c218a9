//! The values of one write: as Tryton's fields take them, ways to reach a party as steps, links, and the key of a note.

use ferry_sdk::connector::{Link, Problem, Write};
use serde_json::{Map, Value as Json, json};

use super::Ground;
use crate::api::id;
use crate::objects::NOTE;

/// How a note is known again when its answer was lost: a line at its end.
pub(crate) fn mark(key: &str) -> String {
    format!("[ref {key}]")
}

/// `record` is the one that is changed, if it is there already.
pub(super) fn of(ground: &Ground<'_>, write: &Write, record: Option<i64>) -> Result<Json, Vec<Problem>> {
    let (mut values, mut steps, mut problems) = (Map::new(), Vec::new(), Vec::new());
    for (name, value) in &write.values {
        let put = match record {
            Some(party) if ground.is_reached(name) => {
                ground.held.step(party, name, value).map(|step| steps.extend(step))
            }
            _ => {
                field(ground, name, |reading| reading.write(value)).map(|json| drop(values.insert(name.clone(), json)))
            }
        };
        problems.extend(put.err().map(|why| Problem::of(name, why)));
    }
    for link in &write.links {
        match linked(ground, link) {
            Ok((field, json)) => drop(values.insert(field, json)),
            Err(problem) => problems.push(problem),
        }
    }
    if !steps.is_empty() {
        values.insert("contact_mechanisms".to_owned(), steps.into());
    }
    if ground.model == NOTE && record.is_none() {
        let said = values.get("message").and_then(Json::as_str).unwrap_or_default();
        let message = if said.is_empty() { mark(&write.key) } else { format!("{said}\n{}", mark(&write.key)) };
        values.insert("message".to_owned(), message.into());
    }
    if problems.is_empty() { Ok(values.into()) } else { Err(problems) }
}

fn field(
    ground: &Ground<'_>,
    name: &str,
    write: impl Fn(crate::values::Reading) -> Result<Json, &'static str>,
) -> Result<Json, &'static str> {
    let field = ground.described.get(name).ok_or("is no field of this model in Tryton")?;
    let (_, reading) = field.types().ok_or("is a field that can't be written from here")?;
    write(reading)
}

/// The field that leads to the other record: the one that the link names, or the only one that refers to its model.
fn linked(ground: &Ground<'_>, link: &Link) -> Result<(String, Json), Problem> {
    let Some(number) = id(&link.id) else { return Err(Problem::general("a link leads to no id of Tryton's")) };
    let leads = |name: &str| {
        let field = ground.described.get(name)?;
        match field.kind.as_str() {
            "many2one" if field.relation.as_deref() == Some(link.object.as_str()) => Some(json!(number)),
            "reference" => Some(json!(format!("{},{number}", link.object))),
            _ => None,
        }
    };
    if ground.model == NOTE {
        return Ok(("resource".to_owned(), json!(format!("{},{number}", link.object))));
    }
    if let Some(label) = &link.label {
        let json = leads(label).ok_or_else(|| Problem::of(label, "leads to no record of this model in Tryton"))?;
        return Ok((label.clone(), json));
    }
    let of_model = |name: &&String| {
        let field = ground.described.get(*name);
        field.is_some_and(|field| field.kind == "many2one" && field.relation.as_deref() == Some(link.object.as_str()))
    };
    let mut candidates = ground.described.keys().filter(of_model);
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Ok((only.clone(), json!(number))),
        (Some(_), Some(_)) => {
            Err(Problem::general(format!("several fields of {} lead to {}: name one", ground.model, link.object)))
        }
        (None, _) => Err(Problem::general(format!("no field of {} leads to {}", ground.model, link.object))),
    }
}
