use ferry_sdk::connector::{Link, Value};
use ferry_sdk::http::Error;
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};
use serde_json::json;

use super::*;
use crate::objects::{ACTIVITIES, PERSONS};
use crate::resolve::resolve;

fn write(operation: Operation, values: &[(&str, Value)]) -> Write {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Write { key: "call-1".into(), operation, values, links: vec![], version: None }
}

fn with<T>(http: &FakeHttp, ask: impl Fn(&Api<'_>) -> T) -> T {
    let signature = FakeSignature::default();
    ask(&Api::open(&call("{}", 0, http, &signature)).unwrap())
}

fn run(http: &FakeHttp, object: &'static Standard, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    with(http, |api| push(api, object, writes))
}

fn saved(id: u64) -> Response {
    json(200, &json!({"success": true, "data": {"id": id, "update_time": "1970-01-01T00:00:01Z"}}))
}

fn written(id: &str, created: bool) -> Outcome {
    Outcome::Written(Written { id: id.into(), created, modified: Some(1_000_000), version: None })
}

#[test]
fn a_call_becomes_a_done_activity_that_is_known_again() {
    let http = FakeHttp::new().expect(Method::Post, "/api/v2/activities", Ok(saved(7)));
    let values = [
        ("subject", "Call".into()),
        ("due_at", Value::Instant(34_200_000_000)),
        ("duration_s", Value::Integer(83)),
        ("done", true.into()),
        ("note", "Wants a quote".into()),
    ];
    let link = Link { label: None, object: "persons".into(), id: "5".into() };
    let call = Write { links: vec![link], ..write(Operation::Create, &values) };
    assert_eq!(run(&http, &ACTIVITIES, std::slice::from_ref(&call)), Ok(vec![written("7", true)]));
    let expected = json!({"subject": "Call", "due_date": "1970-01-01", "due_time": "09:30:00", "duration": "00:02", "done": true,
        "note": "Wants a quote<br>[ref call-1]", "participants": [{"person_id": 5, "primary": true}]});
    assert_eq!(http.sent_json(), [expected]);
    assert!(!http.sent()[0].repeatable, "a create that is repeated is a second one");

    let there = json!({"data": [{"id": 9, "note": "x"}, {"id": 7, "note": "Wants a quote<br>[ref call-1]"}], "additional_data": {}});
    let http = FakeHttp::new().expect(Method::Get, "/api/v2/activities", Ok(json(200, &there)));
    let found = with(&http, |api| resolve(api, &ACTIVITIES, std::slice::from_ref(&call), 0)).unwrap();
    assert_eq!(found, [Some(Written { id: "7".into(), created: true, modified: None, version: None })]);
}

#[test]
fn a_call_can_be_about_a_lead_and_leads_are_not_written() {
    let lead = "adf21080-0e10-11eb-879b-05d71fb426ec";
    let about = |id: &str| Write {
        links: vec![Link { label: None, object: "leads".into(), id: id.into() }],
        ..write(Operation::Create, &[("subject", "Call".into())])
    };
    let http = FakeHttp::new().expect(Method::Post, "/api/v2/activities", Ok(saved(7)));
    let outcomes = run(&http, &ACTIVITIES, &[about(lead), about("7")]).unwrap();
    let refused = Outcome::Rejected(vec![Problem::general("Pipedrive links no activities with leads")]);
    assert_eq!(outcomes, [written("7", true), refused]);
    assert_eq!(http.sent_json()[0]["lead_id"], lead);
    assert!(matches!(crate::objects::written("leads"), Err(Failure::Unsupported(_))));
}

#[test]
fn another_primary_address_leaves_the_others() {
    let held = json!({"data": [{"id": 5, "emails": [{"value": "old@x", "primary": true, "label": "home"}, {"value": "two@x", "primary": false, "label": "work"}]}]});
    let http = FakeHttp::new().expect(Method::Get, "/api/v2/persons", Ok(json(200, &held))).expect(
        Method::Patch,
        "/api/v2/persons/5",
        Ok(saved(5)),
    );
    let update = write(Operation::Update("5".into()), &[("email", "new@x".into())]);
    assert_eq!(run(&http, &PERSONS, &[update]), Ok(vec![written("5", false)]));
    let expected = json!({"emails": [{"value": "new@x", "primary": true, "label": "home"}, {"value": "two@x", "primary": false, "label": "work"}]});
    assert_eq!(http.sent_json()[1], expected);
}

#[test]
fn an_accounts_own_fields_are_written_as_their_kind_wants() {
    let fields = include_str!("../../fixtures/person-fields.json");
    let budget = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let currency = format!("{budget}.currency");
    let source = "0123456789abcdef0123456789abcdef01234567";
    let http = FakeHttp::new().expect(Method::Get, "/api/v2/personFields", Ok(answer(200, &[], fields))).expect(
        Method::Patch,
        "/api/v2/persons/5",
        Ok(saved(5)),
    );
    let whole = write(
        Operation::Update("5".into()),
        &[(source, "11".into()), (budget, Value::Integer(9)), (&currency, "EUR".into())],
    );
    let half = write(Operation::Update("6".into()), &[(budget, Value::Integer(9))]);
    let outcomes = run(&http, &PERSONS, &[whole, half]).unwrap();
    let problem = Problem::of(currency, "is needed too: Pipedrive takes this value only whole");
    assert_eq!(outcomes, [written("5", false), Outcome::Rejected(vec![problem])]);
    assert_eq!(http.sent_json()[1], json!({"custom_fields": {source: 11, budget: {"value": 9, "currency": "EUR"}}}));
}

#[test]
fn each_write_has_the_outcome_of_its_own_answer() {
    let create = || write(Operation::Create, &[("name", "Ada".into())]);
    let one = |answer: Result<Response, Error>| {
        let http = FakeHttp::new().expect(Method::Post, "/api/v2/persons", answer);
        run(&http, &PERSONS, &[create()])
    };
    assert!(matches!(&one(Err(Error::Unanswered("cut".into()))).unwrap()[0], Outcome::Unknown(_)));
    assert!(matches!(&one(Ok(answer(502, &[], ""))).unwrap()[0], Outcome::Unknown(_)));
    assert!(matches!(&one(Ok(answer(200, &[], "<html>"))).unwrap()[0], Outcome::Unknown(_)));
    assert!(matches!(&one(Ok(answer(400, &[], "{}"))).unwrap()[0], Outcome::Rejected(_)));
    assert_eq!(one(Ok(answer(429, &[], ""))), Err(Failure::RateLimited(Some(2_000))));
    assert!(matches!(one(Ok(answer(401, &[], ""))), Err(Failure::Unauthorized(_))));
    assert!(matches!(one(Err(Error::Unreachable("down".into()))), Err(Failure::Temporary(_))));

    let http = FakeHttp::new().expect(Method::Delete, "/api/v2/persons/5", Ok(answer(404, &[], ""))).expect(
        Method::Patch,
        "/api/v2/persons/6",
        Ok(answer(503, &[], "")),
    );
    let writes = [
        write(Operation::Delete("5".into()), &[]),
        write(Operation::Update("6".into()), &[("name", "x".into())]),
        write(Operation::Update("../7".into()), &[]),
    ];
    let outcomes = run(&http, &PERSONS, &writes).unwrap();
    let gone = Outcome::Unchanged(Written { id: "5".into(), created: false, modified: None, version: None });
    assert_eq!(outcomes[..2], [gone, Outcome::Later(None)]);
    assert!(matches!(outcomes[2], Outcome::Rejected(_)));
}

#[test]
fn a_lost_create_is_found_by_its_values_and_a_delete_by_the_gap() {
    let there = json!({"data": [{"id": 8, "name": "Bob", "emails": []}, {"id": 9, "name": "Ada", "emails": [{"value": "a@x", "primary": true}]}], "additional_data": {"next_cursor": null}});
    let http = FakeHttp::new().expect(Method::Get, "/api/v2/persons", Ok(json(200, &there))).expect(
        Method::Get,
        "/api/v2/persons",
        Ok(json(200, &json!({"data": []}))),
    );
    let writes = [
        write(Operation::Create, &[("name", "Ada".into()), ("email", "a@x".into())]),
        write(Operation::Create, &[("name", "Ada".into()), ("email", "a@x".into())]),
        write(Operation::Update("1".into()), &[]),
        write(Operation::Delete("2".into()), &[]),
    ];
    let found = with(&http, |api| resolve(api, &PERSONS, &writes, 0)).unwrap();
    let ids: Vec<Option<&str>> =
        found.iter().map(|written| written.as_ref().map(|written| written.id.as_str())).collect();
    assert_eq!(ids, [Some("9"), None, None, Some("2")], "one record is one write's");
}
