//! Pulls pages of records. Pages go by id: no record is skipped when one before it changes or goes, and a record that changes meanwhile
//! has left the window and is in a later one.

use ferry_sdk::connector::{Failure, Page, PullRequest, Row, Slice};
use ferry_sdk::time;
use serde_json::{Map, Value as Json, json};

use crate::api::{Api, PAGE_MOST, id};
use crate::domain;
use crate::schema;
use crate::token::Token;
use crate::values::{Reading, letters, of_letters, stamp, up};

type Record = Map<String, Json>;

struct Pull<'a> {
    api: &'a Api<'a>,
    model: &'a str,
    request: &'a PullRequest,
    /// Of the columns, then of the conditions.
    readings: Vec<Reading>,
    token: Token,
}

/// One page of a slice.
pub(crate) fn pull(api: &Api<'_>, model: &str, request: &PullRequest) -> Result<Page, Failure> {
    if let Some(segment) = &request.segment {
        return Err(Failure::Missing(segment.clone()));
    }
    let pull = Pull::open(api, model, request)?;
    match &request.slice {
        Slice::Ids(ids) => pull.chosen(ids),
        Slice::All => pull.walked(&[]),
        Slice::Window(window) => pull.walked(&[
            json!(["write_date", ">=", stamp(up(window.since))]),
            json!(["write_date", "<", stamp(up(window.before))]),
        ]),
    }
}

impl<'a> Pull<'a> {
    fn open(api: &'a Api<'a>, model: &'a str, request: &'a PullRequest) -> Result<Self, Failure> {
        let token = request.token.as_deref().map(Token::read).transpose()?;
        let readings = match &token {
            Some(token) => of_letters(&token.readings)
                .filter(|known| known.len() == request.columns.len() + request.filter.len())
                .ok_or(Failure::TokenExpired)?,
            None => readings(api, model, request)?,
        };
        let token = Token { readings: letters(&readings), ..token.unwrap_or_default() };
        Ok(Self { api, model, request, readings, token })
    }

    fn limit(&self) -> usize {
        usize::try_from(self.request.limit).unwrap_or(PAGE_MOST).clamp(1, PAGE_MOST)
    }

    fn read(&self, more: &[Json]) -> Result<Vec<Record>, Failure> {
        let readings = self.readings.iter().skip(self.request.columns.len());
        let conditions = self.request.filter.iter().zip(readings);
        let mut clauses: Vec<Json> =
            conditions.map(|(condition, reading)| domain::condition(condition, *reading)).collect::<Result<_, _>>()?;
        clauses.extend_from_slice(more);
        let mut fields: Vec<&str> = self.request.columns.iter().map(|column| root(column)).collect();
        fields.push("write_date");
        fields.sort_unstable();
        fields.dedup();
        self.api.ask(self.api.search_read(self.model, &clauses.into(), self.limit(), &fields), self.model)
    }

    fn walked(&self, more: &[Json]) -> Result<Page, Failure> {
        let clauses: Vec<Json> = more.iter().cloned().chain([json!(["id", ">", self.token.after])]).collect();
        let records = self.read(&clauses)?;
        let last = records.last().and_then(|record| record["id"].as_i64()).filter(|_| records.len() == self.limit());
        self.page(&records, last)
    }

    fn chosen(&self, ids: &[String]) -> Result<Page, Failure> {
        let done = usize::try_from(self.token.after).map_err(|_| Failure::TokenExpired)?;
        let left = ids.get(done..).ok_or(Failure::TokenExpired)?;
        let now = left.get(..left.len().min(self.limit())).unwrap_or(left);
        let known: Vec<i64> = now.iter().filter_map(|text| id(text)).collect();
        // A question for the ids of deleted records would be answered as if they were there: a search knows better.
        let records = self.read(&[json!(["id", "in", known])])?;
        let next = (now.len() < left.len()).then(|| i64::try_from(done + now.len()).unwrap_or(i64::MAX));
        self.page(&records, next)
    }

    fn page(&self, records: &[Record], next: Option<i64>) -> Result<Page, Failure> {
        let rows = records.iter().map(|record| self.row(record)).collect::<Result<_, _>>()?;
        let next = next.map(|after| Token { after, ..self.token.clone() }.write());
        Ok(Page::of(rows, next))
    }

    fn row(&self, record: &Record) -> Result<Row, Failure> {
        let id = record.get("id").and_then(Json::as_i64).ok_or_else(|| Failure::malformed("a record has no id"))?;
        let columns = self.request.columns.iter().zip(&self.readings);
        Ok(Row {
            id: id.to_string(),
            modified: record.get("write_date").and_then(Json::as_str).and_then(time::instant),
            version: None,
            values: columns
                .map(|(column, reading)| reading.read(record.get(root(column)).unwrap_or(&Json::Null)))
                .collect(),
        })
    }
}

/// The field behind a column.
fn root(column: &str) -> &str {
    column.split_once('.').map_or(column, |(root, _)| root)
}

fn readings(api: &Api<'_>, model: &str, request: &PullRequest) -> Result<Vec<Reading>, Failure> {
    let described = schema::described(api, model)?;
    let columns = request.columns.iter().map(|name| schema::column(&described, name).map(|(_, reading)| reading));
    let conditions = request.filter.iter().map(|condition| {
        let (field, reading) = schema::column(&described, &condition.field)?;
        if field.searchable {
            Ok(reading)
        } else {
            Err(Failure::invalid(&condition.field, "Odoo computes it when it is read, so it can't be searched by it"))
        }
    });
    columns.chain(conditions).collect()
}

#[cfg(test)]
mod tests;
