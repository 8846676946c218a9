//! The members of a list. HubSpot tells their ids in one place and their records in another; a change of membership does not
//! show in a record's stamp.

use std::collections::HashSet;

use ferry_sdk::connector::{Failure, Page};
use ferry_sdk::http::Request;
use serde::Deserialize;

use super::{Pull, chosen};
use crate::api::is_name;
use crate::paging::Paging;
use crate::token::Token;

/// Two full batches: HubSpot gives at most 250 members at once.
const PAGE_MOST: usize = 200;

/// The most that HubSpot gives of a list at once.
const MEMBERS_MOST: usize = 250;

/// How far a list is searched for given ids: 50,000 members, within what one call may send.
const PAGES_MOST: usize = 200;

#[derive(Deserialize)]
struct Members {
    results: Vec<Member>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    record_id: String,
}

pub(super) fn page(pull: &Pull<'_>) -> Result<Page, Failure> {
    let list = pull.request.segment.as_deref().unwrap_or_default();
    let (ids, next) = members(pull, list, pull.limit(PAGE_MOST), pull.token.after.as_deref())?;
    let rows = chosen::among(pull, &ids)?;
    Ok(Page::of(rows, next.map(|after| pull.next(Token::after(after)).write())))
}

fn members(
    pull: &Pull<'_>,
    list: &str,
    limit: usize,
    after: Option<&str>,
) -> Result<(Vec<String>, Option<String>), Failure> {
    if !is_name(list) {
        return Err(Failure::Missing(list.to_owned()));
    }
    let request = Request::get(pull.api.lists(&format!("/{list}/memberships"))).query("limit", limit);
    let request = match after {
        Some(after) => request.query("after", after),
        None => request,
    };
    let members: Members = pull.api.json(request, list)?;
    let next = members.paging.and_then(Paging::after);
    if next.is_some() && next.as_deref() == after {
        return Err(Failure::malformed("the next members of the list are these"));
    }
    Ok((members.results.into_iter().map(|member| member.record_id).collect(), next))
}

/// Those of `ids` that are on the list, which HubSpot can only be asked by reading the list.
pub(super) fn members_among(pull: &Pull<'_>, list: &str, ids: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut sought: HashSet<String> = ids.into_iter().collect();
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MOST {
        let (members, next) = members(pull, list, MEMBERS_MOST, after.as_deref())?;
        found.extend(members.into_iter().filter(|id| sought.remove(id)));
        after = next;
        if sought.is_empty() || after.is_none() {
            return Ok(found);
        }
    }
    Err(Failure::Unsupported("this list has too many members to look for single records in it".to_owned()))
}
