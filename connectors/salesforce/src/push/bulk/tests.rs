use ferry_sdk::connector::Operation;
use ferry_sdk::http::{Error, Method};
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as respond};
use ferry_sdk::value::Value;

use super::*;

const JOB: &str = "750000000000001AAA";
const JOBS: &str = "/services/data/v67.0/jobs/ingest";
const A: &str = "003000000000001AAA";
const B: &str = "003000000000002AAA";

fn with<T>(http: &FakeHttp, ask: impl FnOnce(&Api<'_>) -> T) -> T {
    let signature = FakeSignature::default();
    let given = ask(&Api::open(&call("{}", 0, http, &signature)).unwrap());
    http.done();
    given
}

fn update(id: &str, name: Value) -> Write {
    let values = vec![("LastName".to_owned(), name)];
    Write { key: id.to_lowercase(), operation: Operation::Update(id.into()), values, links: vec![], version: None }
}

fn writes() -> Vec<Write> {
    vec![update(A, "O\"Hara, \nJr.".into()), update("x", "no id".into()), update(B, Value::Null)]
}

fn at(rest: &str) -> String {
    format!("{JOBS}/{JOB}{rest}")
}

fn state(state: &str, processed: u64) -> Result<Response, Error> {
    Ok(respond(200, &json!({"id": JOB, "state": state, "numberRecordsProcessed": processed})))
}

#[test]
fn a_job_is_opened_given_its_rows_and_closed() {
    let http = FakeHttp::new()
        .expect(Method::Post, JOBS, state("Open", 0))
        .expect(Method::Put, &at("/batches"), Ok(answer(201, &[], "")))
        .expect(Method::Patch, &at(""), state("UploadComplete", 0));
    with(&http, |api| {
        assert_eq!(open(api, "Contact", &writes()).as_deref(), Ok(JOB));
        assert_eq!(submit(api, "Contact", JOB, &writes()), Ok(()));
    });
    let sent = http.sent();
    assert_eq!(http.sent_json()[0]["operation"], "update");
    let csv = format!("\"Id\",\"LastName\"\n\"{A}\",\"O\"\"Hara, \nJr.\"\n\"{B}\",\"#N/A\"\n");
    assert_eq!((sent[1].body.as_deref(), sent[1].repeatable), (Some(csv.as_bytes()), false));
}

#[test]
fn each_write_has_its_outcome_whatever_the_order_of_the_results() {
    let done = format!("\"sf__Id\",\"sf__Created\",\"Id\",\"LastName\"\n\"{B}\",\"false\",\"{B}\",\"#N/A\"\n");
    let failed = format!(
        "\"sf__Id\",\"sf__Error\",\"Id\",\"LastName\"\n\"\",\"STRING_TOO_LONG:Last Name: data value too large: \
         Ada:LastName --\",\"{A}\",\"O\"\"Hara, \nJr.\"\n"
    );
    let csv = |text: &str| Ok(answer(200, &[], text));
    let http = FakeHttp::new()
        .expect(Method::Get, &at(""), state("JobComplete", 2))
        .expect(Method::Get, &at("/successfulResults"), csv(&done))
        .expect(Method::Get, &at("/failedResults"), csv(&failed))
        .expect(Method::Get, &at("/unprocessedrecords"), csv("\"Id\",\"LastName\"\n"));
    let rejected = |problem| Outcome::Rejected(vec![problem]);
    let expected = vec![
        rejected(Problem::of("LastName", "is longer than the field in Salesforce")),
        rejected(Problem::general("this is no id of a Salesforce record")),
        written(B, false),
    ];
    assert_eq!(with(&http, |api| collect(api, "Contact", JOB, &writes())), Ok(Collected::Outcomes(expected)));
}

#[test]
fn a_job_that_did_not_get_its_rows_is_void_and_one_at_work_is_waited_for() {
    let http = FakeHttp::new()
        .expect(Method::Get, &at(""), state("Open", 0))
        .expect(Method::Patch, &at(""), state("Aborted", 0))
        .expect(Method::Get, &at(""), state("InProgress", 0))
        .expect(Method::Get, &at(""), state("Failed", 0));
    with(&http, |api| {
        let collected = || collect(api, "Contact", JOB, &writes());
        assert_eq!(collected(), Ok(Collected::Void));
        assert_eq!(collected(), Ok(Collected::Wait(1_000)));
        assert_eq!(collected(), Ok(Collected::Void));
    });
    assert_eq!(http.sent_json()[1], json!({"state": "Aborted"}));
}

#[test]
fn what_one_job_can_not_do_is_left_to_the_collections() {
    let delete = Write { operation: Operation::Delete(A.into()), ..update(A, Value::Null) };
    let conditional = Write { version: Some("x".into()), ..update(A, "Ada".into()) };
    for writes in [
        vec![update(A, "Ada".into()), delete],
        vec![conditional],
        vec![update(A, "Ada".into()), update(A, "Bo".into())],
        vec![update(A, EMPTIES.into())],
    ] {
        let opened = with(&FakeHttp::new(), |api| open(api, "Contact", &writes));
        assert!(matches!(opened, Err(Failure::Unsupported(_))), "{writes:?}");
    }
}

#[test]
fn records_that_are_new_are_known_by_all_that_they_say() {
    let create =
        |key: &str, name: &str| Write { operation: Operation::Create, key: key.into(), ..update(A, name.into()) };
    let writes = [create("a", "Ada"), create("b", "Bo"), create("c", "Ada")];
    let done = format!("\"sf__Id\",\"sf__Created\",\"LastName\"\n\"{A}\",\"true\",\"Bo\"\n\"{B}\",\"true\",\"Ada\"\n");
    let http = FakeHttp::new()
        .expect(Method::Get, &at(""), state("Failed", 2))
        .expect(Method::Get, &at("/successfulResults"), Ok(answer(200, &[], done)))
        .expect(Method::Get, &at("/failedResults"), Ok(answer(200, &[], "\"sf__Id\",\"sf__Error\",\"LastName\"\n")))
        .expect(Method::Get, &at("/unprocessedrecords"), Ok(answer(200, &[], "\"LastName\"\n\"Ada\"\n")));
    let expected = vec![written(B, true), written(A, true), Outcome::Later(None)];
    assert_eq!(with(&http, |api| collect(api, "Contact", JOB, &writes)), Ok(Collected::Outcomes(expected)));
}
