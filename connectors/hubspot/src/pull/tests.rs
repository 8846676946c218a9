//! Pulls against scripted answers: which requests are sent, which rows come, where the next page starts.

use ferry_sdk::connector::{Comparison, Condition};
use ferry_sdk::http::{Method, Response};
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as respond};
use ferry_sdk::value::Value;
use serde_json::Value as Json;

use super::*;

const OBJECTS: &str = "/crm/v3/objects/contacts";
const SEARCH: &str = "/crm/v3/objects/contacts/search";
const BATCH: &str = "/crm/v3/objects/contacts/batch/read";
const PROPERTIES: &str = "/crm/v3/properties/contacts";

fn request(slice: Slice) -> PullRequest {
    PullRequest {
        object: "contacts".into(),
        columns: vec!["email".into(), "annualrevenue".into()],
        filter: Vec::new(),
        segment: None,
        slice,
        token: None,
        limit: 2_000,
    }
}

fn properties() -> Response {
    answer(200, &[], include_str!("../../fixtures/properties-contacts.json"))
}

fn record(id: u64) -> Json {
    let stamp = "1970-01-01T00:00:01.000Z";
    json!({"id": id.to_string(), "properties": {"annualrevenue": "10", "email": format!("c{id}@example.com"), "lastmodifieddate": stamp}})
}

fn records(ids: &[u64], after: Option<&str>, total: Option<u64>) -> Response {
    let results: Vec<Json> = ids.iter().copied().map(record).collect();
    let mut page = json!({"results": results});
    if let Some(after) = after {
        page["paging"] = json!({"next": {"after": after}});
    }
    if let Some(total) = total {
        page["total"] = json!(total);
    }
    respond(200, &page)
}

fn run(http: &FakeHttp, request: PullRequest) -> Result<Page, Failure> {
    let signature = FakeSignature::default();
    let page = pull(&call("{}", 0, http, &signature), request);
    http.done();
    page
}

fn ids(page: &Page) -> Vec<&str> {
    page.rows.iter().map(|row| row.id.as_str()).collect()
}

fn query(http: &FakeHttp, at: usize, name: &str) -> Option<String> {
    http.sent()[at].query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

#[test]
fn a_backfill_goes_by_the_list_and_asks_for_types_once() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
        Method::Get,
        OBJECTS,
        Ok(records(&[1, 2], Some("3"), None)),
    );
    let page = run(&http, request(Slice::All)).unwrap();
    let row = |id: &str| Row {
        id: id.into(),
        modified: Some(1_000_000),
        version: None,
        values: vec![format!("c{id}@example.com").into(), Value::Decimal("10".into())],
    };
    assert_eq!(page, Page::of(vec![row("1"), row("2")], Some(r#"{"c":"wn","a":"3"}"#.into())));
    assert_eq!(query(&http, 1, "limit").as_deref(), Some("100"));
    assert_eq!(query(&http, 1, "properties").as_deref(), Some("email,annualrevenue,lastmodifieddate"));
    assert_eq!(query(&http, 1, "after"), None);

    let http = FakeHttp::new().expect(Method::Get, OBJECTS, Ok(records(&[3], None, None)));
    let last = run(&http, PullRequest { token: page.next, limit: 7, ..request(Slice::All) }).unwrap();
    assert_eq!((ids(&last), last.next.as_deref()), (vec!["3"], None));
    assert_eq!(query(&http, 0, "after").as_deref(), Some("3"));
    assert_eq!(query(&http, 0, "limit").as_deref(), Some("7"));
}

#[test]
fn a_column_that_is_not_there_is_missing() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties()));
    let request = PullRequest { columns: vec!["email".into(), "nope".into()], ..request(Slice::All) };
    assert_eq!(run(&http, request), Err(Failure::Missing("nope".into())));
}

