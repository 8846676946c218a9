//! Who made a plugin: the keys that publishers sign with, and whom a workspace believes for which plugin.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use super::grant::Digest;
use super::id::PluginId;
use super::time::Instant;

/// What a workspace wants of every plugin that it takes, beside whom it trusts for which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Only what is signed by a publisher whom it trusts for that plugin.
    pub signed_only: bool,
}

/// What a key's text begins with.
const SCHEME: &str = "ed25519:";

/// A publisher's public key, as in `ed25519:mD1…`: 32 bytes in base64, without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublisherKey(pub [u8; 32]);

/// A text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a publisher's key: it begins with `{SCHEME}`, and 43 characters follow")]
pub struct BadPublisherKey {
    given: String,
}

impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublisherKey {
    type Err = BadPublisherKey;

    fn from_str(text: &str) -> Result<Self, BadPublisherKey> {
        let bytes = text.trim().strip_prefix(SCHEME).and_then(|rest| STANDARD_NO_PAD.decode(rest).ok());
        let key = bytes.and_then(|bytes| bytes.try_into().ok()).map(Self);
        key.ok_or_else(|| BadPublisherKey { given: text.chars().take(80).collect() })
    }
}

impl TryFrom<String> for PublisherKey {
    type Error = BadPublisherKey;

    fn try_from(text: String) -> Result<Self, BadPublisherKey> {
        text.parse()
    }
}

impl From<PublisherKey> for String {
    fn from(key: PublisherKey) -> Self {
        key.to_string()
    }
}

/// A publisher that a workspace believes for one plugin. While there is one, the plugin is taken from nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedPublisher {
    pub plugin: PluginId,
    pub key: PublisherKey,
    /// Whose key it is, in the admin's words.
    pub name: String,
    pub since: Instant,
}

/// What a lock file says of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    pub version: semver::Version,
    /// Of the whole file.
    pub digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<PublisherKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_is_shown_and_nothing_else_does() {
        let key = PublisherKey([7; 32]);
        let text = key.to_string();
        assert_eq!(text, "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(format!("{text}\n").parse(), Ok(key));
        let padded = format!("{text}=");
        for bad in ["", "ed25519:", "ed25519:AAAA", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc", &padded, &text[..50]]
        {
            assert!(bad.parse::<PublisherKey>().is_err(), "{bad}");
        }
    }
}
