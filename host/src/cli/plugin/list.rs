//! `ferry plugin list`

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::word;
use crate::cli::table::Table;

/// List the installed plugins
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let plugins = context.tenant()?.plugins()?;
    let document: Vec<_> = plugins.iter().map(documents::plugin).collect();
    context.output.answer(&document, || {
        let headers = ["id", "kind", "version", "digest", "reaches"];
        let mut table = Table::new(&headers, "no plugins yet: `ferry plugin install FILE`");
        for plugin in &plugins {
            let identity = &plugin.manifest.plugin;
            let origins = plugin.grant.hosts.iter().chain(&plugin.grant.loopback);
            let reaches: Vec<String> = origins.map(|url| url.origin().ascii_serialization()).collect();
            table.row(vec![
                identity.id.to_string(),
                word(&identity.kind),
                identity.version.to_string(),
                plugin.digest.short().to_owned(),
                reaches.join(" "),
            ]);
        }
        table
    })
}
