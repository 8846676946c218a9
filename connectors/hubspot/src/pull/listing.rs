//! The whole of an object, by HubSpot's list: it knows no filter, is never late and has no end at 10,000.

use ferry_sdk::connector::{Failure, Page};
use ferry_sdk::http::{Request, Response};
use serde_json::json;

use super::Pull;
use crate::api::{Api, SEARCH_BUCKET};
use crate::records::{Columns, Records};
use crate::token::Token;

/// The most records of a page of the list.
const PAGE_MOST: usize = 100;

/// Longer lists of properties may not fit into an address (HubSpot answers 414); they are asked for by batch.
const ADDRESS_MOST: usize = 6_000;

/// Partitions of fewer ids than this are not worth a task of their own.
const PARTITION_LEAST: u64 = 1_000;

/// A page of the list, archived or not.
pub(crate) fn request(api: &Api<'_>, object: &str, properties: &str, limit: usize, after: Option<&str>) -> Request {
    let request = Request::get(api.objects(object, "")).query("limit", limit).query("properties", properties);
    match after {
        Some(after) => request.query("after", after),
        None => request,
    }
}

pub(super) fn page(pull: &Pull<'_>) -> Result<Page, Failure> {
    let properties = pull.columns.properties().join(",");
    let fits = properties.len() <= ADDRESS_MOST;
    let asked = if fits { properties.as_str() } else { "hs_object_id" };
    let limit = pull.limit(PAGE_MOST);
    let request = request(&pull.api, pull.object(), asked, limit, pull.token.after.as_deref());
    let mut records = pull.columns.read(&pull.api.send(request, pull.object())?)?;
    let next = next(pull, &mut records)?;
    if !fits && !records.rows.is_empty() {
        let ids: Vec<String> = records.rows.into_iter().map(|row| row.id).collect();
        records.rows = pull.read_batch(&ids)?;
    }
    Ok(Page::of(records.rows, next))
}

/// Keeps the records of this partition and says where its next page starts.
fn next(pull: &Pull<'_>, records: &mut Records) -> Result<Option<String>, Failure> {
    let Token { start, end, .. } = pull.token;
    if start.is_some() || end.is_some() {
        let is_ours = |id: &str| {
            // An id that is no number can't be shared out: better twice than never.
            id.parse().map_or(true, |id: u64| start.is_none_or(|start| id >= start) && end.is_none_or(|end| id < end))
        };
        records.rows.retain(|row| is_ours(&row.id));
    }
    let Some(after) = records.after.take() else { return Ok(None) };
    if Some(&after) == pull.token.after.as_ref() {
        return Err(Failure::malformed("the list's next page is this one"));
    }
    // A cursor of the list is the id that the next page starts with.
    let is_past = matches!((after.parse::<u64>(), end), (Ok(id), Some(end)) if id >= end);
    Ok((!is_past).then(|| pull.next(Token { end, ..Token::after(after) }).write()))
}

/// Shares out the ids between the least and the greatest. The last partition has no end, so that records which are created
/// meanwhile are in it.
pub(super) fn partition(pull: &Pull<'_>, most: u32) -> Result<Vec<String>, Failure> {
    let greatest = json!({
        "limit": 1,
        "properties": ["hs_object_id"],
        "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "HAS_PROPERTY"}]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
    });
    let requests = vec![
        request(&pull.api, pull.object(), "hs_object_id", 1, None),
        Request::post(pull.api.objects(pull.object(), "/search")).json(&greatest).repeatable().bucket(SEARCH_BUCKET),
    ];
    let answers = pull.api.send_all(requests, pull.object())?;
    let ids: Vec<Option<u64>> =
        answers.iter().map(|answer| first_id(&pull.columns, answer)).collect::<Result<_, _>>()?;
    let shares = match ids[..] {
        [Some(least), Some(greatest)] => shares(least, greatest, most),
        _ => Vec::new(),
    };
    Ok(tokens(pull, &shares))
}

fn first_id(columns: &Columns, response: &Response) -> Result<Option<u64>, Failure> {
    Ok(columns.read(response)?.rows.first().and_then(|row| row.id.parse().ok()))
}

/// The ids at which a new partition begins.
fn shares(least: u64, greatest: u64, most: u32) -> Vec<u64> {
    let span = greatest.saturating_sub(least).saturating_add(1);
    let count = u64::from(most).min(span / PARTITION_LEAST).max(1);
    (1..count).map(|share| least + span / count * share).collect()
}

fn tokens(pull: &Pull<'_>, starts: &[u64]) -> Vec<String> {
    let begins = std::iter::once(None).chain(starts.iter().copied().map(Some));
    let ends = starts.iter().copied().map(Some).chain(std::iter::once(None));
    let token = |(start, end): (Option<u64>, Option<u64>)| {
        // One id earlier, so that it does not matter whether the list starts at its cursor or behind it.
        let after = start.map(|start| start.saturating_sub(1).to_string());
        pull.next(Token { after, start, end, ..Token::default() }).write()
    };
    begins.zip(ends).map(token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shared_out_evenly_and_only_when_there_are_many() {
        assert_eq!(shares(1_000, 8_999, 4), [3_000, 5_000, 7_000]);
        assert_eq!(shares(1, 1_500, 4), [] as [u64; 0]);
        assert_eq!(shares(1, 2_500, 4), [1_251]);
        assert_eq!(shares(9, 3, 4), [] as [u64; 0]);
        assert_eq!(shares(0, u64::MAX, 2), [u64::MAX / 2]);
    }
}
