//! What is packed with the connector beside its code: the presets open and map, the settings' schema says what the code takes.

use ferry_field_mapper::Plan;
use ferry_sdk::mapper::{Column, Direction, Kind, Mapped, Value};

const NINE: Value = Value::Instant(1_763_805_600_000_000);

/// Opens a preset as it is packed and maps one row. Gives what is filled.
fn map(preset: &str, direction: Direction, row: &[(&str, Kind, Value)]) -> Vec<(String, Value)> {
    let path = format!("{}/presets/{preset}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the preset is there");
    let columns: Vec<Column> =
        row.iter().map(|(name, kind, _)| Column { name: (*name).to_owned(), kind: *kind }).collect();
    let plan = Plan::open(&text, direction, &columns).unwrap_or_else(|mistakes| panic!("{preset}: {mistakes:#?}"));
    match plan.rows(vec![row.iter().map(|(.., value)| value.clone()).collect()]).remove(0) {
        Mapped::Values(values) => {
            let named = plan.output().iter().map(|column| column.name.clone()).zip(values);
            named.filter(|(_, value)| *value != Value::Null).collect()
        }
        other => panic!("{preset}: {other:?}"),
    }
}

fn named(values: &[(&str, Value)]) -> Vec<(String, Value)> {
    values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn a_call_becomes_a_note() {
    let row = [
        ("disposition", Kind::Choice, "no-answer".into()),
        ("at", Kind::Instant, NINE),
        ("duration_s", Kind::Integer, Value::Integer(42)),
        ("summary", Kind::Text, "Asked <twice>".into()),
    ];
    let message = "Call: no-answer\n2025-11-22T10:00:00Z, 42 s\nAsked <twice>";
    assert_eq!(map("call-out", Direction::Outbound, &row), named(&[("message", message.into())]));
}

#[test]
fn an_appointment_becomes_a_note() {
    let row = [
        ("title", Kind::Text, "Demo".into()),
        ("starts_at", Kind::Instant, NINE),
        ("location", Kind::Text, "online".into()),
        ("notes", Kind::Text, Value::Null),
    ];
    let message = "Appointment: Demo\n2025-11-22T10:00:00Z\nonline";
    assert_eq!(map("appointment-out", Direction::Outbound, &row), named(&[("message", message.into())]));
}

#[test]
fn a_party_becomes_a_contact() {
    let row = [
        ("name", Kind::Text, " Ada  King ".into()),
        ("email", Kind::Email, "Ada@Example.com".into()),
        ("mobile", Kind::Phone, Value::Null),
        ("phone", Kind::Phone, "+49 40 123456".into()),
        ("code", Kind::Text, "12".into()),
        ("addresses.street", Kind::Text, Value::Null),
        ("addresses.postal_code", Kind::Text, Value::Null),
        ("addresses.city", Kind::Text, "Hamburg".into()),
        ("lang.code", Kind::Text, "de".into()),
    ];
    let expected = [
        ("full_name", "Ada King".into()),
        ("email", "ada@example.com".into()),
        ("phone", "+4940123456".into()),
        ("customer_number", "12".into()),
        ("city", "Hamburg".into()),
        ("language", "de".into()),
    ];
    assert_eq!(map("contacts-in", Direction::Inbound, &row), named(&expected));
}

#[test]
fn the_settings_schema_takes_its_own_default_and_names_mistakes() {
    let text = std::fs::read_to_string(format!("{}/settings.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let settings = jsonschema::validator_for(&schema).unwrap();
    for right in
        [serde_json::json!({}), serde_json::json!({"models": ["sale.opportunity", "party.party-party.category"]})]
    {
        assert!(settings.is_valid(&right), "{right}");
    }
    for wrong in
        [serde_json::json!({"models": "x.y"}), serde_json::json!({"models": ["x y"]}), serde_json::json!({"a": 1})]
    {
        assert!(!settings.is_valid(&wrong), "{wrong}");
    }
}
