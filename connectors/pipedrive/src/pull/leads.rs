//! Leads. They are in version 1, page by page in the order in which they changed; one that changes meanwhile comes again. Whom a lead
//! is about is another record: what is asked of it is read beside each page.

use std::collections::{BTreeSet, HashMap, HashSet};

use ferry_sdk::connector::{Failure, Page, Slice, Window};
use ferry_sdk::http::Request;
use ferry_sdk::time;
use ferry_sdk::value::{Row, Value};

use super::Pull;
use crate::api::{self, Api, IDS_MOST, is_id, is_uuid};
use crate::failure;
use crate::objects::{ORGANIZATIONS, PERSONS, Standard};
use crate::place::Place;
use crate::records::{Columns, Records};
use crate::schema::{self, is_key};
use crate::values::Reading;

/// Version 1 takes no list of ids, so each is a request of its own; a plugin has 400 of them a call.
const IDS_A_PAGE: usize = 50;

/// Pipedrive is younger.
const EVER: Window = Window { since: 0, before: i64::MAX };

/// One page of a slice.
pub(super) fn pull(pull: &Pull<'_>) -> Result<Page, Failure> {
    let shape = Shape::of(pull.columns());
    match (&pull.request.slice, &pull.request.segment) {
        (Slice::Ids(ids), None) => chosen(pull, &shape, ids),
        (Slice::Ids(ids), Some(_)) => listed(pull, &shape, EVER, Some(&ids.iter().map(String::as_str).collect())),
        (Slice::All, _) => listed(pull, &shape, EVER, None),
        (Slice::Window(window), _) => listed(pull, &shape, *window, None),
    }
}

fn listed(pull: &Pull<'_>, shape: &Shape, window: Window, only: Option<&HashSet<&str>>) -> Result<Page, Failure> {
    let place = pull.token.cursor.as_deref().map_or_else(|| Ok(Place::at(window.since)), Place::read)?;
    let request = Request::get(api::records(pull.object))
        .query("sort", "update_time ASC")
        .query("updated_since", time::write_instant(place.since, 0))
        .query("start", place.start)
        .query("limit", pull.limit());
    let mut records = shape.own.read(&pull.api.send(pull.in_segment(request)?, pull.subject())?)?;
    if !records.rows.is_sorted_by_key(|row| row.modified) {
        // Behind the last stamp of such a page there would be leads that nobody has read.
        return Err(Failure::malformed("the leads are not in the order in which they changed"));
    }
    let is_over = records.count == 0 || !records.more || records.last.is_some_and(|last| last >= window.before);
    let next = (!is_over).then(|| place.after(records.last, records.count).write());
    records.rows.retain(|row| {
        let in_window = row.modified.is_none_or(|at| (window.since..window.before).contains(&at));
        in_window && only.is_none_or(|only| only.contains(row.id.as_str()))
    });
    let next = next.map(|cursor| super::Token { cursor: Some(cursor), ..pull.token.clone() });
    Ok(pull.page(shape.completed(pull.api, records)?, next))
}

fn chosen(pull: &Pull<'_>, shape: &Shape, ids: &[String]) -> Result<Page, Failure> {
    let (now, next) = pull.next_of(ids, pull.limit().min(IDS_A_PAGE))?;
    let known = now.iter().filter(|id| is_uuid(id));
    let requests = known.map(|id| Request::get(api::record(pull.object, id))).collect();
    let mut all = Records::default();
    for answer in pull.api.try_send_all(requests) {
        let response = answer?;
        // It is not there any more.
        if !matches!(response.status, 404 | 410) {
            all.rows.extend(shape.own.read(&failure::checked(response, pull.object.name)?)?.rows);
        }
    }
    Ok(pull.page(shape.completed(pull.api, all)?, next))
}

/// What a lead is about: how its columns begin, the lead's own field that has the id, and the object.
static RELATED: [(&str, &str, Standard); 2] =
    [("person.", "person_id", PERSONS), ("organization.", "organization_id", ORGANIZATIONS)];

/// The columns of a pull, by the record that has them.
struct Shape {
    /// A lead's own, and behind them the ids of what it is about.
    own: Columns,
    owned: usize,
    related: [Columns; 2],
    sources: Vec<Source>,
}

/// Where the value of a column is: at a place of the lead's own columns, or of those of what it is about.
#[derive(Clone, Copy)]
enum Source {
    Own(usize),
    Related(usize, usize),
}

impl Shape {
    fn of<'a>(columns: impl Iterator<Item = (&'a str, Reading)>) -> Self {
        let mut own: Vec<(String, Reading)> = Vec::new();
        let mut related: [Vec<(&str, Reading)>; 2] = [Vec::new(), Vec::new()];
        let mut sources = Vec::new();
        for (name, reading) in columns {
            let about =
                RELATED.iter().enumerate().find_map(|(at, (prefix, ..))| Some((at, name.strip_prefix(prefix)?)));
            sources.push(match about {
                Some((at, name)) => {
                    related[at].push((name, reading));
                    Source::Related(at, related[at].len() - 1)
                }
                None => {
                    own.push((flat(name), reading));
                    Source::Own(own.len() - 1)
                }
            });
        }
        let owned = own.len();
        own.extend(RELATED.iter().map(|(_, reference, _)| ((*reference).to_owned(), Reading::Text)));
        let own = Columns::new(own.iter().map(|(name, reading)| (name.as_str(), *reading)));
        Self { own, owned, related: related.map(Columns::new), sources }
    }

    /// The rows with the values of all columns.
    fn completed(&self, api: &Api<'_>, mut records: Records) -> Result<Records, Failure> {
        let mut found = [HashMap::new(), HashMap::new()];
        for (at, (columns, (_, _, object))) in self.related.iter().zip(&RELATED).enumerate() {
            if !columns.is_empty() {
                let ids = records.rows.iter().filter_map(|row| self.reference(row, at)).collect();
                found[at] = read(api, object, columns, ids)?;
            }
        }
        for row in &mut records.rows {
            row.values = self.values(row, &found);
        }
        Ok(records)
    }

    fn reference<'a>(&self, row: &'a Row, at: usize) -> Option<&'a str> {
        match row.values.get(self.owned + at) {
            Some(Value::Text(id)) if is_id(id) => Some(id),
            _ => None,
        }
    }

    fn values(&self, row: &Row, found: &[HashMap<String, Vec<Value>>; 2]) -> Vec<Value> {
        let value = |source: &Source| match *source {
            Source::Own(place) => row.values.get(place),
            Source::Related(at, place) => self.reference(row, at).and_then(|id| found[at].get(id)?.get(place)),
        };
        self.sources.iter().map(|source| value(source).cloned().unwrap_or(Value::Null)).collect()
    }
}

/// The values of these records, by their ids.
fn read(
    api: &Api<'_>,
    object: &Standard,
    columns: &Columns,
    ids: BTreeSet<&str>,
) -> Result<HashMap<String, Vec<Value>>, Failure> {
    let ids: Vec<&str> = ids.into_iter().collect();
    let ask = |ids: &[&str]| Request::get(api::records(object)).query("limit", IDS_MOST).query("ids", ids.join(","));
    let mut found = HashMap::new();
    for response in api.send_all(ids.chunks(IDS_MOST).map(ask).collect(), object.name)? {
        found.extend(columns.read(&response)?.rows.into_iter().map(|row| (row.id, row.values)));
    }
    Ok(found)
}

/// Version 1 has the parts of an account's own field beside it.
fn flat(name: &str) -> String {
    let base = schema::base(name);
    match schema::part(name) {
        Some(part) if is_key(base) => format!("{base}_{part}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
