//! Bytes that nobody meant: manifests, packages and what guests answer, changed at random from a fixed seed. Whatever comes in
//! is taken or refused in a sentence, and never ends the host. `PROPTEST_CASES` makes the run longer.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::guests::{Guest, manifest, pack};
use crate::plugin::bindings::connector::exports::ferry::crm::connector as wit;
use crate::plugin::bindings::types::{self, Value};
use crate::plugin::convert::{self, PageRules};
use crate::plugin::fuzzing;
use crate::plugin::manifest::{from_json, from_toml};
use crate::plugin::signature::{self, SigningKey};
use crate::plugin::{package, shape};

/// The same cases on every machine.
fn run<S: Strategy>(strategy: S, test: impl Fn(S::Value)) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { failure_persistence: None, ..Config::default() };
    let checked = |value| {
        test(value);
        Ok(())
    };
    TestRunner::new_with_rng(config, rng).run(&strategy, checked).unwrap();
}

/// Cuts, flips, doubles and fills.
fn changed(bytes: &[u8], changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, kind, value) in changes {
        let at = place % (bytes.len() + 1);
        match kind % 5 {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= value | 1,
            2 => bytes.insert(at, *value),
            3 => {
                let piece = bytes[at..].iter().take(usize::from(*value)).copied().collect::<Vec<_>>();
                bytes.splice(at..at, piece);
            }
            // Lengths in LEB128 that lead beyond the end.
            _ => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec((0..1_000_000_usize, any::<u8>(), any::<u8>()), 1..6)
}

#[test]
fn no_manifest_ends_the_host() {
    let toml = format!(
        "{}\n[network]\nbase = \"https://a.example\"\nhosts = [\"https://a.example\"]\naccounts = [\"https://*.b.example\"]\n\
         [limits]\nmemory-mib = 16\n[sign-in.oauth2]\ntoken = \"/t\"\n[settings]\nschema = \"{{}}\"\n[presets]\na = \"b\"\n",
        manifest("connector")
    );
    let json = serde_json::to_vec(&from_toml(&toml).unwrap()).unwrap();
    assert!(from_json(&json).is_ok());
    run(changes(), |changes| {
        let said = from_json(&changed(&json, &changes));
        assert!(said.is_ok() || !said.unwrap_err().to_string().contains('\n'));
        fuzzing::manifest(&changed(&json, &changes));
        fuzzing::manifest(&changed(toml.as_bytes(), &changes));
    });
    // Deep nesting is refused and not followed.
    let deep = format!("{{\"plugin\":{}", "[".repeat(200_000));
    assert!(from_json(deep.as_bytes()).is_err());
    assert!(from_toml(&format!("a = {}", "[".repeat(200_000))).is_err());
}

#[test]
fn no_package_ends_the_host() {
    let key = SigningKey::from_pem(&SigningKey::generate().unwrap()).unwrap();
    let signed = signature::sign(pack(&Guest::default().mapper(), "mapper"), &key).unwrap();
    run(changes(), |changes| {
        let bytes = changed(&signed, &changes);
        fuzzing::package(&bytes);
        if let Ok(read) = package::read(bytes.clone()) {
            assert!(read.signed.is_none() || bytes == signed, "a signature that holds for other bytes");
        }
    });
    run(prop::collection::vec(any::<u8>(), 0..300), |noise| {
        let _ = package::read(noise.clone());
        let _ = package::read([b"\0asm\x0d\0\x01\0", noise.as_slice()].concat());
        let _ = package::read(shape::with_custom_section(signed.clone(), "ferry:manifest", &noise));
        let _ = package::read(shape::with_custom_section(signed.clone(), "ferry:signature", &noise));
    });
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9eE+.-]{0,40}", Just("x".repeat(70_000)), Just("\0\u{1b}[31m".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        text().prop_map(Value::Decimal),
        text().prop_map(Value::Text),
        any::<i64>().prop_map(Value::Instant),
        any::<i32>().prop_map(Value::Date),
        prop::collection::vec(text(), 0..4).prop_map(Value::Texts),
    ]
}

fn row() -> impl Strategy<Value = wit::Row> {
    let parts = (text(), any::<Option<i64>>(), prop::option::of(text()), prop::collection::vec(value(), 0..4));
    parts.prop_map(|(id, modified, version, values)| wit::Row { id, modified, version, values })
}

#[test]
fn no_answer_of_a_guest_ends_the_host_or_gets_past_the_rules() {
    let answer = (prop::collection::vec(row(), 0..4), prop::option::of(text()), any::<Option<u64>>(), 0..4_usize);
    run(answer, |(rows, next, total, columns)| {
        let rules = PageRules { object: "contacts".to_owned(), columns, token: Some("t".to_owned()), limit: 3 };
        let page = wit::Page { rows, gone: Vec::new(), next, wait: None, total };
        if let Ok(page) = convert::page(page, &rules) {
            assert!(page.rows.len() <= 3 && page.next.as_deref() != Some("t"));
            assert!(page.rows.iter().all(|row| row.values.len() == columns && (1..=255).contains(&row.id.len())));
        }
    });
    run(prop::collection::vec(any::<u8>(), 0..300), |bytes| fuzzing::answers(&bytes));
    run(prop::collection::vec(text(), 0..5), |names| {
        let _ = convert::reads(names.clone());
        let _ = convert::partitions(names, 3);
    });
    run((text(), text()), |(what, why)| {
        // Advice is for people: it comes through, and cannot steer a terminal or fill a disk.
        for failure in [types::Failure::Permanent(what.clone()), types::Failure::Temporary(why)] {
            let told = convert::failure(failure).to_string();
            assert!(told.len() < 2_000 && !told.contains('\u{1b}'), "{} bytes", told.len());
        }
    });
}
