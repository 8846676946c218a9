//! What was deleted or merged, from the list of recent changes: version 2 has none, so version 1 is asked.

use ferry_sdk::connector::{Failure, Page, Window};
use ferry_sdk::http::Request;
use ferry_sdk::time;
use ferry_sdk::value::{Instant, Successor, Tombstone};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::api::{self, Additional, Api, List, PAGE_MOST};
use crate::objects::Standard;
use crate::place::Place;

#[derive(Deserialize)]
struct Change {
    item: String,
    id: Json,
    #[serde(default)]
    data: Json,
}

pub(crate) fn gone(api: &Api<'_>, object: &Standard, window: Window, token: Option<&str>) -> Result<Page, Failure> {
    let place = token.map_or_else(|| Ok(Place::at(window.since)), Place::read)?;
    let request = Request::get(api::first("recents"))
        .query("since_timestamp", written(place.since))
        .query("items", object.item)
        .query("start", place.start)
        .query("limit", PAGE_MOST);
    let recents: List<Change> = api.json(request, object.name)?;
    let changes = recents.data.unwrap_or_default();
    let gone =
        changes.iter().filter(|change| change.item == object.item).flat_map(|change| change.tombstones(object.name));
    let gone = gone.filter(|tombstone| tombstone.at.is_none_or(|at| at < window.before)).collect();
    let next = recents.additional_data.and_then(|more| next(&more, place, changes.len(), window));
    Ok(Page { gone, ..Page::of(Vec::new(), next) })
}

fn next(more: &Additional, place: Place, count: usize, window: Window) -> Option<String> {
    let last = more.last_timestamp_on_page.as_deref().and_then(time::instant);
    let is_over = count == 0 || !more.goes_on() || last.is_some_and(|last| last >= window.before);
    (!is_over).then(|| place.after(last, count).write())
}

/// `2026-11-22 10:00:00`, in UTC.
fn written(instant: Instant) -> String {
    time::write_instant(instant, 0).replace('T', " ").trim_end_matches('Z').to_owned()
}

impl Change {
    fn tombstones(&self, object: &str) -> Vec<Tombstone> {
        let Some(id) = id(&self.id) else { return Vec::new() };
        let at = self.data["update_time"].as_str().and_then(time::instant);
        let data = &self.data;
        let deleted = data["active_flag"] == Json::Bool(false)
            || data["deleted"] == Json::Bool(true)
            || data["status"] == "deleted";
        let mut tombstones = Vec::new();
        if let Some(merged) = self::id(&data["merge_what_id"]).filter(|merged| *merged != id) {
            tombstones.push(Tombstone {
                id: merged,
                at,
                into: Some(Successor { object: object.to_owned(), id: id.clone() }),
            });
        }
        if deleted {
            tombstones.push(Tombstone { id, at, into: None });
        }
        tombstones
    }
}

fn id(json: &Json) -> Option<String> {
    json.as_u64().map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use ferry_sdk::time::SECOND;
    use serde_json::json;

    use super::*;
    use crate::objects::PERSONS;

    const WINDOW: Window = Window { since: 1_500_000, before: 100 * SECOND };

    fn run(body: &Json, token: Option<&str>) -> (Page, Vec<(String, String)>) {
        let http = FakeHttp::new().expect(Method::Get, "/api/v1/recents", Ok(json(200, body)));
        let signature = FakeSignature::default();
        let page = gone(&Api::open(&call("{}", 0, &http, &signature)).unwrap(), &PERSONS, WINDOW, token).unwrap();
        (page, http.sent()[0].query.clone())
    }

    #[test]
    fn deletes_and_merges_are_told_from_changes() {
        let body = json!({"success": true, "data": [
            {"item": "person", "id": 1, "data": {"active_flag": true, "update_time": "1970-01-01 00:00:02"}},
            {"item": "person", "id": 2, "data": {"active_flag": false, "update_time": "1970-01-01 00:00:03"}},
            {"item": "person", "id": 3, "data": {"active_flag": true, "merge_what_id": 4, "update_time": "1970-01-01 00:00:04"}},
            {"item": "person", "id": 5, "data": {"active_flag": false, "update_time": "1970-01-01 00:02:00"}},
        ], "additional_data": {"last_timestamp_on_page": "1970-01-01 00:00:04", "pagination": {"more_items_in_collection": true}}});
        let (page, query) = run(&body, None);
        let tombstone = |id: &str, at: i64, into: Option<&str>| Tombstone {
            id: id.into(),
            at: Some(at * SECOND),
            into: into.map(|id| Successor { object: "persons".into(), id: id.into() }),
        };
        assert_eq!(page.gone, [tombstone("2", 3, None), tombstone("4", 4, Some("3"))]);
        assert_eq!(page.next.as_deref(), Some("4000000+0"));
        assert_eq!(query[0], ("since_timestamp".into(), "1970-01-01 00:00:01".into()));
    }

    #[test]
    fn a_second_that_does_not_fit_on_a_page_is_read_on() {
        let body = json!({"data": [{"item": "person", "id": 1, "data": {}}],
            "additional_data": {"last_timestamp_on_page": "1970-01-01 00:00:04", "pagination": {"more_items_in_collection": true}}});
        assert_eq!(run(&body, Some("4000000+7")).0.next.as_deref(), Some("4000000+8"));
        assert_eq!(run(&json!({"data": null}), None).0.next, None);
    }
}
