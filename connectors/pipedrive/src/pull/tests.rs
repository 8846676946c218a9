use ferry_sdk::connector::{Comparison, Condition};
use ferry_sdk::http::{Method, Response};
use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
use ferry_sdk::value::{Row, Tombstone, Value};
use serde_json::json;

use super::*;

const PERSONS: &str = "/api/v2/persons";

fn request(slice: Slice) -> PullRequest {
    let columns = ["name", "email", "phones"].map(str::to_owned).into();
    PullRequest { object: "persons".into(), columns, filter: vec![], segment: None, slice, token: None, limit: 500 }
}

fn run(http: &FakeHttp, request: &PullRequest) -> Result<Page, Failure> {
    let signature = FakeSignature::default();
    pull(&Api::open(&call("{}", 0, http, &signature)).unwrap(), request)
}

fn page(next: Option<&str>) -> Response {
    let body = json!({"success": true, "data": [
        {"id": 1, "name": "Ada", "emails": [{"value": "ada@example.com", "primary": true, "label": "work"}],
            "phones": [{"value": "+4940123", "primary": true}], "add_time": "1970-01-01T00:00:01Z", "update_time": "1970-01-01T00:00:02Z",
            "custom_fields": {"0123456789abcdef0123456789abcdef01234567": 7}},
        {"id": 2, "name": "Gone", "is_deleted": true, "update_time": "1970-01-01T00:00:03Z"},
        {"id": 3, "name": "", "emails": [], "add_time": "1970-01-01T00:00:04Z"},
    ], "additional_data": {"next_cursor": next}});
    json(200, &body)
}

fn query(http: &FakeHttp, name: &str) -> Option<String> {
    http.sent().last()?.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

fn ids(page: &Page) -> Vec<&str> {
    page.rows.iter().map(|row| row.id.as_str()).collect()
}

#[test]
fn a_page_goes_by_id_behind_a_cursor() {
    let http =
        FakeHttp::new().expect(Method::Get, PERSONS, Ok(page(Some("c1")))).expect(Method::Get, PERSONS, Ok(page(None)));
    let first = run(&http, &request(Slice::All)).unwrap();
    let ada = Row {
        id: "1".into(),
        modified: Some(2 * SECOND),
        version: None,
        values: vec!["Ada".into(), "ada@example.com".into(), Value::Texts(vec!["+4940123".into()])],
    };
    assert_eq!((&first.rows[0], ids(&first)), (&ada, vec!["1", "3"]));
    assert_eq!(first.rows[1].modified, Some(4 * SECOND));
    assert_eq!(first.gone, [Tombstone { id: "2".into(), at: Some(3 * SECOND), into: None }]);
    assert_eq!((query(&http, "sort_by"), query(&http, "cursor")), (Some("id".into()), None));
    let second = run(&http, &PullRequest { token: first.next, ..request(Slice::All) }).unwrap();
    assert_eq!((second.next, query(&http, "cursor")), (None, Some("c1".into())));
}

#[test]
fn a_window_is_whole_seconds_and_an_empty_one_asks_nothing() {
    let http = FakeHttp::new().expect(Method::Get, PERSONS, Ok(page(None)));
    run(&http, &request(Slice::Window(Window { since: 1_500_000, before: 3_000_000 }))).unwrap();
    assert_eq!(query(&http, "updated_since").as_deref(), Some("1970-01-01T00:00:02Z"));
    assert_eq!(query(&http, "updated_until").as_deref(), Some("1970-01-01T00:00:03Z"));
    let none = run(&FakeHttp::new(), &request(Slice::Window(Window { since: 1_500_000, before: 1_900_000 })));
    assert_eq!(none, Ok(Page::of(vec![], None)));
}

#[test]
fn conditions_are_held_against_the_rows() {
    let filter = vec![Condition { field: "email".into(), comparison: Comparison::Present, values: vec![] }];
    let http = FakeHttp::new().expect(Method::Get, PERSONS, Ok(page(None)));
    let found = run(&http, &PullRequest { filter, ..request(Slice::All) }).unwrap();
    assert_eq!((ids(&found), found.rows[0].values.len()), (vec!["1"], 3));
}

#[test]
fn ids_are_asked_for_by_the_hundred_and_a_filter_decides_alone() {
    let http =
        FakeHttp::new().expect(Method::Get, PERSONS, Ok(page(None))).expect(Method::Get, PERSONS, Ok(page(None)));
    let many: Vec<String> = (1..=150).map(|id| id.to_string()).chain(["../x".to_owned()]).collect();
    run(&http, &request(Slice::Ids(many))).unwrap();
    assert_eq!(query(&http, "ids").map(|ids| ids.split(',').count()), Some(50));
    let http = FakeHttp::new().expect(Method::Get, PERSONS, Ok(page(None)));
    let chosen = PullRequest { segment: Some("9".into()), ..request(Slice::Ids(vec!["3".into(), "4".into()])) };
    assert_eq!(ids(&run(&http, &chosen).unwrap()), ["3"]);
    assert_eq!((query(&http, "filter_id"), query(&http, "ids")), (Some("9".into()), None));
}

#[test]
fn what_goes_wrong_is_advice() {
    let answering = |response: Response| FakeHttp::new().expect(Method::Get, PERSONS, Ok(response));
    let token = Some(Token { cursor: Some("old".into()), done: None, readings: "tpa".into() }.write());
    let refused = run(&answering(json(400, &json!({}))), &PullRequest { token, ..request(Slice::All) });
    assert_eq!(refused, Err(Failure::TokenExpired));
    let broken = run(&answering(json(200, &json!({"data": {"0": "no list"}}))), &request(Slice::All));
    assert!(matches!(broken, Err(Failure::Temporary(_))), "{broken:?}");
    for token in ["", "{}", "{\"readings\":\"tp\"}"] {
        let stale = PullRequest { token: Some(token.into()), ..request(Slice::All) };
        assert_eq!(run(&FakeHttp::new(), &stale), Err(Failure::TokenExpired), "{token}");
    }
    let segment = PullRequest { segment: Some("1/x".into()), ..request(Slice::All) };
    assert_eq!(run(&FakeHttp::new(), &segment), Err(Failure::Missing("1/x".into())));
}
