//! Plugins as files: read, looked into, packed, signed, written whole. No state.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::InstallError;
use crate::app::error::AppError;
use crate::model::publisher::PublisherKey;
use crate::plugin::package::{self, Inspection, Package};
use crate::plugin::signature::{self, SigningKey};

/// Checks the bytes of a packed plugin.
pub fn unpack(bytes: Vec<u8>) -> Result<Package, AppError> {
    Ok(package::read(bytes)?)
}

/// Looks into any component, packed or not.
pub fn inspect(path: &Path) -> Result<Inspection, AppError> {
    let bytes = fs::read(path).map_err(|source| AppError::file(path, "read", source))?;
    Ok(package::inspect(&bytes)?)
}

/// Packs the component at `component` with the manifest at `manifest` and what that names beside it. Writes `to`, or
/// `<id>.wasm` in the current directory.
pub fn pack(component: &Path, manifest: &Path, to: Option<&Path>) -> Result<(Package, PathBuf), AppError> {
    let bytes = fs::read(component).map_err(|source| AppError::file(component, "read", source))?;
    let text = fs::read_to_string(manifest).map_err(|source| AppError::file(manifest, "read", source))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let package = package::read(package::pack(&bytes, &text, folder)?)?;
    let path = to.map_or_else(|| PathBuf::from(format!("{}.wasm", package.manifest.plugin.id)), Path::to_owned);
    write_durably(&path, &package.bytes).map_err(|source| AppError::file(&path, "written", source))?;
    Ok((package, path))
}

/// Signs the package at `path` with a publisher's private key, given as PEM. Writes `to`, or `path` itself.
pub fn sign(path: &Path, key: &str, to: Option<&Path>) -> Result<(Package, PathBuf), AppError> {
    let key = SigningKey::from_pem(key).map_err(InstallError::from)?;
    let bytes = fs::read(path).map_err(|source| AppError::file(path, "read", source))?;
    let package = package::read(signature::sign(bytes, &key)?)?;
    let to = to.unwrap_or(path).to_owned();
    write_durably(&to, &package.bytes).map_err(|source| AppError::file(&to, "written", source))?;
    Ok((package, to))
}

/// A new private key of a publisher, as PEM, and its public half.
pub fn new_signing_key() -> Result<(zeroize::Zeroizing<String>, PublisherKey), AppError> {
    let pem = SigningKey::generate().map_err(InstallError::from)?;
    let key = public_half(&pem)?;
    Ok((pem, key))
}

/// The public half of a publisher's private key.
pub fn public_half(pem: &str) -> Result<PublisherKey, AppError> {
    Ok(SigningKey::from_pem(pem).map_err(InstallError::from)?.public())
}

/// The whole file under its name, or none of it.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Renaming over a device or a pipe would destroy it.
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there, and it is not a file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".ferry-{:016x}.tmp", rand::random::<u64>()));
    let write = || {
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        // What is left of it is of no use to anyone.
        let _ = fs::remove_file(&temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plugins").join("a.wasm");
        write_durably(&path, b"one").unwrap();
        write_durably(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(write_durably(dir.path(), b"x").is_err());
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["plugins"]);
    }
}
