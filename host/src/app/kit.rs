//! What an author of a plugin does with it, without an account: try it against the contract, run a trace of it again.

use std::path::{Path, PathBuf};

use super::error::AppError;
use super::plugins::unpack;
use crate::conformance::{self, Cassette, Report};
use crate::model::grant::Grant;
use crate::model::time::Instant;
use crate::plugin::package::Package;
use crate::plugin::{Options, Plugins};
use crate::trace::{Replayed, Trace};

fn read(path: &Path) -> Result<Package, AppError> {
    unpack(std::fs::read(path).map_err(|source| AppError::file(path, "read", source))?)
}

/// Tries the packed plugin at `path` against the rules of the contract, on the cassettes in a folder.
pub async fn test(options: Options, path: &Path, cassettes: Option<&Path>, seed: u64) -> Result<Report, AppError> {
    let package = read(path)?;
    let cassettes = cassettes.map_or_else(|| Ok(Vec::new()), Cassette::read_folder)?;
    Ok(conformance::test(&Plugins::new(options), package, &cassettes, seed).await?)
}

/// Runs the call of the trace at `trace` in the packed plugin at `path`.
pub async fn replay(options: Options, path: &Path, trace: &Path) -> Result<(Trace, Replayed), AppError> {
    let (package, trace) = (read(path)?, Trace::read(trace)?);
    let grant = Grant::as_asked(&package.manifest, package.digest.clone(), Vec::new(), Instant(0));
    let plugin = Plugins::new(options).load(package.bytes, &grant).await?;
    let replayed = crate::trace::replay(&plugin, &trace).await?;
    Ok((trace, replayed))
}

/// Makes a cassette of traces, as TOML.
pub fn cassette(title: &str, traces: &[PathBuf]) -> Result<String, AppError> {
    let traces = traces.iter().map(|path| Trace::read(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(Cassette::of_traces(title, &traces)?.to_toml()?)
}
