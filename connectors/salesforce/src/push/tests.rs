//! Pushes against scripted answers.

use ferry_sdk::http::{Error, Method};
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as respond};
use ferry_sdk::value::Value;

use super::*;

const COLLECTION: &str = "/services/data/v67.0/composite/sobjects";
const TASKS: &str = "/services/data/v67.0/composite/sobjects/Task/Ferry_Id__c";
const A: &str = "003000000000001AAA";
const B: &str = "003000000000002AAA";

fn run(http: &FakeHttp, object: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let signature = FakeSignature::default();
    let outcomes = push(&Api::open(&call("{}", 0, http, &signature)).unwrap(), object, writes);
    http.done();
    outcomes
}

fn write(operation: Operation) -> Write {
    let values = vec![("FirstName".to_owned(), Value::from("Ada"))];
    Write { key: "ferry-1".into(), operation, values, links: Vec::new(), version: None }
}

fn update(id: &str) -> Write {
    write(Operation::Update(id.into()))
}

fn logged_call(key: &str) -> Write {
    let link = Link { label: None, object: "Contact".into(), id: A.into() };
    Write { key: key.into(), links: vec![link], ..write(Operation::Create) }
}

fn ok(id: &str) -> Json {
    json!({"id": id, "success": true, "errors": []})
}

fn refused(code: &str) -> Json {
    json!({"success": false, "errors": [{"statusCode": code, "message": "secret", "fields": []}]})
}