#[test]
fn more_columns_than_an_address_holds_are_read_by_batch() {
    let names: Vec<String> = (0..400).map(|at| format!("a_long_property_name_{at}")).collect();
    let known: Vec<Json> =
        names.iter().map(|name| json!({"name": name, "type": "string", "fieldType": "text"})).collect();
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(respond(200, &json!({"results": known}))))
        .expect(Method::Get, OBJECTS, Ok(records(&[1, 2], None, None)))
        .expect(Method::Post, BATCH, Ok(records(&[1, 2], None, None)));
    let page = run(&http, PullRequest { columns: names, ..request(Slice::All) }).unwrap();
    assert_eq!(ids(&page), ["1", "2"]);
    assert_eq!(query(&http, 1, "properties").as_deref(), Some("hs_object_id"));
    assert_eq!(http.sent_json()[2]["properties"].as_array().unwrap().len(), 401);
}

#[test]
fn a_list_that_does_not_move_is_not_followed() {
    let http = FakeHttp::new().expect(Method::Get, OBJECTS, Ok(records(&[1], Some("3"), None)));
    let token = Some(r#"{"c":"wn","a":"3"}"#.into());
    assert!(matches!(run(&http, PullRequest { token, ..request(Slice::All) }), Err(Failure::Temporary(_))));
}

#[test]
fn a_token_of_other_columns_has_expired() {
    for token in ["x", r#"{"c":"w"}"#, r#"{"c":"w?"}"#, r#"{"c":"wn","f":"w"}"#] {
        let request = PullRequest { token: Some(token.into()), ..request(Slice::All) };
        assert_eq!(run(&FakeHttp::new(), request), Err(Failure::TokenExpired), "{token}");
    }
}

#[test]
fn partitions_are_shares_of_the_ids_and_the_last_is_open() {
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(properties()))
        .expect(Method::Get, OBJECTS, Ok(records(&[1_000], Some("1001"), None)))
        .expect(Method::Post, SEARCH, Ok(records(&[4_999], None, Some(700))));
    let signature = FakeSignature::default();
    let tokens = partition(&call("{}", 0, &http, &signature), request(Slice::All), 2).unwrap();
    let expected = [r#"{"c":"wn","e":3000}"#, r#"{"c":"wn","a":"2999","s":3000}"#];
    assert_eq!(tokens, expected);

    let http = FakeHttp::new().expect(Method::Get, OBJECTS, Ok(records(&[2_998, 2_999, 3_000], Some("3001"), None)));
    let first = run(&http, PullRequest { token: Some(tokens[0].clone()), ..request(Slice::All) }).unwrap();
    assert_eq!((ids(&first), &first.next), (vec!["2998", "2999"], &None));
    let http = FakeHttp::new().expect(Method::Get, OBJECTS, Ok(records(&[2_999, 3_000, 9_000], Some("9001"), None)));
    let second = run(&http, PullRequest { token: Some(tokens[1].clone()), ..request(Slice::All) }).unwrap();
    assert_eq!((ids(&second), second.next.as_deref()), (vec!["3000", "9000"], Some(r#"{"c":"wn","a":"9001"}"#)));
}

#[test]
fn what_is_no_whole_object_is_one_partition() {
    for request in [
        PullRequest { segment: Some("7".into()), ..request(Slice::All) },
        request(Slice::Window(Window { since: 0, before: 9_000 })),
    ] {
        let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties()));
        let signature = FakeSignature::default();
        let tokens = partition(&call("{}", 0, &http, &signature), request, 8);
        assert_eq!(tokens, Ok(vec![r#"{"c":"wn"}"#.to_owned()]));
    }
}

#[test]
fn a_window_is_searched_by_the_contacts_own_stamp_and_paged_by_id() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
        Method::Post,
        SEARCH,
        Ok(records(&[5, 9], Some("2"), Some(3))),
    );
    let window = Slice::Window(Window { since: 1_000_000, before: 2_000_000 });
    let page = run(&http, request(window.clone())).unwrap();
    assert_eq!(
        (ids(&page), page.total, page.next.as_deref()),
        (vec!["5", "9"], Some(3), Some(r#"{"c":"wn","a":"9"}"#))
    );
    let stamp =
        json!({"propertyName": "lastmodifieddate", "operator": "BETWEEN", "value": "1000", "highValue": "1999"});
    let body = |filters: Json| {
        json!({
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["email", "annualrevenue", "lastmodifieddate"],
            "limit": 200,
        })
    };
    assert_eq!(http.sent_json()[1], body(json!([stamp])));
    assert_eq!((http.sent()[1].bucket.as_deref(), http.sent()[1].repeatable), (Some("search"), true));

    let http = FakeHttp::new().expect(Method::Post, SEARCH, Ok(records(&[11], None, Some(1))));
    let last = run(&http, PullRequest { token: page.next, ..request(window) }).unwrap();
    assert_eq!((ids(&last), last.total, &last.next), (vec!["11"], None, &None));
    let behind = json!({"propertyName": "hs_object_id", "operator": "GT", "value": "9"});
    assert_eq!(http.sent_json()[0], body(json!([stamp, behind])));
}

#[test]
fn a_window_of_more_than_10_000_is_too_large_but_one_millisecond_is_read_to_its_end() {
    let window = |before| request(Slice::Window(Window { since: 1_000_000, before }));
    let crowded = || {
        FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
            Method::Post,
            SEARCH,
            Ok(records(&[1, 2], Some("2"), Some(10_001))),
        )
    };
    assert_eq!(run(&crowded(), window(1_002_000)), Err(Failure::WindowTooLarge(Some(10_001))));
    let page = run(&crowded(), window(1_001_000)).unwrap();
    assert_eq!(
        (ids(&page), page.total, page.next.as_deref()),
        (vec!["1", "2"], Some(10_001), Some(r#"{"c":"wn","a":"2"}"#))
    );
}

#[test]
fn a_search_out_of_order_is_not_trusted() {
    for (found, after) in [(&[9, 5][..], Some("2")), (&[][..], Some("2"))] {
        let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
            Method::Post,
            SEARCH,
            Ok(records(found, after, Some(3))),
        );
        let window = Slice::Window(Window { since: 0, before: 9_000 });
        assert!(matches!(run(&http, request(window)), Err(Failure::Temporary(_))));
    }
}

#[test]
fn a_window_without_a_whole_millisecond_is_empty() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties()));
    let page = run(&http, request(Slice::Window(Window { since: 1, before: 999 })));
    assert_eq!(page, Ok(Page::of(Vec::new(), None)));
}

#[test]
fn a_filter_is_searched_for_and_knows_no_end_at_10_000() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
        Method::Post,
        SEARCH,
        Ok(records(&[5], Some("1"), Some(50_000))),
    );
    let values = vec!["Lead".into(), "Old".into()];
    let filter = vec![Condition { field: "lifecyclestage".into(), comparison: Comparison::OneOf, values }];
    let page = run(&http, PullRequest { filter, ..request(Slice::All) }).unwrap();
    assert_eq!((page.total, page.next.as_deref()), (Some(50_000), Some(r#"{"c":"wn","f":"t","a":"5"}"#)));
    let filters = &http.sent_json()[1]["filterGroups"][0]["filters"];
    assert_eq!(filters, &json!([{"propertyName": "lifecyclestage", "operator": "IN", "values": ["Lead", "Old"]}]));
}

#[test]
fn a_search_with_too_many_columns_finds_ids_and_reads_them_by_batch() {
    let columns: Vec<String> = (0..200).map(|at| format!("a_long_property_name_{at}")).collect();
    let token = Token { columns: Some("t".repeat(200)), ..Token::after("4") };
    let http = FakeHttp::new().expect(Method::Post, SEARCH, Ok(records(&[5, 6, 7], Some("3"), Some(9)))).expect(
        Method::Post,
        BATCH,
        Ok(records(&[7, 5], None, None)),
    );
    let window = Slice::Window(Window { since: 0, before: 9_000 });
    let page = run(&http, PullRequest { columns, token: Some(token.write()), ..request(window) }).unwrap();
    assert_eq!(ids(&page), ["7", "5"]);
    assert!(http.sent()[0].body.as_ref().unwrap().len() < 3_000);
    assert!(page.next.unwrap().ends_with(r#""a":"7"}"#));
}

#[test]
fn ids_are_read_in_batches_and_those_not_there_are_left_out() {
    let wanted: Vec<String> = (1..=150).map(|id: u32| id.to_string()).collect();
    let partial = json!({"status": "COMPLETE", "results": [record(101)], "numErrors": 1,
        "errors": [{"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["102"]}}]});
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(properties()))
        .expect(Method::Post, BATCH, Ok(records(&[1, 2], None, None)))
        .expect(Method::Post, BATCH, Ok(respond(207, &partial)));
    let page = run(&http, request(Slice::Ids(wanted.clone()))).unwrap();
    assert_eq!((ids(&page), &page.next), (vec!["1", "2", "101"], &None));
    let sizes: Vec<usize> = http.sent_json()[1..].iter().map(|body| body["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 50]);
}

#[test]
fn ids_keep_to_the_limit_of_a_page() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
        Method::Post,
        BATCH,
        Ok(records(&[1, 2], None, None)),
    );
    let three = Slice::Ids(["1", "2", "3"].map(str::to_owned).to_vec());
    let page = run(&http, PullRequest { limit: 2, ..request(three.clone()) }).unwrap();
    assert_eq!(page.next.as_deref(), Some(r#"{"c":"wn","a":"2"}"#));
    let http = FakeHttp::new().expect(Method::Post, BATCH, Ok(records(&[3], None, None)));
    let last = run(&http, PullRequest { token: page.next, ..request(three) }).unwrap();
    assert_eq!((ids(&last), &last.next), (vec!["3"], &None));
}

#[test]
fn a_batch_that_leaves_records_out_for_another_reason_is_not_taken_for_whole() {
    let partial =
        json!({"status": "COMPLETE", "results": [], "errors": [{"category": "INTERNAL_ERROR", "message": "secret"}]});
    let empty = json!({"status": "COMPLETE", "results": []});
    for (status, body) in [(207, partial), (200, empty)] {
        let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
            Method::Post,
            BATCH,
            Ok(respond(status, &body)),
        );
        let failure = run(&http, request(Slice::Ids(vec!["1".into()]))).unwrap_err();
        assert!(matches!(&failure, Failure::Temporary(text) if !text.contains("secret")), "{failure:?}");
    }
}

#[test]
fn a_list_gives_its_members_and_then_their_records() {
    let members = json!({"results": [{"recordId": "5"}, {"recordId": "6"}], "paging": {"next": {"after": "xyz"}}});
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(properties()))
        .expect(Method::Get, "/crm/v3/lists/7/memberships", Ok(respond(200, &members)))
        .expect(Method::Post, BATCH, Ok(records(&[5, 6], None, None)));
    let page = run(&http, PullRequest { segment: Some("7".into()), ..request(Slice::All) }).unwrap();
    assert_eq!((ids(&page), page.next.as_deref()), (vec!["5", "6"], Some(r#"{"c":"wn","a":"xyz"}"#)));
    assert_eq!(query(&http, 1, "limit").as_deref(), Some("200"));
}

#[test]
fn a_window_of_a_list_is_searched_among_its_members() {
    let members = json!({"results": [{"recordId": "5"}, {"recordId": "6"}]});
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(properties()))
        .expect(Method::Get, "/crm/v3/lists/7/memberships", Ok(respond(200, &members)))
        .expect(Method::Post, SEARCH, Ok(records(&[6], None, Some(1))));
    let window = Slice::Window(Window { since: 0, before: 9_000 });
    let page = run(&http, PullRequest { segment: Some("7".into()), ..request(window) }).unwrap();
    assert_eq!((ids(&page), &page.next), (vec!["6"], &None));
    let filters = http.sent_json()[2]["filterGroups"][0]["filters"].clone();
    assert_eq!(filters[1], json!({"propertyName": "hs_object_id", "operator": "IN", "values": ["5", "6"]}));
}

#[test]
fn single_records_of_a_list_are_looked_up_in_it() {
    let members = |ids: &[&str], after: Option<&str>| {
        let results: Vec<Json> = ids.iter().map(|id| json!({"recordId": id})).collect();
        respond(200, &json!({"results": results, "paging": after.map(|after| json!({"next": {"after": after}}))}))
    };
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(properties()))
        .expect(Method::Get, "/crm/v3/lists/7/memberships", Ok(members(&["1", "5"], Some("a"))))
        .expect(Method::Get, "/crm/v3/lists/7/memberships", Ok(members(&["8"], None)))
        .expect(Method::Post, BATCH, Ok(records(&[5], None, None)));
    let wanted = Slice::Ids(vec!["5".into(), "6".into()]);
    let page = run(&http, PullRequest { segment: Some("7".into()), ..request(wanted) }).unwrap();
    assert_eq!(ids(&page), ["5"]);
}

#[test]
fn a_list_that_is_not_there_is_missing() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
        Method::Get,
        "/crm/v3/lists/7/memberships",
        Ok(respond(404, &json!({}))),
    );
    let request = PullRequest { segment: Some("7".into()), ..request(Slice::All) };
    assert_eq!(run(&http, request), Err(Failure::Missing("7".into())));
}

#[test]
fn columns_of_links_are_no_properties_and_are_asked_for_once_a_page() {
    let links = json!({"results": [{"from": {"id": "1"}, "to": [{"toObjectId": 8}, {"toObjectId": 7}]}], "errors": [{"category": "OBJECT_NOT_FOUND"}]});
    let http = FakeHttp::new()
        .expect(Method::Get, PROPERTIES, Ok(properties()))
        .expect(Method::Get, OBJECTS, Ok(records(&[1, 2], None, None)))
        .expect(Method::Post, "/crm/v4/associations/contacts/companies/batch/read", Ok(respond(207, &links)));
    let columns = vec!["email".into(), "associations.companies".into()];
    let page = run(&http, PullRequest { columns, ..request(Slice::All) }).unwrap();
    let values: Vec<&Value> = page.rows.iter().map(|row| &row.values[1]).collect();
    assert_eq!(values, [&Value::Texts(vec!["7".into(), "8".into()]), &Value::Null]);
    assert_eq!(query(&http, 1, "properties").as_deref(), Some("email,lastmodifieddate"));
}

#[test]
fn a_filter_asks_whether_a_record_is_linked_with_another() {
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties())).expect(
        Method::Post,
        SEARCH,
        Ok(records(&[1], None, Some(1))),
    );
    let linked =
        |comparison| Condition { field: "associations.companies".into(), comparison, values: vec!["8".into()] };
    run(&http, PullRequest { filter: vec![linked(Comparison::Contains)], ..request(Slice::All) }).unwrap();
    let filter = json!({"propertyName": "associations.company", "operator": "EQ", "value": "8"});
    assert_eq!(http.sent_json()[1]["filterGroups"][0]["filters"], json!([filter]));
    let http = FakeHttp::new().expect(Method::Get, PROPERTIES, Ok(properties()));
    let refused = run(&http, PullRequest { filter: vec![linked(Comparison::NotEqual)], ..request(Slice::All) });
    assert!(matches!(refused, Err(Failure::Invalid(_))), "{refused:?}");
}
