//! The file that is shipped: a component with its manifest and what belongs to it in custom sections. Packs it and reads it;
//! runs nothing.

mod pack;
mod parts;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bulk;
use super::manifest::{self, ManifestError};
use super::shape::{self, Encoding, Face, Faces};
use super::signature::{self, SignatureError, Signed};
use crate::model::grant::Digest;
use crate::model::manifest::{CONTRACT, Manifest, PluginKind, speaks};
pub use pack::pack;
use parts::{MAX_ICON_BYTES, MAX_ICON_SIDE};
pub(super) use parts::{Parts, parts};

/// The custom section that holds the manifest as JSON.
const MANIFEST_SECTION: &str = "ferry:manifest";

/// The custom sections that hold the licence's text and the icon.
const LICENSE_SECTION: &str = "ferry:license";
const ICON_SECTION: &str = "ferry:icon";

/// The sections that packing and signing put behind the component, each once.
const OWN_SECTIONS: [&str; 4] = [MANIFEST_SECTION, LICENSE_SECTION, ICON_SECTION, signature::SECTION];

/// The custom section in which an SDK says what it was: JSON, in the module that it was linked into.
const SDK_SECTION: &str = "ferry:sdk";

/// The largest package. A Rust plugin has 0.1 MB, one with a JavaScript engine 12 MB, one with Python 18 MB; compiling
/// takes memory and time in proportion.
pub const MAX_PACKAGE_BYTES: u64 = 32 << 20;

/// What a connector may import beside the contract: what a language's runtime needs, and nothing that reaches out.
const RUNTIME_IMPORTS: [&str; 4] = ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:random/"];

/// The contract's own interfaces that a connector may import.
const CONTRACT_IMPORTS: [&str; 4] = ["types", "http", "log", "signature"];

/// A package that was read and found whole. Not yet compiled, not yet granted anything.
#[derive(Debug, Clone)]
pub struct Package {
    pub manifest: Manifest,
    /// Of the whole file.
    pub digest: Digest,
    /// The whole file, which is a component.
    pub bytes: Vec<u8>,
    /// None where nobody signed it.
    pub signed: Option<Signed>,
}

/// Why a file is not a plugin that this host can run. Every text is one sentence for an admin or an author.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("the file ends in the middle of a section: it was cut short; get it again")]
    Truncated,
    #[error("the file is not WebAssembly")]
    NotWasm,
    #[error("the file is a core module and not a packed plugin: pack it with `ferry plugin pack`")]
    CoreModule,
    #[error("the component has no manifest: pack it with `ferry plugin pack`")]
    NoManifest,
    #[error("the component is packed already: pack it as it was built")]
    Packed,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the component is not valid: {0}")]
    Invalid(String),
    #[error(
        "a {} exports `{expected}`, but this component exports {exports} and imports {imports}", kind_name(*.kind)
    )]
    WrongWorld { kind: PluginKind, expected: String, exports: String, imports: String },
    #[error(
        "`{name}` is of another contract than {CONTRACT}, which this host speaks: build the plugin with an SDK of {CONTRACT}"
    )]
    OtherContract { name: String },
    #[error("the component imports {}; {}", .names.join(", "), may_import(*.kind))]
    ForbiddenImports { kind: PluginKind, names: Vec<String> },
    #[error("the package has {bytes} bytes, and {MAX_PACKAGE_BYTES} are the most that this host takes")]
    TooLarge { bytes: u64 },
    #[error("the module can't be made a component: {0}")]
    Componentize(String),
    #[error("`{path}`, which the manifest names as `{key}`, can't be read")]
    Referenced { key: String, path: PathBuf, source: std::io::Error },
    #[error("`{path}`, which the manifest names as `{key}`, has more than {most} bytes")]
    ReferencedTooLarge { key: String, path: PathBuf, most: u64 },
    #[error("`{0}` is no icon: a square PNG of at most {MAX_ICON_SIDE} pixels and {MAX_ICON_BYTES} bytes is expected")]
    Icon(String),
    #[error("the component holds {found} {of}, and {most} are the most: compiling it would take too long")]
    TooMuch { of: &'static str, found: u64, most: u64 },
    #[error("the package has more than one section `{0}`")]
    Twice(String),
    #[error("the manifest names `{0}`, and the package does not hold it")]
    PartMissing(&'static str),
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

fn kind_name(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Connector => "connector",
        PluginKind::Mapper => "mapper",
    }
}

fn may_import(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Connector => {
            "a connector may import `http`, `log` and `signature` of the contract, and `cli`, `io`, `clocks` and `random` of WASI 0.2"
        }
        PluginKind::Mapper => "a mapper may import nothing, so that the same rows always give the same result",
    }
}

