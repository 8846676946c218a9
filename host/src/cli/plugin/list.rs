//! `ferry plugin list`

use ferry::model::health::PluginHealth;
use serde_json::json;

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
        let (health, others) = (tenant.plugin_health(plugin)?, tenant.other_versions(&plugin.manifest.plugin.id)?);
        let waiting =
            others.iter().find(|it| !it.standing.was_granted()).map(|it| it.plugin.manifest.plugin.version.clone());
        states.push(state(health.as_ref(), waiting.as_ref()));
        let mut entry = documents::plugin(plugin);
        entry["health"] = documents::health(health.as_ref());
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
fn state(health: Option<&PluginHealth>, waiting: Option<&semver::Version>) -> String {
    let fares = match health {
        Some(PluginHealth { rests_until: Some(until), code, .. }) => format!("quarantined until {until} ({code})"),
        Some(PluginHealth { faults, code, .. }) => format!("failing: {faults} in a row ({code})"),
        None => "ok".to_owned(),
    };
    match waiting {
        Some(version) => format!("{fares}; {version} waits to be granted"),
        None => fares,
    }
}
