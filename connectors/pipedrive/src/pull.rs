//! Pulls pages of records. Pages go by id, behind a cursor: no record is skipped when one before it changes or goes.

mod leads;

use std::collections::HashSet;

use ferry_sdk::connector::{Condition, Failure, Page, PullRequest, Slice, Window};
use ferry_sdk::http::Request;
use ferry_sdk::time::{self, SECOND};

use crate::api::{self, Api, IDS_MOST, PAGE_MOST, is_id};
use crate::filter;
use crate::objects::{self, LEADS, Standard};
use crate::records::{Columns, Records};
use crate::schema;
use crate::token::Token;
use crate::values::{Reading, letters, of_letters};

/// The most of the account's own fields that can be asked for by name; with more, all of them come.
const NAMED_MOST: usize = 15;

/// A pull that knows its columns and its place.
struct Pull<'a> {
    api: &'a Api<'a>,
    request: &'a PullRequest,
    object: &'static Standard,
    /// Of the columns, then of the conditions.
    readings: Vec<Reading>,
    token: Token,
}

/// One page of a slice.
pub(crate) fn pull(api: &Api<'_>, request: &PullRequest) -> Result<Page, Failure> {
    let pull = Pull::open(api, request)?;
    if *pull.object == LEADS {
        return leads::pull(&pull);
    }
    match (&request.slice, &request.segment) {
        (Slice::Ids(ids), None) => pull.chosen(ids),
        // The filter decides who is in it: Pipedrive takes no ids beside one.
        (Slice::Ids(ids), Some(_)) => pull.listed(None, Some(&ids.iter().map(String::as_str).collect())),
        (Slice::All, _) => pull.listed(None, None),
        (Slice::Window(window), _) => match whole_seconds(*window) {
            Some(between) => pull.listed(Some(between), None),
            None => Ok(Page::of(Vec::new(), None)),
        },
    }
}

/// Pipedrive's stamps are whole seconds, and so are its limits: the first one in the window and the first one behind it. None for
/// a window that holds no whole second.
fn whole_seconds(window: Window) -> Option<(String, String)> {
    let up = |instant: i64| -(-instant).div_euclid(SECOND) * SECOND;
    let (since, before) = (up(window.since), up(window.before));
    (since < before).then(|| (time::write_instant(since, 0), time::write_instant(before, 0)))
}

impl<'a> Pull<'a> {
    fn open(api: &'a Api<'a>, request: &'a PullRequest) -> Result<Self, Failure> {
        let object = objects::checked(&request.object)?;
        request.filter.iter().try_for_each(Condition::counted)?;
        let token = request.token.as_deref().map(Token::read).transpose()?;
        let names: Vec<&str> = names(request).collect();
        let readings: Vec<Reading> = match &token {
            Some(token) => {
                of_letters(&token.readings).filter(|known| known.len() == names.len()).ok_or(Failure::TokenExpired)?
            }
            None => schema::readings(api, object, &names)?,
        };
        let token = Token { readings: letters(&readings), ..token.unwrap_or_default() };
        Ok(Self { api, request, object, readings, token })
    }

    /// The columns and what the conditions look at, each with how it is read.
    fn columns(&self) -> impl Iterator<Item = (&str, Reading)> {
        names(self.request).zip(self.readings.iter().copied())
    }

    fn limit(&self) -> usize {
        usize::try_from(self.request.limit).unwrap_or(PAGE_MOST).clamp(1, PAGE_MOST)
    }

    /// What every request for records says.
    fn asking(&self, columns: &Columns) -> Request {
        let request = Request::get(api::records(self.object));
        match columns.keys().as_slice() {
            [] => request,
            keys if keys.len() <= NAMED_MOST => request.query("custom_fields", keys.join(",")),
            _ => request,
        }
    }

    fn listed(&self, between: Option<(String, String)>, only: Option<&HashSet<&str>>) -> Result<Page, Failure> {
        let columns = Columns::new(self.columns());
        let mut request = self.in_segment(self.asking(&columns))?;
        request = request.query("limit", self.limit()).query("sort_by", "id").query("sort_direction", "asc");
        if let Some((since, until)) = between {
            request = request.query("updated_since", since).query("updated_until", until);
        }
        if let Some(cursor) = &self.token.cursor {
            request = request.query("cursor", cursor);
        }
        let response = self.api.send(request, self.subject()).map_err(|failure| self.stale(failure))?;
        let mut records = columns.read(&response)?;
        let next = records.next.take();
        if next.is_some() && next == self.token.cursor {
            return Err(Failure::malformed("the next page is this one"));
        }
        if let Some(only) = only {
            records.rows.retain(|row| only.contains(row.id.as_str()));
        }
        Ok(self.page(records, next.map(|cursor| Token { cursor: Some(cursor), ..self.token.clone() })))
    }

    /// What is missing if Pipedrive has no such list.
    fn subject(&self) -> &str {
        self.request.segment.as_deref().unwrap_or(self.object.name)
    }

    fn in_segment(&self, request: Request) -> Result<Request, Failure> {
        match &self.request.segment {
            None => Ok(request),
            Some(segment) if is_id(segment) => Ok(request.query("filter_id", segment)),
            Some(segment) => Err(Failure::Missing(segment.clone())),
        }
    }

    /// A cursor that Pipedrive refuses is the only thing about a second page that was not in the first.
    fn stale(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Invalid(_) if self.token.cursor.is_some() => Failure::TokenExpired,
            other => other,
        }
    }

    fn chosen(&self, ids: &[String]) -> Result<Page, Failure> {
        let (now, next) = self.next_of(ids, self.limit())?;
        let known: Vec<&str> = now.iter().map(String::as_str).filter(|id| is_id(id)).collect();
        let columns = Columns::new(self.columns());
        let ask = |ids: &[&str]| self.asking(&columns).query("limit", IDS_MOST).query("ids", ids.join(","));
        let requests = known.chunks(IDS_MOST).map(ask).collect();
        let mut all = Records::default();
        for response in self.api.send_all(requests, self.object.name)? {
            all.rows.extend(columns.read(&response)?.rows);
        }
        Ok(self.page(all, next))
    }

    /// At most so many of the ids that are not done yet, and the token of those behind them.
    fn next_of<'i>(&self, ids: &'i [String], most: usize) -> Result<(&'i [String], Option<Token>), Failure> {
        let done = self.token.done.unwrap_or_default();
        let left = ids.get(done..).ok_or(Failure::TokenExpired)?;
        let (now, later) = left.split_at(left.len().min(most));
        let next = (!later.is_empty()).then(|| Token { done: Some(done + now.len()), ..self.token.clone() });
        Ok((now, next))
    }

    /// Keeps the rows that the conditions let through, without the values that only the conditions needed.
    fn page(&self, records: Records, next: Option<Token>) -> Page {
        let asked = self.request.columns.len();
        let kept = records.rows.into_iter().filter_map(|mut row| {
            let for_filter = row.values.split_off(asked.min(row.values.len()));
            filter::holds(&self.request.filter, &for_filter).then_some(row)
        });
        let page = Page::of(kept.collect(), next.map(|token| token.write()));
        Page { gone: records.gone, ..page }
    }
}

/// The columns, then the fields of the conditions.
fn names(request: &PullRequest) -> impl Iterator<Item = &str> {
    let filtered = request.filter.iter().map(|condition| condition.field.as_str());
    request.columns.iter().map(String::as_str).chain(filtered)
}

#[cfg(test)]
mod tests;