/// Reads a package and checks all that can be checked without compiling it. The types of its functions are checked
/// when it is loaded.
pub fn read(bytes: Vec<u8>) -> Result<Package, PackageError> {
    let digest = digest(&bytes);
    check(identify(bytes, digest)?)
}

/// The checks behind [`read`], for a package that was identified.
pub(super) fn check(mut package: Package) -> Result<Package, PackageError> {
    parts::own_sections(&package.bytes)?;
    parts::check_files(&package.manifest, &package.bytes)?;
    let identity = &package.manifest.plugin;
    package.signed = signature::verify(&package.bytes, &identity.id, &identity.version)?;
    bulk::check(&package.bytes).map_err(|it| PackageError::TooMuch { of: it.of, found: it.found, most: it.most })?;
    let faces = shape::faces(&package.bytes).map_err(|error| PackageError::Invalid(error.to_string()))?;
    check_contract(&faces)?;
    if let Some(sdk) = sdk_of(&package.bytes)?
        && !speaks(&sdk.contract)
    {
        return Err(PackageError::OtherContract { name: format!("{} {}", sdk.sdk, sdk.version) });
    }
    check_world(package.manifest.plugin.kind, &faces)?;
    Ok(package)
}

/// Reads the manifest only: enough for bytes that were checked before.
pub(super) fn identify(bytes: Vec<u8>, digest: Digest) -> Result<Package, PackageError> {
    if bytes.len() as u64 > MAX_PACKAGE_BYTES {
        return Err(PackageError::TooLarge { bytes: bytes.len() as u64 });
    }
    match shape::encoding(&bytes) {
        Encoding::Component => {}
        Encoding::CoreModule => return Err(PackageError::CoreModule),
        Encoding::Cut => return Err(PackageError::Truncated),
        Encoding::Foreign => return Err(PackageError::NotWasm),
    }
    let manifest = manifest::from_json(section(&bytes, MANIFEST_SECTION)?.ok_or(PackageError::NoManifest)?)?;
    Ok(Package { manifest, digest, bytes, signed: None })
}

/// The SHA-256 of a package, in lower-case hex.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A custom section of the file itself: one that lies deeper was put there by someone else's toolchain.
fn section<'a>(bytes: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, PackageError> {
    let customs = shape::custom_sections(bytes).map_err(|_| PackageError::Truncated)?;
    Ok(customs.into_iter().find(|custom| custom.depth == 0 && custom.name == name).map(|custom| custom.data))
}

/// What an SDK says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdkStamp {
    pub sdk: String,
    pub version: String,
    /// The contract that it speaks.
    pub contract: semver::Version,
}

/// A component without a stamp, or with one in a form of its own, was made without an SDK: its imports and exports
/// tell the contract too.
fn sdk_of(bytes: &[u8]) -> Result<Option<SdkStamp>, PackageError> {
    let customs = shape::custom_sections(bytes).map_err(|_| PackageError::Truncated)?;
    let stamp = customs.into_iter().find(|custom| custom.name == SDK_SECTION);
    Ok(stamp.and_then(|custom| serde_json::from_slice(custom.data).ok()))
}

