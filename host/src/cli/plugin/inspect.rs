//! `ferry plugin inspect`

use std::path::Path;

use ferry::app::plugins;
use ferry::app::sign_in::ways;
use ferry::model::id::PluginId;
use ferry::model::manifest::Manifest;
use ferry::plugin::Face;
use ferry::plugin::package::Inspection;
use serde_json::Value as Json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::output::word;
use crate::cli::table::Table;

/// Show what a plugin is, what it asks for and what it is made of
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file, or the id of an installed plugin
    plugin: String,
}

impl Args {
    /// Whether an installed plugin is meant, and not a file.
    pub(super) fn installed(&self) -> bool {
        self.plugin.parse::<PluginId>().is_ok() && !Path::new(&self.plugin).exists()
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let inspection = match args.plugin.parse::<PluginId>() {
        // The server's own files are not the caller's.
        Ok(id) if context.is_served() || args.installed() => context.tenant()?.inspect_plugin(&id)?,
        _ => plugins::inspect(Path::new(&args.plugin))?,
    };
    context.output.answer(&inspection, || sheet(&inspection))
}

fn sheet(inspection: &Inspection) -> Table {
    let mut rows = match &inspection.manifest {
        Some(manifest) => [identity(manifest), rights(manifest), settings(manifest)].concat(),
        None => vec![("manifest", "none: this file is not packed".to_owned())],
    };
    rows.push(("digest", inspection.digest.to_string()));
    rows.push(("signed by", inspection.signed.as_ref().map_or("nobody".to_owned(), |signed| signed.key.to_string())));
    rows.push(("size", format!("{} bytes", inspection.bytes)));
    let own = inspection.custom_sections.iter().filter(|it| it.depth == 0 && it.name.starts_with("ferry:"));
    rows.extend(own.map(|section| ("part", format!("{}: {} bytes", section.name, section.bytes))));
    if let Some(sdk) = &inspection.sdk {
        rows.push(("sdk", format!("{} {}", sdk.sdk, sdk.version)));
    }
    rows.extend(inspection.exports.iter().map(|it| ("exports", face(it))));
    rows.extend(inspection.imports.iter().map(|it| ("imports", face(it))));
    Table::sheet(rows)
}

type Row = (&'static str, String);

fn identity(manifest: &Manifest) -> Vec<Row> {
    let plugin = &manifest.plugin;
    let presets: Vec<&str> = manifest.presets.keys().map(String::as_str).collect();
    vec![
        ("id", plugin.id.to_string()),
        ("name", plugin.name.clone()),
        ("version", plugin.version.to_string()),
        ("kind", word(&plugin.kind)),
        ("contract", plugin.contract.to_string()),
        ("publisher", plugin.publisher.clone()),
        ("license", plugin.license.clone()),
        ("description", plugin.description.clone()),
        ("presets", presets.join(" ")),
    ]
}

/// What a grant of everything it asks would let it do, with its publisher's reasons.
fn rights(manifest: &Manifest) -> Vec<Row> {
    let because = |what: String, key: &str| match manifest.reasons.get(key) {
        Some(reason) => format!("{what} ({reason})"),
        None => what,
    };
    let network = manifest.network.iter();
    let hosts = network.clone().flat_map(|it| &it.hosts).map(|url| url.origin().ascii_serialization());
    let families = network.flat_map(|it| &it.accounts).map(ToString::to_string);
    let mut rows: Vec<Row> = hosts.chain(families).map(|it| ("may reach", because(it.clone(), &it))).collect();
    if rows.is_empty() {
        rows.push(("may reach", "nothing".to_owned()));
    }
    rows.extend(ways(&manifest.sign_in).into_iter().map(|way| ("signs in by", because(way.to_owned(), way))));
    if let Some(oauth2) = &manifest.sign_in.oauth2 {
        let scopes = oauth2.scopes.iter().map(|scope| ("scope", scope));
        let optional = oauth2.optional_scopes.iter().map(|scope| ("optional scope", scope));
        rows.extend(scopes.chain(optional).map(|(asked, scope)| (asked, because(scope.clone(), scope))));
    }
    let limits = &manifest.limits;
    for (key, amount) in [
        ("memory-mib", format!("{} MiB of memory", limits.memory_mib)),
        ("call-seconds", format!("{} s per call", limits.call_seconds)),
        ("host-calls", format!("{} host calls", limits.host_calls)),
        ("answer-mib", format!("{} MiB of answer", limits.answer_mib)),
        ("traffic-mib", format!("{} MiB of traffic", limits.traffic_mib)),
    ] {
        rows.push(("may use", because(amount, key)));
    }
    let rates = manifest.rate.iter().map(|rate| format!("{}: {} in {} ms", rate.bucket, rate.requests, rate.per_ms));
    rows.extend(rates.map(|rate| ("CRM's rate", rate)));
    rows
}

/// Each setting with what its schema says of it.
fn settings(manifest: &Manifest) -> Vec<Row> {
    let Some(settings) = &manifest.settings else { return Vec::new() };
    let schema = serde_json::from_str::<Json>(&settings.schema).unwrap_or_default();
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    let told = properties.map(|(name, property)| {
        let mut facts: Vec<String> = property["type"].as_str().map(str::to_owned).into_iter().collect();
        facts.extend(required(name).then(|| "required".to_owned()));
        facts.extend(property.get("default").map(|default| format!("default {default}")));
        let about = property["description"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
        format!("{name} ({}){about}", facts.join(", "))
    });
    told.map(|setting| ("setting", setting)).collect()
}

fn face(face: &Face) -> String {
    if face.only_types() {
        format!("{} (types only)", face.name)
    } else {
        format!("{}: {}", face.name, face.functions.join(" "))
    }
}
