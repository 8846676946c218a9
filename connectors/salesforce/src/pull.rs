//! Pulls pages of records. Each page asks for the records behind the last one, by id or by stamp and id, and never for
//! Salesforce's next page: a locator dies after a while, and records move under it.

mod bulk;

use ferry_sdk::connector::{Call, Failure, Page, PullRequest, Slice, Window};
use ferry_sdk::time;
use ferry_sdk::value::Row;

use crate::api::{Api, is_id};
use crate::objects;
use crate::records::{Columns, Records, STAMP};
use crate::schema;
use crate::segments::{self, View};
use crate::soql;
use crate::token::{Job, Token};
use crate::values::{Reading, letters, of_letters};

/// The most records of one answer.
const PAGE_MOST: usize = 2_000;

/// The most ids of one query: more would make its address too long.
const IDS_MOST: usize = 200;

/// Partitions of fewer ids than this are not worth a task of their own.
const PARTITION_LEAST: u64 = 2_000;

/// A pull that knows its columns and its place.
struct Pull<'a> {
    api: Api<'a>,
    request: PullRequest,
    columns: Columns,
    filter_readings: Vec<Reading>,
    /// What the filter and the segment ask for, and what is true of every record that is told of.
    conditions: Vec<String>,
    /// Whether there is a filter or a segment.
    is_narrowed: bool,
    /// The segment.
    view: Option<View>,
    token: Token,
}

/// One page of a slice.
pub(crate) fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
    let pull = Pull::open(call, request)?;
    match &pull.request.slice {
        Slice::All => match &pull.token.job {
            Some(job) => pull.by_job(job),
            None => pull.by_id(),
        },
        Slice::Window(window) => pull.by_stamp(*window),
        Slice::Ids(ids) => pull.chosen(ids),
    }
}