#[test]
fn each_record_of_a_collection_has_its_own_outcome() {
    let answered = json!([ok(A), refused("UNABLE_TO_LOCK_ROW"), refused("DUPLICATE_VALUE")]);
    let http = FakeHttp::new().expect(Method::Patch, COLLECTION, Ok(respond(200, &answered)));
    let outcomes = run(&http, "Contact", &[update(A), update(B), update("003000000000003AAA"), update("x")]).unwrap();
    assert_eq!(outcomes[..2], [written(A, false), Outcome::Later(Some(2_000))]);
    let problem = |text: &str| Outcome::Rejected(vec![Problem::general(text)]);
    let expected =
        [problem("another record has this unique value already"), problem("this is no id of a Salesforce record")];
    assert_eq!(outcomes[2..], expected);
    let body = &http.sent_json()[0];
    assert_eq!(body["allOrNone"], false);
    assert_eq!(body["records"][0], json!({"attributes": {"type": "Contact"}, "id": A, "FirstName": "Ada"}));
    let headers = http.sent()[0].headers.clone();
    for (name, value) in [
        ("sforce-call-options", "client=ferry"),
        ("sforce-auto-assign", "FALSE"),
        ("sforce-duplicate-rule-header", "allowSave=false"),
    ] {
        assert!(headers.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
}

#[test]
fn a_whole_collection_refused_is_taken_apart_to_its_poison_row() {
    let http = FakeHttp::answering(|request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let records = body["records"].as_array()?;
        if records.iter().any(|record| record["id"] == "003000000000005AAA") {
            let error =
                json!([{"errorCode": "INVALID_FIELD", "message": "No such column 'x'", "fields": ["FirstName"]}]);
            return Some(Ok(respond(400, &error)));
        }
        Some(Ok(respond(200, &records.iter().map(|record| ok(record["id"].as_str().unwrap())).collect())))
    });
    let ids: Vec<String> = (0..8).map(|at| format!("00300000000000{at}AAA")).collect();
    let outcomes = run(&http, "Contact", &ids.iter().map(|id| update(id)).collect::<Vec<_>>()).unwrap();
    for (at, (id, outcome)) in ids.iter().zip(&outcomes).enumerate() {
        match outcome {
            Outcome::Rejected(_) => assert_eq!(at, 5),
            outcome => assert_eq!(outcome, &written(id, false)),
        }
    }
    assert_eq!(http.sent().len(), 7);
}

#[test]
fn an_answer_that_does_not_fit_leaves_every_write_unknown() {
    for body in ["[]", "{", "[{\"success\":true}]"] {
        let http = FakeHttp::new().expect(Method::Post, COLLECTION, Ok(answer(200, &[], body)));
        let outcomes = run(&http, "Contact", &[write(Operation::Create)]).unwrap();
        assert!(matches!(outcomes[0], Outcome::Unknown(_)), "{body}: {outcomes:?}");
    }
    let http = FakeHttp::new().expect(Method::Post, COLLECTION, Err(Error::Unanswered("cut".into())));
    assert_eq!(run(&http, "Contact", &[write(Operation::Create)]), Ok(vec![Outcome::Unknown("cut".into())]));
}

#[test]
fn a_call_is_kept_apart_by_its_key_and_stands_beside_its_contact() {
    let saved = json!([{"id": "00T000000000001AAA", "success": true, "created": true, "errors": []}]);
    let http = FakeHttp::new().expect(Method::Patch, TASKS, Ok(respond(200, &saved)));
    assert_eq!(run(&http, "Task", &[logged_call("ferry-1")]), Ok(vec![written("00T000000000001AAA", true)]));
    let expected = json!({"attributes": {"type": "Task"}, "Ferry_Id__c": "ferry-1", "FirstName": "Ada", "WhoId": A});
    assert_eq!(http.sent_json()[0]["records"][0], expected);
    assert!(!http.sent()[0].repeatable);
}

#[test]
fn a_call_that_is_there_already_is_found_and_not_refused() {
    let there = json!({"done": true, "totalSize": 1, "records": [
        {"attributes": {}, "Id": "00T000000000001AAA", "SystemModstamp": "1970-01-01T00:00:01.000+0000", "Ferry_Id__c": "ferry-1"}]});
    let http = FakeHttp::new()
        .expect(Method::Patch, TASKS, Ok(respond(200, &json!([refused("INVALID_FIELD_FOR_INSERT_UPDATE")]))))
        .expect(Method::Get, "/services/data/v67.0/query", Ok(respond(200, &there)));
    assert_eq!(run(&http, "Task", &[logged_call("ferry-1")]), Ok(vec![written("00T000000000001AAA", false)]));
}

#[test]
fn a_conditional_write_goes_alone_and_a_changed_record_is_a_conflict() {
    let target = |id: &str| format!("/services/data/v67.0/sobjects/Contact/{id}");
    let version = Some("2025-11-22T10:00:00.000+0000".to_owned());
    let conditional = |id: &str| Write { version: version.clone(), ..update(id) };
    let changed = json!([{"errorCode": "PRECONDITION_FAILED", "message": "x"}]);
    let http = FakeHttp::new().expect(Method::Patch, &target(A), Ok(answer(204, &[], ""))).expect(
        Method::Patch,
        &target(B),
        Ok(respond(412, &changed)),
    );
    let outcomes = run(&http, "Contact", &[conditional(A), conditional(B)]);
    assert_eq!(outcomes, Ok(vec![written(A, false), Outcome::Conflict]));
    let since = ("if-unmodified-since".to_owned(), "Sat, 22 Nov 2025 10:00:00 GMT".to_owned());
    assert!(http.sent().iter().all(|request| request.headers.contains(&since)));
}

#[test]
fn two_writes_to_one_record_go_one_after_the_other_and_what_is_deleted_is_deleted() {
    let http = FakeHttp::new().expect(Method::Patch, COLLECTION, Ok(respond(200, &json!([ok(A)])))).expect(
        Method::Delete,
        COLLECTION,
        Ok(respond(200, &json!([refused("ENTITY_IS_DELETED")]))),
    );
    let outcomes = run(&http, "Contact", &[update(A), write(Operation::Delete(A[..15].into()))]);
    assert_eq!(outcomes, Ok(vec![written(A, false), written(&A[..15], false)]));
}

#[test]
fn what_stops_every_write_is_a_failure() {
    let exceeded = json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}]);
    let http = FakeHttp::new().expect(Method::Patch, COLLECTION, Ok(respond(403, &exceeded)));
    assert_eq!(run(&http, "Contact", &[update(A)]), Err(Failure::QuotaExhausted(None)));
}

#[test]
fn a_link_is_the_field_that_it_names_or_the_usual_one() {
    let link = |label: Option<&str>, object: &str| Link {
        label: label.map(str::to_owned),
        object: object.into(),
        id: A.into(),
    };
    for (object, link, field) in [
        ("Event", link(None, "Lead"), "WhoId"),
        ("Task", link(None, "Opportunity"), "WhatId"),
        ("Contact", link(None, "Account"), "AccountId"),
        ("Car__c", link(Some("Owner__c"), "Contact"), "Owner__c"),
    ] {
        assert_eq!(reference(object, &link).as_deref(), Ok(field));
    }
    assert!(reference("Car__c", &link(None, "Contact")).is_err());
}
