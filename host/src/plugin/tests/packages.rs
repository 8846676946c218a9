//! What is a package and what is not, and the sentence that says so.

use std::path::Path;

use super::guests::{Guest, component, manifest, pack};
use crate::model::manifest::Limits;
use crate::plugin::ManifestError;
use crate::plugin::package::{self, PackageError};

fn connector() -> Vec<u8> {
    Guest::default().connector()
}

fn pack_with(toml: &str) -> Result<Vec<u8>, PackageError> {
    package::pack(&connector(), toml, Path::new("."))
}

fn sentence<T>(result: Result<T, PackageError>) -> String {
    match result {
        Ok(_) => panic!("it was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_package_reads_as_it_was_packed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.json"), r#"{"type": "object"}"#).unwrap();
    std::fs::write(folder.path().join("sales.toml"), "# a preset").unwrap();
    let toml = format!(
        "{}\n[limits]\nmemory-mib = 16\n[settings]\nschema = \"schema.json\"\n[presets]\nsales = \"sales.toml\"",
        manifest("connector")
    );
    let packed = package::pack(&connector(), &toml, folder.path()).unwrap();
    let package = package::read(packed.clone()).unwrap();
    assert_eq!(package.digest, package::digest(&packed));
    assert_eq!(package.manifest.plugin.id.as_str(), "test");
    assert_eq!(package.manifest.limits, Limits { memory_mib: 16, ..Limits::default() });
    assert_eq!(package.manifest.settings.map(|it| it.schema).as_deref(), Some(r#"{"type": "object"}"#));
    assert_eq!(package.manifest.presets.into_iter().collect::<Vec<_>>(), [("sales".into(), "# a preset".into())]);
}

#[test]
fn packing_a_module_and_its_component_gives_the_same_plugin() {
    let toml = manifest("mapper");
    let module = Guest::default().mapper();
    let one = package::pack(&module, &toml, Path::new(".")).unwrap();
    let other = package::pack(&component(&module), &toml, Path::new(".")).unwrap();
    assert_eq!(one, other);
}

#[test]
fn what_is_not_a_package_gets_one_sentence() {
    let packed = pack(&connector(), "connector");
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is not WebAssembly"),
        (b"PK\x03\x04 a zip file", "the file is not WebAssembly"),
        (b"\0asm\x0d", "the file ends in the middle of a section: it was cut short; get it again"),
        (&packed[..packed.len() - 1], "the file ends in the middle of a section: it was cut short; get it again"),
        (&connector(), "the file is a core module and not a packed plugin: pack it with `ferry plugin pack`"),
        (&component(&connector()), "the component has no manifest: pack it with `ferry plugin pack`"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(sentence(package::read(bytes.to_vec())), expected);
    }
}

#[test]
fn a_package_cut_anywhere_is_refused() {
    let packed = pack(&connector(), "connector");
    for length in 0..packed.len() {
        assert!(package::read(packed[..length].to_vec()).is_err(), "{length} bytes");
    }
}

#[test]
fn a_package_with_any_byte_changed_never_panics() {
    let packed = pack(&Guest::default().mapper(), "mapper");
    for place in 0..packed.len() {
        let mut changed = packed.clone();
        changed[place] ^= 0xff;
        // Taken or refused: both are an answer.
        let _ = package::read(changed);
    }
}

#[test]
fn a_packed_component_is_not_packed_again() {
    let packed = pack(&connector(), "connector");
    let again = package::pack(&packed, &manifest("connector"), Path::new("."));
    assert_eq!(sentence(again), "the component is packed already: pack it as it was built");
}

#[test]
fn a_component_of_another_world_is_told_what_it_is() {
    let told = sentence(pack_with(&manifest("mapper")));
    let expected = "a mapper exports `ferry:crm/mapper@0.1.0`, but this component exports \
        `ferry:crm/connector@0.1.0` and imports `ferry:crm/types@0.1.0`";
    assert_eq!(told, expected);
}

#[test]
fn unknown_keys_are_named_with_what_was_meant() {
    let toml = format!("{}\n[limits]\nmemory-mb = 3\n[sign_in]\n[zebra]\n", manifest("connector"));
    let told = sentence(pack_with(&toml));
    let expected = "the manifest has unknown keys: `limits.memory-mb` (did you mean `memory-mib`?), \
        `sign_in` (did you mean `sign-in`?), `zebra`";
    assert_eq!(told, expected);
}

#[test]
fn a_mistake_in_a_manifest_has_its_line() {
    let told = sentence(pack_with(&manifest("connector").replace("1.2.3", "one")));
    assert!(told.starts_with("the manifest can't be read: line 5: "), "{told}");
    assert!(!told.contains('\n'));
}

#[test]
fn a_manifest_asks_for_what_is_allowed() {
    let with = |more: &str| sentence(pack_with(&format!("{}\n{more}", manifest("connector"))));
    assert!(with("[limits]\nmemory-mib = 1025").starts_with("the manifest's `limits` ask for more than any plugin"));
    assert_eq!(
        with("[limits]\ncall-seconds = 0"),
        "the manifest's `limits.call-seconds` is 0: a plugin can do nothing with that"
    );
    assert_eq!(
        with("[network]\nbase = \"ftp://x\"\nhosts = []"),
        "the manifest's `network.base` names `ftp://x/`, which is not an http or https address"
    );
    let other = manifest("connector").replace("contract = \"0.1.0\"", "contract = \"0.2.0\"");
    assert_eq!(
        sentence(pack_with(&other)),
        "the plugin was built for contract 0.2.0, and this host speaks 0.1.0: build it with an SDK of 0.1.0"
    );
}

#[test]
fn a_mapper_asks_for_nothing() {
    let toml = format!("{}\n[network]\nbase = \"https://x\"\nhosts = []", manifest("mapper"));
    let told = sentence(package::pack(&Guest::default().mapper(), &toml, Path::new(".")));
    assert_eq!(told, "the manifest's `network` has no place in a mapper, which reaches nothing");
}

#[test]
fn a_schema_must_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("{}\n[settings]\nschema = \"schema.json\"", manifest("connector"));
    let pack = || package::pack(&connector(), &toml, folder.path());
    assert!(matches!(pack(), Err(PackageError::Referenced { .. })));
    for bad in ["not json", "[]", r#"{"type": 3}"#] {
        std::fs::write(folder.path().join("schema.json"), bad).unwrap();
        assert!(matches!(pack(), Err(PackageError::Manifest(ManifestError::Schema(_)))), "{bad}");
    }
}

/// A component by hand that exports a contract's interface in another version, or imports what it may not.
fn handmade(imports: &str, export: &str) -> Result<Vec<u8>, PackageError> {
    let text = format!("(component {imports} (instance $i) (export \"{export}\" (instance $i)))");
    package::pack(&wat::parse_str(text).unwrap(), &manifest("connector"), Path::new("."))
}

#[test]
fn a_contract_of_another_version_is_named() {
    assert_eq!(
        sentence(handmade("", "ferry:crm/connector@0.2.0")),
        "`ferry:crm/connector@0.2.0` is of another contract than 0.1.0, which this host speaks: build the plugin with \
         an SDK of 0.1.0"
    );
}

#[test]
fn imports_that_reach_out_are_forbidden_and_named() {
    let call = |name: &str| format!("(import \"{name}\" (instance (export \"f\" (func))))");
    let types = "(import \"wasi:sockets/network@0.2.6\" (instance (export \"t\" (type (eq u8)))))"
        .replace("(type (eq u8))", "(type (sub resource))");
    let imports = [
        call("wasi:cli/stdout@0.2.6"),
        call("ferry:crm/http@0.1.0"),
        call("wasi:filesystem/preopens@0.2.6"),
        call("wasi:http/outgoing-handler@0.2.6"),
        call("wasi:random/random@0.3.0"),
        call("ferry:crm/store@0.1.0"),
        types,
        "(import \"plain\" (func))".into(),
    ];
    assert_eq!(
        sentence(handmade(&imports.concat(), "ferry:crm/connector@0.1.0")),
        "the component imports `ferry:crm/store@0.1.0`, `plain`, `wasi:filesystem/preopens@0.2.6`, \
         `wasi:http/outgoing-handler@0.2.6`, `wasi:random/random@0.3.0`, `wasi:sockets/network@0.2.6`; a connector may import \
         `http`, `log` and `signature` of the contract, and `cli`, `io`, `clocks` and `random` of WASI 0.2"
    );
}

#[test]
fn a_component_can_be_looked_into() {
    let seen = package::inspect(&pack(&connector(), "connector")).unwrap();
    let exports: Vec<_> = seen.exports.iter().map(|face| (face.name.as_str(), face.functions.len())).collect();
    assert_eq!(exports, [("ferry:crm/connector@0.1.0", 10)]);
    assert!(seen.imports.iter().all(crate::plugin::Face::only_types));
    assert!(seen.custom_sections.iter().any(|section| section.depth == 0 && section.name == "ferry:manifest"));
    assert_eq!(seen.manifest.map(|manifest| manifest.plugin.name).as_deref(), Some("Test"));
}
