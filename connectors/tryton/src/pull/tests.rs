use std::cell::RefCell;
use std::rc::Rc;

use ferry_sdk::connector::{Comparison, Condition, Window};
use ferry_sdk::http::Response;
use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as answer};
use ferry_sdk::value::Value;

use super::*;

/// What was asked: the method, and its parameters.
type Asked = Rc<RefCell<Vec<(String, Json)>>>;

/// A Tryton of which only two fields and these records are known.
fn tryton(records: fn(&str, &Json) -> Json) -> (FakeHttp, Asked) {
    let asked = Asked::default();
    let seen = Rc::clone(&asked);
    let http = FakeHttp::answering(move |request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        assert!(request.repeatable, "a read that is not repeated is lost with its answer");
        let method = body["method"].as_str()?.to_owned();
        let result = match method.as_str() {
            "model.party.party.fields_get" => json!({
                "name": {"type": "char", "string": "Name"}, "lang": {"type": "many2one", "relation": "ir.lang"},
                "email": {"type": "char"}, "addresses": {"type": "one2many", "relation": "party.address"},
            }),
            "model.party.address.fields_get" => json!({"city": {"type": "char"}}),
            other => records(other, &body["params"]),
        };
        seen.borrow_mut().push((method, body["params"].clone()));
        Some(Ok::<Response, _>(answer(200, &json!({"id": 0, "result": result}))))
    });
    (http, asked)
}

fn page(http: &FakeHttp, request: &PullRequest) -> Result<Page, Failure> {
    let signature = FakeSignature::default();
    pull(&Api::open(&call("{}", 0, http, &signature)).unwrap(), PARTY, request)
}

fn request(columns: &[&str], slice: Slice) -> PullRequest {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    PullRequest { object: PARTY.into(), columns, filter: vec![], segment: None, slice, token: None, limit: 2 }
}

fn party(id: i64) -> Json {
    let stamp =
        json!({"__class__": "datetime", "year": 1970, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 1});
    json!({"id": id, "name": "Ada", "lang": null, "addresses.": [{"id": 1, "city": "Hamburg"}, {"id": 2, "city": "Bonn"}],
        "last_modified_at": stamp, "_timestamp": "1.0"})
}

#[test]
fn pages_go_by_id_and_columns_lead_through_relations() {
    let (http, asked) = tryton(|_, parameters| match parameters[0].to_string() {
        domain if domain.contains(r#"["id",">",0]"#) => json!([party(3), party(7)]),
        _ => json!([]),
    });
    let asking = request(&["addresses.city", "lang", "name"], Slice::All);
    let first = page(&http, &asking).unwrap();
    let values = || vec!["Hamburg".into(), Value::Null, "Ada".into()];
    let row =
        |id: &str| Row { id: id.into(), modified: Some(1_000_000), version: Some("1.0".into()), values: values() };
    assert_eq!(first.rows, [row("3"), row("7")]);
    let count = asked.borrow().len();
    let second = page(&http, &PullRequest { token: first.next, ..asking }).unwrap();
    assert_eq!((second.rows.len(), second.next), (0, None));
    let last = asked.borrow()[count..].to_vec();
    let fields = ["addresses.city", "lang", "name", "last_modified_at", "_timestamp"];
    let parameters = json!([[["id", ">", 7]], 0, 2, [["id", "ASC"]], fields, {"language": "en"}]);
    assert_eq!(last, [("model.party.party.search_read".to_owned(), parameters)], "the fields are asked for once");
}

#[test]
fn a_window_holds_parties_whose_ways_to_be_reached_have_changed() {
    let (http, asked) = tryton(|method, _| match method {
        "model.party.party.search" => json!([3, 7]),
        // One was archived: it is not among what is read.
        _ => json!([party(7)]),
    });
    let mut asking = request(&["name"], Slice::Window(Window { since: 0, before: 1_000_000 }));
    let value = vec!["a@x".into()];
    asking.filter = vec![Condition { field: "email".into(), comparison: Comparison::Equal, values: value }];
    asking.segment = Some("4".into());
    let page = page(&http, &asking).unwrap();
    assert_eq!((page.rows.len(), page.next.is_some()), (1, true));
    let asked = asked.borrow();
    let (_, search) = asked.iter().find(|(method, _)| method.ends_with(".search")).unwrap();
    let domain = search[0].as_array().unwrap();
    assert_eq!(domain[0], json!(["contact_mechanisms", "where", [["type", "=", "email"], ["value", "=", "a@x"]]]));
    assert_eq!(domain[1], json!(["categories", "=", 4]));
    assert_eq!((&domain[2][0], &domain[2][2][0]), (&json!("OR"), &json!("contact_mechanisms")));
    assert_eq!(search[4], json!({"language": "en", "active_test": false}));
}

#[test]
fn ids_that_are_none_are_left_out_and_strange_tokens_have_expired() {
    let (http, asked) = tryton(|_, _| json!([party(7)]));
    let ids = ["7", "x", "-1"].map(str::to_owned).to_vec();
    let first = page(&http, &request(&["name"], Slice::Ids(ids.clone()))).unwrap();
    assert_eq!(first.rows.len(), 1);
    assert_eq!(asked.borrow().last().unwrap().1[0], json!([["id", "in", [7]]]), "two of three are asked for at a time");
    let rest = PullRequest { token: first.next, ..request(&["name"], Slice::Ids(ids)) };
    assert_eq!(page(&http, &rest).map(|page| page.next), Ok(None));
    for token in ["", "{}", r#"{"after":1,"readings":"tt"}"#] {
        let asking = PullRequest { token: Some(token.into()), ..request(&["name"], Slice::All) };
        assert_eq!(page(&http, &asking), Err(Failure::TokenExpired), "{token}");
    }
    assert_eq!(page(&http, &request(&["nope"], Slice::All)), Err(Failure::Missing("nope".into())));
    for column in ["name.nope", "addresses.nope", "addresses", ""] {
        assert_eq!(page(&http, &request(&[column], Slice::All)), Err(Failure::Missing(column.into())));
    }
}
