//! Records that are no longer there: archived ones by HubSpot's list of them, merged ones by the records that they live on in.
//! A search never returns what is archived, and archiving does not show in the stamp of modification.

use ferry_sdk::connector::{Call, Failure, Page, Window};
use ferry_sdk::http::Request;
use ferry_sdk::value::{Instant, Row, Successor, Tombstone, Value};
use serde::Deserialize;

use crate::api::Api;
use crate::objects;
use crate::paging::Paging;
use crate::pull::{Between, Search, behind};
use crate::records::Columns;
use crate::time;
use crate::token::Token;
use crate::values::Reading;

/// The most records of a page of the list.
const ARCHIVED_PAGE: usize = 100;

/// The most records of a page of the search.
const MERGED_PAGE: usize = 200;

/// Ids of the records that were merged into this one, `1;2`.
const MERGED: &str = "hs_merged_object_ids";

/// When they were: `1:1763805600123;2:..`. Only contacts have it.
const MERGED_AT: &str = "hs_calculated_merged_vids";

#[derive(Deserialize)]
struct ArchivedPage {
    results: Vec<Archived>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Archived {
    id: String,
    #[serde(default)]
    archived_at: Option<String>,
}

/// A page of tombstones: first of what was archived, then of what was merged.
pub(crate) fn gone(call: &Call<'_>, object: &str, window: Window, token: Option<&str>) -> Result<Page, Failure> {
    let api = Api::open(call)?;
    objects::checked(object)?;
    let token = token.map(Token::read).transpose()?.unwrap_or_default();
    if token.merges {
        return merged(&api, object, window, token.number()?);
    }
    archived(&api, object, window, token.after.as_deref())
}

fn can_merge(object: &str) -> bool {
    objects::standard(object).is_some_and(|standard| !standard.is_activity)
}

fn archived(api: &Api<'_>, object: &str, window: Window, after: Option<&str>) -> Result<Page, Failure> {
    let request = Request::get(api.objects(object, ""))
        .query("limit", ARCHIVED_PAGE)
        .query("properties", "hs_object_id")
        .query("archived", true);
    let request = match after {
        Some(after) => request.query("after", after),
        None => request,
    };
    let page: ArchivedPage = api.json(request, object)?;
    let next = page.paging.and_then(Paging::after);
    if next.is_some() && next.as_deref() == after {
        return Err(Failure::malformed("the archive's next page is this one"));
    }
    let next = match next {
        Some(after) => Some(Token::after(after)),
        None => can_merge(object).then(|| Token { merges: true, ..Token::default() }),
    };
    // The list has no filter by time. One without a time could be of any, so it counts.
    let is_in = |at: Option<Instant>| at.is_none_or(|at| (window.since..window.before).contains(&at));
    let tombstones = page.results.into_iter().map(|record| {
        let at = record.archived_at.as_deref().and_then(time::instant);
        Tombstone { id: record.id, at, into: None }
    });
    Ok(tombstones_page(tombstones.filter(|tombstone| is_in(tombstone.at)).collect(), next))
}

fn tombstones_page(gone: Vec<Tombstone>, next: Option<Token>) -> Page {
    Page { gone, ..Page::of(Vec::new(), next.map(|next| next.write())) }
}

/// Merging changes the record that lives on, so its stamp leads to it. All that was ever merged into it is told again: the
/// time of a merge may lie before the window when the record changed once more after it.
fn merged(api: &Api<'_>, object: &str, window: Window, last: u64) -> Result<Page, Failure> {
    let stamp = objects::stamp(object);
    let Some(between) = Between::of(window) else { return Ok(tombstones_page(Vec::new(), None)) };
    let has_merged = serde_json::json!({"propertyName": MERGED, "operator": "HAS_PROPERTY"});
    let search = Search::new(vec![between.filter(stamp), has_merged]).behind(last);
    let names = [MERGED.to_owned(), MERGED_AT.to_owned()];
    let columns = Columns::new(&names, vec![Reading::Texts, Reading::Texts], stamp)?;
    let request = search.request(api, object, &columns.properties(), MERGED_PAGE);
    let request = request.ok_or_else(|| Failure::Permanent("the search for merges is too long".to_owned()))?;
    let records = columns.read(&api.send(request, object)?)?;
    let next = behind(&records, last)?.map(|id| Token { merges: true, ..Token::after(id.to_string()) });
    Ok(tombstones_page(records.rows.iter().flat_map(|row| losers(object, row)).collect(), next))
}

fn losers(object: &str, row: &Row) -> Vec<Tombstone> {
    let texts = |at: usize| match row.values.get(at) {
        Some(Value::Texts(texts)) => texts.as_slice(),
        _ => &[],
    };
    let times: Vec<(&str, Option<Instant>)> =
        texts(1).iter().filter_map(|merge| merge.split_once(':')).map(|(id, at)| (id, time::instant(at))).collect();
    let ids = texts(0).iter().map(|id| id.trim()).filter(|id| !id.is_empty() && *id != row.id);
    let tombstone = |id: &str| {
        let at = times.iter().find(|(known, _)| *known == id).and_then(|(_, at)| *at);
        let into = Successor { object: object.to_owned(), id: row.id.clone() };
        Tombstone { id: id.to_owned(), at, into: Some(into) }
    };
    ids.map(tombstone).collect()
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as respond};
    use serde_json::json;

