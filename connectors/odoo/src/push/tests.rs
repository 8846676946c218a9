use ferry_sdk::connector::{Link, Value};
use ferry_sdk::http::Error;
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer as plain, call, json as answer};

use super::*;
use crate::objects::{EVENT, MESSAGE, PARTNER};
use crate::resolve::resolve;

fn write(operation: Operation, values: &[(&str, Value)]) -> Write {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Write { key: "call-1".into(), operation, values, links: vec![], version: None }
}

fn linked(values: &[(&str, Value)]) -> Write {
    let link = Link { label: None, object: PARTNER.into(), id: "7".into() };
    Write { links: vec![link], ..write(Operation::Create, values) }
}

/// An Odoo that says this to every call but those for fields and models.
fn odoo(said: fn(&str, &Json) -> Result<Response, Error>) -> FakeHttp {
    FakeHttp::answering(move |request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let target = request.target.strip_prefix("/json/2/")?;
        if target == "ir.model/search_read" {
            return Some(Ok(answer(200, &json!([{"id": 90, "model": "res.partner"}]))));
        }
        if !target.ends_with("/fields_get") {
            return Some(said(target, &body));
        }
        Some(Ok(answer(
            200,
            &json!({
                "name": {"type": "char", "store": true}, "body": {"type": "html"}, "start": {"type": "datetime"},
                "country_id": {"type": "many2one", "relation": "res.country", "store": true}, "done": {"type": "boolean"},
                "partner_ids": {"type": "many2many", "relation": "res.partner"}, "write_date": {"type": "datetime", "readonly": true},
            }),
        )))
    })
}

fn loaded(id: i64) -> Result<Response, Error> {
    Ok(answer(200, &json!({"ids": [id], "messages": []})))
}

