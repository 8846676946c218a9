//! Records by their ids: a batch read where nothing else is asked, a search among them where there is a filter.

use ferry_sdk::connector::{Failure, Page};
use ferry_sdk::value::Row;

use super::{Between, Pull, Search, segment};
use crate::api::{BATCH_MOST, is_name};
use crate::token::Token;

/// The most ids of one page: a few batches side by side.
const PAGE_MOST: usize = 500;

pub(super) fn page(pull: &Pull<'_>, ids: &[String]) -> Result<Page, Failure> {
    let done = usize::try_from(pull.token.number()?).map_err(|_| Failure::TokenExpired)?;
    let left = ids.get(done..).ok_or(Failure::TokenExpired)?;
    let now = &left[..left.len().min(pull.limit(PAGE_MOST))];
    let mut known: Vec<String> = now.iter().filter(|id| is_name(id)).cloned().collect();
    known.sort_unstable();
    known.dedup();
    if let Some(list) = &pull.request.segment {
        known = segment::members_among(pull, list, known)?;
    }
    let rows = among(pull, &known)?;
    let next = (now.len() < left.len()).then(|| pull.next(Token::after((done + now.len()).to_string())).write());
    Ok(Page::of(rows, next))
}

/// Those of these records that the filter and the window let through.
pub(super) fn among(pull: &Pull<'_>, ids: &[String]) -> Result<Vec<Row>, Failure> {
    let between = match pull.window() {
        Some(window) => match Between::of(window) {
            Some(between) => Some(between),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    if pull.request.filter.is_empty() && between.is_none() {
        return pull.read_batch(ids);
    }
    let mut rows = Vec::new();
    for ids in ids.chunks(BATCH_MOST) {
        let Some(search) = Search::of(pull, between)? else { return Ok(Vec::new()) };
        rows.extend(search.among(ids).run(pull, BATCH_MOST, 0)?.0.rows);
    }
    Ok(rows)
}