/// At most `most` tokens that together are the slice: ranges of ids, which Salesforce gives out one after the other. Where
/// there are very many records, each goes by a bulk job.
pub(crate) fn partition(call: &Call<'_>, request: PullRequest, most: u32) -> Result<Vec<String>, Failure> {
    let pull = Pull::open(call, request)?;
    if !matches!(pull.request.slice, Slice::All) {
        return Ok(vec![pull.next(Token::default())]);
    }
    // A filter tells nothing about the ids of its records.
    let ends = if !pull.is_narrowed { (pull.end("ASC")?, pull.end("DESC")?) } else { (None, None) };
    let starts = shares(&ends, most);
    let job = if pull.is_large(&ends)? { Some(Job::New) } else { None };
    let begins = std::iter::once(None).chain(starts.iter().cloned().map(Some));
    // The last one has no end, so that records which are created meanwhile are in it.
    let ends = starts.iter().cloned().map(Some).chain(std::iter::once(None));
    let token = |(id, end)| pull.next(Token { id, end, job: job.clone(), ..Token::default() });
    Ok(begins.zip(ends).map(token).collect())
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
        let columns = Columns::new(&request.columns, readings)?;
        let filter = request.filter.iter().zip(&filter_readings);
        let mut conditions: Vec<String> =
            filter.map(|(condition, reading)| soql::condition(condition, *reading)).collect::<Result<_, _>>()?;
        let view = match (&request.segment, &token.view) {
            (None, _) => None,
            // As it was when the walk began: a view that somebody changes meanwhile must not lose half of either.
            (Some(_), Some(view)) => Some(view.clone()),
            (Some(segment), None) => Some(segments::of(&api, &request.object, segment)?),
        };
        let is_narrowed = !conditions.is_empty() || view.is_some();
        let condition = view.as_ref().map(|view| view.condition.as_str()).filter(|condition| !condition.is_empty());
        conditions.extend(condition.map(|condition| format!("({condition})")));
        // A converted lead lives on as a contact: it is told of as gone. Who asks for converted ones gets them.
        let asks = request.filter.iter().any(|condition| condition.field == "IsConverted");
        if objects::is_converted(&request.object) && !asks {
            conditions.push("IsConverted = false".to_owned());
        }
        Ok(Self { api, request, columns, filter_readings, conditions, is_narrowed, view, token })
    }

    /// `place` with what every token carries.
    fn next(&self, place: Token) -> String {
        let (columns, filter) = (letters(self.columns.readings()), letters(&self.filter_readings));
        Token { columns: Some(columns), filter, view: self.view.clone(), ..place }.write()
    }

    fn limit(&self) -> usize {
        usize::try_from(self.request.limit).unwrap_or(PAGE_MOST).clamp(1, PAGE_MOST)
    }

    /// Whether there are enough records for jobs to pay.
    fn is_large(&self, ends: &(Option<String>, Option<String>)) -> Result<bool, Failure> {
        let from = self.api.settings.bulk_from;
        // There are no more records than ids between the ends: where those are few, nothing is to be counted.
        let are_few = Spread::of(ends).is_some_and(|spread| spread.span < from);
        if from == 0 || are_few || (!self.is_narrowed && ends.0.is_none()) {
            return Ok(false);
        }
        let counted = bulk::count(&self.api, &self.request.object, &self.from(&self.conditions))?;
        Ok(counted.is_none_or(|count| count >= from))
    }

    /// The conditions of this partition's range of ids.
    fn share(&self) -> Vec<String> {
        let after = self.token.id.as_deref().map(|id| format!("Id > {}", soql::quoted(id)));
        let until = self.token.end.as_deref().map(|id| format!("Id <= {}", soql::quoted(id)));
        after.into_iter().chain(until).collect()
    }

    /// The object, whose records of it, and which.
    fn from(&self, conditions: &[String]) -> String {
        let scope = self.view.as_ref().map(|view| view.scope.as_str()).filter(|scope| !scope.is_empty());
        let scope = scope.map(|scope| format!(" USING SCOPE {scope}")).unwrap_or_default();
        format!("{}{scope}{}", self.request.object, soql::whole(conditions))
    }

    fn query(&self, more: Vec<String>, tail: &str) -> Result<Records, Failure> {
        let conditions: Vec<String> = self.conditions.iter().cloned().chain(more).collect();
        let soql = format!("SELECT {} FROM {}{tail}", self.columns.select(), self.from(&conditions));
        self.columns.read(&self.api.send(self.api.query(&soql, false)?, &self.request.object)?)
    }

    /// Everything, in the order of ids: a record that changes meanwhile stays where it is.
    fn by_id(&self) -> Result<Page, Failure> {
        let limit = self.limit();
        let records = self.query(self.share(), &format!(" ORDER BY Id LIMIT {limit}"))?;
        let end = self.token.end.clone();
        Ok(self.page(records, limit, |last| Token { id: Some(last.id.clone()), end, ..Token::default() }))
    }

    /// A window in the order of stamp and id. A record that changes meanwhile leaves the window, and no other is skipped for it.
    fn by_stamp(&self, window: Window) -> Result<Page, Failure> {
        let mut more = vec![
            format!("{STAMP} >= {}", time::write_instant(whole_ms(window.since), 3)),
            format!("{STAMP} < {}", time::write_instant(whole_ms(window.before), 3)),
        ];
        if let (Some(stamp), Some(id)) = (self.token.stamp, &self.token.id) {
            more.push(soql::behind(stamp, id));
        }
        let limit = self.limit();
        let records = self.query(more, &format!(" ORDER BY {STAMP}, Id LIMIT {limit}"))?;
        if let Some(row) = records.rows.iter().find(|row| row.modified.is_none()) {
            return Err(Failure::malformed(format!("the {STAMP} of `{}` is no time", row.id)));
        }
        Ok(self.page(records, limit, |last| Token {
            stamp: last.modified,
            id: Some(last.id.clone()),
            ..Token::default()
        }))
    }

    fn page(&self, records: Records, limit: usize, place: impl FnOnce(&Row) -> Token) -> Page {
        let is_full = records.rows.len() >= limit || !records.done;
        let next = records.rows.last().filter(|_| is_full).map(|last| self.next(place(last)));
        Page::of(records.rows, next)
    }

    fn chosen(&self, ids: &[String]) -> Result<Page, Failure> {
        let done = self.token.done.unwrap_or_default();
        let left = ids.get(done..).ok_or(Failure::TokenExpired)?;
        let now = &left[..left.len().min(IDS_MOST).min(self.limit())];
        let mut rows = Vec::new();
        let mut known: Vec<&str> = now.iter().map(String::as_str).filter(|id| is_id(id)).collect();
        known.sort_unstable();
        known.dedup();
        // A cut answer leaves records out: those are asked for again.
        while !known.is_empty() {
            let records = self.query(vec![format!("Id IN ({})", soql::list(known.iter().copied()))], "")?;
            let is_done = records.done || records.rows.is_empty();
            // Ids of 15 characters are answered with 18.
            known.retain(|id| !records.rows.iter().any(|row| row.id.starts_with(id)));
            rows.extend(records.rows);
            if is_done {
                break;
            }
        }
        let done = done + now.len();
        let next = (done < ids.len()).then(|| self.next(Token { done: Some(done), ..Token::default() }));
        Ok(Page::of(rows, next))
    }

    /// The first or the last id.
    fn end(&self, order: &str) -> Result<Option<String>, Failure> {
        let soql = format!("SELECT Id,{STAMP} FROM {} ORDER BY Id {order} LIMIT 1", self.request.object);
        let columns = Columns::new(&[], Vec::new())?;
        let records = columns.read(&self.api.send(self.api.query(&soql, false)?, &self.request.object)?)?;
        Ok(records.rows.into_iter().next().map(|row| row.id))
    }
}

