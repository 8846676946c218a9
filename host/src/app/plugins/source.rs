//! Where a package may come from beside a file: an https address, or a registry that keeps OCI artifacts as `wkg` lays them out.
//! What comes is held against every digest that is known of it before anybody looks inside.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::accounts::Account;
use super::fetching::Fetching;
use crate::app::Tenant;
use crate::app::advice::{Advice, Class, Whose, configuration};
use crate::app::error::AppError;
use crate::model::grant::{Digest, Reach};
use crate::model::http::HttpError;

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `https://..`; `http://..` only on this machine.
    Web(Url),
    /// `oci://REGISTRY/REPOSITORY:TAG`, or `..@sha256:DIGEST`, or both: then the tag is for people.
    Artifact { registry: String, repository: String, reference: String },
}

/// A package as it came, not yet looked into.
pub struct Fetched {
    pub bytes: Vec<u8>,
    /// The digest of the artifact's manifest, which names the very same artifact for ever.
    pub artifact: Option<Digest>,
}

/// Why a package could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("`{0}` is no place of a package: {1}")]
    Address(String, &'static str),
    #[error("`{from}` could not be fetched")]
    Http { from: String, source: HttpError },
    #[error("`{from}` answered with status {status}")]
    Status { from: String, status: u16 },
    #[error("the server of `{0}` wants to know who asks, and no user name and password are kept for it")]
    SignIn(String),
    #[error("the registry of `{from}` does not let `{user}` read it")]
    SignInRefused { from: String, user: String },
    #[error("the registry of `{0}` asks for a sign-in by another way than a user name and a password")]
    Challenge(String),
    #[error("`{from}` is not laid out as a component: {why}")]
    Layout { from: String, why: String },
    #[error("what came from `{from}` has the digest sha256:{found}, and sha256:{wanted} was wanted")]
    Digest { from: String, wanted: Digest, found: Digest },
}

impl FetchError {
    pub(in crate::app) fn advice(&self) -> Advice {
        let machine = |code, remedy: &str| Advice::new(code, Whose::Machine, Class::Configuration, remedy);
        let refused = |code, remedy: &str| Advice::new(code, Whose::Plugin, Class::Plugin, remedy);
        match self {
            Self::Address(..) => configuration("plugin-address", "write https://.. or oci://REGISTRY/REPOSITORY:TAG"),
            Self::Http { source: HttpError::Denied(_), .. } => configuration(
                "plugin-address-denied",
                "use an https address on the open network; --from-private and --from-loopback are for servers of your own",
            ),
            Self::Http { source: HttpError::TooLarge(_), .. } => {
                refused("plugin-fetch-large", "check the address: no package is that large")
            }
            Self::Http { .. } | Self::Status { .. } => {
                machine("plugin-fetch", "check the address and this machine's way to it, then repeat the command")
            }
            Self::SignIn(_) => machine(
                "plugin-fetch-sign-in",
                "sign in to the registry with `docker login`, `podman login` or `oras login`, and name the file that they write with \
                 --registry-auth; what a helper program keeps is not seen",
            ),
            Self::SignInRefused { .. } => machine(
                "plugin-fetch-refused",
                "sign in to the registry again, as somebody who may read this repository",
            ),
            Self::Challenge(_) => machine(
                "plugin-fetch-sign-in",
                "get the file with a tool that is signed in there, as `wkg` or `oras`, and install it from the file",
            ),
            Self::Layout { .. } => {
                refused("plugin-artifact", "ask its publisher for an artifact as `wkg oci push` makes it")
            }
            Self::Digest { .. } => refused(
                "plugin-digest",
                "don't use it: ask its publisher for the digest, and whether the file was changed",
            ),
        }
    }
}

impl FromStr for Source {
    type Err = FetchError;

