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
    let body = "<p>Call: no-answer, 42 s</p><p>Asked &lt;twice&gt;</p>";
    assert_eq!(map("call-out", Direction::Outbound, &row), named(&[("body", body.into()), ("date", NINE)]));
}

#[test]
fn an_appointment_becomes_an_event_that_ends_when_it_is_known_to() {
    let row = [
        ("title", Kind::Text, "Demo".into()),
        ("starts_at", Kind::Instant, NINE),
        ("ends_at", Kind::Instant, Value::Null),
        ("location", Kind::Text, "online".into()),
        ("notes", Kind::Text, Value::Null),
    ];
    let expected = [("name", "Demo".into()), ("start", NINE), ("stop", NINE), ("location", "online".into())];
    assert_eq!(map("appointment-out", Direction::Outbound, &row), named(&expected));
}

#[test]
fn a_task_becomes_an_activity() {
    let row = [
        ("title", Kind::Text, "Call back".into()),
        ("at", Kind::Instant, NINE),
        ("due_at", Kind::Instant, Value::Null),
        ("notes", Kind::Text, "a & b".into()),
    ];
    let day = Value::Date(20_414);
    let expected = [("summary", "Call back".into()), ("date_deadline", day), ("note", "a &amp; b".into())];
    assert_eq!(map("task-out", Direction::Outbound, &row), named(&expected));
}

#[test]
fn a_contact_and_a_lead_become_contacts() {
    let row = [
        ("name", Kind::Text, " Ada  King ".into()),
        ("email", Kind::Email, "Ada@Example.com".into()),
        ("phone", Kind::Phone, "+49 40 123456".into()),
        ("parent_id.name", Kind::Text, "Acme".into()),
        ("function", Kind::Text, Value::Null),
        ("city", Kind::Text, "Hamburg".into()),
        ("country_id.name", Kind::Text, "Germany".into()),
    ];
    let expected = [
        ("full_name", "Ada King".into()),
        ("email", "ada@example.com".into()),
        ("phone", "+4940123456".into()),
        ("company", "Acme".into()),
        ("city", "Hamburg".into()),
        ("country", "Germany".into()),
    ];
    assert_eq!(map("contacts-in", Direction::Inbound, &row), named(&expected));
    let row = [
        ("contact_name", Kind::Text, Value::Null),
        ("partner_name", Kind::Text, "Acme".into()),
        ("name", Kind::Text, "Big deal".into()),
        ("email_from", Kind::Email, "a@x.com".into()),
        ("phone", Kind::Phone, Value::Null),
        ("stage_id.name", Kind::Text, "New".into()),
    ];
    let expected = [
        ("full_name", "Acme".into()),
        ("email", "a@x.com".into()),
        ("company", "Acme".into()),
        ("lead_stage", "New".into()),
    ];
    assert_eq!(map("leads-in", Direction::Inbound, &row), named(&expected));
}

#[test]
fn the_settings_schema_takes_what_the_code_takes_and_names_mistakes() {
    let text = std::fs::read_to_string(format!("{}/settings.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let settings = jsonschema::validator_for(&schema).unwrap();
    for right in [serde_json::json!({}), serde_json::json!({"models": ["project.task"], "database": "acme-19"})] {
        assert!(settings.is_valid(&right), "{right}");
    }
    for wrong in
        [serde_json::json!({"models": ["x y"]}), serde_json::json!({"database": "a\nb"}), serde_json::json!({"a": 1})]
    {
        assert!(!settings.is_valid(&wrong), "{wrong}");
    }
}
