//! What was archived, replaced or deleted. Archived records are still there. Deleted ones leave a line in Tryton's log, which only
//! administrators may search, and which tells everything but the record's id when it is read: a field that refers to a record that is
//! no longer there reads as empty. The id can still be searched for, so it is found digit by digit.

use ferry_sdk::connector::{Failure, Page, Window};
use ferry_sdk::http::Request;
use ferry_sdk::value::{Instant, Successor, Tombstone};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, PAGE_MOST, context, id, request, search, search_read, with_archived};
use crate::objects::NOTE;
use crate::schema;
use crate::values;

const LOG: &str = "ir.model.log";

/// As many digits as the largest id of a database has.
const DIGITS_MOST: usize = 10;

/// Where the next page starts: what kind of gone records, and behind which id.
enum Place {
    Archived(i64),
    Deleted(i64),
}

impl Place {
    fn read(token: Option<&str>) -> Result<Self, Failure> {
        let Some(token) = token else { return Ok(Self::Archived(0)) };
        let (kind, after) = token.split_once('>').ok_or(Failure::TokenExpired)?;
        let after = id(after).ok_or(Failure::TokenExpired)?;
        match kind {
            "archived" => Ok(Self::Archived(after)),
            "deleted" => Ok(Self::Deleted(after)),
            _ => Err(Failure::TokenExpired),
        }
    }
}

pub(crate) fn gone(api: &Api<'_>, model: &str, window: Window, token: Option<&str>) -> Result<Page, Failure> {
    if model == NOTE {
        return Err(Failure::Unsupported("notes can only be written".into()));
    }
    let (gone, next) = match Place::read(token)? {
        Place::Archived(after) => archived(api, model, window, after)?,
        Place::Deleted(after) => deleted(api, model, window, after)?,
    };
    Ok(Page { gone, ..Page::of(Vec::new(), next) })
}

type Found = (Vec<Tombstone>, Option<String>);

#[derive(Deserialize)]
struct Archived {
    id: i64,
    last_modified_at: Json,
    #[serde(default)]
    replaced_by: Option<i64>,
}

fn archived(api: &Api<'_>, model: &str, window: Window, after: i64) -> Result<Found, Failure> {
    let fields = schema::described(api, model, ["active", "replaced_by"])?;
    let then = Some("deleted>0".to_owned());
    if !fields.contains_key("active") {
        return Ok((Vec::new(), then));
    }
    let mut columns = vec!["last_modified_at"];
    columns.extend(fields.contains_key("replaced_by").then_some("replaced_by"));
    let domain = json!([["active", "=", false], within("last_modified_at", window), ["id", ">", after]]);
    let question = search_read(model, &domain, PAGE_MOST, &columns, with_archived());
    let records: Vec<Archived> = api.ask(question, model)?;
    let next = records.last().filter(|_| records.len() == PAGE_MOST).map(|last| format!("archived>{}", last.id));
    let tombstone = |record: Archived| Tombstone {
        id: record.id.to_string(),
        at: values::instant(&record.last_modified_at),
        into: record.replaced_by.map(|id| Successor { object: model.to_owned(), id: id.to_string() }),
    };
    Ok((records.into_iter().map(tombstone).collect(), next.or(then)))
}

fn within(field: &str, window: Window) -> Json {
    json!([[field, ">=", values::write_instant(window.since)], [field, "<", values::write_instant(window.before)]])
}

#[derive(Deserialize)]
struct Line {
    id: i64,
    create_date: Json,
}

fn deleted(api: &Api<'_>, model: &str, window: Window, after: i64) -> Result<Found, Failure> {
    let domain = json!([
        ["event", "=", "delete"],
        within("create_date", window),
        ["resource", "like", format!("{model},%")],
        ["id", ">", after]
    ]);
    let lines: Vec<Line> = match api.ask(search_read(LOG, &domain, PAGE_MOST, &["create_date"], context()), LOG) {
        Ok(lines) => lines,
        // `check` says so to the admin.
        Err(Failure::Forbidden(_)) => {
            ferry_sdk::log::warn("Tryton's log of deletions is closed to this user: deleted records are not noticed");
            return Ok((Vec::new(), None));
        }
        Err(other) => return Err(other),
    };
    let next = lines.last().filter(|_| lines.len() == PAGE_MOST).map(|last| format!("deleted>{}", last.id));
    let ids = ids(api, model, &lines.iter().map(|line| line.id).collect::<Vec<_>>())?;
    let at = |line: &Line| -> Option<Instant> { values::instant(&line.create_date) };
    let tombstones = lines.iter().zip(ids);
    let tombstones =
        tombstones.filter_map(|(line, id)| id.map(|id| Tombstone { id, at: at(line), into: None })).collect();
    Ok((tombstones, next))
}

/// The id in each of these lines; none where a line is another model's.
fn ids(api: &Api<'_>, model: &str, lines: &[i64]) -> Result<Vec<Option<String>>, Failure> {
    let mut found = vec![String::new(); lines.len()];
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    for place in 0..DIGITS_MOST {
        let blanks = "_".repeat(place);
        let questions = (0..10).map(|digit| question(lines, &format!("{model},{blanks}{digit}%"))).collect();
        let answers: Vec<Vec<i64>> = api.ask_all(questions, LOG)?;
        let mut more = false;
        for (digit, answer) in ('0'..='9').zip(answers) {
            for at in answer.iter().filter_map(|line| lines.binary_search(line).ok()) {
                found[at].push(digit);
                more = true;
            }
        }
        if !more {
            break;
        }
    }
    // A name with `_` in it fits others too, so each id is held against the log once more, as it is.
    let resources: Vec<String> = found.iter().map(|id| format!("{model},{id}")).collect();
    let domain = json!([["id", "in", lines], ["resource", "in", resources]]);
    let sure: Vec<i64> = api.ask(search(LOG, &domain, PAGE_MOST, context()), LOG)?;
    let judged = lines.iter().zip(found);
    Ok(judged.map(|(line, id)| (sure.contains(line) && !id.is_empty()).then_some(id)).collect())
}

fn question(lines: &[i64], pattern: &str) -> Request {
    let domain = json!([["id", "in", lines], ["resource", "like", pattern]]);
    let params = vec![domain, json!(0), json!(PAGE_MOST), json!([["id", "ASC"]])];
    request(LOG, "search", params, context())
}

#[cfg(test)]
mod tests;
