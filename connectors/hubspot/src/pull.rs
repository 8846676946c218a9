//! Pulls pages of records. Chooses the way that HubSpot can serve each slice in without losing a record, and keeps the place
//! in the page token.

mod chosen;
mod listing;
mod search;
mod segment;

use ferry_sdk::connector::{Call, Failure, Page, PullRequest, Slice, Window};
use ferry_sdk::http::{Request, Response};
use ferry_sdk::value::Row;
use serde_json::json;

use crate::api::{Api, BATCH_MOST};
use crate::associations;
use crate::failure;
use crate::objects;
use crate::records::{Columns, Records};
use crate::schema;
use crate::token::Token;
use crate::values::{Reading, letters, of_letters};

pub(crate) use search::{Between, Search, behind};

/// A pull that knows its columns and its place.
pub(crate) struct Pull<'a> {
    pub(crate) api: Api<'a>,
    pub(crate) request: PullRequest,
    pub(crate) columns: Columns,
    /// How to compare with the fields of the filter, in its order.
    filter_readings: Vec<Reading>,
    token: Token,
}

/// One page of a slice.
pub(crate) fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
    let pull = Pull::open(call, request)?;
    let mut page = of_slice(&pull)?;
    associations::fill(&pull.api, pull.object(), pull.columns.links(), &mut page.rows)?;
    Ok(page)
}

/// Without the columns of links.
fn of_slice(pull: &Pull<'_>) -> Result<Page, Failure> {
    match (&pull.request.slice, pull.request.segment.is_some(), pull.request.filter.is_empty()) {
        (Slice::All, false, true) => listing::page(pull),
        (Slice::All, false, false) => search::page(pull, None),
        (Slice::Window(window), false, _) => match Between::of(*window) {
            Some(between) => search::page(pull, Some(between)),
            None => Ok(Page::of(Vec::new(), None)),
        },
        (Slice::Ids(ids), ..) => chosen::page(pull, ids),
        (Slice::All | Slice::Window(_), true, _) => segment::page(pull),
    }
}

/// At most `most` tokens that together are the slice.
pub(crate) fn partition(call: &Call<'_>, request: PullRequest, most: u32) -> Result<Vec<String>, Failure> {
    let pull = Pull::open(call, request)?;
    let is_whole = pull.request.segment.is_none() && pull.request.filter.is_empty();
    match pull.request.slice {
        Slice::All if is_whole => listing::partition(&pull, most),
        // A list or a filter tells nothing about the ids of its records.
        _ => Ok(vec![pull.next(Token::default()).write()]),
    }
}

impl<'a> Pull<'a> {
    fn open(call: &Call<'a>, request: PullRequest) -> Result<Self, Failure> {
        let api = Api::open(call)?;
        objects::checked(&request.object)?;
        let token = request.token.as_deref().map(Token::read).transpose()?.unwrap_or_default();
        let (readings, filter_readings) = match &token.columns {
            Some(columns) => known(columns, &token.filter, &request)?,
            None => asked(&api, &request)?,
        };
        let columns = Columns::new(&request.columns, readings, objects::stamp(&request.object))?;
        Ok(Self { api, request, columns, filter_readings, token })
    }

    /// `place` with what every token carries.
    fn next(&self, place: Token) -> Token {
        Token { columns: Some(letters(self.columns.readings())), filter: letters(&self.filter_readings), ..place }
    }

    fn object(&self) -> &str {
        &self.request.object
    }

    /// The most records to ask for where HubSpot gives `most` at once.
    fn limit(&self, most: usize) -> usize {
        usize::try_from(self.request.limit).unwrap_or(most).clamp(1, most)
    }

    fn window(&self) -> Option<Window> {
        match self.request.slice {
            Slice::Window(window) => Some(window),
            _ => None,
        }
    }

    /// The records of these ids, in HubSpot's order, without those that are not there.
    fn read_batch(&self, ids: &[String]) -> Result<Vec<Row>, Failure> {
        let properties = self.columns.properties();
        let requests = ids.chunks(BATCH_MOST).map(|ids| {
            let inputs: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
            let body = json!({"properties": properties, "inputs": inputs});
            Request::post(self.api.objects(self.object(), "/batch/read")).json(&body).repeatable()
        });
        let mut rows = Vec::with_capacity(ids.len());
        for response in self.api.send_all(requests.collect(), self.object())? {
            let records = self.columns.read(&response)?;
            whole(&records, &response)?;
            rows.extend(records.rows);
        }
        Ok(rows)
    }
}

/// Records of a batch may only be missing because they are not there.
fn whole(records: &Records, response: &Response) -> Result<(), Failure> {
    failure::absent(response, "left records out of a batch")?;
    if response.status != 207 && records.rows.is_empty() {
        // HubSpot has been seen to answer `COMPLETE` with nothing in it: no record and no error.
        return Err(Failure::malformed("a batch came back empty, without a reason"));
    }
    Ok(())
}

fn known(columns: &str, filter: &str, request: &PullRequest) -> Result<(Vec<Reading>, Vec<Reading>), Failure> {
    match (of_letters(columns), of_letters(filter)) {
        (Some(columns), Some(filter))
            if columns.len() == request.columns.len() && filter.len() == request.filter.len() =>
        {
            Ok((columns, filter))
        }
        // The columns are not those of the page before.
        _ => Err(Failure::TokenExpired),
    }
}

fn asked(api: &Api<'_>, request: &PullRequest) -> Result<(Vec<Reading>, Vec<Reading>), Failure> {
    let filtered = request.filter.iter().map(|condition| condition.field.as_str());
    let names: Vec<&str> = request.columns.iter().map(String::as_str).chain(filtered).collect();
    if names.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut columns = schema::readings(api, &request.object, &names)?;
    let filter = columns.split_off(request.columns.len());
    Ok((columns, filter))
}

#[cfg(test)]
mod tests;
