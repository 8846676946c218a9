//! Guests written by hand: a core module for the contract's own WIT, with a body for the one function that a test is
//! about. Everything else in them traps.

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use crate::model::grant::Grant;
use crate::model::manifest::Limits;
use crate::model::time::Instant;
use crate::plugin::package;

/// Where a body finds free memory: before it lie 64 KiB of zeros.
pub(super) const HEAP: u32 = 65_536;

/// Exports of a connector and their flattened parameters, each giving a pointer to its answer.
const CONNECTOR: [(&str, &str); 10] = [
    ("check", "i32 i32 i64"),
    ("objects", "i32 i32 i64"),
    ("fields", "i32 i32 i64 i32 i32"),
    ("segments", "i32 i32 i64 i32 i32"),
    ("pull", "i32"),
    ("partition", "i32"),
    ("gone", "i32 i32 i64 i32 i32 i64 i64 i32 i32 i32"),
    ("push", "i32 i32 i64 i32 i32 i32 i32"),
    ("resolve", "i32 i32 i64 i32 i32 i32 i32"),
    ("receive", "i32 i32 i64 i32 i32 i32 i32 i32 i32 i32 i32"),
];

const MAPPER: [(&str, &str); 4] = [
    ("reads", "i32 i32 i32"),
    ("[static]mapping.open", "i32 i32 i32 i32 i32"),
    ("[method]mapping.output", "i32"),
    ("[method]mapping.rows", "i32 i32 i32 i32 i32 i32 i32"),
];

/// What a test puts into a guest.
#[derive(Default)]
pub(super) struct Guest<'a> {
    /// Imports, globals and functions in front of the exports.
    pub(super) items: &'a str,
    /// Bodies by the name of the export.
    pub(super) bodies: &'a [(&'a str, &'a str)],
    /// Memory that it has from the start, in pages of 64 KiB.
    pub(super) pages: u32,
}

impl Guest<'_> {
    pub(super) fn connector(&self) -> Vec<u8> {
        module(&self.text("connector", &CONNECTOR, ""), "connector-plugin")
    }

    pub(super) fn mapper(&self) -> Vec<u8> {
        let dtor = r#"(func (export "ferry:crm/mapper@0.1.0#[dtor]mapping") (param i32))"#;
        module(&self.text("mapper", &MAPPER, dtor), "mapper-plugin")
    }

    fn text(&self, interface: &str, exports: &[(&str, &str)], more: &str) -> String {
        let functions: String = exports
            .iter()
            .map(|(name, params)| {
                let body = self.bodies.iter().find(|(it, _)| it == name).map_or("unreachable", |(_, body)| body);
                format!("(func (export \"ferry:crm/{interface}@0.1.0#{name}\") (param {params}) (result i32) {body})\n")
            })
            .collect();
        let (items, pages) = (self.items, self.pages.max(2));
        format!(
            r#"(module
            {items}
            (memory (export "memory") {pages})
            (global $heap (mut i32) (i32.const {HEAP}))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap)
                    (i32.and (i32.add (local.get 3) (i32.const 15)) (i32.const -16)))))
            {functions}
            {more})"#
        )
    }
}

/// A core module with the type of `world` in it.
fn module(text: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

pub(super) fn component(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default().module(module).unwrap().validate(true).encode().unwrap()
}

pub(super) fn manifest(kind: &str) -> String {
    format!(
        r#"
        [plugin]
        id = "test"
        name = "Test"
        version = "1.2.3"
        kind = "{kind}"
        contract = "0.1.0"
        publisher = "Ferry"
        description = "For tests"
        license = "Apache-2.0"
        "#
    )
}

pub(super) fn pack(module: &[u8], kind: &str) -> Vec<u8> {
    package::pack(module, &manifest(kind), std::path::Path::new(".")).unwrap()
}

pub(super) fn grant(package: &[u8], limits: Limits) -> Grant {
    Grant {
        digest: package::digest(package),
        hosts: Vec::new(),
        accounts: Vec::new(),
        private: Vec::new(),
        loopback: Vec::new(),
        limits,
        at: Instant(0),
    }
}
