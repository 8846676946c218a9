use ferry_sdk::http::Method;
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};
use serde_json::json;

use super::*;
use crate::objects::{ALL, PERSONS};

const FIELDS: &str = include_str!("../../fixtures/person-fields.json");
const SOURCE: &str = "0123456789abcdef0123456789abcdef01234567";
const BUDGET: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn with<T>(http: &FakeHttp, ask: impl Fn(&Api<'_>) -> T) -> T {
    let signature = FakeSignature::default();
    ask(&Api::open(&call("{}", 0, http, &signature)).unwrap())
}

fn fixture() -> FakeHttp {
    FakeHttp::new().expect(Method::Get, "/api/v2/personFields", Ok(answer(200, &[], FIELDS)))
}

#[test]
fn an_accounts_own_fields_go_by_their_key_and_have_their_label() {
    let fields = with(&fixture(), |api| fields(api, &PERSONS).unwrap());
    let choice = |value: &str, label: &str| Choice { value: value.into(), label: label.into(), hidden: false };
    let own: Vec<_> = fields
        .iter()
        .filter(|field| field.custom)
        .map(|field| (field.name.as_str(), field.label.as_str(), field.kind, field.choices.clone(), field.writable))
        .collect();
    let currency = format!("{BUDGET}.currency");
    let expected = [
        (SOURCE, "Lead source", Kind::Choice, vec![choice("11", "Trade show"), choice("12", "Website")], true),
        (BUDGET, "Budget", Kind::Decimal, vec![], true),
        (currency.as_str(), "Budget (currency)", Kind::Text, vec![], true),
    ];
    assert_eq!(own, expected);
    let labels = fields.iter().find(|field| field.name == "label_ids").unwrap();
    assert_eq!((labels.label.as_str(), labels.choices.as_slice()), ("Labels", &[choice("3", "Hot lead")][..]));
    let name = fields.iter().find(|field| field.name == "name").unwrap();
    assert_eq!((name.label.as_str(), name.required), ("Full name", true));
}

#[test]
fn readings_ask_for_the_fields_only_where_one_is_the_accounts_own() {
    let none = FakeHttp::new();
    assert_eq!(
        with(&none, |api| readings(api, &PERSONS, &["email", "id"])),
        Ok(vec![Reading::Primary, Reading::Integer])
    );
    assert_eq!(with(&none, |api| readings(api, &PERSONS, &["nope"])), Err(Failure::Missing("nope".into())));
    let found = with(&fixture(), |api| {
        readings(api, &PERSONS, &[SOURCE, BUDGET, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.currency"])
    });
    assert_eq!(found, Ok(vec![Reading::Text, Reading::Decimal, Reading::Text]));
    let unknown = "ffffffffffffffffffffffffffffffffffffffff";
    assert_eq!(with(&fixture(), |api| readings(api, &PERSONS, &[unknown])), Err(Failure::Missing(unknown.into())));
}

#[test]
fn the_list_of_fields_is_read_to_its_end_and_no_further() {
    let page = |next: Option<&str>| {
        Ok(json(200, &json!({"data": [{"field_code": "x"}], "additional_data": {"next_cursor": next}})))
    };
    let path = "/api/v2/personFields";
    let http = FakeHttp::new().expect(Method::Get, path, page(Some("a"))).expect(Method::Get, path, page(None));
    assert_eq!(with(&http, |api| described(api, &PERSONS).unwrap().len()), 2);
    let http = FakeHttp::new().expect(Method::Get, path, page(Some("a"))).expect(Method::Get, path, page(Some("a")));
    assert!(matches!(with(&http, |api| described(api, &PERSONS).map(|_| ())), Err(Failure::Temporary(_))));
}

#[test]
fn no_field_stands_twice_in_an_object() {
    for object in &ALL {
        let mut names: Vec<&str> = known(object).iter().map(|known| known.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", object.name);
    }
}
