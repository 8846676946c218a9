//! `ferry plugin inspect`

use std::path::Path;

use ferry::app::plugins;
use ferry::app::sign_in::ways;
use ferry::model::id::PluginId;
use ferry::model::manifest::Manifest;
use ferry::plugin::Face;
use ferry::plugin::package::Inspection;

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
        Some(manifest) => identity(manifest),
        None => vec![("manifest", "none: this file is not packed".to_owned())],
    };
    rows.push(("digest", inspection.digest.to_string()));
    rows.push(("signed by", inspection.signed.as_ref().map_or("nobody".to_owned(), |signed| signed.key.to_string())));
    rows.push(("size", format!("{} bytes", inspection.bytes)));
    if let Some(sdk) = &inspection.sdk {
        rows.push(("sdk", format!("{} {}", sdk.sdk, sdk.version)));
    }
    rows.push(("exports", faces(&inspection.exports)));
    rows.push(("imports", faces(&inspection.imports)));
    Table::sheet(rows)
}

fn identity(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let plugin = &manifest.plugin;
    let hosts = manifest.network.iter().flat_map(|network| &network.hosts);
    let families = manifest.network.iter().flat_map(|network| &network.accounts).map(ToString::to_string);
    let hosts: Vec<String> = hosts.map(|url| url.origin().ascii_serialization()).chain(families).collect();
    let limits = &manifest.limits;
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
        ("reaches", hosts.join(" ")),
        ("sign-in", ways(&manifest.sign_in).join(" ")),
        (
            "limits",
            format!(
                "{} MiB memory, {} s, {} host calls, {} MiB answer",
                limits.memory_mib, limits.call_seconds, limits.host_calls, limits.answer_mib
            ),
        ),
        ("settings", settings(manifest)),
        ("presets", presets.join(" ")),
    ]
}

/// The names of the settings; `--json` has their schema.
fn settings(manifest: &Manifest) -> String {
    let Some(settings) = &manifest.settings else { return String::new() };
    let schema = serde_json::from_str::<serde_json::Value>(&settings.schema).unwrap_or_default();
    let names = schema.get("properties").and_then(|properties| properties.as_object());
    names.map(|names| names.keys().cloned().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn faces(faces: &[Face]) -> String {
    let names: Vec<&str> = faces.iter().map(|face| face.name.as_str()).collect();
    names.join(" ")
}
