//! Queries and their pages: rows are written straight from the records.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::cell::Cell;
use super::cursors;
use super::errors::{ApiError, Outcome};
use super::id::Id;
use super::org::{At, Org};
use super::soql::{self, Bound, Column};
use super::table::Record;
use crate::sim::server::{Reply, Request};

/// The rows of a page unless the request hints at fewer.
const BATCH_MAX: usize = 2_000;
const BATCH_MIN: usize = 200;

/// `GET /query?q=` and `GET /queryAll?q=`
pub(crate) fn run(org: &mut Org, request: &Request, base: &str, all_rows: bool) -> Outcome {
    let text = request.query("q").ok_or_else(|| ApiError::malformed_query("unexpected token: '<EOF>'"))?;
    let bound = soql::bind(org, &soql::parse(text)?, all_rows)?;
    let found = soql::find(org, &bound);
    if bound.count_only {
        return Ok(Reply::json(200, &json!({"totalSize": found.len(), "done": true, "records": []})));
    }
    if !bound.aggregates.is_empty() {
        let row = aggregate(org, &bound, &found);
        return Ok(Reply::json(200, &json!({"totalSize": 1, "done": true, "records": [row]})));
    }
    let batch = batch_size(request);
    let bound = Arc::new(bound);
    if found.len() <= batch {
        return Ok(page(org, base, &bound, &found, found.len(), None));
    }
    let (expires_ms, max) = (org.now_ms() + org.switches.cursor_ms, org.switches.cursors_max);
    let first = found[..batch].to_vec();
    let total = found.len();
    let cursor = org.cursors.open(Arc::clone(&bound), found, batch, expires_ms, max);
    Ok(page(org, base, &bound, &first, total, Some(format!("{cursor}-{batch}"))))
}

/// `GET /query/{locator}`
pub(crate) fn next(org: &Org, locator: &str, base: &str) -> Outcome {
    let (cursor, place) = org.cursors.find(locator, org.now_ms())?;
    let end = (place + cursor.batch).min(cursor.found.len());
    let next = (end < cursor.found.len()).then(|| format!("{}-{end}", cursor.id));
    Ok(page(org, base, &cursor.query, &cursor.found[place..end], cursor.found.len(), next))
}

/// The refusal of a locator by a fault.
pub(crate) fn expired() -> ApiError {
    cursors::invalid()
}

fn batch_size(request: &Request) -> usize {
    let options = request.header("sforce-query-options").unwrap_or("");
    let asked = options.split(',').find_map(|option| option.trim().strip_prefix("batchSize=")?.trim().parse().ok());
    asked.map_or(BATCH_MAX, |asked: usize| asked.clamp(BATCH_MIN, BATCH_MAX))
}

fn page(org: &Org, base: &str, query: &Bound, numbers: &[u64], total: usize, next: Option<String>) -> Reply {
    let next = next.map(|locator| format!("{base}/query/{locator}"));
    let shape = Shape::new(&query.columns);
    let rows = Rows { org, base, query, numbers, shape: &shape };
    Reply::json(200, &Page { total, next, rows })
}

struct Page<'a> {
    total: usize,
    next: Option<String>,
    rows: Rows<'a>,
}

impl Serialize for Page<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("totalSize", &self.total)?;
        map.serialize_entry("done", &self.next.is_none())?;
        if let Some(next) = &self.next {
            map.serialize_entry("nextRecordsUrl", next)?;
        }
        map.serialize_entry("records", &self.rows)?;
        map.end()
    }
}

/// Which members a row has: own fields, and relations with what is selected of them.
#[derive(Debug, Default)]
struct Shape {
    fields: Vec<(String, usize)>,
    /// Relation, and the rest of each path.
    relations: Vec<(String, Shape)>,
    /// Own fields of a related record, by name.
    names: Vec<String>,
}

