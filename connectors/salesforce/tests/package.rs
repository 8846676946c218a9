//! What is packed with the connector beside its code: the presets open and map, the settings' schema says what the code takes.

use ferry_field_mapper::testing::{map_preset, named};
use ferry_sdk::mapper::{Direction, Kind, Value};

const NINE: Value = Value::Instant(1_763_805_600_000_000);

fn map(preset: &str, direction: Direction, row: &[(&str, Kind, Value)]) -> Vec<(String, Value)> {
    map_preset(env!("CARGO_MANIFEST_DIR"), preset, direction, row)
}

#[test]
fn a_call_becomes_a_completed_task() {
    let row = [
        ("at", Kind::Instant, NINE),
        ("disposition", Kind::Choice, "no-answer".into()),
        ("duration_s", Kind::Integer, Value::Integer(42)),
        ("summary", Kind::Text, "Asked about <prices>".into()),
        ("direction", Kind::Choice, Value::Null),
    ];
    let expected = [
        ("Subject", "Call: no-answer".into()),
        ("TaskSubtype", "Call".into()),
        ("Status", "Completed".into()),
        ("Priority", "Normal".into()),
        ("ActivityDate", Value::Date(20_414)),
        ("Description", "Asked about <prices>".into()),
        ("CallDurationInSeconds", Value::Integer(42)),
        ("CallDisposition", "no-answer".into()),
        ("CallType", "Outbound".into()),
    ];
    assert_eq!(map("call-out", Direction::Outbound, &row), named(&expected));
}

#[test]
fn an_appointment_becomes_an_event() {
    let row = [
        ("title", Kind::Text, "Demo".into()),
        ("starts_at", Kind::Instant, NINE),
        ("ends_at", Kind::Instant, Value::Null),
        ("location", Kind::Text, "online".into()),
        ("notes", Kind::Text, Value::Null),
    ];
    let expected =
        [("Subject", "Demo".into()), ("StartDateTime", NINE), ("EndDateTime", NINE), ("Location", "online".into())];
    assert_eq!(map("appointment-out", Direction::Outbound, &row), named(&expected));
}

#[test]
fn contacts_and_leads_become_contacts() {
    let text = |name: &'static str, kind, value: &str| (name, kind, Value::from(value));
    let person = || {
        vec![
            text("FirstName", Kind::Text, " Ada "),
            text("LastName", Kind::Text, "Lovelace"),
            text("Email", Kind::Email, "Ada@Example.com"),
            ("MobilePhone", Kind::Phone, Value::Null),
            text("Phone", Kind::Phone, "+49 40 123456"),
            ("Title", Kind::Text, Value::Null),
            text("LeadSource", Kind::Choice, "Web"),
        ]
    };
    let own = [
        ("first_name", "Ada".into()),
        ("last_name", "Lovelace".into()),
        ("email", "ada@example.com".into()),
        ("phone", "+4940123456".into()),
    ];
    let mut row = person();
    row.extend([text("MailingCity", Kind::Text, "Ulm"), ("MailingCountry", Kind::Text, Value::Null)]);
    let expected = [&own[..], &[("city", "Ulm".into()), ("lead_source", "web".into())]].concat();
    assert_eq!(map("contacts-in", Direction::Inbound, &row), named(&expected));
    let mut row = person();
    row.extend([text("Company", Kind::Text, "Acme"), text("Status", Kind::Choice, "Open")]);
    let rest = [("company", "Acme".into()), ("lead_source", "web".into()), ("lead_status", "Open".into())];
    assert_eq!(map("leads-in", Direction::Inbound, &row), named(&[&own[..], &rest].concat()));
}

#[test]
fn every_preset_of_the_manifest_is_there_and_the_schema_takes_its_own_defaults() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let manifest: toml::Table = std::fs::read_to_string(format!("{folder}/plugin.toml")).unwrap().parse().unwrap();
    let mut named: Vec<&str> =
        manifest["presets"].as_table().unwrap().values().map(|path| path.as_str().unwrap()).collect();
    let there = std::fs::read_dir(format!("{folder}/presets")).unwrap();
    let mut there: Vec<String> =
        there.map(|entry| format!("presets/{}", entry.unwrap().file_name().into_string().unwrap())).collect();
    named.sort_unstable();
    there.sort();
    assert_eq!(named, there);
    let schema = std::fs::read_to_string(format!("{folder}/settings.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let settings = jsonschema::validator_for(&schema).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    let defaults: serde_json::Map<String, serde_json::Value> =
        properties.iter().map(|(name, property)| (name.clone(), property["default"].clone())).collect();
    assert!(settings.is_valid(&serde_json::Value::Object(defaults)) && settings.is_valid(&serde_json::json!({})));
    for wrong in
        [serde_json::json!({"api_version": "67"}), serde_json::json!({"key_field": "a b"}), serde_json::json!({"x": 1})]
    {
        assert!(!settings.is_valid(&wrong), "{wrong}");
    }
}
