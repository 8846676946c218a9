//! Where an admin's tools keep the user names and passwords of registries: the file that is named, or where `docker login` and
//! `podman login` put it. Never the command line.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ferry::app::plugins::accounts::Account;
use ferry::app::plugins::source::Source;
use zeroize::Zeroizing;

use crate::cli::failure::CliError;
use crate::cli::output::Output;
use crate::cli::secrets;

/// Names a file as Podman and its kin read it.
const FILE_VARIABLE: &str = "REGISTRY_AUTH_FILE";

/// The account for the registry of `source`; none where nobody keeps one, and for what comes from no registry.
pub(super) fn account(named: Option<&Path>, source: &Source, output: &Output) -> Result<Option<Account>, CliError> {
    if !matches!(source, Source::Artifact { .. }) {
        return Ok(None);
    }
    let variable = |name: &str| output.console.variable(name).map_err(CliError::Output);
    let folder = |name: &str| variable(name).map(|it| it.filter(|it| !it.is_empty()).map(|it| PathBuf::from(&**it)));
    if let Some(path) = named.map(Path::to_owned).map_or_else(|| folder(FILE_VARIABLE), |path| Ok(Some(path)))? {
        return read(&path, &secrets::contents(&path, output)?, source);
    }
    let usual = [
        folder("DOCKER_CONFIG")?.map(|it| it.join("config.json")),
        folder("HOME")?.map(|it| it.join(".docker/config.json")),
        folder("XDG_RUNTIME_DIR")?.map(|it| it.join("containers/auth.json")),
    ];
    for path in usual.into_iter().flatten() {
        let Some(text) = if_there(&path, output)? else { continue };
        if let Some(account) = read(&path, &text, source)? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

fn if_there(path: &Path, output: &Output) -> Result<Option<Zeroizing<String>>, CliError> {
    match secrets::contents(path, output) {
        Ok(text) => Ok(Some(text)),
        Err(CliError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(path: &Path, text: &str, source: &Source) -> Result<Option<Account>, CliError> {
    Account::for_source(text, source).map_err(|why| {
        CliError::content(
            format!("`{}` can't be used to sign in to a registry: {why}", path.display()),
            "sign in again with `docker login`, `podman login` or `oras login`, or name another file with --registry-auth",
        )
    })
}