/// The first whole millisecond from here on: queries take none finer.
pub(crate) fn whole_ms(instant: i64) -> i64 {
    -(-instant).div_euclid(1_000) * 1_000
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

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where ids are counted up: the first six characters are the object's and the instance's.
const COUNTED: std::ops::Range<usize> = 6..15;

fn number(id: &str) -> Option<u64> {
    id.get(COUNTED)?.bytes().try_fold(0u64, |number, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        number.checked_mul(62)?.checked_add(u64::try_from(digit).ok()?)
    })
}

/// An id of 18 characters: the last three say which of the first fifteen are capitals.
fn id(prefix: &str, number: u64) -> String {
    let mut rest = number;
    let mut counted = [b'0'; 9];
    for place in counted.iter_mut().rev() {
        *place = DIGITS[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    let mut id: Vec<u8> = prefix.bytes().chain(counted).collect();
    let flags = |five: &[u8]| {
        five.iter().enumerate().fold(0, |sum, (at, byte)| sum | (usize::from(byte.is_ascii_uppercase()) << at))
    };
    let check: Vec<u8> = id.chunks(5).map(|five| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[flags(five)]).collect();
    id.extend(check);
    id.into_iter().map(char::from).collect()
}

/// Between which ids all records lie.
struct Spread {
    prefix: String,
    start: u64,
    span: u64,
}

impl Spread {
    /// None where the ids are of several instances, as in an org that was moved: nobody knows how many each has.
    fn of((least, greatest): &(Option<String>, Option<String>)) -> Option<Self> {
        let (first, last) = (least.as_deref()?, greatest.as_deref()?);
        let (prefix, start, end) = (first.get(..COUNTED.start)?, number(first)?, number(last)?);
        let is_one = last.get(..COUNTED.start) == Some(prefix) && end >= start;
        is_one.then(|| Self { prefix: prefix.to_owned(), start, span: end - start + 1 })
    }
}

/// The ids at which a partition ends and the next begins.
fn shares(ends: &(Option<String>, Option<String>), most: u32) -> Vec<String> {
    let Some(Spread { prefix, start, span }) = Spread::of(ends) else { return Vec::new() };
    let count = u64::from(most).min(span / PARTITION_LEAST).max(1);
    (1..count).map(|share| id(&prefix, start + span / count * share)).collect()
}

#[cfg(test)]
mod tests;
