//! Pushes against scripted answers: what is sent, and what each write becomes.

use ferry_sdk::connector::{Link, Operation, Outcome, Problem, Value, Write, Written};
use ferry_sdk::http::{Error, Method, Response};
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as respond};
use serde_json::{Value as Json, json};

use super::*;

const CREATE: &str = "/crm/v3/objects/contacts/batch/create";
const UPDATE: &str = "/crm/v3/objects/contacts/batch/update";
const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";
const ARCHIVE: &str = "/crm/v3/objects/contacts/batch/archive";
const CALLS: &str = "/crm/v3/objects/calls/batch/upsert";
const LINK: &str = "/crm/v4/associations/calls/contacts/batch/associate/default";

fn write(key: &str, operation: Operation, values: &[(&str, Value)]) -> Write {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Write { key: key.into(), operation, values, links: Vec::new(), version: None }
}

fn create(email: &str) -> Write {
    write("k", Operation::Create, &[("email", email.into())])
}

fn update(id: &str) -> Write {
    write("k", Operation::Update(id.into()), &[("firstname", "Ada".into())])
}

fn upsert(email: &str) -> Write {
    write("k", Operation::Upsert(("email".into(), email.into())), &[("firstname", "Ada".into())])
}

fn logged_call(key: &str, contact: &str) -> Write {
    let values = [("hs_timestamp", Value::Instant(1_000_000)), ("hs_call_title", "Hello".into())];
    let link = Link { label: None, object: "contacts".into(), id: contact.into() };
    Write { links: vec![link], ..write(key, Operation::Create, &values) }
}

fn run(http: &FakeHttp, object: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let signature = FakeSignature::default();
    let outcomes = push(&call("{}", 0, http, &signature), object, writes);
    http.done();
    outcomes
}

fn done(id: &str, created: bool) -> Outcome {
    Outcome::Written(Written { id: id.into(), created, modified: None, version: None })
}

fn rejected(message: &str) -> Outcome {
    Outcome::Rejected(vec![Problem::general(message)])
}

fn unexplained() -> Outcome {
    Outcome::Unknown("HubSpot's answer does not say what became of this record".into())
}

fn results(results: Json) -> Result<Response, Error> {
    Ok(respond(200, &json!({"status": "COMPLETE", "results": results})))
}

fn partial(results: Json, errors: Json) -> Result<Response, Error> {
    Ok(respond(207, &json!({"status": "COMPLETE", "results": results, "errors": errors})))
}