    use super::*;

    const WINDOW: Window = Window { since: 1_000_000, before: 2_000_000 };

    fn run(http: &FakeHttp, object: &str, token: Option<&str>) -> Result<Page, Failure> {
        let signature = FakeSignature::default();
        let page = gone(&call("{}", 0, http, &signature), object, WINDOW, token);
        http.done();
        page
    }

    fn tombstone(id: &str, at: Option<Instant>, into: Option<&str>) -> Tombstone {
        let into = into.map(|id| Successor { object: "contacts".into(), id: id.into() });
        Tombstone { id: id.into(), at, into }
    }

    #[test]
    fn the_archive_is_read_to_its_end_and_cut_to_the_window() {
        let archive = json!({"results": [
            {"id": "1", "archived": true, "archivedAt": "1970-01-01T00:00:00.999Z", "properties": {}},
            {"id": "2", "archived": true, "archivedAt": "1970-01-01T00:00:01.000Z", "properties": {}},
            {"id": "3", "archived": true, "archivedAt": "1970-01-01T00:00:02.000Z", "properties": {}},
            {"id": "4", "archived": true, "properties": {}},
        ], "paging": {"next": {"after": "5"}}});
        let http = FakeHttp::new().expect(Method::Get, "/crm/v3/objects/contacts", Ok(respond(200, &archive)));
        let page = run(&http, "contacts", None).unwrap();
        let expected = [tombstone("2", Some(1_000_000), None), tombstone("4", None, None)];
        assert_eq!((page.gone.as_slice(), page.next.as_deref()), (&expected[..], Some(r#"{"a":"5"}"#)));
        assert!(http.sent()[0].query.contains(&("archived".to_owned(), "true".to_owned())));
    }

    #[test]
    fn merges_follow_the_archive_where_records_can_be_merged() {
        let empty = || Ok(respond(200, &json!({"results": []})));
        for (object, next) in [("companies", Some(r#"{"m":true}"#)), ("calls", None), ("2-77", None)] {
            let http = FakeHttp::new().expect(Method::Get, &format!("/crm/v3/objects/{object}"), empty());
            assert_eq!(run(&http, object, Some(r#"{"a":"5"}"#)).unwrap().next.as_deref(), next);
        }
    }

    #[test]
    fn a_merged_record_leaves_a_tombstone_that_says_where_it_lives_on() {
        let found = json!({"total": 2, "results": [
            {"id": "9", "properties": {"hs_merged_object_ids": "7;8;9", "hs_calculated_merged_vids": "7:1763805600123;8:1763805600124", "lastmodifieddate": "1970-01-01T00:00:01Z"}},
            {"id": "10", "properties": {"hs_merged_object_ids": "6"}},
        ], "paging": {"next": {"after": "2"}}});
        let target = "/crm/v3/objects/contacts/search";
        let http = FakeHttp::new().expect(Method::Post, target, Ok(respond(200, &found)));
        let page = run(&http, "contacts", Some(r#"{"m":true,"a":"4"}"#)).unwrap();
        let expected = [
            tombstone("7", Some(1_763_805_600_123_000), Some("9")),
            tombstone("8", Some(1_763_805_600_124_000), Some("9")),
            tombstone("6", None, Some("10")),
        ];
        assert_eq!((page.gone.as_slice(), page.next.as_deref()), (&expected[..], Some(r#"{"a":"10","m":true}"#)));
        let filters = json!([
            {"propertyName": "lastmodifieddate", "operator": "BETWEEN", "value": "1000", "highValue": "1999"},
            {"propertyName": "hs_merged_object_ids", "operator": "HAS_PROPERTY"},
            {"propertyName": "hs_object_id", "operator": "GT", "value": "4"}]);
        assert_eq!(http.sent_json()[0]["filterGroups"][0]["filters"], filters);
    }
}
