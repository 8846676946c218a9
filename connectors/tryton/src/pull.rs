//! Pulls pages of records. Pages go by id: no record is skipped when one before it changes or goes, and a record that changes meanwhile
//! has left the window and is in a later one.

use ferry_sdk::connector::{Failure, Page, PullRequest, Row, Slice};
use serde_json::{Map, Value as Json, json};

use crate::api::{Api, PAGE_MOST, context, id, search, search_read, with_archived};
use crate::domain;
use crate::objects::{NOTE, PARTY};
use crate::schema;
use crate::token::Token;
use crate::values::{self, Reading, letters, of_letters};

/// What is read of every record beside its columns: the stamp, and what a conditional write must name.
const ALWAYS: [&str; 2] = ["last_modified_at", "_timestamp"];

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
    if model == NOTE {
        return Err(Failure::Unsupported("notes can only be written".into()));
    }
    let pull = Pull::open(api, model, request)?;
    match &request.slice {
        Slice::Ids(ids) => pull.chosen(ids),
        Slice::All => pull.all(),
        Slice::Window(window) => pull.changed(domain::changed(model, *window)),
    }
}

impl<'a> Pull<'a> {
    fn open(api: &'a Api<'a>, model: &'a str, request: &'a PullRequest) -> Result<Self, Failure> {
        let token = request.token.as_deref().map(Token::read).transpose()?;
        let filtered = request.filter.iter().map(|condition| condition.field.as_str());
        let names: Vec<&str> = request.columns.iter().map(String::as_str).chain(filtered).collect();
        let readings = match &token {
            Some(token) => {
                of_letters(&token.readings).filter(|known| known.len() == names.len()).ok_or(Failure::TokenExpired)?
            }
            None => schema::readings(api, model, &names)?,
        };
        let token = Token { readings: letters(&readings), ..token.unwrap_or_default() };
        Ok(Self { api, model, request, readings, token })
    }

    fn limit(&self) -> usize {
        usize::try_from(self.request.limit).unwrap_or(PAGE_MOST).clamp(1, PAGE_MOST)
    }

    /// The conditions and the segment, and what else must hold.
    fn domain(&self, more: impl IntoIterator<Item = Json>) -> Result<Json, Failure> {
        let readings = self.readings.iter().skip(self.request.columns.len());
        let conditions = self.request.filter.iter().zip(readings);
        let mut clauses: Vec<Json> = conditions
            .map(|(condition, reading)| domain::condition(self.model, condition, *reading))
            .collect::<Result<_, _>>()?;
        if let Some(segment) = &self.request.segment {
            let category = id(segment).filter(|_| self.model == PARTY);
            let category = category.ok_or_else(|| Failure::Missing(segment.clone()))?;
            clauses.push(json!(["categories", "=", category]));
        }
        clauses.extend(more);
        Ok(clauses.into())
    }

    fn fields(&self) -> Vec<&str> {
        self.request.columns.iter().map(String::as_str).chain(ALWAYS).collect()
    }

    fn read(&self, domain: &Json) -> Result<Vec<Record>, Failure> {
        self.api.ask(search_read(self.model, domain, self.limit(), &self.fields(), context()), self.model)
    }

    fn all(&self) -> Result<Page, Failure> {
        let records = self.read(&self.domain([json!(["id", ">", self.token.after])])?)?;
        let last = records.last().and_then(|record| record["id"].as_i64()).filter(|_| records.len() == self.limit());
        self.page(records, last)
    }

    /// In two steps: what was archived counts for what has changed, but not for what a party is reached by.
    fn changed(&self, changed: Json) -> Result<Page, Failure> {
        let domain = self.domain([changed, json!(["id", ">", self.token.after])])?;
        let ids: Vec<i64> = self.api.ask(search(self.model, &domain, self.limit(), with_archived()), self.model)?;
        if ids.is_empty() {
            return Ok(Page::of(Vec::new(), None));
        }
        let last = ids.last().copied().filter(|_| ids.len() == self.limit());
        self.page(self.read(&json!([["id", "in", ids]]))?, last)
    }

    fn chosen(&self, ids: &[String]) -> Result<Page, Failure> {
        let done = usize::try_from(self.token.after).map_err(|_| Failure::TokenExpired)?;
        let left = ids.get(done..).ok_or(Failure::TokenExpired)?;
        let now = left.get(..left.len().min(self.limit())).unwrap_or(left);
        let known: Vec<i64> = now.iter().filter_map(|text| id(text)).collect();
        let records = self.read(&self.domain([json!(["id", "in", known])])?)?;
        let next = (now.len() < left.len()).then(|| i64::try_from(done + now.len()).unwrap_or(i64::MAX));
        self.page(records, next)
    }

    fn page(&self, records: Vec<Record>, next: Option<i64>) -> Result<Page, Failure> {
        let rows = records.iter().map(|record| self.row(record)).collect::<Result<_, _>>()?;
        let next = next.map(|after| Token { after, ..self.token.clone() }.write());
        Ok(Page::of(rows, next))
    }

    fn row(&self, record: &Record) -> Result<Row, Failure> {
        let id = record.get("id").and_then(Json::as_i64).ok_or_else(|| Failure::malformed("a record has no id"))?;
        let columns = self.request.columns.iter().zip(&self.readings);
        Ok(Row {
            id: id.to_string(),
            modified: record.get("last_modified_at").and_then(values::instant),
            version: record.get("_timestamp").and_then(Json::as_str).map(str::to_owned),
            values: columns.map(|(column, reading)| reading.read(held(record, column))).collect(),
        })
    }
}

/// What a record holds at the end of a column: a related record stands behind the name of the relation and a point, or several do.
fn held<'a>(record: &'a Record, column: &str) -> &'a Json {
    let mut record = record;
    let mut rest = column;
    while let Some((relation, further)) = rest.split_once('.') {
        let related = match record.get(&format!("{relation}.")) {
            Some(Json::Array(several)) => several.first(),
            related => related,
        };
        let Some(Json::Object(related)) = related else { return &Json::Null };
        (record, rest) = (related, further);
    }
    record.get(rest).unwrap_or(&Json::Null)
}

#[cfg(test)]
mod tests;
