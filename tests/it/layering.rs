//! Dependencies inside the host point one way.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who may name whom. `cli` is the binary's and names the library as `ferry`.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("model", &[]),
    ("egress", &["model"]),
    ("vault", &["egress", "model"]),
    ("capability", &["vault", "egress", "model"]),
    ("plugin", &["capability", "model"]),
    ("trace", &["plugin", "model"]),
    ("conformance", &["trace", "plugin", "model"]),
    ("store", &["model"]),
    ("sync", &["store", "model"]),
    ("app", &["sync", "conformance", "trace", "plugin", "capability", "vault", "egress", "store", "model"]),
    ("server", &["app", "model"]),
    ("cli", &["server", "app", "sync", "conformance", "trace", "plugin", "vault", "store", "model"]),
];

/// What only one module may know.
const KNOWN_BY_ONE: [(&str, &str); 3] = [("wasmtime", "plugin"), ("sled", "store"), ("reqwest", "egress")];

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each file with the module that it belongs to and its text.
fn files() -> Vec<(PathBuf, String, String)> {
    let mut paths = Vec::new();
    sources(&host(), &mut paths);
    let module = |path: &Path| {
        let inside = path.strip_prefix(host()).unwrap().components().next().unwrap();
        inside.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    paths.into_iter().map(|path| (path.clone(), module(&path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The modules that a text names after `prefix`, also several in one pair of braces.
fn named(text: &str, prefix: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect() };
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split_once("};").map_or(group, |(group, _)| group);
                let mut depth = 0;
                for part in group.split_inclusive([',', '{', '}']) {
                    if depth == 0 {
                        names.insert(word(part.trim()));
                    }
                    depth += part.matches('{').count() as i32 - part.matches('}').count() as i32;
                }
            }
            None => {
                names.insert(word(rest));
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn modules_name_only_what_lies_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    let mut wrong = Vec::new();
    for (path, module, text) in files() {
        let prefix = if module == "cli" { "ferry::" } else { "crate::" };
        let Some(below) = allowed.get(module.as_str()) else { continue };
        for name in named(&text, prefix) {
            if name != module && allowed.contains_key(name.as_str()) && !below.contains(&name.as_str()) {
                wrong.push(format!("{}: {module} -> {name}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_module_has_its_place() {
    let known: BTreeSet<String> =
        ALLOWED.iter().map(|(module, _)| (*module).to_owned()).chain(["lib".into(), "main".into()]).collect();
    let found: BTreeSet<String> = files().into_iter().map(|(_, module, _)| module).collect();
    assert_eq!(found, known);
}

#[test]
fn only_one_module_knows_each_engine() {
    let mut wrong = Vec::new();
    for (path, module, text) in files() {
        for (library, knower) in KNOWN_BY_ONE {
            let names = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .any(|line| named(line, "use ").contains(library) || line.contains(&format!("{library}::")));
            if names && module != knower {
                wrong.push(format!("{}: {library}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_host_knows_neither_the_sdk_nor_a_connector() {
    let manifest = std::fs::read_to_string(host().join("../Cargo.toml")).unwrap();
    for stranger in ["ferry-sdk", "ferry-hubspot", "ferry-field-mapper", "ferry-tests"] {
        assert!(!manifest.contains(stranger), "the host depends on {stranger}");
    }
}
