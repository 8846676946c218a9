//! The JSON Schema, the parser and the documentation say the same.

use std::collections::BTreeSet;

use ferry_sdk::mapper::{Column, Direction, Kind};
use serde_json::Value as Json;

use crate::config::field::{INVALIDS, KINDS, keys};
use crate::config::skip::{CONDITION_KEYS, IS, SKIP_KEYS};
use crate::config::table::Words;
use crate::config::{DIRECTIONS, TOP_KEYS};
use crate::convert::{ESCAPES, SCHEMES};
use crate::rules::number::{ROUNDS, STYLES};
use crate::rules::phone::{CHECKS, EXTENSIONS};
use crate::rules::text::{MISSING, TOO_LONG, TRANSFORMS};
use crate::rules::time::AMBIGUOUS;
use crate::{Plan, reads};

const SCHEMA: &str = include_str!("../mapping.schema.json");
const README: &str = include_str!("../README.md");

fn schema() -> Json {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

fn names(object: &Json) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn words<T>(words: Words<T>) -> BTreeSet<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

#[test]
fn schema_and_parser_know_the_same_keys() {
    let schema = schema();
    let properties = |path: &str| names(schema.pointer(path).expect("properties"));
    assert_eq!(properties("/properties"), TOP_KEYS.iter().copied().collect());
    assert_eq!(properties("/$defs/field/properties"), keys().collect());
    assert_eq!(properties("/$defs/skip/properties"), SKIP_KEYS.iter().copied().collect());
    assert_eq!(properties("/$defs/condition/properties"), CONDITION_KEYS.iter().copied().collect());
}

#[test]
fn schema_and_parser_know_the_same_words() {
    let schema = schema();
    let listed = |path: &str| {
        let found = schema.pointer(path).and_then(|words| words["enum"].as_array()).expect(path);
        found.iter().map(|word| word.as_str().expect("text")).collect::<BTreeSet<_>>()
    };
    let field = |key: &str| listed(&format!("/$defs/field/properties/{key}"));
    assert_eq!(listed("/properties/direction"), words(DIRECTIONS));
    assert_eq!(listed("/$defs/numbers"), words(STYLES));
    assert_eq!(listed("/$defs/transform"), words(TRANSFORMS));
    assert_eq!(listed("/$defs/condition/properties/is"), words(IS));
    assert_eq!(field("otherwise/anyOf/0"), BTreeSet::from(["refuse", "keep", "null"]));
    assert_eq!(field("type"), words(KINDS));
    assert_eq!(field("invalid"), words(INVALIDS));
    assert_eq!(field("round"), words(ROUNDS));
    assert_eq!(field("ambiguous"), words(AMBIGUOUS));
    assert_eq!(field("extension"), words(EXTENSIONS));
    assert_eq!(field("check"), words(CHECKS));
    assert_eq!(field("missing_part"), words(MISSING));
    assert_eq!(field("too_long"), words(TOO_LONG));
    assert_eq!(field("escape"), words(ESCAPES));
    assert_eq!(field("scheme"), words(SCHEMES));
}

#[test]
fn the_documentation_explains_every_key_and_word() {
    let mentioned = |name: &str| README.contains(&format!("`{name}`")) || README.contains(&format!("`\"{name}\"`"));
    let keys = TOP_KEYS.iter().chain(SKIP_KEYS).chain(CONDITION_KEYS).copied().chain(keys());
    let words = words(TRANSFORMS).into_iter().chain(words(IS)).chain(words(KINDS)).chain(words(AMBIGUOUS));
    let missing: Vec<_> = keys.chain(words).filter(|name| !mentioned(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// The examples of the documentation, whole configurations all of them.
fn examples() -> Vec<String> {
    README
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(toml, _)| toml.to_owned())
        .collect()
}

/// The mappings that connectors ship.
fn presets() -> Vec<String> {
    let connectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of connectors");
    let folders =
        std::fs::read_dir(connectors).expect("connectors").flatten().map(|entry| entry.path().join("presets"));
    let files = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flat_map(|files| files.flatten());
    let mappings = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|kind| kind == "toml"));
    mappings.map(|path| std::fs::read_to_string(path).expect("a preset")).collect()
}

fn as_json(text: &str) -> Json {
    let table: toml::Table = toml::from_str(text).expect("TOML");
    json_of(toml::Value::Table(table))
}

/// Dates are text in the schema, as they are for editors that check TOML against one.
fn json_of(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            Json::Object(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
    }
}

fn direction_of(text: &str) -> Direction {
    if text.contains("direction = \"outbound\"") { Direction::Outbound } else { Direction::Inbound }
}

#[test]
fn every_example_and_preset_satisfies_the_schema_and_opens() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    assert!(examples().len() > 10, "the documentation has examples");
    for text in examples().into_iter().chain(presets()) {
        let errors: Vec<_> = validator.iter_errors(&as_json(&text)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{text}");
        let columns = reads(&text, direction_of(&text)).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
        let input: Vec<_> = columns.into_iter().map(|name| Column { name, kind: Kind::Opaque }).collect();
        let plan = Plan::open(&text, direction_of(&text), &input);
        assert!(plan.is_ok(), "{:?}\n{text}", plan.err());
    }
}

#[test]
fn the_schema_and_the_parser_refuse_the_same() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let field = |keys: &str| format!("[fields.a]\n{keys}\n");
    for text in [
        "colour = 1\n[fields.a]\nfrom = \"b\"".to_owned(),
        "name = \"empty\"".to_owned(),
        field("required = true"),
        field("from = \"b\"\nconstant = 1"),
        field("from = \"b\"\ntype = \"number\""),
        field("from = \"b\"\ntransform = \"shout\""),
        field("from = []"),
        field("from = \"b\"\notherwise = \"keep\""),
        field("from = \"b\"\nvalues = { a = \"b\" }\notherwise = { valeu = \"x\" }"),
        field("from = \"b\"\npart = 1"),
        field("from = \"b\"\nsplit = \";\"\npart = 0"),
        field("from = \"b\"\nmax_length = 0\ntype = \"text\""),
        field("from = \"b\"\ntype = \"instant\"\ntime = \"9:00\""),
        field("from = \"b\"\ntype = \"phone\"\nregion = \"de\""),
        field("from = \"b\"\nseparator = \"-\""),
        field("constant = {}"),
        format!("[skip]\nwhen = []\n{}", field("from = \"b\"")),
        format!("{}[[skip]]\nwhen = [{{ field = \"b\", is = \"equals\" }}]", field("from = \"b\"")),
        format!("{}[[skip]]\nwhen = [{{ field = \"b\", is = \"absent\", value = 1 }}]", field("from = \"b\"")),
    ] {
        assert!(!validator.is_valid(&as_json(&text)), "the schema refuses\n{text}");
        assert!(reads(&text, Direction::Inbound).is_err(), "the parser refuses\n{text}");
    }
}