fn with<T>(http: &FakeHttp, ask: impl Fn(&Api<'_>) -> T) -> T {
    let signature = FakeSignature::default();
    ask(&Api::open(&call("{}", 0, http, &signature)).unwrap())
}

fn written(id: &str, created: bool) -> Written {
    Written { id: id.into(), created, modified: None, version: None }
}

/// The columns of the last `load`, with their cells.
fn cells(http: &FakeHttp) -> Vec<(String, String)> {
    let body = http.sent_json().pop().unwrap();
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let fields = body["fields"].as_array().unwrap().iter().map(text);
    fields.zip(body["data"][0].as_array().unwrap().iter().map(text)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_is_made_has_an_external_id_and_may_be_repeated() {
    let http = odoo(|_, _| loaded(9));
    let push = |model: &'static str, write: Write| with(&http, |api| push(api, model, std::slice::from_ref(&write)));
    let note = linked(&[("body", "<p>Hello</p>".into())]);
    assert_eq!(push(MESSAGE, note), Ok(vec![Outcome::Written(written("9", true))]));
    let id = ("id", "__import__.ferry-call-1");
    let expected = [
        id,
        ("body", "<p>Hello</p>"),
        ("message_type", "comment"),
        ("subtype_id/id", "mail.mt_note"),
        ("model", "res.partner"),
        ("res_id", "7"),
    ];
    assert_eq!(cells(&http), pairs(&expected));
    assert!(http.sent().last().unwrap().repeatable);
    push(EVENT, linked(&[("start", Value::Instant(0)), ("country_id", "57".into()), ("done", true.into())])).unwrap();
    let expected =
        [id, ("start", "1970-01-01 00:00:00"), ("country_id/.id", "57"), ("done", "1"), ("partner_ids/.id", "7")];
    assert_eq!(cells(&http), pairs(&expected));
    push(ACTIVITY, linked(&[])).unwrap();
    assert_eq!(cells(&http), pairs(&[id, ("res_model_id/.id", "90"), ("res_id", "7")]));
}

#[test]
fn updates_name_the_record_and_empty_fields_are_false() {
    let http = odoo(|_, _| Ok(answer(200, &json!(true))));
    let values = [("name", Value::Null), ("country_id", "57".into())];
    let update = write(Operation::Update("7".into()), &values);
    let outcomes = with(&http, |api| push(api, PARTNER, std::slice::from_ref(&update)));
    assert_eq!(outcomes, Ok(vec![Outcome::Written(written("7", false))]));
    let expected =
        json!({"ids": [7], "vals": {"name": false, "country_id": 57}, "context": {"lang": "en_US", "tz": "UTC"}});
    assert_eq!(http.sent_json().pop(), Some(expected));
}

#[test]
fn each_write_has_the_outcome_of_its_own_answer() {
    let one = |said: fn(&str, &Json) -> Result<Response, Error>, operation: Operation| {
        let write = write(operation, &[("name", "Ada".into())]);
        with(&odoo(said), |api| push(api, PARTNER, std::slice::from_ref(&write)))
    };
    let first = |outcomes: Result<Vec<Outcome>, Failure>| outcomes.unwrap().remove(0);
    assert!(matches!(first(one(|_, _| Err(Error::Unanswered("cut".into())), Operation::Create)), Outcome::Unknown(_)));
    assert!(matches!(first(one(|_, _| Ok(plain(502, &[], "")), Operation::Create)), Outcome::Unknown(_)));
    assert!(matches!(first(one(|_, _| Ok(plain(200, &[], "<html>")), Operation::Create)), Outcome::Unknown(_)));
    assert!(matches!(one(|_, _| Ok(plain(401, &[], "{}")), Operation::Create), Err(Failure::Unauthorized(_))));
    let refused: fn(&str, &Json) -> Result<Response, Error> = |_, _| {
        let messages = json!([{"type": "error", "field": "country_id/.id", "message": "No record for 'Ada'"}]);
        Ok(answer(200, &json!({"ids": false, "messages": messages})))
    };
    let problem = Problem::of("country_id", "Odoo refuses the value");
    assert_eq!(first(one(refused, Operation::Create)), Outcome::Rejected(vec![problem]));
    let gone: fn(&str, &Json) -> Result<Response, Error> =
        |_, _| Ok(plain(404, &[], r#"{"name": "odoo.exceptions.MissingError"}"#));
    assert_eq!(first(one(gone, Operation::Delete("7".into()))), Outcome::Unchanged(written("7", false)));
    assert!(matches!(first(one(gone, Operation::Update("7".into()))), Outcome::Rejected(_)));
    let http = odoo(|_, _| loaded(9));
    let wrong = write(Operation::Create, &[("nope", "x".into()), ("write_date", Value::Instant(0))]);
    let problems = vec![
        Problem::of("nope", "is no field of this model in Odoo"),
        Problem::of("write_date", "can't be written in Odoo"),
    ];
    let outcomes = with(&http, |api| push(api, PARTNER, std::slice::from_ref(&wrong)));
    assert_eq!(outcomes, Ok(vec![Outcome::Rejected(problems)]));
}

#[test]
fn lost_writes_are_known_by_their_external_id_and_deletes_by_the_gap() {
    let http = odoo(|target, body| match target {
        "ir.model.data/search_read" => {
            let names = json!(["name", "in", ["ferry-call-1", "ferry-other"]]);
            assert_eq!(body["domain"], json!([["module", "=", "__import__"], ["model", "=", "res.partner"], names]));
            Ok(answer(200, &json!([{"id": 1, "name": "ferry-call-1", "res_id": 9}])))
        }
        _ => Ok(answer(200, &json!([]))),
    });
    let other = Write { key: "other".into(), ..write(Operation::Create, &[]) };
    let writes = [
        write(Operation::Create, &[]),
        other,
        write(Operation::Update("1".into()), &[]),
        write(Operation::Delete("2".into()), &[]),
    ];
    let found = with(&http, |api| resolve(api, PARTNER, &writes)).unwrap();
    assert_eq!(found, [Some(written("9", true)), None, None, Some(written("2", false))]);
}
