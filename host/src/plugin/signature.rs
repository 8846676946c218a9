//! Signatures of packages: ed25519 over a statement that names the digest of every part. Signs and verifies bytes; whom to
//! believe is decided elsewhere.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::package::{self, PackageError, Parts};
use super::shape;
use crate::model::grant::Digest;
use crate::model::id::PluginId;
use crate::model::publisher::PublisherKey;

/// The custom section that holds a signature as JSON: the last of a signed file.
pub(super) const SECTION: &str = "ferry:signature";

/// Stands before what is signed, so that a signature made for anything else is none here.
const PURPOSE: &[u8] = b"ferry plugin signature 1\0";

/// What a publisher vouches for. Its text is what is signed, byte for byte as it lies in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub plugin: PluginId,
    pub version: semver::Version,
    /// The SHA-256 of each part: `component`, `manifest`, and what the manifest brings along.
    pub parts: BTreeMap<String, Digest>,
    /// Of everything before the signature.
    pub whole: Digest,
}

/// A signature that is good: the key's owner vouches for every byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signed {
    pub key: PublisherKey,
    pub statement: Statement,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    key: PublisherKey,
    statement: String,
    signature: String,
}

/// Why a signature is not good. Whoever changed the file could not sign it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the package's signature can't be read")]
    Unreadable,
    #[error("something was added to the package behind its signature")]
    Behind,
    #[error(
        "the package's signature was not made with the key that it names: the file was changed after it was signed"
    )]
    Forged,
    #[error("the package's {0} is not the one that was signed: the file was changed after it was signed")]
    Changed(String),
    #[error("the package's {0} was signed and is missing")]
    Missing(String),
    #[error("the package's {0} was not signed")]
    Added(String),
    #[error("the signature is for {signed}, and this package is {found}")]
    OtherPlugin { signed: String, found: String },
}

/// Why a text is no key to sign with. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    #[error("the file holds no private key to sign with: an ed25519 key as PEM (PKCS#8) is expected")]
    Unreadable,
    #[error("this machine gave no randomness for a key")]
    NoRandomness,
}

/// A publisher's private key. Can't be printed.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// A new key, as PEM for its owner's file.
    pub fn generate() -> Result<Zeroizing<String>, SigningKeyError> {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| SigningKeyError::NoRandomness)?;
        let body = Zeroizing::new(STANDARD.encode(der.as_ref()));
        Ok(Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", *body)))
    }

    /// Reads PEM, as [`SigningKey::generate`] or `openssl genpkey -algorithm ed25519` writes it.
    pub fn from_pem(text: &str) -> Result<Self, SigningKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| SigningKeyError::Unreadable)?;
        // Keys of OpenSSL don't hold their public half, which is reckoned from the private one.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        pair.map(Self).map_err(|_| SigningKeyError::Unreadable)
    }

    /// What others need in order to believe it.
    pub fn public(&self) -> PublisherKey {
        let mut key = [0; 32];
        // An ed25519 key has 32 bytes.
        key.iter_mut().zip(self.0.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        PublisherKey(key)
    }
}

/// Signs a package; a signature that it has is replaced.
pub fn sign(package: Vec<u8>, key: &SigningKey) -> Result<Vec<u8>, PackageError> {
    let unsigned = match signature_place(&package)? {
        Some(place) => package.get(..place.start).unwrap_or_default().to_vec(),
        None => package,
    };
    let package = package::read(unsigned)?;
    let identity = &package.manifest.plugin;
    let Parts { parts, whole } = package::parts(&package.bytes)?;
    let statement = Statement { plugin: identity.id.clone(), version: identity.version.clone(), parts, whole };
    let text = serde_json::to_string(&statement).map_err(|_| SignatureError::Unreadable)?;
    let signature = STANDARD.encode(key.0.sign(&[PURPOSE, text.as_bytes()].concat()));
    let envelope = Envelope { key: key.public(), statement: text, signature };
    let json = serde_json::to_vec(&envelope).map_err(|_| SignatureError::Unreadable)?;
    Ok(shape::with_custom_section(package.bytes, SECTION, &json))
}

/// Where the signature lies, with whatever stands behind it.
fn signature_place(bytes: &[u8]) -> Result<Option<std::ops::Range<usize>>, PackageError> {
    let customs = shape::custom_sections(bytes).map_err(|_| PackageError::Truncated)?;
    Ok(customs.into_iter().find(|custom| custom.depth == 0 && custom.name == SECTION).map(|custom| custom.place))
}

/// Who signed the package that holds these bytes; none where nobody did.
///
/// # Errors
/// Where there is a signature that is not good for these very bytes.
pub(super) fn verify(
    bytes: &[u8],
    plugin: &PluginId,
    version: &semver::Version,
) -> Result<Option<Signed>, PackageError> {
    let customs = shape::custom_sections(bytes).map_err(|_| PackageError::Truncated)?;
    let Some(section) = customs.into_iter().find(|custom| custom.depth == 0 && custom.name == SECTION) else {
        return Ok(None);
    };
    if section.place.end != bytes.len() {
        return Err(SignatureError::Behind.into());
    }
    let envelope: Envelope = serde_json::from_slice(section.data).map_err(|_| SignatureError::Unreadable)?;
    let signature = STANDARD.decode(&envelope.signature).map_err(|_| SignatureError::Unreadable)?;
    let said = [PURPOSE, envelope.statement.as_bytes()].concat();
    let key = UnparsedPublicKey::new(&ED25519, envelope.key.0);
    key.verify(&said, &signature).map_err(|_| SignatureError::Forged)?;
    let statement: Statement = serde_json::from_str(&envelope.statement).map_err(|_| SignatureError::Unreadable)?;
    if (&statement.plugin, &statement.version) != (plugin, version) {
        let signed = format!("{} {}", statement.plugin, statement.version);
        return Err(SignatureError::OtherPlugin { signed, found: format!("{plugin} {version}") }.into());
    }
    let found = package::parts(bytes.get(..section.place.start).unwrap_or_default())?;
    compare(&statement, &found)?;
    Ok(Some(Signed { key: envelope.key, statement }))
}

fn compare(statement: &Statement, found: &Parts) -> Result<(), SignatureError> {
    for (name, digest) in &statement.parts {
        match found.parts.get(name) {
            Some(is) if is == digest => {}
            Some(_) => return Err(SignatureError::Changed(name.clone())),
            None => return Err(SignatureError::Missing(name.clone())),
        }
    }
    if let Some(name) = found.parts.keys().find(|name| !statement.parts.contains_key(*name)) {
        return Err(SignatureError::Added(name.clone()));
    }
    // The parts cover every byte but the frames around them.
    if statement.whole == found.whole { Ok(()) } else { Err(SignatureError::Changed("layout".into())) }
}
