//! Gets one package through egress: a file as it lies, or an artifact of a registry as the OCI distribution specification has it, with
//! the sign-in that the registry asks for.

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::accounts::Account;
use super::source::{FetchError, Fetched, Source, hex_of};
use crate::egress::{Download, Downloaded, Egress};
use crate::model::grant::{Digest, Reach};
use crate::plugin::package::{self, MAX_PACKAGE_BYTES};

/// A manifest of an artifact, or what a server says in place of one: a few hundred bytes each.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;

/// A token for reading: some kilobytes.
const MOST_TOKEN_BYTES: u64 = 64 << 10;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

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

/// One package on its way.
pub(super) struct Fetching<'a> {
    egress: &'a Egress,
    /// Where the server of the package is: on the open network, unless an admin says otherwise.
    reach: Reach,
    from: String,
    account: Option<Account>,
    /// What the registry wants to be asked with: the account itself, or a token that was given for it.
    authorization: Option<HeaderValue>,
}

impl<'a> Fetching<'a> {
    pub(super) fn new(egress: &'a Egress, reach: Reach, source: &Source, account: Option<Account>) -> Self {
        Self { egress, reach, from: source.to_string(), account, authorization: None }
    }

    pub(super) async fn package(mut self, source: &Source) -> Result<Fetched, FetchError> {
        match source {
            Source::Web(url) => {
                let answer = self.get(url, "*/*", MAX_PACKAGE_BYTES, None).await?;
                Ok(Fetched { bytes: self.found(answer)?.into(), artifact: None })
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
        let mut answer = self.get(&url, MANIFEST, MOST_MANIFEST_BYTES, None).await?;
        if answer.status == 401 {
            self.authorization = Some(self.signed_in(&answer.challenges).await?);
            answer = self.get(&url, MANIFEST, MOST_MANIFEST_BYTES, self.authorization.as_ref()).await?;
        }
        let manifest = self.found(answer)?;
        let named = package::digest(&manifest);
        if let Some(wanted) = hex_of(reference) {
            self.is(&manifest, wanted)?;
        }
        let layer = self.layer(&manifest)?;
        let wanted = hex_of(&layer.digest).ok_or_else(|| self.layout("its layer has no SHA-256 digest"))?;
        let url = self.url(&format!("{base}/blobs/{}", layer.digest))?;
        let bytes = self.found(self.get(&url, LAYER, layer.size, self.authorization.as_ref()).await?)?;
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

    /// What a registry wants to be asked with, by what it says to somebody whom it does not know.
    async fn signed_in(&self, challenges: &[String]) -> Result<HeaderValue, FetchError> {
        if let Some(words) = challenges.iter().find_map(|text| of_scheme(text, "Bearer")) {
            return self.token(words).await;
        }
        if challenges.iter().any(|text| of_scheme(text, "Basic").is_some()) {
            return self.basic()?.ok_or_else(|| FetchError::SignIn(self.from.clone()));
        }
        Err(FetchError::Challenge(self.from.clone()))
    }

    fn basic(&self) -> Result<Option<HeaderValue>, FetchError> {
        let header = |account: &Account| account.basic().ok_or_else(|| self.refused());
        self.account.as_ref().map(header).transpose()
    }

    /// A token, for the account or, where there is none, as it is given to whoever asks. The registry says where, as it does to every
    /// tool that was signed in to it; on the open network that is over TLS.
    async fn token(&self, challenge: &str) -> Result<HeaderValue, FetchError> {
        let words: Vec<(&str, &str)> = parameters(challenge);
        let word = |name: &str| words.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let realm = word("realm").ok_or_else(|| FetchError::Challenge(self.from.clone()))?;
        let mut url = self.url(realm)?;
        for name in ["service", "scope"] {
            if let Some(value) = word(name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let answer = self.get(&url, "application/json", MOST_TOKEN_BYTES, self.basic()?.as_ref()).await?;
        let body = self.found(answer)?;
        let token = serde_json::from_slice::<Token>(&body).ok().and_then(|it| it.token.or(it.access_token));
        let header = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        let mut header = header.ok_or_else(|| self.refused())?;
        header.set_sensitive(true);
        Ok(header)
    }

    async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        limit: u64,
        authorization: Option<&HeaderValue>,
    ) -> Result<Downloaded, FetchError> {
        let wanted = Download { url, reach: self.reach, accept, authorization, limit };
        let answer = self.egress.download(wanted).await;
        answer.map_err(|source| FetchError::Http { from: self.from.clone(), source })
    }

    fn found(&self, answer: Downloaded) -> Result<Bytes, FetchError> {
        match answer.status {
            200 => Ok(answer.body),
            401 | 403 => Err(self.refused()),
            status => Err(FetchError::Status { from: self.from.clone(), status }),
        }
    }

    fn refused(&self) -> FetchError {
        match &self.account {
            Some(Account { user, .. }) => FetchError::SignInRefused { from: self.from.clone(), user: user.clone() },
            None => FetchError::SignIn(self.from.clone()),
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

/// What follows after the scheme of a challenge, if it is this one.
fn of_scheme<'a>(challenge: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, words) = challenge.split_once(' ').unwrap_or((challenge, ""));
    found.eq_ignore_ascii_case(scheme).then_some(words)
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
    fn a_challenge_is_read_with_commas_in_its_scope() {
        let text =
            "bearer realm=\"https://auth.example.com/token\",service=\"reg\", scope=\"repository:a/b:pull,push\"";
        let wanted =
            [("realm", "https://auth.example.com/token"), ("service", "reg"), ("scope", "repository:a/b:pull,push")];
        assert_eq!(of_scheme(text, "Bearer").map(parameters), Some(wanted.to_vec()));
        assert_eq!(of_scheme(text, "Basic"), None);
        assert_eq!(of_scheme("Basic", "Basic"), Some(""));
        assert_eq!(parameters("realm=\"half"), []);
    }
}