fn conflict() -> Result<Response, Error> {
    Ok(respond(409, &json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 6001"})))
}

fn no_key() -> Result<Response, Error> {
    let message =
        r#"Property values were not valid: [{"isValid":false,"error":"PROPERTY_DOESNT_EXIST","name":"ferry_key"}]"#;
    Ok(respond(400, &json!({"category": "VALIDATION_ERROR", "message": message})))
}

fn linked(count: usize) -> Result<Response, Error> {
    results(json!(vec![json!({"from": {"id": "1"}, "to": {"id": "2"}}); count]))
}

#[test]
fn each_input_carries_a_trace_id_and_gets_the_result_of_it() {
    let created = json!({"status": "COMPLETE", "results": [
        {"id": "12", "objectWriteTraceId": "1", "properties": {}, "updatedAt": "1970-01-01T00:00:01Z"},
        {"id": "11", "objectWriteTraceId": "0", "properties": {}}]});
    let http = FakeHttp::new().expect(Method::Post, CREATE, Ok(respond(201, &created)));
    let outcomes = run(&http, "contacts", &[create("a@x.com"), create("b@x.com")]).unwrap();
    let second = Written { id: "12".into(), created: true, modified: Some(1_000_000), version: None };
    assert_eq!(outcomes, [done("11", true), Outcome::Written(second)]);
    let expected = json!({"inputs": [
        {"properties": {"email": "a@x.com"}, "objectWriteTraceId": "0"},
        {"properties": {"email": "b@x.com"}, "objectWriteTraceId": "1"}]});
    assert_eq!(http.sent_json()[0], expected);
    assert!(!http.sent()[0].repeatable, "a create that was lost may not be sent again");
}

#[test]
fn a_207_is_matched_input_by_input() {
    let errors = json!([
        {"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid: [{\"error\":\"INVALID_EMAIL\",\"name\":\"email\",\"message\":\"b@@x is invalid\"}]", "context": {"objectWriteTraceId": ["1"]}},
        {"status": "error", "category": "CONFLICT", "message": "Contact already exists. Existing ID: 9", "context": {"objectWriteTraceId": ["2"]}}]);
    let http = FakeHttp::new().expect(
        Method::Post,
        CREATE,
        partial(json!([{"id": "11", "objectWriteTraceId": "0", "properties": {}}]), errors),
    );
    let outcomes = run(&http, "contacts", &[create("a@x.com"), create("b@@x"), create("c@x.com")]).unwrap();
    let expected = [
        done("11", true),
        Outcome::Rejected(vec![Problem::of("email", "HubSpot does not take this as an e-mail address")]),
        rejected("HubSpot already has this record: its id is 9"),
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn creates_without_trace_ids_in_the_answer_are_known_by_their_values() {
    let answered = json!([
        {"id": "12", "properties": {"email": "b@x.com", "createdate": "x"}},
        {"id": "11", "properties": {"email": "a@x.com", "phone": "1"}}]);
    let http = FakeHttp::new().expect(Method::Post, CREATE, results(answered));
    let writes = [create("A@x.com"), create("b@x.com"), create("lost@x.com")];
    let outcomes = run(&http, "contacts", &writes).unwrap();
    assert_eq!(outcomes, [done("11", true), done("12", true), unexplained()]);
}

#[test]
fn an_empty_success_leaves_every_write_unknown() {
    let http = FakeHttp::new().expect(Method::Post, UPDATE, results(json!([])));
    assert_eq!(run(&http, "contacts", &[update("1"), update("2")]), Ok(vec![unexplained(), unexplained()]));
}

#[test]
fn a_whole_batch_refused_is_taken_apart_to_its_poison_row() {
    // HubSpot knows no partial success for e-mail addresses.
    let http = FakeHttp::answering(|request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let inputs = body["inputs"].as_array()?;
        if inputs.iter().any(|input| input["id"] == "poison@x.com") {
            return Some(conflict());
        }
        let saved = inputs.iter().map(|input| json!({"id": format!("9{}", input["objectWriteTraceId"].as_str().unwrap()), "new": true, "properties": {"email": input["id"]}}));
        Some(results(saved.collect()))
    });
    let mut writes: Vec<Write> = (0..8).map(|at| upsert(&format!("c{at}@x.com"))).collect();
    writes[5] = upsert("poison@x.com");
    let outcomes = run(&http, "contacts", &writes).unwrap();
    for (at, outcome) in outcomes.iter().enumerate() {
        let expected = if at == 5 {
            rejected("HubSpot already has this record: its id is 6001")
        } else {
            done(&format!("9{at}"), true)
        };
        assert_eq!(outcome, &expected, "{at}");
    }
    assert_eq!(http.sent().len(), 7);
    let first = &http.sent_json()[0]["inputs"][0];
    let expected =
        json!({"id": "c0@x.com", "idProperty": "email", "properties": {"firstname": "Ada"}, "objectWriteTraceId": "0"});
    assert_eq!(first, &expected);
}

#[test]
fn many_writes_go_in_batches_of_100() {
    let http = FakeHttp::answering(|request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let saved = body["inputs"].as_array()?.iter().map(|input| json!({"id": input["id"], "properties": {}}));
        Some(results(saved.collect()))
    });
    let writes: Vec<Write> = (0..250).map(|id| update(&id.to_string())).collect();
    let outcomes = run(&http, "contacts", &writes).unwrap();
    assert!(outcomes.iter().enumerate().all(|(at, outcome)| *outcome == done(&at.to_string(), false)));
    let sizes: Vec<usize> = http.sent_json().iter().map(|body| body["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
}

#[test]
fn two_writes_to_one_record_go_one_after_the_other() {
    let saved = || results(json!([{"id": "1", "properties": {}}]));
    let http = FakeHttp::new().expect(Method::Post, UPDATE, saved()).expect(Method::Post, UPDATE, saved()).expect(
        Method::Post,
        ARCHIVE,
        Ok(answer(204, &[], "")),
    );
    let delete = write("k", Operation::Delete("1".into()), &[]);
    let outcomes = run(&http, "contacts", &[update("1"), update("1"), delete]);
    assert_eq!(outcomes, Ok(vec![done("1", false); 3]));
    assert_eq!(http.sent_json()[2], json!({"inputs": [{"id": "1"}]}));
}

#[test]
fn a_lost_answer_leaves_its_writes_unknown_and_the_others_alone() {
    let http = FakeHttp::new()
        .expect(Method::Post, UPDATE, Err(Error::Unanswered("the connection was cut".into())))
        .expect(Method::Post, UPSERT, results(json!([{"id": "7", "new": false, "properties": {"email": "a@x.com"}}])));
    let outcomes = run(&http, "contacts", &[update("1"), upsert("a@x.com")]);
    assert_eq!(outcomes, Ok(vec![Outcome::Unknown("the connection was cut".into()), done("7", false)]));
}

#[test]
fn a_gateways_error_is_unknown_for_creates_and_later_for_what_can_be_repeated() {
    let http = FakeHttp::new().expect(Method::Post, CREATE, Ok(answer(504, &[], ""))).expect(
        Method::Post,
        UPDATE,
        Ok(answer(504, &[], "")),
    );
    let outcomes = run(&http, "contacts", &[create("a@x.com"), update("1")]);
    assert_eq!(outcomes, Ok(vec![Outcome::Unknown("HubSpot answered with status 504".into()), Outcome::Later(None)]));
}

#[test]
fn what_stops_every_write_is_a_failure_and_what_stops_some_is_later() {
    let throttled = || Ok(respond(429, &json!({"policyName": "TEN_SECONDLY_ROLLING"})));
    let http = FakeHttp::new().expect(Method::Post, UPDATE, throttled());
    assert_eq!(run(&http, "contacts", &[update("1")]), Err(Failure::RateLimited(Some(10_000))));
    let http = FakeHttp::new().expect(Method::Post, UPDATE, Ok(respond(401, &json!({}))));
    assert!(matches!(run(&http, "contacts", &[update("1")]), Err(Failure::Unauthorized(_))));
    let http = FakeHttp::new().expect(Method::Post, UPDATE, throttled()).expect(
        Method::Post,
        ARCHIVE,
        Ok(answer(204, &[], "")),
    );
    let outcomes = run(&http, "contacts", &[update("1"), write("k", Operation::Delete("2".into()), &[])]);
    assert_eq!(outcomes, Ok(vec![Outcome::Later(Some(10_000)), done("2", false)]));
}

#[test]
fn errors_that_name_no_input_are_told_apart_one_by_one() {
    let refused = json!({"category": "VALIDATION_ERROR", "message": "Property values were not valid: [{\"error\":\"INVALID_OPTION\",\"name\":\"lifecyclestage\"}]"});
    let missing = json!({"category": "OBJECT_NOT_FOUND"});
    let http = FakeHttp::new()
        .expect(Method::Post, UPDATE, partial(json!([{"id": "1", "properties": {}}]), json!([missing, refused])))
        .expect(Method::Post, UPDATE, Ok(respond(400, &refused)))
        .expect(Method::Post, UPDATE, partial(json!([]), json!([missing])));
    let outcomes = run(&http, "contacts", &[update("1"), update("2"), update("3")]);
    let expected = vec![
        done("1", false),
        Outcome::Rejected(vec![Problem::of(
            "lifecyclestage",
            "is none of the options that HubSpot has for this property",
        )]),
        rejected("HubSpot has no record of this id: it was deleted, archived or merged"),
    ];
    assert_eq!(outcomes, Ok(expected));
}

#[test]
fn a_call_is_kept_apart_by_its_key_and_linked_with_its_contact() {
    let saved = json!([{"id": "501", "new": true, "properties": {"ferry_key": "key-1"}}]);
    let http = FakeHttp::new().expect(Method::Post, CALLS, results(saved)).expect(Method::Post, LINK, linked(1));
    assert_eq!(run(&http, "calls", &[logged_call("key-1", "42")]), Ok(vec![done("501", true)]));
    let expected = json!({"inputs": [{
        "id": "key-1", "idProperty": "ferry_key", "objectWriteTraceId": "0",
        "properties": {"ferry_key": "key-1", "hs_call_title": "Hello", "hs_timestamp": "1970-01-01T00:00:01.000Z"}}]});
    assert_eq!(http.sent_json()[0], expected);
    assert_eq!(http.sent_json()[1], json!({"inputs": [{"from": {"id": "501"}, "to": {"id": "42"}}]}));
    assert!(http.sent().iter().all(|request| request.repeatable));
}

#[test]
fn the_property_for_keys_is_made_when_it_is_not_there() {
    let saved = json!([{"id": "501", "new": true, "properties": {"ferry_key": "key-1"}}]);
    let properties = answer(200, &[], include_str!("../../fixtures/properties-contacts.json"));
    let http = FakeHttp::new()
        .expect(Method::Post, CALLS, no_key())
        .expect(Method::Get, "/crm/v3/properties/calls", Ok(properties))
        .expect(Method::Post, "/crm/v3/properties/calls", Ok(respond(201, &json!({}))))
        .expect(Method::Post, CALLS, results(saved))
        .expect(Method::Post, LINK, linked(1));
    assert_eq!(run(&http, "calls", &[logged_call("key-1", "42")]), Ok(vec![done("501", true)]));
    let property = &http.sent_json()[2];
    assert_eq!((&property["name"], &property["hasUniqueValue"]), (&json!("ferry_key"), &json!(true)));
    assert_eq!((&property["groupName"], &property["type"]), (&json!("engagement"), &json!("string")));
}

#[test]
fn a_missing_key_is_seen_also_where_each_input_is_refused_for_it() {
    let message = r#"Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"ferry_key"}]"#;
    let error = |trace: &str| {
        json!({"status": "error", "category": "VALIDATION_ERROR", "message": message,
               "context": {"objectWriteTraceId": [trace]}})
    };
    let partial = json!({"status": "COMPLETE", "results": [], "numErrors": 2, "errors": [error("0"), error("1")]});
    let properties =
        json!({"results": [{"name": "ferry_key", "type": "string", "fieldType": "text", "hasUniqueValue": true}]});
    let saved = json!([
        {"id": "501", "new": true, "properties": {"ferry_key": "key-1"}},
        {"id": "502", "new": true, "properties": {"ferry_key": "key-2"}}]);
    let http = FakeHttp::new()
        .expect(Method::Post, CALLS, Ok(respond(207, &partial)))
        .expect(Method::Get, "/crm/v3/properties/calls", Ok(respond(200, &properties)))
        .expect(Method::Post, CALLS, results(saved))
        .expect(Method::Post, LINK, linked(2));
    let writes = [logged_call("key-1", "42"), logged_call("key-2", "43")];
    assert_eq!(run(&http, "calls", &writes), Ok(vec![done("501", true), done("502", true)]));
}

#[test]
fn a_new_property_that_is_not_yet_there_is_waited_for() {
    let properties =
        json!({"results": [{"name": "ferry_key", "type": "string", "fieldType": "text", "hasUniqueValue": true}]});
    let http = FakeHttp::new()
        .expect(Method::Post, CALLS, no_key())
        .expect(Method::Get, "/crm/v3/properties/calls", Ok(respond(200, &properties)))
        .expect(Method::Post, CALLS, no_key());
    assert_eq!(run(&http, "calls", &[logged_call("key-1", "42")]), Ok(vec![Outcome::Later(Some(5_000))]));
}

#[test]
fn a_property_that_holds_a_value_twice_is_not_written_by() {
    let properties =
        json!({"results": [{"name": "ferry_key", "type": "string", "fieldType": "text", "hasUniqueValue": false}]});
    let http = FakeHttp::new().expect(Method::Post, CALLS, no_key()).expect(
        Method::Get,
        "/crm/v3/properties/calls",
        Ok(respond(200, &properties)),
    );
    let failure = run(&http, "calls", &[logged_call("key-1", "42")]).unwrap_err();
    assert!(matches!(&failure, Failure::Permanent(text) if text.contains("unique_call_property")), "{failure:?}");
}

#[test]
fn a_call_whose_link_fails_for_now_is_done_again_as_a_whole() {
    let saved = || results(json!([{"id": "501", "new": true, "properties": {"ferry_key": "key-1"}}]));
    let answers = [
        (Err(Error::Unanswered("cut".into())), None),
        (Ok(answer(503, &[], "")), None),
        (Ok(respond(429, &json!({"policyName": "SECONDLY"}))), Some(1_000)),
        (results(json!([])), None),
    ];
    for (response, wait) in answers {
        let http = FakeHttp::new().expect(Method::Post, CALLS, saved()).expect(Method::Post, LINK, response);
        assert_eq!(run(&http, "calls", &[logged_call("key-1", "42")]), Ok(vec![Outcome::Later(wait)]));
    }
}

#[test]
fn a_link_that_hubspot_refuses_costs_only_its_own_call() {
    let saved = json!([
        {"id": "501", "new": true, "properties": {"ferry_key": "key-1"}},
        {"id": "502", "new": true, "properties": {"ferry_key": "key-2"}}]);
    let refused = json!({"status": "COMPLETE", "results": [{}], "errors": [{"category": "OBJECT_NOT_FOUND"}]});
    let http = FakeHttp::new()
        .expect(Method::Post, CALLS, results(saved))
        .expect(Method::Post, LINK, Ok(respond(207, &refused)))
        .expect(Method::Post, LINK, linked(1))
        .expect(Method::Post, LINK, Ok(respond(404, &json!({}))));
    let outcomes = run(&http, "calls", &[logged_call("key-1", "42"), logged_call("key-2", "43")]).unwrap();
    assert_eq!(outcomes[0], done("501", true));
    let Outcome::Rejected(problems) = &outcomes[1] else { panic!("{:?}", outcomes[1]) };
    assert!(problems[0].message.starts_with("it is in HubSpot as 502, but can't be linked with `contacts` 43"));
}

#[test]
fn a_call_without_its_time_is_refused_before_it_is_sent() {
    let call = write("key-1", Operation::Create, &[("hs_call_title", "Hello".into())]);
    let expected = Problem::of("hs_timestamp", "HubSpot takes no activity without its time");
    assert_eq!(run(&FakeHttp::new(), "calls", &[call]), Ok(vec![Outcome::Rejected(vec![expected])]));
}

#[test]
fn a_new_contact_takes_its_links_along() {
    let labels = json!({"results": [{"category": "USER_DEFINED", "typeId": 31, "label": "Decision maker"}]});
    let saved = json!([{"id": "11", "objectWriteTraceId": "0", "properties": {}}]);
    let http = FakeHttp::new()
        .expect(Method::Get, "/crm/v4/associations/contacts/companies/labels", Ok(respond(200, &labels)))
        .expect(Method::Post, CREATE, results(saved));
    let link =
        |label: Option<&str>| Link { label: label.map(str::to_owned), object: "companies".into(), id: "8".into() };
    let linked = Write { links: vec![link(None), link(Some("Decision maker"))], ..create("a@x.com") };
    let nowhere = Write { links: vec![link(Some("Nobody"))], ..create("b@x.com") };
    let outcomes = run(&http, "contacts", &[linked, nowhere]);
    let problem = "HubSpot has no link `Nobody` from `contacts` to `companies`";
    assert_eq!(outcomes, Ok(vec![done("11", true), rejected(problem)]));
    let association = |category: &str, number: u32| json!({"to": {"id": "8"}, "types": [{"associationCategory": category, "associationTypeId": number}]});
    let expected = json!([association("HUBSPOT_DEFINED", 279), association("USER_DEFINED", 31)]);
    assert_eq!(http.sent_json()[1]["inputs"][0]["associations"], expected);
}

#[test]
fn an_update_of_links_alone_writes_no_properties() {
    let target = "/crm/v4/associations/contacts/companies/batch/associate/default";
    let http = FakeHttp::new().expect(Method::Post, target, linked(1));
    let link = Link { label: None, object: "companies".into(), id: "8".into() };
    let only = Write { links: vec![link], ..write("k", Operation::Update("5".into()), &[]) };
    assert_eq!(run(&http, "contacts", &[only]), Ok(vec![done("5", false)]));
}

#[test]
fn a_push_stops_asking_in_time() {
    let http = FakeHttp::answering(|_| Some(conflict()));
    let writes: Vec<Write> = (0..400).map(|at| upsert(&format!("c{at}@x.com"))).collect();
    let outcomes = run(&http, "contacts", &writes).unwrap();
    assert_eq!(http.sent().len(), REQUESTS_MOST);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Rejected(_) | Outcome::Later(None))));
    assert!(outcomes.contains(&Outcome::Later(None)));
}
