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
        "SELECT Id,SystemModstamp,LastName FROM Contact WHERE LeadSource = 'Web' AND (Id IN (SELECT ContactId FROM \
         CampaignMember WHERE CampaignId = '701000000000001AAA')) AND Id IN ('{A}')"
    );
    assert_eq!(soql(&http), [expected]);
}

#[test]
fn a_list_view_narrows_every_page_as_it_was_when_the_walk_began() {
    let target = "/services/data/v67.0/sobjects/Contact/listviews/00B000000000001AAA/describe";
    let query = "SELECT Name FROM Contact USING SCOPE mine WHERE A__c = 1 OR B__c = 2 ORDER BY Name";
    let http = FakeHttp::new()
        .expect(Method::Get, DESCRIBE, Ok(describe()))
        .expect(Method::Get, target, Ok(json(200, &json!({"query": query, "sobjectType": "Contact"}))))
        .expect(Method::Get, QUERY, Ok(page(&[record(A, 1)], false)));
    let of_view = |token| PullRequest { segment: Some("00B000000000001AAA".into()), ..request(Slice::All, token, 5) };
    let first = run(&http, of_view(None)).unwrap();
    let select = "SELECT Id,SystemModstamp,LastName FROM Contact USING SCOPE mine WHERE (A__c = 1 OR B__c = 2)";
    assert_eq!(soql(&http), [format!("{select} ORDER BY Id LIMIT 5")]);
    let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(page(&[], true)));
    run(&http, of_view(first.next)).unwrap();
    assert_eq!(soql(&http), [format!("{select} AND Id > '{A}' ORDER BY Id LIMIT 5")]);
}

