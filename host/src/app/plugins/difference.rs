//! What one version of a plugin asks and brings that another does not, in lines for the person who is to agree. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::app::sign_in::ways;
use crate::model::manifest::{Limits, Manifest};

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    Rights,
    Settings,
    Presets,
    About,
}

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    pub area: Area,
    pub what: String,
    /// The new version could do what the old one could not.
    pub asks_more: bool,
}

/// All differences, the rights first.
pub fn between(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let mut changes = rights(old, new);
    changes.extend(settings(old, new));
    changes.extend(presets(old, new));
    for (what, before, after) in [
        ("publisher", &old.plugin.publisher, &new.plugin.publisher),
        ("license", &old.plugin.license, &new.plugin.license),
        ("name", &old.plugin.name, &new.plugin.name),
    ] {
        if before != after {
            changes.push(change(Area::About, format!("{what}: {after} instead of {before}"), false));
        }
    }
    changes
}

fn change(area: Area, what: String, asks_more: bool) -> Change {
    Change { area, what, asks_more }
}

fn rights(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut compare = |what: &str, of: fn(&Manifest) -> BTreeSet<String>| {
        let (before, after) = (of(old), of(new));
        for added in after.difference(&before) {
            changes.push(change(Area::Rights, format!("{what} {added}"), true));
        }
        for gone in before.difference(&after) {
            changes.push(change(Area::Rights, format!("no longer: {what} {gone}"), false));
        }
    };
    compare("reach", origins);
    compare("sign in by", |manifest| ways(&manifest.sign_in).into_iter().map(str::to_owned).collect());
    compare("ask the CRM for the scope", |manifest| {
        let oauth2 = manifest.sign_in.oauth2.iter();
        oauth2.flat_map(|oauth2| oauth2.scopes.iter().chain(&oauth2.optional_scopes)).cloned().collect()
    });
    for ((what, before), (_, after)) in limits(&old.limits).into_iter().zip(limits(&new.limits)) {
        if before != after {
            changes.push(change(Area::Rights, format!("{what}: {after} instead of {before}"), after > before));
        }
    }
    changes
}

fn origins(manifest: &Manifest) -> BTreeSet<String> {
    let network = manifest.network.iter();
    let hosts = network.clone().flat_map(|it| &it.hosts).map(|url| url.origin().ascii_serialization());
    hosts.chain(network.flat_map(|it| &it.accounts).map(ToString::to_string)).collect()
}

fn limits(limits: &Limits) -> [(&'static str, u32); 5] {
    [
        ("MiB of memory", limits.memory_mib),
        ("seconds per call", limits.call_seconds),
        ("host calls", limits.host_calls),
        ("MiB of answer", limits.answer_mib),
        ("MiB of traffic", limits.traffic_mib),
    ]
}

fn settings(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let (before, after) = (Properties::of(old), Properties::of(new));
    let says = |what: String| change(Area::Settings, what, false);
    let mut changes = Vec::new();
    for (name, schema) in &after.named {
        match before.named.get(name) {
            None if after.required.contains(name) => {
                changes.push(says(format!("new setting `{name}`, which must be set")))
            }
            None => changes.push(says(format!("new setting `{name}`"))),
            Some(old) if old != schema => changes.push(says(format!("setting `{name}` takes other values"))),
            Some(_) if after.required.contains(name) && !before.required.contains(name) => {
                changes.push(says(format!("setting `{name}` must be set now")));
            }
            Some(_) => {}
        }
    }
    let gone = before.named.keys().filter(|name| !after.named.contains_key(*name));
    changes.extend(gone.map(|name| says(format!("setting `{name}` is gone"))));
    changes
}

/// The settings that a schema names.
#[derive(Default)]
struct Properties {
    named: BTreeMap<String, Json>,
    required: BTreeSet<String>,
}

impl Properties {
    fn of(manifest: &Manifest) -> Self {
        let Some(settings) = &manifest.settings else { return Self::default() };
        let schema: Json = serde_json::from_str(&settings.schema).unwrap_or_default();
        let named = schema.get("properties").and_then(Json::as_object);
        let required = schema.get("required").and_then(Json::as_array);
        Self {
            named: named.into_iter().flatten().map(|(name, schema)| (name.clone(), schema.clone())).collect(),
            required: required.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        }
    }
}

fn presets(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let says = |what: String| change(Area::Presets, what, false);
    let mut changes = Vec::new();
    for (name, text) in &new.presets {
        match old.presets.get(name) {
            None => changes.push(says(format!("new preset `{name}`"))),
            Some(before) if before != text => changes.push(says(format!("preset `{name}` has changed"))),
            Some(_) => {}
        }
    }
    let gone = old.presets.keys().filter(|name| !new.presets.contains_key(*name));
    changes.extend(gone.map(|name| says(format!("preset `{name}` is gone"))));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(more: Json) -> Manifest {
        let mut whole = json!({
            "plugin": { "id": "demo", "name": "Demo", "version": "1.0.0", "kind": "connector", "contract": "0.1.0",
                "publisher": "Acme", "description": "a demo", "license": "MIT" },
        });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn every_difference_is_told_and_more_rights_are_marked() {
        let schema = |text: Json| json!({ "schema": text.to_string() });
        let old = manifest(json!({
            "network": { "base": "https://a.example", "hosts": ["https://a.example", "https://old.example"] },
            "sign-in": { "bearer": { "label": "Key" } },
            "limits": { "memory-mib": 64, "call-seconds": 60 },
            "settings": schema(json!({ "properties": { "a": {"type": "string"}, "b": {}, "c": {} } })),
            "presets": { "in": "x", "out": "y" },
        }));
        let new = manifest(json!({
            "network": { "base": "https://a.example", "hosts": ["https://a.example"], "accounts": ["https://*.b.example"] },
            "sign-in": { "bearer": { "label": "Key" }, "basic": { "label": "Password" } },
            "limits": { "memory-mib": 128, "call-seconds": 30 },
            "settings": schema(json!({ "properties": { "a": {"type": "integer"}, "b": {}, "d": {} }, "required": ["b", "d"] })),
            "presets": { "in": "z", "more": "y" },
        }));
        let told: Vec<(String, bool)> =
            between(&old, &new).into_iter().map(|change| (change.what, change.asks_more)).collect();
        let told: Vec<(&str, bool)> = told.iter().map(|(what, more)| (what.as_str(), *more)).collect();
        assert_eq!(
            told,
            [
                ("reach https://*.b.example", true),
                ("no longer: reach https://old.example", false),
                ("sign in by basic", true),
                ("MiB of memory: 128 instead of 64", true),
                ("seconds per call: 30 instead of 60", false),
                ("setting `a` takes other values", false),
                ("setting `b` must be set now", false),
                ("new setting `d`, which must be set", false),
                ("setting `c` is gone", false),
                ("preset `in` has changed", false),
                ("new preset `more`", false),
                ("preset `out` is gone", false),
            ]
        );
        assert_eq!(between(&old, &old), []);
    }
}
