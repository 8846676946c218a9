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
        let told = Sorted::new(&ailments);
        entry["health"] = told.own.map_or(Json::Null, |it| documents::health(&it.health));
        entry["mappings"] = told.mappings.iter().map(|it| with("syncs", json!(it.syncs), it)).collect();
        entry["pinned"] = told.pinned.iter().map(|it| with("version", json!(it.pinned), it)).collect();
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

/// What fails of a plugin, by what it is of.
struct Sorted<'a> {
    /// The installed version.
    own: Option<&'a Ailment>,
    mappings: Vec<&'a Ailment>,
    /// Versions that connections stay with.
    pinned: Vec<&'a Ailment>,
}

impl<'a> Sorted<'a> {
    fn new(ailments: &'a [Ailment]) -> Self {
        let (pinned, installed): (Vec<&Ailment>, Vec<_>) = ailments.iter().partition(|it| it.pinned.is_some());
        let (own, mappings): (Vec<&Ailment>, Vec<_>) = installed.into_iter().partition(|it| it.syncs.is_empty());
        Self { own: own.first().copied(), mappings, pinned }
    }
}

fn with(name: &str, what: Json, ailment: &Ailment) -> Json {
    let mut told = documents::health(&ailment.health);
    told[name] = what;
    told
}

/// How it fares, and whether something waits for a decision.
fn state(ailments: &[Ailment], waiting: Option<&semver::Version>) -> String {
    let Sorted { own, mappings, pinned } = Sorted::new(ailments);
    let resting = mappings.iter().filter(|it| it.health.is_quarantined()).count();
    let mut parts = vec![match (own, mappings.len()) {
        (Some(ailment), _) => fares(&ailment.health),
        (None, 0) => "ok".to_owned(),
        (None, failing) => format!("{failing} mappings failing, {resting} of them quarantined"),
    }];
    let versions = pinned.iter().filter_map(|it| Some((it.pinned.as_ref()?, fares(&it.health))));
    parts.extend(versions.map(|(version, fares)| format!("{version}, which connections stay with: {fares}")));
    parts.extend(waiting.map(|version| format!("{version} waits to be granted")));
    parts.join("; ")
}

fn fares(health: &PluginHealth) -> String {
    match health {
        PluginHealth { rests_until: Some(until), code, .. } => format!("quarantined until {until} ({code})"),
        PluginHealth { faults, code, .. } => format!("failing: {faults} in a row ({code})"),
    }
}
