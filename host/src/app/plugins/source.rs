//! Where a package may come from beside a file: an https address, or a registry that keeps OCI artifacts as `wkg` lays them out.
//! What comes is held against every digest that is known of it before anybody looks inside.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;
use url::Url;

use crate::app::Tenant;
use crate::app::advice::{Advice, Class, Whose, configuration};
use crate::app::error::AppError;
use crate::egress::{Download, Downloaded, Egress};
use crate::model::grant::{Digest, Reach};
use crate::model::http::HttpError;
use crate::plugin::package::{self, MAX_PACKAGE_BYTES};

/// A manifest of an artifact, or what a server says in place of one: a few hundred bytes each.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;

/// A token for reading what anybody may read: some kilobytes.
const MOST_TOKEN_BYTES: u64 = 64 << 10;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

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
    #[error("the registry of `{0}` wants to know who asks, and gives no token to strangers")]
    SignIn(String),
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
fn hex_of(text: &str) -> Option<&str> {
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    media_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Tenant {
    /// Gets a package; nothing is installed.
    ///
    /// # Errors
    /// Where it can't be had, or is not what its digests say.
    pub async fn fetch(&self, source: &Source, reach: Reach) -> Result<Fetched, AppError> {
        let egress = self.app.egress();
        Ok(Fetching { egress, reach, from: source.to_string(), authorization: None }.package(source).await?)
    }
}

/// One package on its way.
struct Fetching<'a> {
    egress: &'a Egress,
    /// Where the server of the package is: on the open network, unless an admin says otherwise.
    reach: Reach,
    from: String,
    /// What the registry gave to be asked with.
    authorization: Option<HeaderValue>,
}

impl Fetching<'_> {
    async fn package(mut self, source: &Source) -> Result<Fetched, FetchError> {
        match source {
            Source::Web(url) => {
                let bytes = self.found(self.get(url, "*/*", MAX_PACKAGE_BYTES).await?)?;
                Ok(Fetched { bytes: bytes.into(), artifact: None })
            }
            Source::Artifact { registry, repository, reference } => {
                let scheme = if self.reach == Reach::Loopback { "http" } else { "https" };
                let base = format!("{scheme}://{registry}/v2/{repository}");
                self.artifact(&base, reference).await
            }
        }
    }

    async fn artifact(&mut self, base: &str, reference: &str) -> Result<Fetched, FetchError> {
        let url = self.url(&format!("{base}/manifests/{reference}"))?;
        let mut answer = self.get(&url, MANIFEST, MOST_MANIFEST_BYTES).await?;
        if answer.status == 401 {
            self.authorization = Some(self.token(answer.challenge.as_deref()).await?);
            answer = self.get(&url, MANIFEST, MOST_MANIFEST_BYTES).await?;
        }
        let manifest = self.found(answer)?;
        let named = package::digest(&manifest);
        if let Some(wanted) = hex_of(reference) {
            self.is(&manifest, wanted)?;
        }
        let layer = self.layer(&manifest)?;
        let wanted = hex_of(&layer.digest).ok_or_else(|| self.layout("its layer has no SHA-256 digest"))?;
        let url = self.url(&format!("{base}/blobs/{}", layer.digest))?;
        let bytes = self.found(self.get(&url, LAYER, layer.size).await?)?;
        self.is(&bytes, wanted)?;
        Ok(Fetched { bytes: bytes.into(), artifact: Some(named) })
    }

    /// The one layer of an artifact, which is the component.
    fn layer(&self, manifest: &[u8]) -> Result<Descriptor, FetchError> {
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| self.layout(&format!("its manifest can't be read ({error})")))?;
        if manifest.media_type.is_some_and(|it| it != MANIFEST) || manifest.config.media_type != CONFIG {
            return Err(
                self.layout(&format!("its configuration is of type `{}`, not `{CONFIG}`", manifest.config.media_type))
            );
        }
        let [layer] = <[Descriptor; 1]>::try_from(manifest.layers)
            .map_err(|layers| self.layout(&format!("it has {} layers, and one is wanted", layers.len())))?;
        if layer.media_type != LAYER {
            return Err(self.layout(&format!("its layer is of type `{}`, not `{LAYER}`", layer.media_type)));
        }
        if layer.size > MAX_PACKAGE_BYTES {
            return Err(self.layout(&format!("it has {} bytes, and {MAX_PACKAGE_BYTES} are the most", layer.size)));
        }
        Ok(layer)
    }

    /// A token as registries give it to whoever asks, for reading what is public.
    async fn token(&self, challenge: Option<&str>) -> Result<HeaderValue, FetchError> {
        let refused = || FetchError::SignIn(self.from.clone());
        let challenge = challenge.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(refused)?;
        let words: Vec<(&str, &str)> = parameters(challenge);
        let word = |name: &str| words.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let mut url = self.url(word("realm").ok_or_else(refused)?)?;
        for name in ["service", "scope"] {
            if let Some(value) = word(name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let answer = self.get(&url, "application/json", MOST_TOKEN_BYTES).await?;
        let token = serde_json::from_slice::<Token>(&answer.body).ok().filter(|_| answer.status == 200);
        let token = token.and_then(|it| it.token.or(it.access_token)).ok_or_else(refused)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| refused())?;
        header.set_sensitive(true);
        Ok(header)
    }

    async fn get(&self, url: &Url, accept: &'static str, limit: u64) -> Result<Downloaded, FetchError> {
        let (reach, authorization) = (self.reach, self.authorization.as_ref());
        let wanted = Download { url, reach, accept, authorization, limit };
        let answer = self.egress.download(wanted).await;
        answer.map_err(|source| FetchError::Http { from: self.from.clone(), source })
    }

    fn found(&self, answer: Downloaded) -> Result<Bytes, FetchError> {
        match answer.status {
            200 => Ok(answer.body),
            401 | 403 => Err(FetchError::SignIn(self.from.clone())),
            status => Err(FetchError::Status { from: self.from.clone(), status }),
        }
    }

    fn is(&self, bytes: &[u8], wanted: &str) -> Result<(), FetchError> {
        let found = package::digest(bytes);
        let (from, wanted) = (self.from.clone(), Digest(wanted.to_owned()));
        if found == wanted { Ok(()) } else { Err(FetchError::Digest { from, wanted, found }) }
    }

    fn url(&self, text: &str) -> Result<Url, FetchError> {
        Url::parse(text).map_err(|_| FetchError::Address(self.from.clone(), "it leads to no address"))
    }

    fn layout(&self, why: &str) -> FetchError {
        FetchError::Layout { from: self.from.clone(), why: why.to_owned() }
    }
}

/// `key="value"` pairs of a challenge; a comma inside quotation marks belongs to the value, as in a scope.
fn parameters(challenge: &str) -> Vec<(&str, &str)> {
    let mut rest = challenge;
    let mut found = Vec::new();
    while let Some((key, after)) = rest.split_once("=\"") {
        let Some((value, after)) = after.split_once('"') else { break };
        found.push((key.trim_matches([' ', ',']), value));
        rest = after;
    }
    found
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

    #[test]
    fn a_challenge_is_read_with_commas_in_its_scope() {
        let text = "realm=\"https://auth.example.com/token\",service=\"reg\", scope=\"repository:a/b:pull,push\"";
        let wanted =
            [("realm", "https://auth.example.com/token"), ("service", "reg"), ("scope", "repository:a/b:pull,push")];
        assert_eq!(parameters(text), wanted);
        assert_eq!(parameters("realm=\"half"), []);
    }
}