impl Shape {
    fn new(columns: &[Column]) -> Self {
        let mut shape = Self::default();
        for column in columns {
            match column.place {
                Some(place) => shape.fields.push((column.name.clone(), place)),
                None => shape.add(column.steps.iter().map(|(step, _)| step.as_str()), &column.name),
            }
        }
        shape
    }

    fn add<'a>(&mut self, mut steps: impl Iterator<Item = &'a str>, name: &str) {
        let Some(step) = steps.next() else {
            self.names.push(name.to_owned());
            return;
        };
        let at = self.relations.iter().position(|(own, _)| own == step).unwrap_or_else(|| {
            self.relations.push((step.to_owned(), Self::default()));
            self.relations.len() - 1
        });
        let (_, inner) = &mut self.relations[at];
        // Boxed, since the type of the iterator must not grow with the depth.
        let rest: Vec<&str> = steps.collect();
        inner.add(Box::new(rest.into_iter()) as Box<dyn Iterator<Item = &str>>, name);
    }
}

struct Rows<'a> {
    org: &'a Org,
    base: &'a str,
    query: &'a Bound,
    numbers: &'a [u64],
    shape: &'a Shape,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = self.org.table(self.query.at);
        let records = self.numbers.iter().filter_map(|number| table.get(*number));
        let Self { org, base, query, shape, .. } = *self;
        serializer.collect_seq(records.map(|record| Row { org, base, at: query.at, record, shape }))
    }
}

struct Row<'a> {
    org: &'a Org,
    base: &'a str,
    at: At,
    record: &'a Record,
    shape: &'a Shape,
}

#[derive(serde::Serialize)]
struct Attributes<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    url: String,
}

fn attributes<'a>(org: &'a Org, base: &str, at: At, id: Id) -> Attributes<'a> {
    let kind = &org.kind(at).name;
    Attributes { kind, url: format!("{base}/sobjects/{kind}/{id}") }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { org, base, at, record, shape } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("attributes", &attributes(org, base, at, org.id(at, record.number)))?;
        for (name, place) in &shape.fields {
            map.serialize_entry(name, &*org.cell(at, record, *place))?;
        }
        for name in &shape.names {
            let place = org.place(at, name);
            map.serialize_entry(name, &*place.map_or_else(Default::default, |place| org.cell(at, record, place)))?;
        }
        for (relation, inner) in &shape.relations {
            let id = org.kind(at).relation(relation).and_then(|place| org.cell(at, record, place).as_id());
            let target = id.and_then(|id| org.record(id)).filter(|(_, record)| record.deleted_ms.is_none());
            let row = target.map(|(at, record)| Row { org, base, at, record, shape: inner });
            map.serialize_entry(relation, &row)?;
        }
        map.end()
    }
}

/// One record as reads by id show it.
pub(crate) fn record(org: &Org, base: &str, at: At, record: &Record, places: &[usize]) -> Value {
    let mut body = Map::new();
    body.insert("attributes".to_owned(), json!(attributes(org, base, at, org.id(at, record.number))));
    for place in places {
        body.insert(org.kind(at).fields[*place].name.clone(), json!(*org.cell(at, record, *place)));
    }
    Value::Object(body)
}

fn aggregate(org: &Org, query: &Bound, found: &[u64]) -> Value {
    let mut row = json!({"attributes": {"type": "AggregateResult"}});
    let table = org.table(query.at);
    for aggregate in &query.aggregates {
        let cells = found.iter().filter_map(|number| table.get(*number));
        let cells = cells.map(|record| soql::cell(org, query.at, record, &aggregate.column).into_owned());
        let cells = cells.filter(|cell| !cell.is_null());
        row[&aggregate.alias] = match aggregate.function.as_str() {
            "COUNT" => json!(cells.count()),
            "MIN" => json!(cells.min_by(Cell::order).unwrap_or_default()),
            _ => json!(cells.max_by(Cell::order).unwrap_or_default()),
        };
    }
    row
}
