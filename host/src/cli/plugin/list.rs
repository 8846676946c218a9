//! `ferry plugin list`

use ferry::app::plugins::Ailment;
use ferry::model::health::PluginHealth;
use serde_json::{Value as Json, json};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::word;
use crate::cli::table::Table;

/// List the installed plugins
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let plugins = tenant.plugins()?;
    let mut document = Vec::new();
    let mut states = Vec::new();
    for plugin in &plugins {
        let (ailments, others) = (tenant.ailments(plugin)?, tenant.other_versions(&plugin.manifest.plugin.id)?);
        let waiting =
            others.iter().find(|it| !it.standing.was_granted()).map(|it| it.plugin.manifest.plugin.version.clone());
        states.push(state(&ailments, waiting.as_ref()));
        let mut entry = documents::plugin(plugin);
        let (own, mappings): (Vec<&Ailment>, Vec<_>) = ailments.iter().partition(|it| it.syncs.is_empty());
        entry["health"] = own.first().map_or(Json::Null, |it| documents::health(&it.health));
        let of_mapping = |it: &&Ailment| {
            let mut told = documents::health(&it.health);
            told["syncs"] = json!(it.syncs);
            told
        };
        entry["mappings"] = mappings.iter().map(of_mapping).collect();
        entry["waiting"] = json!(waiting);
        document.push(entry);
    }
    context.output.answer(&document, || {
        let headers = ["id", "kind", "version", "state", "digest", "reaches"];
        let mut table = Table::new(&headers, "no plugins yet: `ferry plugin install FILE`");
        for (plugin, state) in plugins.iter().zip(&states) {
            let identity = &plugin.manifest.plugin;
            let origins = plugin.grant.hosts.iter().chain(&plugin.grant.private).chain(&plugin.grant.loopback);
            let reaches: Vec<String> = origins.map(|url| url.origin().ascii_serialization()).collect();
            table.row(vec![
                identity.id.to_string(),
                word(&identity.kind),
                identity.version.to_string(),
                state.clone(),
                plugin.digest.short().to_owned(),
                reaches.join(" "),
            ]);
        }
        table
    })
}

/// How it fares, and whether something waits for a decision.
fn state(ailments: &[Ailment], waiting: Option<&semver::Version>) -> String {
    let (own, mappings): (Vec<&Ailment>, Vec<_>) = ailments.iter().partition(|it| it.syncs.is_empty());
    let resting = mappings.iter().filter(|it| it.health.is_quarantined()).count();
    let fares = match (own.first().map(|it| &it.health), mappings.len()) {
        (Some(PluginHealth { rests_until: Some(until), code, .. }), _) => format!("quarantined until {until} ({code})"),
        (Some(PluginHealth { faults, code, .. }), _) => format!("failing: {faults} in a row ({code})"),
        (None, 0) => "ok".to_owned(),
        (None, failing) => format!("{failing} mappings failing, {resting} of them quarantined"),
    };
    match waiting {
        Some(version) => format!("{fares}; {version} waits to be granted"),
        None => fares,
    }
}
