//! Pages as HubSpot writes them, and as it should not.

use ferry_sdk::testing::{answer, json};
use serde_json::json;

use super::*;

fn columns(names: &[&str], letters: &str) -> Columns {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Columns::new(&names, crate::values::of_letters(letters).unwrap(), "lastmodifieddate").unwrap()
}

#[test]
fn rows_have_their_values_in_the_order_of_the_columns() {
    let body = json!({
        "total": 7,
        "results": [
            {"id": "1", "createdAt": "2025-01-01T00:00:00Z", "archived": false, "updatedAt": "2025-01-01T00:00:00Z",
             "properties": {"age": "7", "createdate": "x", "lastmodifieddate": "1970-01-01T00:00:01Z", "name": "Zoë \"Z\""}},
            {"id": "2", "updatedAt": "1970-01-01T00:00:02Z", "properties": {"name": null, "other": {"a": [1]}}},
            {"id": "3", "properties": {"age": "old", "name": ""}},
        ],
        "paging": {"next": {"after": "4", "link": "https://x"}},
    });
    let records = columns(&["name", "age"], "wn").read(&json(200, &body)).unwrap();
    let row = |id: &str, modified, name: Value, age: Value| Row {
        id: id.into(),
        modified,
        version: None,
        values: vec![name, age],
    };
    let expected = Records {
        rows: vec![
            row("1", Some(1_000_000), "Zoë \"Z\"".into(), Value::Decimal("7".into())),
            row("2", Some(2_000_000), Value::Null, Value::Null),
            row("3", None, Value::Null, "old".into()),
        ],
        after: Some("4".into()),
        total: Some(7),
    };
    assert_eq!(records, expected);
}

#[test]
fn the_order_of_the_keys_may_change_from_record_to_record() {
    let body = r#"{"results":[{"id":"1","properties":{"a":"1","b":"2"}},{"id":"2","properties":{"b":"2","c":"3","a":"1"}},
        {"id":"3","properties":{"a":"1","b":"2"}}]}"#;
    let records = columns(&["a", "b"], "tt").read(&answer(200, &[], body)).unwrap();
    let values: Vec<_> = records.rows.into_iter().map(|row| row.values).collect();
    assert_eq!(values, vec![vec![Value::from("1"), "2".into()]; 3]);
}

#[test]
fn the_stamp_can_be_a_column_too() {
    let columns = columns(&["lastmodifieddate"], "s");
    assert_eq!(columns.properties(), ["lastmodifieddate"]);
    let body = json!({"results": [{"id": "1", "properties": {"lastmodifieddate": "1970-01-01T00:00:01Z"}}]});
    let rows = columns.read(&json(200, &body)).unwrap().rows;
    let values = vec![Value::Instant(1_000_000)];
    assert_eq!(rows, vec![Row { id: "1".into(), modified: Some(1_000_000), version: None, values }]);
}

#[test]
fn a_page_that_is_none_is_temporary_and_not_quoted() {
    for body in ["", "{", r#"{"status":"secret"}"#, r#"{"results":[{"id":"","properties":{}}]}"#, "[]"] {
        let failure = columns(&["a"], "t").read(&answer(200, &[], body)).unwrap_err();
        let Failure::Temporary(message) = failure else { panic!("{failure:?}") };
        assert!(message.starts_with("the CRM's answer can't be read: no page of records (line 1"), "{message}");
        assert!(!message.contains("secret"));
    }
}

#[test]
fn a_column_asked_for_twice_is_a_mistake() {
    let twice = Columns::new(&["a".into(), "a".into()], vec![], "s").err();
    assert_eq!(twice, Some(Failure::invalid("a", "is asked for twice")));
}
