use ferry_sdk::connector::{Link, Value};
use ferry_sdk::http::Error;
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer as plain, call, json as answer};

use super::*;
use crate::objects::{NOTE, PARTY};
use crate::resolve::resolve;

fn write(operation: Operation, values: &[(&str, Value)]) -> Write {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Write { key: "call-1".into(), operation, values, links: vec![], version: None }
}

fn body_of(request: &Request) -> Json {
    request.body.as_deref().map(|body| serde_json::from_slice(body).unwrap()).unwrap_or_default()
}

/// A Tryton that says this to every call that is not about fields or ways to reach somebody.
fn tryton(said: fn(&str, &Json) -> Result<Response, Error>) -> FakeHttp {
    FakeHttp::answering(move |request| {
        let body = body_of(request);
        let result = match body["method"].as_str()? {
            "model.party.party.fields_get" => json!({"name": {"type": "char"}, "email": {"type": "char"},
                "lang": {"type": "many2one", "relation": "ir.lang"}}),
            "model.ir.note.fields_get" => json!({"message": {"type": "text"}, "resource": {"type": "reference"}}),
            "model.party.contact_mechanism.search_read" => {
                json!([{"id": 70, "party": 7, "type": "email"}, {"id": 71, "party": 7, "type": "email"}])
            }
            method => return Some(said(method, &body["params"])),
        };
        Some(Ok(answer(200, &json!({"id": 0, "result": result}))))
    })
}

fn result(json: Json) -> Result<Response, Error> {
    Ok(answer(200, &json!({"id": 0, "result": json})))
}

fn with<T>(http: &FakeHttp, ask: impl Fn(&Api<'_>) -> T) -> T {
    let signature = FakeSignature::default();
    ask(&Api::open(&call("{}", 0, http, &signature)).unwrap())
}

/// The parameters of the last call.
fn sent(http: &FakeHttp) -> Json {
    http.sent().last().map(body_of).unwrap_or_default()["params"].clone()
}

fn written(id: &str, created: bool) -> Written {
    Written { id: id.into(), created, modified: None, version: None }
}

#[test]
fn a_call_becomes_a_note_that_is_known_again() {
    let http = tryton(|_, _| result(json!([9])));
    let link = Link { label: None, object: PARTY.into(), id: "7".into() };
    let note = Write { links: vec![link], ..write(Operation::Create, &[("message", "Hello".into())]) };
    let outcomes = with(&http, |api| push(api, NOTE, std::slice::from_ref(&note))).unwrap();
    assert_eq!(outcomes, [Outcome::Written(written("9", true))]);
    let values = json!({"message": "Hello\n[ref call-1]", "resource": "party.party,7"});
    assert_eq!(sent(&http), json!([[values], {"language": "en"}]));
    assert!(!http.sent().last().unwrap().repeatable, "a create that is repeated is a second one");
    let found = with(&http, |api| resolve(api, NOTE, std::slice::from_ref(&note), 0)).unwrap();
    assert_eq!(found, [Some(written("9", true))]);
    let domain = json!([["resource", "=", "party.party,7"], ["message", "like", "%[ref call-1]"]]);
    assert_eq!(sent(&http)[0], domain);
}

#[test]
fn another_address_is_the_first_mechanisms_and_a_stamp_is_held_against_the_record() {
    let http = tryton(|_, _| result(Json::Null));
    let update = |values: &[(&str, Value)]| write(Operation::Update("7".into()), values);
    let conditional =
        Write { version: Some("1.5".into()), ..update(&[("email", "new@x".into()), ("lang", "2".into())]) };
    assert_eq!(
        with(&http, |api| push(api, PARTY, std::slice::from_ref(&conditional))),
        Ok(vec![Outcome::Written(written("7", false))])
    );
    let values = json!({"lang": 2, "contact_mechanisms": [["write", [70], {"value": "new@x"}]]});
    assert_eq!(sent(&http), json!([[7], values, {"language": "en", "_timestamp": {"party.party,7": "1.5"}}]));
    with(&http, |api| push(api, PARTY, &[update(&[("email", Value::Null)])])).unwrap();
    assert_eq!(sent(&http)[1], json!({"contact_mechanisms": [["write", [70], {"active": false}]]}));
}

#[test]
fn each_write_has_the_outcome_of_its_own_answer() {
    let one = |said: fn(&str, &Json) -> Result<Response, Error>, operation: Operation| {
        let write = write(operation, &[("name", "Ada".into())]);
        with(&tryton(said), |api| push(api, PARTY, std::slice::from_ref(&write)))
    };
    let first = |outcomes: Result<Vec<Outcome>, Failure>| outcomes.unwrap().remove(0);
    let create = || Operation::Create;
    assert!(matches!(first(one(|_, _| Err(Error::Unanswered("cut".into())), create())), Outcome::Unknown(_)));
    assert!(matches!(first(one(|_, _| Ok(plain(502, &[], "")), create())), Outcome::Unknown(_)));
    assert!(matches!(first(one(|_, _| Ok(plain(200, &[], "<html>")), create())), Outcome::Unknown(_)));
    assert!(matches!(first(one(|_, _| result(json!([7])), Operation::Update("x".into()))), Outcome::Rejected(_)));
    assert!(matches!(one(|_, _| Ok(plain(401, &[], "")), create()), Err(Failure::Unauthorized(_))));
    assert!(matches!(one(|_, _| Err(Error::Unreachable("down".into())), create()), Err(Failure::Temporary(_))));
    let refusal: fn(&str, &Json) -> Result<Response, Error> = |_, _| {
        Ok(answer(200, &json!({"id": 0, "error": ["ConcurrencyException", "Records were modified in the meanwhile"]})))
    };
    assert_eq!(first(one(refusal, Operation::Update("7".into()))), Outcome::Conflict);
    let unknown = write(Operation::Create, &[("nope", "x".into())]);
    let outcomes = with(&tryton(|_, _| result(json!([1]))), |api| push(api, PARTY, std::slice::from_ref(&unknown)));
    assert_eq!(outcomes, Ok(vec![Outcome::Rejected(vec![Problem::of("nope", "is no field of this model in Tryton")])]));
}

#[test]
fn a_lost_create_is_found_by_its_values_and_a_delete_by_the_gap() {
    let http = tryton(|_, parameters| {
        let is_delete = parameters[0] == json!([["id", "=", 2]]);
        result(if is_delete { json!([]) } else { json!([8]) })
    });
    let create = || write(Operation::Create, &[("name", "Ada".into()), ("email", "a@x".into())]);
    let writes = [
        create(),
        create(),
        write(Operation::Update("8".into()), &[("name", "Ada".into())]),
        write(Operation::Delete("2".into()), &[]),
    ];
    let found = with(&http, |api| resolve(api, PARTY, &writes, 0)).unwrap();
    let expected = [Some(written("8", true)), None, Some(written("8", false)), Some(written("2", false))];
    assert_eq!(found, expected, "one new record is one write's");
    let asked = http.sent().iter().map(body_of).find(|body| body["method"] == "model.party.party.search").unwrap();
    let reached = json!(["contact_mechanisms", "where", [["type", "=", "email"], ["value", "=", "a@x"]]]);
    let domain = asked["params"][0].as_array().unwrap().clone();
    assert_eq!(
        (domain[0][0].clone(), &domain[1..]),
        (json!("create_date"), &[json!(["name", "=", "Ada"]), reached][..])
    );
}
