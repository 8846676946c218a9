//! Packs a component with its manifest and the files that this names.

use std::path::Path;

use super::super::manifest::{self, ManifestError};
use super::super::shape::{self, Encoding};
use super::parts::MAX_ICON_BYTES;
use super::{ICON_SECTION, LICENSE_SECTION, MANIFEST_SECTION, PackageError, read, section};
use crate::model::manifest::Manifest;

/// The largest schema, preset or licence that a manifest may refer to: they are written by hand.
const MAX_REFERENCED_BYTES: u64 = 1 << 20;

/// Packs a component, or a core module that holds a component's type, with its `plugin.toml`. Paths in the manifest are
/// taken below `folder`, and replaced by what the files say.
pub fn pack(bytes: &[u8], plugin_toml: &str, folder: &Path) -> Result<Vec<u8>, PackageError> {
    let component = match shape::encoding(bytes) {
        Encoding::Component => bytes.to_vec(),
        Encoding::CoreModule => componentize(bytes)?,
        Encoding::Cut => return Err(PackageError::Truncated),
        Encoding::Foreign => return Err(PackageError::NotWasm),
    };
    if section(&component, MANIFEST_SECTION)?.is_some() {
        return Err(PackageError::Packed);
    }
    let mut manifest = manifest::from_toml(plugin_toml)?;
    resolve(&mut manifest, folder)?;
    let files = bring_along(&mut manifest, folder)?;
    let json = serde_json::to_vec(&manifest).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
    let mut packed = shape::with_custom_section(component, MANIFEST_SECTION, &json);
    for (section, bytes) in files {
        packed = shape::with_custom_section(packed, section, &bytes);
    }
    // What was packed is what an admin will install: it has to pass the same checks.
    Ok(read(packed)?.bytes)
}

fn componentize(module: &[u8]) -> Result<Vec<u8>, PackageError> {
    let encode = || wit_component::ComponentEncoder::default().module(module)?.validate(true).encode();
    encode().map_err(|error| PackageError::Componentize(format!("{error:#}")))
}

fn resolve(manifest: &mut Manifest, folder: &Path) -> Result<(), PackageError> {
    if let Some(settings) = &mut manifest.settings {
        settings.schema = referenced("settings.schema", &settings.schema, folder)?;
    }
    for (name, path) in &mut manifest.presets {
        *path = referenced(&format!("presets.{name}"), path, folder)?;
    }
    Ok(())
}

/// The files that people are shown, by section; the manifest keeps their names.
fn bring_along(manifest: &mut Manifest, folder: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, PackageError> {
    let mut found = Vec::new();
    let Some(files) = &mut manifest.files else { return Ok(found) };
    let name_of = |path: &str| {
        Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
    };
    if let Some(path) = &mut files.license {
        found.push((LICENSE_SECTION, referenced("files.license", path, folder)?.into_bytes()));
        *path = name_of(path);
    }
    if let Some(path) = &mut files.icon {
        found.push((ICON_SECTION, referenced_bytes("files.icon", path, folder, MAX_ICON_BYTES)?));
        *path = name_of(path);
    }
    Ok(found)
}

fn referenced(key: &str, path: &str, folder: &Path) -> Result<String, PackageError> {
    let bytes = referenced_bytes(key, path, folder, MAX_REFERENCED_BYTES)?;
    String::from_utf8(bytes).map_err(|error| PackageError::Referenced {
        key: key.to_owned(),
        path: folder.join(path),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    })
}

fn referenced_bytes(key: &str, path: &str, folder: &Path, most: u64) -> Result<Vec<u8>, PackageError> {
    let path = folder.join(path);
    let read = || {
        let size = std::fs::metadata(&path)?.len();
        if size > most { Ok(None) } else { std::fs::read(&path).map(Some) }
    };
    match read() {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(PackageError::ReferencedTooLarge { key: key.to_owned(), path, most }),
        Err(source) => Err(PackageError::Referenced { key: key.to_owned(), path, source }),
    }
}
