//! What the fuzzing targets in `fuzz/` throw bytes at: they can't see inside the host by themselves. Built for them and for the tests,
//! which throw seeded bytes at the same.

use super::bindings::connector::exports::ferry::crm::connector as wit;
use super::bindings::mapper::exports::ferry::crm::mapper as wit_mapper;
use super::bindings::types::{Problem, Value};
use super::convert::{self, PageRules};
use super::{manifest as manifests, package as packages};
use crate::model::mapping::{Column, Kind};

/// A manifest, in the form of its author's and in that of a package.
pub fn manifest(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = manifests::from_toml(text);
    }
    if let Ok(manifest) = manifests::from_json(bytes) {
        // What was taken once is taken again.
        let again = serde_json::to_vec(&manifest).expect("a manifest can be written");
        assert_eq!(manifests::from_json(&again).expect("a manifest can be read again"), manifest);
    }
}

/// A packed plugin.
pub fn package(bytes: &[u8]) {
    let _ = packages::inspect(bytes);
    let _ = packages::read(bytes.to_vec());
}

/// What a guest answers, made of bytes: it comes through by the rules, or not at all.
pub fn answers(bytes: &[u8]) {
    let mut from = Bytes(bytes);
    let columns = usize::from(from.byte() % 4);
    let rules = PageRules { object: "contacts".into(), columns, token: Some("t".into()), limit: 3 };
    let rows = from.list(4, |from| wit::Row {
        id: from.text(),
        modified: Some(from.number()),
        version: Some(from.text()),
        values: from.list(4, Bytes::value),
    });
    let page = wit::Page { rows, gone: Vec::new(), next: Some(from.text()), wait: None, total: None };
    if let Ok(page) = convert::page(page, &rules) {
        assert!(page.rows.len() <= 3 && page.next.as_deref() != Some("t"));
        assert!(page.rows.iter().all(|row| row.values.len() == columns && (1..=255).contains(&row.id.len())));
    }
    let _ = convert::reads(from.list(5, Bytes::text));
    let output = [Column { name: "a".into(), kind: Kind::Decimal }, Column { name: "b".into(), kind: Kind::Choices }];
    let mapped = from.list(3, |from| match from.byte() % 3 {
        0 => wit_mapper::Mapped::Values(from.list(3, Bytes::value)),
        1 => wit_mapper::Mapped::Skipped(from.text()),
        _ => {
            wit_mapper::Mapped::Refused(from.list(3, |from| Problem { field: Some(from.text()), message: from.text() }))
        }
    });
    if let Ok(mapped) = convert::mapped(mapped, 2, &output) {
        assert_eq!(mapped.len(), 2);
    }
}

/// Takes values off the front, and what is empty when nothing is left.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> i64 {
        (0..8).fold(0, |number, _| number << 8 | i64::from(self.byte()))
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn list<T>(&mut self, most: u8, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % (most + 1)).map(|_| item(self)).collect()
    }

    fn value(&mut self) -> Value {
        match self.byte() % 8 {
            0 => Value::Null,
            1 => Value::Boolean(self.byte() & 1 == 1),
            2 => Value::Integer(self.number()),
            3 => Value::Decimal(self.text()),
            4 => Value::Text(self.text()),
            5 => Value::Instant(self.number()),
            6 => Value::Date(self.number() as i32),
            _ => Value::Texts(self.list(3, Self::text)),
        }
    }
}
