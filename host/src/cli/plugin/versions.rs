//! `ferry plugin versions`, `approve`, `rollback`, `pin`, `unpin` and `release`

use ferry::app::Tenant;
use ferry::app::plugins::difference;
use ferry::model::id::{ConnectionId, PluginId};
use ferry::model::sync::InstalledPlugin;
use serde_json::{Value as Json, json};

use super::consent::agree;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List the versions of a plugin that are here, and the connections that stay with one
#[derive(Debug, clap::Args)]
pub(crate) struct Versions {
    /// An installed plugin
    plugin: PluginId,
}

/// Grant what a waiting version asks, and put it in place
#[derive(Debug, clap::Args)]
pub(crate) struct Approve {
    /// An installed plugin
    plugin: PluginId,

    /// Grant it without asking
    #[arg(long, short)]
    yes: bool,
}

/// Go back to the version before, under its grant and with the settings that connections had
#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    /// An installed plugin
    plugin: PluginId,
}

/// Let a connection stay with a version, whatever is installed
#[derive(Debug, clap::Args)]
pub(crate) struct Pin {
    /// The connection
    connection: ConnectionId,

    /// A version that `ferry plugin versions` shows
    #[arg(value_name = "VERSION")]
    to: semver::Version,
}

/// Let a connection follow the installed version again
#[derive(Debug, clap::Args)]
pub(crate) struct Unpin {
    /// The connection
    connection: ConnectionId,
}

/// Let a quarantined plugin be called again at once
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    /// An installed plugin
    plugin: PluginId,
}

pub(super) fn versions(args: &Versions, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let installed = tenant.plugin(&args.plugin)?;
    let mut rows = vec![row(&tenant, &installed, "installed", &installed.grant.at.to_string(), true)?];
    for other in tenant.other_versions(&args.plugin)? {
        let standing = &other.standing;
        rows.push(row(&tenant, &other.plugin, standing.as_str(), &standing.since().to_string(), false)?);
    }
    context.output.answer(&rows, || {
        let mut table = Table::new(&["version", "state", "since", "digest", "used by"], "");
        let text = |row: &Json, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        for row in &rows {
            let used: Vec<&str> =
                row["connections"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            let digest = text(row, "digest").chars().take(12).collect();
            table.row(vec![text(row, "version"), text(row, "state"), text(row, "since"), digest, used.join(" ")]);
        }
        table
    })
}

fn row(tenant: &Tenant, plugin: &InstalledPlugin, state: &str, since: &str, installed: bool) -> Result<Json, CliError> {
    let id = &plugin.manifest.plugin.id;
    let mut users = Vec::new();
    for connection in tenant.connections()?.into_iter().filter(|connection| &connection.plugin == id) {
        if connection.pinned.as_ref().map_or(installed, |pinned| *pinned == plugin.digest) {
            users.push(connection.id);
        }
    }
    let version = &plugin.manifest.plugin.version;
    Ok(json!({ "version": version, "state": state, "since": since, "digest": plugin.digest, "connections": users }))
}

pub(super) fn approve(args: &Approve, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let (installed, waiting) = (tenant.plugin(&args.plugin)?, tenant.proposal(&args.plugin)?);
    let (old, new) = (&installed.manifest.plugin.version, &waiting.manifest.plugin.version);
    context.output.note(&format!("{} {new}, in place of {old}", args.plugin));
    for change in difference::between(&installed.manifest, &waiting.manifest) {
        let more = if change.asks_more { "it asks more: " } else { "" };
        context.output.note(&format!("  is different: {more}{}", change.what));
    }
    agree(args.yes, &args.plugin, &context.output)?;
    let placed = tenant.approve(&args.plugin, &waiting.digest)?;
    context.output.note(&format!("{} {new} is in place of {old}", args.plugin));
    let mut document = documents::plugin(&placed.plugin);
    document["left_behind"] = json!(placed.left_behind);
    told(context, &document)
}

pub(super) fn rollback(args: &Rollback, context: &Context) -> Result<(), CliError> {
    let (plugin, left) = context.tenant()?.roll_back(&args.plugin)?;
    let version = &plugin.manifest.plugin.version;
    context.output.note(&format!(
        "{0} {version} is back in place of {left}; `ferry plugin approve {0}` takes that again",
        args.plugin
    ));
    told(context, &documents::plugin(&plugin))
}

pub(super) fn pin(args: &Pin, context: &Context) -> Result<(), CliError> {
    let plugin = context.tenant()?.pin(&args.connection, Some(&args.to))?;
    context
        .output
        .note(&format!("connection `{}` stays with {} {}", args.connection, plugin.manifest.plugin.id, args.to));
    told(context, &documents::plugin(&plugin))
}

pub(super) fn unpin(args: &Unpin, context: &Context) -> Result<(), CliError> {
    let plugin = context.tenant()?.pin(&args.connection, None)?;
    let identity = &plugin.manifest.plugin;
    context.output.note(&format!("connection `{}` follows {}, now {}", args.connection, identity.id, identity.version));
    told(context, &documents::plugin(&plugin))
}

pub(super) fn release(args: &Release, context: &Context) -> Result<(), CliError> {
    let released = context.tenant()?.release(&args.plugin)?;
    for health in &released {
        let what = if health.callee.configuration.is_some() { " with a mapping" } else { "" };
        context.output.note(&format!(
            "`{}`{what} is called again; it had failed {} times in a row: {}",
            args.plugin, health.faults, health.last
        ));
    }
    let faults: Vec<Json> = released.iter().map(documents::health).collect();
    told(context, &json!({ "released": args.plugin, "faults": faults }))
}

fn told(context: &Context, document: &Json) -> Result<(), CliError> {
    if context.output.json { context.output.document(document) } else { Ok(()) }
}
