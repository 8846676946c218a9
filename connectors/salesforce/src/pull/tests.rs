//! Pages against scripted answers, and against a small org that reads the queries.

use ferry_sdk::connector::{Comparison, Condition};
use ferry_sdk::http::{Method, Response};
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};
use serde_json::{Value as Json, json};

use super::*;

const DESCRIBE: &str = "/services/data/v67.0/sobjects/Contact/describe";
const QUERY: &str = "/services/data/v67.0/query";
const WINDOW: Window = Window { since: 1_000_000_500, before: 2_000_000_000 };

fn request(slice: Slice, token: Option<String>, limit: u32) -> PullRequest {
    PullRequest {
        object: "Contact".into(),
        columns: vec!["LastName".into()],
        filter: Vec::new(),
        segment: None,
        slice,
        token,
        limit,
    }
}

fn describe() -> Response {
    answer(200, &[], include_str!("../../fixtures/describe-contact.json"))
}

fn record(id: &str, second: i64) -> Json {
    let stamp = time::write_instant(second * 1_000_000, 3).replace('Z', "+0000");
    json!({"attributes": {}, "Id": id, "SystemModstamp": stamp, "LastName": "Lovelace"})
}

fn page(records: &[Json], done: bool) -> Response {
    json(200, &json!({"totalSize": records.len(), "done": done, "records": records}))
}

fn run(http: &FakeHttp, request: PullRequest) -> Result<Page, Failure> {
    let signature = FakeSignature::default();
    let page = pull(&call("{}", 0, http, &signature), request);
    http.done();
    page
}

fn soql(http: &FakeHttp) -> Vec<String> {
    let query = |request: &ferry_sdk::http::Request| {
        request.query.iter().find(|(name, _)| name == "q").map(|(_, soql)| soql.clone())
    };
    http.sent().iter().filter_map(query).collect()
}

const A: &str = "003000000000001AAA";
const B: &str = "003000000000002AAA";
const C: &str = "003000000000003AAA";

#[test]
fn a_window_goes_by_stamp_and_id_so_that_equal_stamps_lose_nothing() {
    let http = FakeHttp::new().expect(Method::Get, DESCRIBE, Ok(describe())).expect(
        Method::Get,
        QUERY,
        Ok(page(&[record(A, 1_500), record(B, 1_500)], true)),
    );
    let first = run(&http, request(Slice::Window(WINDOW), None, 2)).unwrap();
    let select = "SELECT Id,SystemModstamp,LastName FROM Contact WHERE SystemModstamp >= 1970-01-01T00:16:40.001Z AND SystemModstamp < 1970-01-01T00:33:20.000Z";
    assert_eq!(soql(&http), [format!("{select} ORDER BY SystemModstamp, Id LIMIT 2")]);
    let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(page(&[record(C, 1_500)], true)));
    let last = run(&http, request(Slice::Window(WINDOW), first.next, 2)).unwrap();
    let behind = format!(
        "((SystemModstamp = 1970-01-01T00:25:00.000Z AND Id > '{B}') OR SystemModstamp > 1970-01-01T00:25:00.000Z)"
    );
    assert_eq!(soql(&http), [format!("{select} AND {behind} ORDER BY SystemModstamp, Id LIMIT 2")]);
    assert_eq!((last.rows.len(), last.next), (1, None));
}

#[test]
fn everything_goes_by_id_and_a_cut_answer_is_no_end() {
    let http = FakeHttp::new().expect(Method::Get, DESCRIBE, Ok(describe())).expect(
        Method::Get,
        QUERY,
        Ok(page(&[record(A, 9)], false)),
    );
    let first = run(&http, request(Slice::All, None, 500)).unwrap();
    assert_eq!(soql(&http), ["SELECT Id,SystemModstamp,LastName FROM Contact ORDER BY Id LIMIT 500"]);
    let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(page(&[record(B, 8)], true)));
    let last = run(&http, request(Slice::All, first.next, 500)).unwrap();
    assert_eq!(
        soql(&http),
        [format!("SELECT Id,SystemModstamp,LastName FROM Contact WHERE Id > '{A}' ORDER BY Id LIMIT 500")]
    );
    assert_eq!((last.rows.len(), last.next), (1, None));
}

