//! What is packed with the connector beside its code: the presets open and map, the settings' schema says what the code takes.

use ferry_field_mapper::testing::{map_preset, named};
use ferry_sdk::mapper::{Direction, Kind, Value};

const NINE: Value = Value::Instant(1_763_805_600_000_000);

fn map(preset: &str, direction: Direction, row: &[(&str, Kind, Value)]) -> Vec<(String, Value)> {
    map_preset(env!("CARGO_MANIFEST_DIR"), preset, direction, row)
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
fn a_lead_becomes_a_contact() {
    let row = [
        ("party.name", Kind::Text, " Ada  King ".into()),
        ("party.email", Kind::Email, "Ada@Example.com".into()),
        ("party.mobile", Kind::Phone, "+49 171 1234567".into()),
        ("party.phone", Kind::Phone, "+49 40 123456".into()),
        ("party.addresses.city", Kind::Text, "Hamburg".into()),
        ("party.lang.code", Kind::Text, Value::Null),
        ("description", Kind::Text, "Wants ten ".into()),
        ("state", Kind::Choice, "lead".into()),
    ];
    let expected = [
        ("full_name", "Ada King".into()),
        ("email", "ada@example.com".into()),
        ("phone", "+491711234567".into()),
        ("city", "Hamburg".into()),
        ("lead_title", "Wants ten".into()),
        ("lead_status", "lead".into()),
    ];
    assert_eq!(map("leads-in", Direction::Inbound, &row), named(&expected));
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
