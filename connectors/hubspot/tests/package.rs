//! What is packed with the connector beside its code: the presets open and map, the settings' schema says what the code takes.

use ferry_field_mapper::testing::{map_preset, named};
use ferry_sdk::mapper::{Direction, Kind, Value};

/// The columns of each kind of outcome, as the host gives them to an outbound mapping.
const CALL: [(&str, Kind); 10] = [
    ("outcome_id", Kind::Text),
    ("at", Kind::Instant),
    ("disposition", Kind::Choice),
    ("duration_s", Kind::Integer),
    ("summary", Kind::Text),
    ("direction", Kind::Choice),
    ("from_number", Kind::Phone),
    ("to_number", Kind::Phone),
    ("recording_url", Kind::Url),
    ("agent", Kind::Text),
];

const APPOINTMENT: [(&str, Kind); 7] = [
    ("outcome_id", Kind::Text),
    ("at", Kind::Instant),
    ("title", Kind::Text),
    ("starts_at", Kind::Instant),
    ("ends_at", Kind::Instant),
    ("location", Kind::Text),
    ("notes", Kind::Text),
];

const NOTE: [(&str, Kind); 3] = [("outcome_id", Kind::Text), ("at", Kind::Instant), ("text", Kind::Text)];

const TASK: [(&str, Kind); 5] = [
    ("outcome_id", Kind::Text),
    ("at", Kind::Instant),
    ("title", Kind::Text),
    ("due_at", Kind::Instant),
    ("notes", Kind::Text),
];

const QUALIFICATION: [(&str, Kind); 5] = [
    ("outcome_id", Kind::Text),
    ("at", Kind::Instant),
    ("result", Kind::Choice),
    ("score", Kind::Integer),
    ("reason", Kind::Text),
];

const CONTACT: [(&str, Kind); 12] = [
    ("firstname", Kind::Text),
    ("lastname", Kind::Text),
    ("email", Kind::Email),
    ("mobilephone", Kind::Phone),
    ("phone", Kind::Phone),
    ("company", Kind::Text),
    ("jobtitle", Kind::Text),
    ("city", Kind::Text),
    ("country", Kind::Text),
    ("hs_analytics_source", Kind::Choice),
    ("lifecyclestage", Kind::Choice),
    ("other", Kind::Opaque),
];

const NINE: Value = Value::Instant(1_763_805_600_000_000);
const TEN: Value = Value::Instant(1_763_809_200_000_000);

/// Maps one row; what is not named is null.
fn map(preset: &str, direction: Direction, columns: &[(&str, Kind)], row: &[(&str, Value)]) -> Vec<(String, Value)> {
    let value =
        |column: &str| row.iter().find(|(name, _)| *name == column).map_or(Value::Null, |(_, value)| value.clone());
    let row: Vec<_> = columns.iter().map(|(name, kind)| (*name, *kind, value(name))).collect();
    map_preset(env!("CARGO_MANIFEST_DIR"), preset, direction, &row)
}

#[test]
fn a_call_becomes_a_hubspot_call() {
    let row = [
        ("at", NINE),
        ("disposition", "no-answer".into()),
        ("duration_s", Value::Integer(42)),
        ("summary", "Asked about <prices> & delivery".into()),
        ("from_number", "+4940123456".into()),
    ];
    let expected = [
        ("hs_timestamp", NINE),
        ("hs_call_title", "Call: no-answer".into()),
        ("hs_call_body", "Asked about &lt;prices&gt; &amp; delivery".into()),
        ("hs_call_duration", Value::Integer(42_000)),
        ("hs_call_disposition", "73a0d17f-1163-4015-bdd5-ec830791da20".into()),
        ("hs_call_direction", "OUTBOUND".into()),
        ("hs_call_status", "NO_ANSWER".into()),
        ("hs_call_from_number", "+4940123456".into()),
        ("hs_call_source", "INTEGRATIONS_PLATFORM".into()),
    ];
    assert_eq!(map("call-out", Direction::Outbound, &CALL, &row), named(&expected));
}

