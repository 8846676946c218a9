use ferry_sdk::connector::{Comparison, Condition, Window};
use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as answer};
use ferry_sdk::value::Value;

use super::*;
use crate::objects::PARTNER;

fn odoo(records: fn(&Json) -> Json) -> FakeHttp {
    FakeHttp::answering(move |request| {
        assert!(request.repeatable, "a read that is not repeated is lost with its answer");
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        Some(Ok(match request.target.as_str() {
            "/json/2/res.partner/fields_get" => answer(
                200,
                &json!({
                    "name": {"type": "char", "searchable": true}, "country_id": {"type": "many2one", "searchable": true},
                    "active": {"type": "boolean"}, "image": {"type": "binary"}, "computed": {"type": "char"},
                }),
            ),
            "/json/2/res.partner/search_read" => answer(200, &records(&body)),
            _ => return None,
        }))
    })
}

fn with<T>(http: &FakeHttp, ask: impl Fn(&Api<'_>) -> T) -> T {
    let signature = FakeSignature::default();
    ask(&Api::open(&call("{}", 0, http, &signature)).unwrap())
}

fn request(columns: &[&str], slice: Slice) -> PullRequest {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    PullRequest { object: PARTNER.into(), columns, filter: vec![], segment: None, slice, token: None, limit: 2 }
}

fn partner(id: i64) -> Json {
    json!({"id": id, "name": "Ada", "country_id": [57, "Germany"], "write_date": "1970-01-01 00:00:01"})
}

#[test]
fn pages_go_by_id_and_the_fields_are_asked_for_once() {
    let http = odoo(|body| {
        if body["domain"].to_string().contains(r#"["id",">",0]"#) { json!([partner(3), partner(7)]) } else { json!([]) }
    });
    let asking = request(&["country_id.name", "country_id", "name"], Slice::All);
    let first = with(&http, |api| pull(api, PARTNER, &asking)).unwrap();
    let values = || vec!["Germany".into(), "57".into(), "Ada".into()];
    let row = |id: &str| Row { id: id.into(), modified: Some(1_000_000), version: None, values: values() };
    assert_eq!(first.rows, [row("3"), row("7")]);
    let second = PullRequest { token: first.next, ..asking };
    let second = with(&http, |api| pull(api, PARTNER, &second)).unwrap();
    assert_eq!((second.rows.len(), second.next, http.sent().len()), (0, None, 3));
    let body = json!({"domain": [["id", ">", 7]], "fields": ["country_id", "name", "write_date"], "limit": 2, "order": "id",
        "context": {"lang": "en_US", "tz": "UTC"}});
    assert_eq!(http.sent_json()[2], body);
}

#[test]
fn windows_have_whole_seconds_and_conditions_are_clauses() {
    let http = odoo(|_| json!([]));
    let mut asking = request(&["name"], Slice::Window(Window { since: 1, before: 2_000_000 }));
    let condition = |field: &str| Condition { field: field.into(), comparison: Comparison::Present, values: vec![] };
    asking.filter = vec![condition("name")];
    with(&http, |api| pull(api, PARTNER, &asking)).unwrap();
    let domain = json!([
        ["name", "!=", false],
        ["write_date", ">=", "1970-01-01 00:00:01"],
        ["write_date", "<", "1970-01-01 00:00:02"],
        ["id", ">", 0]
    ]);
    assert_eq!(http.sent_json()[1]["domain"], domain);
    asking.filter = vec![condition("computed")];
    assert!(matches!(with(&http, |api| pull(api, PARTNER, &asking)), Err(Failure::Invalid(_))));
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let http = odoo(|_| json!([partner(7)]));
    for column in ["nope", "image", "name.name", "country_id.code"] {
        let asking = request(&[column], Slice::All);
        assert_eq!(with(&http, |api| pull(api, PARTNER, &asking)), Err(Failure::Missing(column.into())));
    }
    let ids = Slice::Ids(["7", "x", "0"].map(str::to_owned).to_vec());
    let page = with(&http, |api| pull(api, PARTNER, &request(&["name"], ids.clone()))).unwrap();
    assert_eq!((page.rows[0].values.clone(), page.next.is_some()), (vec![Value::from("Ada")], true));
    let stale = PullRequest { token: Some("x".into()), ..request(&["name"], Slice::All) };
    assert_eq!(with(&http, |api| pull(api, PARTNER, &stale)), Err(Failure::TokenExpired));
}
