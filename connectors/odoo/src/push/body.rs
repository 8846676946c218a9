//! The values of one write: as the columns of `load` for a new record, as values for one that is there.

use ferry_sdk::connector::{Link, Problem, Write};
use serde_json::{Map, Value as Json};

use super::Ground;
use crate::api::id;
use crate::objects::{ACTIVITY, EVENT, MESSAGE};
use crate::schema;
use crate::values::Reading;

/// Where Odoo keeps the external ids of what was not brought by one of its modules.
pub(crate) const EXTERNAL_MODULE: &str = "__import__";

/// The external id of what a write creates, in that module.
pub(crate) fn external_name(key: &str) -> String {
    format!("ferry-{key}")
}

/// The columns of `load`, and their cells.
pub(super) fn row(ground: &Ground<'_>, write: &Write) -> Result<(Vec<String>, Vec<String>), Vec<Problem>> {
    let mut cells = vec![("id".to_owned(), format!("{EXTERNAL_MODULE}.{}", external_name(&write.key)))];
    let mut problems = Vec::new();
    for (name, value) in &write.values {
        let cell = reading(ground, name).and_then(|reading| Ok((reading, reading.text(value)?)));
        match cell {
            Ok((reading, text)) => cells.push((column(name, reading), text)),
            Err(why) => problems.push(Problem::of(name, why)),
        }
    }
    if ground.model == MESSAGE {
        // A note for those inside, which is sent to nobody.
        cells.push(("message_type".to_owned(), "comment".to_owned()));
        cells.push(("subtype_id/id".to_owned(), "mail.mt_note".to_owned()));
    }
    for link in &write.links {
        match linked(ground, link) {
            Ok(linked) => cells.extend(linked),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(cells.into_iter().unzip()) } else { Err(problems) }
}

/// Values as `write` takes them.
pub(super) fn values(ground: &Ground<'_>, write: &Write) -> Result<Json, Vec<Problem>> {
    let (mut values, mut problems) = (Map::new(), Vec::new());
    for (name, value) in &write.values {
        match reading(ground, name).and_then(|reading| reading.json(value)) {
            Ok(json) => drop(values.insert(name.clone(), json)),
            Err(why) => problems.push(Problem::of(name, why)),
        }
    }
    for link in &write.links {
        let field = (!matches!(ground.model, MESSAGE | ACTIVITY | EVENT)).then(|| leading(ground, link)).flatten();
        match (field, id(&link.id)) {
            (Some(field), Some(id)) => drop(values.insert(field.to_owned(), id.into())),
            _ => problems.push(no_way(ground, link)),
        }
    }
    if problems.is_empty() { Ok(values.into()) } else { Err(problems) }
}

fn reading(ground: &Ground<'_>, name: &str) -> Result<Reading, &'static str> {
    match schema::column(&ground.described, name) {
        Ok((_, Reading::Name)) => Err("is what another record is called"),
        Ok((field, _)) if field.readonly => Err("can't be written in Odoo"),
        Ok((_, reading)) => Ok(reading),
        Err(_) => Err("is no field of this model in Odoo"),
    }
}

/// `load` takes database ids under names of their own.
fn column(name: &str, reading: Reading) -> String {
    if matches!(reading, Reading::Reference | Reading::Ids) { format!("{name}/.id") } else { name.to_owned() }
}

fn no_way(ground: &Ground<'_>, link: &Link) -> Problem {
    Problem::general(format!("{} can't be linked with {} in Odoo", ground.model, link.object))
}

/// The field that the link names, or the one that leads there.
fn leading<'a>(ground: &'a Ground<'_>, link: &'a Link) -> Option<&'a str> {
    match &link.label {
        Some(label) => ground.described.contains_key(label).then_some(label.as_str()),
        None => schema::leading(&ground.described, ground.model, &link.object),
    }
}

fn linked(ground: &Ground<'_>, link: &Link) -> Result<Vec<(String, String)>, Problem> {
    let number = id(&link.id).ok_or_else(|| Problem::general("a link leads to no id of Odoo's"))?.to_string();
    match ground.model {
        MESSAGE => Ok(vec![("model".to_owned(), link.object.clone()), ("res_id".to_owned(), number)]),
        ACTIVITY => {
            let model = ground.models.get(&link.object).ok_or_else(|| no_way(ground, link))?;
            Ok(vec![("res_model_id/.id".to_owned(), model.to_string()), ("res_id".to_owned(), number)])
        }
        _ => {
            let field = leading(ground, link).ok_or_else(|| no_way(ground, link))?;
            Ok(vec![(format!("{field}/.id"), number)])
        }
    }
}
