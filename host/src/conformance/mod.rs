//! Tries a plugin against the rules of the contract, with cassettes in place of a CRM. Sees a plugin from outside, as the host
//! does; knows no CRM and opens no connection.

mod bench;
mod cassette;
mod connector;
mod deck;
mod likeness;
mod mapper;
mod of_traces;
mod report;
mod rows;
mod trouble;

pub use cassette::{Cassette, CassetteError};
pub use report::{Check, Finding, Measure, Report, Verdict};

use crate::model::grant::Grant;
use crate::model::manifest::PluginKind;
use crate::model::time::Instant;
use crate::plugin::package::{self, Package};
use crate::plugin::{LoadError, Plugins};

/// Runs every check that the cassettes give something to try on. `seed` makes the rows that a mapper is tried on.
pub async fn test(
    plugins: &Plugins,
    package: Package,
    cassettes: &[(String, Cassette)],
    seed: u64,
) -> Result<Report, LoadError> {
    let inspection = package::inspect(&package.bytes)?;
    let Package { manifest, digest, bytes, .. } = package;
    // Nothing is reached, so nothing but limits is granted.
    let grant = Grant::as_asked(&manifest, digest.clone(), Vec::new(), Instant(0));
    let plugin = plugins.load(bytes, &grant).await?;
    let (checks, measures) = match manifest.plugin.kind {
        PluginKind::Connector => connector::check(&plugin, cassettes).await,
        PluginKind::Mapper => (mapper::check(&plugin, cassettes, seed).await, Vec::new()),
    };
    Ok(Report {
        plugin: manifest.plugin.id,
        version: manifest.plugin.version,
        kind: manifest.plugin.kind,
        digest,
        imports: inspection.imports.into_iter().map(|face| face.name).collect(),
        limits: manifest.limits,
        checks,
        measures,
    })
}