    fn from_str(text: &str) -> Result<Self, FetchError> {
        let wrong = |why| FetchError::Address(text.to_owned(), why);
        let Some(artifact) = text.strip_prefix("oci://") else {
            let url = Url::parse(text).map_err(|_| wrong("an https address is expected"))?;
            let named = url.host_str().is_some() && matches!(url.scheme(), "https" | "http");
            return if named { Ok(Self::Web(url)) } else { Err(wrong("an https address is expected")) };
        };
        let (registry, path) = artifact.split_once('/').ok_or_else(|| wrong("a repository is missing"))?;
        let (name, digest) = match path.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (name, None),
        };
        let is_name = |text: &str, more: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty()
                && text.chars().all(good)
                && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
        };
        if !is_name(registry, ".-:[]") || !is_name(repository, "._-/") || tag.is_some_and(|tag| !is_name(tag, "._-")) {
            return Err(wrong("as in oci://registry.example.com/acme/hubspot:1.4.0"));
        }
        let reference = match (digest, tag) {
            (Some(digest), _) if hex_of(digest).is_some() => digest,
            (Some(_), _) => return Err(wrong("a digest is written sha256: and 64 hexadecimal digits")),
            (None, Some(tag)) => tag,
            (None, None) => return Err(wrong("a tag or a digest is missing, as in :1.4.0")),
        };
        Ok(Self::Artifact {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            reference: reference.to_owned(),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A query may be a key that somebody signed the address with.
            Self::Web(url) => write!(f, "{}{}", url.origin().ascii_serialization(), url.path()),
            Self::Artifact { registry, repository, reference } => {
                write!(
                    f,
                    "oci://{registry}/{repository}{}{reference}",
                    if hex_of(reference).is_some() { '@' } else { ':' }
                )
            }
        }
    }
}

/// The digits of `sha256:..`, in lower case.
pub(super) fn hex_of(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("sha256:")?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == 64 && digits.bytes().all(is_digit)).then_some(digits)
}

/// Whether a place of a package is an address, and not a file.
pub fn is_remote(place: &str) -> bool {
    ["https://", "http://", "oci://"].iter().any(|scheme| place.starts_with(scheme))
}

/// Holds a package from `place` to a digest as people write it, with or without `sha256:` before it.
///
/// # Errors
/// Where it is another, or none.
pub fn held(place: &str, found: &Digest, wanted: &str) -> Result<(), AppError> {
    let lower = wanted.trim().to_ascii_lowercase();
    let written = if lower.starts_with("sha256:") { lower } else { format!("sha256:{lower}") };
    let digits = hex_of(&written);
    let digits = digits.ok_or_else(|| FetchError::Address(wanted.to_owned(), "a digest has 64 hexadecimal digits"))?;
    if digits == found.0 {
        return Ok(());
    }
    let from = place.parse::<Source>().map_or_else(|_| place.to_owned(), |source| source.to_string());
    let wanted = Digest(digits.to_owned());
    Err(FetchError::Digest { from, wanted, found: found.clone() }.into())
}

impl Tenant {
    /// Gets a package; nothing is installed. `account` is who asks a registry that does not answer strangers.
    ///
    /// # Errors
    /// Where it can't be had, or is not what its digests say.
    pub async fn fetch(&self, source: &Source, reach: Reach, account: Option<Account>) -> Result<Fetched, AppError> {
        Ok(Fetching::new(self.app.egress(), reach, source, account).package(source).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_people_write_it() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, shown) in [
            ("https://example.com/a.wasm?key=secret", "https://example.com/a.wasm".to_owned()),
            ("oci://reg.example.com/acme/crm:1.4.0", "oci://reg.example.com/acme/crm:1.4.0".to_owned()),
            ("oci://127.0.0.1:5000/crm:v1", "oci://127.0.0.1:5000/crm:v1".to_owned()),
            (&format!("oci://reg.example.com/crm:1.4.0@{digest}"), format!("oci://reg.example.com/crm@{digest}")),
        ] {
            assert_eq!(text.parse::<Source>().map(|source| source.to_string()).ok(), Some(shown), "{text}");
        }
        for text in [
            "oci://reg.example.com/crm",
            "oci://reg.example.com",
            "oci:///crm:1",
            "oci://user:secret@reg.example.com/crm:1",
            "oci://reg.example.com/../crm:1",
            "oci://reg.example.com/a//b:1",
            "oci://reg.example.com/crm:1/../../x",
            "oci://reg.example.com/crm@sha256:00",
            "oci://reg.example.com/crm?x=1:1",
            "ftp://example.com/a.wasm",
            "file:///etc/passwd",
        ] {
            assert!(matches!(text.parse::<Source>(), Err(FetchError::Address(..))), "{text}");
        }
    }
}
