//! What is packed with the connector beside its code: the presets open and map, the settings' schema says what the code takes.

use ferry_field_mapper::testing::{map_preset, named};
use ferry_sdk::mapper::{Direction, Kind, Value};

const NINE: Value = Value::Instant(1_763_805_600_000_000);

fn map(preset: &str, direction: Direction, row: &[(&str, Kind, Value)]) -> Vec<(String, Value)> {
    map_preset(env!("CARGO_MANIFEST_DIR"), preset, direction, row)
}

#[test]
fn a_call_becomes_a_done_activity() {
    let row = [
        ("at", Kind::Instant, NINE),
        ("disposition", Kind::Choice, "no-answer".into()),
        ("duration_s", Kind::Integer, Value::Integer(42)),
        ("summary", Kind::Text, "Asked <twice>".into()),
    ];
    let expected = [
        ("subject", "Call: no-answer".into()),
        ("type", "call".into()),
        ("due_at", NINE),
        ("duration_s", Value::Integer(42)),
        ("done", Value::Boolean(true)),
        ("note", "Asked &lt;twice&gt;".into()),
    ];
    assert_eq!(map("call-out", Direction::Outbound, &row), named(&expected));
}

#[test]
fn an_appointment_becomes_a_meeting_to_come() {
    let row = [
        ("title", Kind::Text, "Demo".into()),
        ("starts_at", Kind::Instant, NINE),
        ("location", Kind::Text, "online".into()),
        ("notes", Kind::Text, Value::Null),
    ];
    let expected = [
        ("subject", "Demo".into()),
        ("type", "meeting".into()),
        ("due_at", NINE),
        ("done", Value::Boolean(false)),
        ("location", "online".into()),
    ];
    assert_eq!(map("appointment-out", Direction::Outbound, &row), named(&expected));
}

#[test]
fn a_person_becomes_a_contact() {
    let row = [
        ("first_name", Kind::Text, " Ada ".into()),
        ("last_name", Kind::Text, Value::Null),
        ("email", Kind::Email, "Ada@Example.com".into()),
        ("phone", Kind::Phone, "+49 40 123456".into()),
        ("job_title", Kind::Text, Value::Null),
        ("postal_address.locality", Kind::Text, "Hamburg".into()),
        ("postal_address.country", Kind::Text, Value::Null),
    ];
    let expected = [
        ("first_name", "Ada".into()),
        ("email", "ada@example.com".into()),
        ("phone", "+4940123456".into()),
        ("city", "Hamburg".into()),
    ];
    assert_eq!(map("contacts-in", Direction::Inbound, &row), named(&expected));
}

#[test]
fn a_lead_becomes_the_contact_that_it_is_about() {
    let row = [
        ("title", Kind::Text, "A fleet".into()),
        ("source_name", Kind::Text, "Live Chat".into()),
        ("person.first_name", Kind::Text, " Ada ".into()),
        ("person.last_name", Kind::Text, "King".into()),
        ("person.email", Kind::Email, "Ada@Example.com".into()),
        ("person.phone", Kind::Phone, Value::Null),
        ("person.job_title", Kind::Text, Value::Null),
        ("organization.name", Kind::Text, "Engines Ltd".into()),
    ];
    let expected = [
        ("first_name", "Ada".into()),
        ("last_name", "King".into()),
        ("email", "ada@example.com".into()),
        ("company", "Engines Ltd".into()),
        ("lead_title", "A fleet".into()),
        ("lead_source", "live chat".into()),
    ];
    assert_eq!(map("leads-in", Direction::Inbound, &row), named(&expected));
}

#[test]
fn the_settings_schema_takes_its_own_default_and_names_mistakes() {
    let text = std::fs::read_to_string(format!("{}/settings.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let settings = jsonschema::validator_for(&schema).unwrap();
    assert!(settings.is_valid(&serde_json::json!({})) && settings.is_valid(&serde_json::json!({"label": "home"})));
    for wrong in [serde_json::json!({"label": "x"}), serde_json::json!({"unknown": 1})] {
        assert!(!settings.is_valid(&wrong), "{wrong}");
    }
}