fn check_contract(faces: &Faces) -> Result<(), PackageError> {
    let foreign = faces.imports.iter().chain(&faces.exports).find(|face| match contract_interface(&face.name) {
        Some((_, version)) => !version.parse().is_ok_and(|version| speaks(&version)),
        None => false,
    });
    match foreign {
        Some(face) => Err(PackageError::OtherContract { name: face.name.clone() }),
        None => Ok(()),
    }
}

/// The interface and version of a name like `ferry:crm/http@0.1.0`.
fn contract_interface(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix("ferry:crm/")?;
    Some(rest.split_once('@').unwrap_or((rest, "")))
}

fn check_world(kind: PluginKind, faces: &Faces) -> Result<(), PackageError> {
    let interface = kind_name(kind);
    let exported =
        faces.exports.iter().any(|face| contract_interface(&face.name).is_some_and(|(it, _)| it == interface));
    if !exported {
        return Err(PackageError::WrongWorld {
            kind,
            expected: format!("ferry:crm/{interface}@{CONTRACT}"),
            exports: list(&faces.exports),
            imports: list(&faces.imports),
        });
    }
    let forbidden: Vec<String> =
        faces.imports.iter().filter(|face| !allowed(kind, face)).map(|face| format!("`{}`", face.name)).collect();
    if forbidden.is_empty() { Ok(()) } else { Err(PackageError::ForbiddenImports { kind, names: forbidden }) }
}

fn allowed(kind: PluginKind, face: &Face) -> bool {
    // Types are compiled away: nothing is reached through them.
    if face.only_types() {
        return true;
    }
    match (kind, contract_interface(&face.name)) {
        (PluginKind::Mapper, _) => false,
        (PluginKind::Connector, Some((interface, _))) => CONTRACT_IMPORTS.contains(&interface),
        (PluginKind::Connector, None) => {
            let second_preview = face.name.split_once('@').is_some_and(|(_, version)| version.starts_with("0.2."));
            second_preview && RUNTIME_IMPORTS.iter().any(|prefix| face.name.starts_with(prefix))
        }
    }
}

fn list(faces: &[Face]) -> String {
    if faces.is_empty() {
        return "nothing".into();
    }
    let names: Vec<String> = faces.iter().map(|face| format!("`{}`", face.name)).collect();
    names.join(", ")
}

/// What a file holds, for people who ask why it is refused or what it can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    pub digest: Digest,
    pub bytes: usize,
    pub imports: Vec<Face>,
    pub exports: Vec<Face>,
    pub custom_sections: Vec<CustomSection>,
    pub sdk: Option<SdkStamp>,
    pub manifest: Option<Manifest>,
    /// None where nobody signed it.
    pub signed: Option<Signed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomSection {
    pub name: String,
    pub bytes: usize,
    /// 0 in the file itself, more in the modules and components inside.
    pub depth: u32,
}

/// Looks into any component, packed or not.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, PackageError> {
    match shape::encoding(bytes) {
        Encoding::Component => {}
        Encoding::CoreModule => return Err(PackageError::CoreModule),
        Encoding::Cut => return Err(PackageError::Truncated),
        Encoding::Foreign => return Err(PackageError::NotWasm),
    }
    let customs = shape::custom_sections(bytes).map_err(|_| PackageError::Truncated)?;
    let faces = shape::faces(bytes).map_err(|error| PackageError::Invalid(error.to_string()))?;
    let manifest = section(bytes, MANIFEST_SECTION)?.map(manifest::from_json).transpose()?;
    let identity = manifest.as_ref().map(|manifest| &manifest.plugin);
    let signed = identity.map(|it| signature::verify(bytes, &it.id, &it.version)).transpose()?.flatten();
    Ok(Inspection {
        digest: digest(bytes),
        bytes: bytes.len(),
        imports: faces.imports,
        exports: faces.exports,
        custom_sections: customs
            .into_iter()
            .map(|custom| CustomSection { name: custom.name.to_owned(), bytes: custom.data.len(), depth: custom.depth })
            .collect(),
        sdk: sdk_of(bytes)?,
        manifest,
        signed,
    })
}
