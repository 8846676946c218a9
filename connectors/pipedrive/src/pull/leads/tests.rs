use ferry_sdk::connector::{Comparison, Condition, PullRequest};
use ferry_sdk::http::Method;
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};
use ferry_sdk::time::SECOND;
use serde_json::{Value as Json, json};

use super::*;

const LEADS: &str = "/api/v1/leads";
const ONE: &str = "00000001-0000-4000-8000-000000000001";
const TWO: &str = "00000002-0000-4000-8000-000000000002";

fn request(slice: Slice) -> PullRequest {
    let columns = ["title", "person.email", "organization.name", "value.amount"].map(str::to_owned).into();
    PullRequest { object: "leads".into(), columns, filter: vec![], segment: None, slice, token: None, limit: 500 }
}

fn run(http: &FakeHttp, request: &PullRequest) -> Result<Page, Failure> {
    let signature = FakeSignature::default();
    crate::pull::pull(&Api::open(&call("{}", 0, http, &signature)).unwrap(), request)
}

fn lead(id: &str, second: u32, person: Json) -> Json {
    json!({"id": id, "title": "A fleet", "person_id": person, "organization_id": null, "is_archived": false,
        "value": {"amount": 12.5, "currency": "EUR"}, "label_ids": [], "update_time": format!("1970-01-01T00:00:{second:02}.551Z")})
}

fn page(leads: &[Json], more: bool) -> Json {
    json!({"success": true, "data": leads, "additional_data": {"pagination": {"start": 0, "limit": 500, "more_items_in_collection": more}}})
}

fn persons() -> Json {
    json!({"success": true, "data": [{"id": 7, "emails": [{"value": "ada@example.com", "primary": true}]}],
        "additional_data": {"next_cursor": null}})
}

fn query(http: &FakeHttp, at: usize, name: &str) -> Option<String> {
    http.sent().get(at)?.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

#[test]
fn a_page_has_what_is_known_of_the_persons_and_goes_on_by_stamp() {
    let leads = [lead(ONE, 2, json!(7)), lead(TWO, 4, json!(null))];
    let http = FakeHttp::new().expect(Method::Get, LEADS, Ok(json(200, &page(&leads, true)))).expect(
        Method::Get,
        "/api/v2/persons",
        Ok(json(200, &persons())),
    );
    let found = run(&http, &request(Slice::All)).unwrap();
    let row = |id: &str, second: i64, email: Value| Row {
        id: id.into(),
        modified: Some(second * SECOND + 551_000),
        version: None,
        values: vec!["A fleet".into(), email, Value::Null, Value::Decimal("12.5".into())],
    };
    assert_eq!(found.rows, [row(ONE, 2, "ada@example.com".into()), row(TWO, 4, Value::Null)]);
    assert_eq!((query(&http, 0, "sort"), query(&http, 0, "start")), (Some("update_time ASC".into()), Some("0".into())));
    assert_eq!(query(&http, 1, "ids").as_deref(), Some("7"));
    // The next page begins with the second that this one ended in.
    let http = FakeHttp::new().expect(Method::Get, LEADS, Ok(json(200, &page(&[], false))));
    let last = run(&http, &PullRequest { token: found.next, ..request(Slice::All) }).unwrap();
    assert_eq!(query(&http, 0, "updated_since").as_deref(), Some("1970-01-01T00:00:04Z"));
    assert_eq!(last, Page::of(vec![], None));
}

#[test]
fn a_window_ends_where_its_leads_end() {
    let leads = [lead(ONE, 2, json!(null)), lead(TWO, 4, json!(null))];
    let http = FakeHttp::new().expect(Method::Get, LEADS, Ok(json(200, &page(&leads, true))));
    let window = Window { since: 2 * SECOND, before: 4 * SECOND };
    let found = run(&http, &request(Slice::Window(window))).unwrap();
    assert_eq!((found.rows.len(), found.rows[0].id.as_str(), found.next), (1, ONE, None));
    assert_eq!(query(&http, 0, "updated_since").as_deref(), Some("1970-01-01T00:00:02Z"));
}

#[test]
fn ids_are_asked_for_one_by_one_and_what_is_archived_or_gone_is_not_there() {
    let mut archived = lead(TWO, 4, json!(null));
    archived["is_archived"] = json!(true);
    let one = |lead: Json| Ok(json(200, &json!({"success": true, "data": lead})));
    let gone = "00000003-0000-4000-8000-000000000003";
    let http = FakeHttp::new()
        .expect(Method::Get, format!("{LEADS}/{ONE}").as_str(), one(lead(ONE, 2, json!(null))))
        .expect(Method::Get, format!("{LEADS}/{TWO}").as_str(), one(archived))
        .expect(Method::Get, format!("{LEADS}/{gone}").as_str(), Ok(answer(404, &[], "{}")));
    let ids = [ONE, TWO, gone, "../persons"].map(str::to_owned).into();
    let found = run(&http, &request(Slice::Ids(ids))).unwrap();
    assert_eq!((found.rows.len(), found.rows[0].id.as_str(), found.next), (1, ONE, None));
    http.done();
}

#[test]
fn conditions_and_filters_look_at_the_same_leads() {
    let leads = [lead(ONE, 2, json!(7)), lead(TWO, 4, json!(null))];
    let http = FakeHttp::new().expect(Method::Get, LEADS, Ok(json(200, &page(&leads, false)))).expect(
        Method::Get,
        "/api/v2/persons",
        Ok(json(200, &persons())),
    );
    let filter = vec![Condition { field: "person.email".into(), comparison: Comparison::Present, values: vec![] }];
    let asked = PullRequest { filter, segment: Some("11".into()), ..request(Slice::All) };
    let found = run(&http, &asked).unwrap();
    assert_eq!((found.rows.len(), found.rows[0].values.len()), (1, 4));
    assert_eq!(query(&http, 0, "filter_id").as_deref(), Some("11"));
}

#[test]
fn leads_in_another_order_are_not_believed() {
    let leads = [lead(ONE, 4, json!(null)), lead(TWO, 2, json!(null))];
    let http = FakeHttp::new().expect(Method::Get, LEADS, Ok(json(200, &page(&leads, true))));
    assert!(matches!(run(&http, &request(Slice::All)), Err(Failure::Temporary(_))));
}

#[test]
fn an_own_field_is_that_of_deals_with_its_parts_beside_it() {
    let key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let fields = json!({"data": [{"field_code": key, "field_name": "Budget", "field_type": "monetary", "is_custom_field": true}]});
    let mut one = lead(ONE, 2, json!(null));
    one[key] = json!(250);
    one[format!("{key}_currency")] = json!("EUR");
    let http = FakeHttp::new().expect(Method::Get, "/api/v2/dealFields", Ok(json(200, &fields))).expect(
        Method::Get,
        LEADS,
        Ok(json(200, &page(&[one], false))),
    );
    let columns = vec![key.to_owned(), format!("{key}.currency")];
    let found = run(&http, &PullRequest { columns, ..request(Slice::All) }).unwrap();
    assert_eq!(found.rows[0].values, [Value::Decimal("250".into()), "EUR".into()]);
}