#[test]
fn converted_leads_are_left_out_unless_they_are_asked_for() {
    let fields =
        json!({"fields": [{"name": "LastName", "type": "string"}, {"name": "IsConverted", "type": "boolean"}]});
    let asked = |filter: Vec<Condition>| {
        let target = "/services/data/v67.0/sobjects/Lead/describe";
        let http = FakeHttp::new().expect(Method::Get, target, Ok(json(200, &fields))).expect(
            Method::Get,
            QUERY,
            Ok(page(&[], true)),
        );
        run(&http, PullRequest { object: "Lead".into(), filter, ..request(Slice::All, None, 5) }).unwrap();
        soql(&http)[0].clone()
    };
    let select = "SELECT Id,SystemModstamp,LastName FROM Lead WHERE IsConverted = ";
    assert_eq!(asked(Vec::new()), format!("{select}false ORDER BY Id LIMIT 5"));
    let converted = Condition { field: "IsConverted".into(), comparison: Comparison::Equal, values: vec![true.into()] };
    assert_eq!(asked(vec![converted]), format!("{select}true ORDER BY Id LIMIT 5"));
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
    let starts = shares(&(first.clone(), last), 4);
    assert_eq!(starts.iter().map(|id| number(id).unwrap()).collect::<Vec<_>>(), [10_001, 20_001, 30_001]);
    assert_eq!(shares(&(first.clone(), Some(id("003000", 3_000))), 4), [] as [String; 0]);
    assert_eq!(shares(&(first, Some(id("0035g0", 90_000))), 4), [] as [String; 0]);
    assert_eq!(shares(&(None, None), 4), [] as [String; 0]);
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

const JOB: &str = "750000000000001AAA";
const JOBS: &str = "/services/data/v67.0/jobs/query";

fn jobs(rest: &str) -> String {
    format!("{JOBS}/{JOB}{rest}")
}

/// A page of a partition that begins here.
fn by_job(http: &FakeHttp, job: Job, id: Option<&str>) -> Result<Page, Failure> {
    let id = id.map(str::to_owned);
    let token = Token { columns: Some("t".into()), job: Some(job), id, end: Some(C.into()), ..Token::default() };
    run(http, request(Slice::All, Some(token.write()), 500))
}

fn results(rows: &[&str], next: &str) -> Response {
    let line = |id: &&str| format!("\"{id}\",\"1970-01-01T00:00:09.000Z\",\"Lovelace\"\n");
    let body = "\"Id\",\"SystemModstamp\",\"LastName\"\n".to_owned() + &rows.iter().map(line).collect::<String>();
    answer(200, &[("sforce-locator", next), ("sforce-numberofrecords", &rows.len().to_string())], body)
}

fn state(state: &str) -> Response {
    json(200, &json!({"id": JOB, "state": state, "numberRecordsProcessed": 2}))
}

fn place(page: &Page) -> Token {
    Token::read(page.next.as_deref().unwrap()).unwrap()
}

#[test]
fn very_many_records_go_by_a_job_for_each_partition() {
    let partitions = |last: u64, counted: Option<u64>| {
        let mut http = FakeHttp::new()
            .expect(Method::Get, DESCRIBE, Ok(describe()))
            .expect(Method::Get, QUERY, Ok(page(&[record(A, 1)], true)))
            .expect(Method::Get, QUERY, Ok(page(&[record(&id("003000", last), 1)], true)));
        if let Some(count) = counted {
            let counted = json!({"totalSize": count, "done": true, "records": []});
            http = http.expect(Method::Get, QUERY, Ok(json(200, &counted)));
        }
        let signature = FakeSignature::default();
        let tokens = partition(&call("{}", 0, &http, &signature), request(Slice::All, None, 500), 2).unwrap();
        http.done();
        tokens.iter().map(|token| Token::read(token).unwrap().job).collect::<Vec<_>>()
    };
    assert_eq!(partitions(90_000, Some(60_000)), [Some(Job::New), Some(Job::New)]);
    assert_eq!(partitions(90_000, Some(49_999)), [None, None]);
    assert_eq!(partitions(40_000, None), [None, None]);
}

#[test]
fn a_job_is_made_looked_at_with_growing_pauses_and_read_behind_its_locators() {
    let http =
        FakeHttp::new().expect(Method::Post, JOBS, Ok(json(200, &json!({"id": JOB, "state": "UploadComplete"}))));
    let made = by_job(&http, Job::New, Some(A)).unwrap();
    let query = format!("SELECT Id,SystemModstamp,LastName FROM Contact WHERE Id > '{A}' AND Id <= '{C}'");
    assert_eq!(http.sent_json(), [json!({"operation": "query", "query": query})]);
    assert_eq!((made.wait, made.rows.len()), (Some(1_000), 0));
    let token = place(&made);
    assert_eq!((token.job, token.id.as_deref()), (Some(Job::Made { id: JOB.into(), looks: 0 }), Some(A)));
    for (looks, wait) in [(0, 2_000), (3, 16_000), (1_000, 60_000)] {
        let http = FakeHttp::new().expect(Method::Get, &jobs(""), Ok(state("InProgress")));
        let seen = by_job(&http, Job::Made { id: JOB.into(), looks }, None).unwrap();
        assert_eq!((seen.wait, place(&seen).job), (Some(wait), Some(Job::Made { id: JOB.into(), looks: looks + 1 })));
    }
    let http = FakeHttp::new().expect(Method::Get, &jobs(""), Ok(state("JobComplete"))).expect(
        Method::Get,
        &jobs("/results"),
        Ok(results(&[A, B], "MTAw")),
    );
    let first = by_job(&http, Job::Made { id: JOB.into(), looks: 1 }, None).unwrap();
    assert_eq!(http.sent()[1].query, [("maxRecords".to_owned(), "500".to_owned())]);
    assert_eq!((first.rows.len(), first.rows[0].modified, first.wait), (2, Some(9_000_000), None));
    let done = Job::Done { id: JOB.into(), locator: "MTAw".into() };
    assert_eq!(place(&first).job, Some(done.clone()));
    let http = FakeHttp::new().expect(Method::Get, &jobs("/results"), Ok(results(&[C], "null")));
    let last = by_job(&http, done.clone(), None).unwrap();
    assert_eq!((last.rows.len(), last.next), (1, None));
    let http = FakeHttp::new().expect(Method::Get, &jobs("/results"), Ok(results(&[C], "MTAw")));
    assert!(matches!(by_job(&http, done, None), Err(Failure::Temporary(_))), "a locator that leads to itself");
}

#[test]
fn a_partition_whose_job_can_not_be_had_goes_on_by_id_from_its_beginning() {
    let refused = json(400, &json!([{"errorCode": "API_ERROR", "message": "not supported"}]));
    let http = FakeHttp::new().expect(Method::Post, JOBS, Ok(refused));
    let token = place(&by_job(&http, Job::New, Some(A)).unwrap());
    assert_eq!((token.job, token.id.as_deref(), token.end.as_deref()), (None, Some(A), Some(C)));
    for what in ["Failed", "Aborted", "InProgress"] {
        let http = FakeHttp::new().expect(Method::Get, &jobs(""), Ok(state(what)));
        let page = by_job(&http, Job::Made { id: JOB.into(), looks: 1_440 }, Some(A)).unwrap();
        assert_eq!((page.wait, place(&page)), (None, token_of(A)), "{what}");
    }
    let gone = json(404, &json!([{"errorCode": "NOT_FOUND", "message": "x"}]));
    let http = FakeHttp::new().expect(Method::Get, &jobs(""), Ok(gone));
    assert_eq!(by_job(&http, Job::Made { id: JOB.into(), looks: 0 }, None), Err(Failure::TokenExpired));
    let used_up = json(403, &json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}]));
    let http = FakeHttp::new().expect(Method::Post, JOBS, Ok(used_up));
    assert_eq!(by_job(&http, Job::New, None), Err(Failure::QuotaExhausted(None)));
}

fn token_of(id: &str) -> Token {
    Token { columns: Some("t".into()), id: Some(id.into()), end: Some(C.into()), ..Token::default() }
}