#[test]
fn a_filter_and_a_campaign_narrow_every_slice() {
    let http =
        FakeHttp::new().expect(Method::Get, DESCRIBE, Ok(describe())).expect(Method::Get, QUERY, Ok(page(&[], true)));
    let condition = Condition { field: "LeadSource".into(), comparison: Comparison::Equal, values: vec!["Web".into()] };
    let narrowed = PullRequest {
        filter: vec![condition],
        segment: Some("701000000000001AAA".into()),
        ..request(Slice::Ids(vec![A.into(), A.into(), "'".into()]), None, 500)
    };
    assert_eq!(run(&http, narrowed).unwrap(), Page::of(Vec::new(), None));
    let expected = format!(
        "SELECT Id,SystemModstamp,LastName FROM Contact WHERE LeadSource = 'Web' AND Id IN (SELECT ContactId FROM \
         CampaignMember WHERE CampaignId = '701000000000001AAA') AND Id IN ('{A}')"
    );
    assert_eq!(soql(&http), [expected]);
}

#[test]
fn ids_are_read_in_pieces_and_what_a_cut_answer_leaves_out_is_asked_for_again() {
    let http = FakeHttp::new()
        .expect(Method::Get, DESCRIBE, Ok(describe()))
        .expect(Method::Get, QUERY, Ok(page(&[record(A, 1)], false)))
        .expect(Method::Get, QUERY, Ok(page(&[record(B, 1)], true)));
    let ids = vec![A[..15].to_owned(), B.to_owned(), C.to_owned()];
    let first = run(&http, request(Slice::Ids(ids.clone()), None, 2)).unwrap();
    assert_eq!(first.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [A, B]);
    assert!(soql(&http)[1].ends_with(&format!("Id IN ('{B}')")));
    let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(page(&[], true)));
    let last = run(&http, request(Slice::Ids(ids), first.next, 2)).unwrap();
    assert_eq!((last.rows.len(), last.next), (0, None));
}

#[test]
fn a_field_that_vanishes_between_two_pages_is_missing() {
    let gone =
        json(400, &json!([{"errorCode": "INVALID_FIELD", "message": "No such column 'LastName' on entity 'Contact'"}]));
    let http = FakeHttp::new().expect(Method::Get, DESCRIBE, Ok(describe())).expect(Method::Get, QUERY, Ok(gone));
    assert_eq!(run(&http, request(Slice::All, None, 5)), Err(Failure::Missing("LastName".into())));
}

#[test]
fn a_token_of_other_columns_has_expired() {
    let token = Token { columns: Some("tt".into()), id: Some(A.into()), ..Token::default() }.write();
    assert_eq!(run(&FakeHttp::new(), request(Slice::All, Some(token), 5)), Err(Failure::TokenExpired));
}

#[test]
fn more_columns_than_an_address_holds_are_refused() {
    let names: Vec<String> = (0..700).map(|at| format!("A_field_with_a_long_name_{at}__c")).collect();
    let fields: Vec<Json> = names.iter().map(|name| json!({"name": name, "type": "string"})).collect();
    let http = FakeHttp::new().expect(Method::Get, DESCRIBE, Ok(json(200, &json!({"fields": fields}))));
    let wide = PullRequest { columns: names, ..request(Slice::All, None, 5) };
    assert!(matches!(run(&http, wide), Err(Failure::Invalid(_))));
}

#[test]
fn partitions_share_out_the_ids_and_meet_without_a_gap() {
    assert_eq!(id("003000", 1), A);
    assert_eq!(number(C), Some(3));
    assert_eq!(id("0035g0", number("0035g00000ABCDEFGH").unwrap()).get(..15), Some("0035g00000ABCDE"));
    let (first, last) = (Some(A.to_owned()), Some(id("003000", 40_000)));
    let starts = shares(&first, &last, 4);
    assert_eq!(starts.iter().map(|id| number(id).unwrap()).collect::<Vec<_>>(), [10_001, 20_001, 30_001]);
    assert_eq!(shares(&first, &Some(id("003000", 3_000)), 4), [] as [String; 0]);
    assert_eq!(shares(&first, &Some(id("0035g0", 90_000)), 4), [] as [String; 0]);
    assert_eq!(shares(&None, &None, 4), [] as [String; 0]);
    let http = FakeHttp::new()
        .expect(Method::Get, DESCRIBE, Ok(describe()))
        .expect(Method::Get, QUERY, Ok(page(&[record(A, 1)], true)))
        .expect(Method::Get, QUERY, Ok(page(&[record(&id("003000", 40_000), 1)], true)));
    let signature = FakeSignature::default();
    let tokens = partition(&call("{}", 0, &http, &signature), request(Slice::All, None, 500), 2).unwrap();
    let tokens: Vec<Token> = tokens.iter().map(|token| Token::read(token).unwrap()).collect();
    assert_eq!((tokens[0].id.clone(), tokens[1].end.clone()), (None, None));
    assert!(tokens[0].end.is_some() && tokens[0].end == tokens[1].id);
}