#[test]
fn an_appointment_becomes_a_hubspot_meeting() {
    let row = [("at", NINE), ("title", "Demo".into()), ("starts_at", TEN), ("location", "online".into())];
    let expected = [
        ("hs_timestamp", TEN),
        ("hs_meeting_title", "Demo".into()),
        ("hs_meeting_start_time", TEN),
        ("hs_meeting_end_time", TEN),
        ("hs_meeting_location", "online".into()),
        ("hs_meeting_outcome", "SCHEDULED".into()),
    ];
    assert_eq!(map("appointment-out", Direction::Outbound, &APPOINTMENT, &row), named(&expected));
}

#[test]
fn notes_tasks_and_verdicts_have_their_presets_too() {
    let note = map("note-out", Direction::Outbound, &NOTE, &[("at", NINE), ("text", "Likes tea".into())]);
    assert_eq!(note, named(&[("hs_timestamp", NINE), ("hs_note_body", "Likes tea".into())]));

    let task = map("task-out", Direction::Outbound, &TASK, &[("at", NINE), ("title", "Call back".into())]);
    let expected = [
        ("hs_timestamp", NINE),
        ("hs_task_subject", "Call back".into()),
        ("hs_task_status", "NOT_STARTED".into()),
        ("hs_task_priority", "MEDIUM".into()),
        ("hs_task_type", "TODO".into()),
    ];
    assert_eq!(task, named(&expected));

    let row = [("at", NINE), ("result", "Later".into())];
    let verdict = map("qualification-out", Direction::Outbound, &QUALIFICATION, &row);
    assert_eq!(verdict, named(&[("hs_lead_status", "BAD_TIMING".into())]));
}

#[test]
fn a_hubspot_contact_becomes_a_contact() {
    let row = [
        ("firstname", " Ada ".into()),
        ("email", "Ada@Example.com".into()),
        ("phone", "+49 40 123456".into()),
        ("hs_analytics_source", "ORGANIC_SEARCH".into()),
        ("lifecyclestage", "lead".into()),
    ];
    let expected = [
        ("first_name", "Ada".into()),
        ("email", "ada@example.com".into()),
        ("phone", "+4940123456".into()),
        ("lead_source", "organic_search".into()),
        ("lifecycle_stage", "lead".into()),
    ];
    assert_eq!(map("contacts-in", Direction::Inbound, &CONTACT, &row), named(&expected));
    // A lead is one too, and has a status.
    let columns: Vec<(&str, Kind)> = CONTACT.into_iter().chain([("hs_lead_status", Kind::Choice)]).collect();
    let row = [&row[..], &[("hs_lead_status", "NEW".into())]].concat();
    let status = [("lead_status", "NEW".into())];
    let expected = [&expected[..4], &status, &expected[4..]].concat();
    assert_eq!(map("leads-in", Direction::Inbound, &columns, &row), named(&expected));
}

#[test]
fn every_preset_of_the_manifest_is_there_and_none_is_forgotten() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let manifest = std::fs::read_to_string(format!("{folder}/plugin.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let mut named: Vec<String> =
        manifest["presets"].as_table().unwrap().values().map(|path| path.as_str().unwrap().to_owned()).collect();
    let there = std::fs::read_dir(format!("{folder}/presets")).unwrap();
    let mut there: Vec<String> =
        there.map(|entry| format!("presets/{}", entry.unwrap().file_name().into_string().unwrap())).collect();
    named.sort();
    there.sort();
    assert_eq!(named, there);
}

#[test]
fn the_settings_schema_takes_its_own_defaults_and_names_mistakes() {
    let text = std::fs::read_to_string(format!("{}/settings.schema.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let settings = jsonschema::validator_for(&schema).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    let defaults: serde_json::Map<String, serde_json::Value> =
        properties.iter().map(|(name, property)| (name.clone(), property["default"].clone())).collect();
    assert!(properties.values().all(|property| property["title"].is_string() && property["description"].is_string()));
    assert!(settings.is_valid(&serde_json::Value::Object(defaults)));
    assert!(settings.is_valid(&serde_json::json!({})));
    for wrong in [
        serde_json::json!({"path_style": "new"}),
        serde_json::json!({"dated_version": "2026-10"}),
        serde_json::json!({"unique_call_property": "a b"}),
        serde_json::json!({"unknown": 1}),
    ] {
        assert!(!settings.is_valid(&wrong), "{wrong}");
    }
}
