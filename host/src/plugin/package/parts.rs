//! What a package is made of beside its code, and the digest of each part.

use std::collections::BTreeMap;

use super::super::manifest;
use super::super::shape::{self, Custom};
use super::{ICON_SECTION, LICENSE_SECTION, MANIFEST_SECTION, OWN_SECTIONS, PackageError, digest, section};
use crate::model::grant::Digest;
use crate::model::manifest::Manifest;

/// The largest icon, and its longest side in pixels: it is shown in lists.
pub(super) const MAX_ICON_BYTES: u64 = 64 << 10;
pub(super) const MAX_ICON_SIDE: u32 = 512;

/// What the manifest names is there, and is what it should be.
pub(super) fn check_files(manifest: &Manifest, bytes: &[u8]) -> Result<(), PackageError> {
    let Some(files) = &manifest.files else { return Ok(()) };
    if files.license.is_some() {
        let text = section(bytes, LICENSE_SECTION)?.ok_or(PackageError::PartMissing("files.license"))?;
        std::str::from_utf8(text).map_err(|_| PackageError::PartMissing("files.license"))?;
    }
    if let Some(name) = &files.icon {
        let icon = section(bytes, ICON_SECTION)?.ok_or(PackageError::PartMissing("files.icon"))?;
        if !is_icon(icon) {
            return Err(PackageError::Icon(name.clone()));
        }
    }
    Ok(())
}

/// By the beginning of a PNG: its signature, then the chunk that holds width and height.
fn is_icon(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let sides = bytes.strip_prefix(BEGIN).and_then(<[u8]>::first_chunk::<8>);
    sides.is_some_and(|sides| {
        let (width, height) = sides.split_at(4);
        let side = width.try_into().map(u32::from_be_bytes).unwrap_or(0);
        width == height && (1..=MAX_ICON_SIDE).contains(&side) && bytes.len() as u64 <= MAX_ICON_BYTES
    })
}

/// The digest of each part of an unsigned package, and of all of it.
pub(in crate::plugin) struct Parts {
    pub(in crate::plugin) parts: BTreeMap<String, Digest>,
    pub(in crate::plugin) whole: Digest,
}

pub(in crate::plugin) fn parts(bytes: &[u8]) -> Result<Parts, PackageError> {
    let own = own_sections(bytes)?;
    let component = own.first().map_or(bytes.len(), |first| first.place.start);
    let mut parts = BTreeMap::from([("component".to_owned(), digest(bytes.get(..component).unwrap_or_default()))]);
    for section in &own {
        parts.insert(section.name.trim_start_matches("ferry:").to_owned(), digest(section.data));
    }
    let manifest = own.iter().find(|section| section.name == MANIFEST_SECTION).ok_or(PackageError::NoManifest)?;
    let manifest = manifest::from_json(manifest.data)?;
    if let Some(settings) = &manifest.settings {
        parts.insert("settings schema".to_owned(), digest(settings.schema.as_bytes()));
    }
    for (name, text) in &manifest.presets {
        parts.insert(format!("preset `{name}`"), digest(text.as_bytes()));
    }
    Ok(Parts { parts, whole: digest(bytes) })
}

/// The host's own sections of a file, in their order.
pub(super) fn own_sections(bytes: &[u8]) -> Result<Vec<Custom<'_>>, PackageError> {
    let mut own = shape::custom_sections(bytes).map_err(|_| PackageError::Truncated)?;
    own.retain(|custom| custom.depth == 0 && OWN_SECTIONS.contains(&custom.name));
    match own.iter().enumerate().find(|(at, one)| own.iter().take(*at).any(|other| other.name == one.name)) {
        Some((_, twice)) => Err(PackageError::Twice(twice.name.to_owned())),
        None => Ok(own),
    }
}
