//! A credential as it is sealed: a form of its own, so that a [`Credential`] can't be serialised by anybody else.

use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::credential::{Credential, JwtKey, Keys, OAuth2Keys, OpenSession, SessionKeys, TokenSource};
use super::secret::Secret;
use crate::model::time::Instant;

/// What is sealed.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    keys: KeptKeys,
    signing_secret: Option<String>,
    /// Why the CRM refused these keys for good.
    refused: Option<String>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
enum KeptKeys {
    None,
    OAuth2 {
        client_id: String,
        client_secret: Option<String>,
        access: String,
        refresh: Option<String>,
        /// Microseconds since 1970.
        expires_at: Option<i64>,
        scopes: Vec<String>,
        /// None for a person, whose refresh token is above.
        #[serde(default)]
        source: Option<KeptSource>,
        #[serde(default)]
        instance: Option<String>,
        #[serde(default)]
        token_url: Option<String>,
    },
    Bearer {
        key: String,
    },
    Header {
        name: String,
        value: String,
    },
    Basic {
        user: String,
        password: String,
    },
    Session {
        user: String,
        password: String,
        open: Option<KeptSession>,
    },
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeptSession {
    header: String,
    value: String,
    taken: Vec<String>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
enum KeptSource {
    ClientCredentials,
    JwtBearer { pem: String, subject: String, audience: Option<String> },
}

impl KeptSource {
    fn of(source: &TokenSource) -> Option<Self> {
        match source {
            TokenSource::Person { .. } => None,
            TokenSource::ClientCredentials => Some(Self::ClientCredentials),
            TokenSource::JwtBearer(JwtKey { pem, subject, audience }) => {
                let (pem, subject) = (pem.expose().to_owned(), subject.clone());
                Some(Self::JwtBearer { pem, subject, audience: audience.clone() })
            }
        }
    }

    fn open(kept: &mut Option<Self>, refresh: Option<Secret>) -> TokenSource {
        match kept {
            None => TokenSource::Person { refresh },
            Some(Self::ClientCredentials) => TokenSource::ClientCredentials,
            Some(Self::JwtBearer { pem, subject, audience }) => TokenSource::JwtBearer(JwtKey {
                pem: Secret::new(std::mem::take(pem)),
                subject: std::mem::take(subject),
                audience: audience.take(),
            }),
        }
    }
}

impl Kept {
    pub(super) fn new(credential: &Credential, refused: Option<&str>) -> Self {
        let text = |secret: &Secret| secret.expose().to_owned();
        let keys = match &credential.keys {
            Keys::None => KeptKeys::None,
            Keys::OAuth2(keys) => KeptKeys::OAuth2 {
                client_id: keys.client_id.clone(),
                client_secret: keys.client_secret.as_ref().map(text),
                access: text(&keys.access),
                refresh: keys.refresh().map(text),
                expires_at: keys.expires_at.map(|at| at.0),
                scopes: keys.scopes.clone(),
                source: KeptSource::of(&keys.source),
                instance: keys.instance.as_ref().map(Url::to_string),
                token_url: keys.token_url.clone(),
            },
            Keys::Bearer(key) => KeptKeys::Bearer { key: text(key) },
            Keys::Header { name, value } => KeptKeys::Header { name: name.clone(), value: text(value) },
            Keys::Basic { user, password } => KeptKeys::Basic { user: user.clone(), password: text(password) },
            Keys::Session(SessionKeys { user, password, open }) => KeptKeys::Session {
                user: user.clone(),
                password: text(password),
                open: open.as_ref().map(|open| KeptSession {
                    header: open.header.clone(),
                    value: text(&open.value),
                    taken: open.taken.iter().map(text).collect(),
                }),
            },
        };
        let signing_secret = credential.signing_secret.as_ref().map(text);
        Self { keys, signing_secret, refused: refused.map(str::to_owned) }
    }

    /// The credential, and why it was refused.
    pub(super) fn open(mut self) -> (Credential, Option<String>) {
        let secret = |text: &mut String| Secret::new(std::mem::take(text));
        let keys = match &mut self.keys {
            KeptKeys::None => Keys::None,
            KeptKeys::OAuth2 {
                client_id,
                client_secret,
                access,
                refresh,
                expires_at,
                scopes,
                source,
                instance,
                token_url,
            } => {
                Keys::OAuth2(OAuth2Keys {
                    client_id: std::mem::take(client_id),
                    client_secret: client_secret.as_mut().map(secret),
                    access: secret(access),
                    source: KeptSource::open(source, refresh.as_mut().map(secret)),
                    expires_at: expires_at.map(Instant),
                    scopes: std::mem::take(scopes),
                    // It was an address when it was kept; without one, the next sign-in tells it again.
                    instance: instance.as_deref().and_then(|text| Url::parse(text).ok()),
                    token_url: token_url.take(),
                })
            }
            KeptKeys::Bearer { key } => Keys::Bearer(secret(key)),
            KeptKeys::Header { name, value } => Keys::Header { name: std::mem::take(name), value: secret(value) },
            KeptKeys::Basic { user, password } => {
                Keys::Basic { user: std::mem::take(user), password: secret(password) }
            }
            KeptKeys::Session { user, password, open } => Keys::Session(SessionKeys {
                user: std::mem::take(user),
                password: secret(password),
                open: open.as_mut().map(|open| OpenSession {
                    header: std::mem::take(&mut open.header),
                    value: secret(&mut open.value),
                    taken: open.taken.iter_mut().map(secret).collect(),
                }),
            }),
        };
        let credential = Credential { keys, signing_secret: self.signing_secret.as_mut().map(secret) };
        (credential, self.refused.take())
    }
}

#[cfg(test)]
mod tests {
    use super::super::credential::tests::all;
    use super::*;

    #[test]
    fn a_credential_is_kept_whole() {
        for credential in all() {
            for refused in [None, Some("invalid_grant")] {
                let text = serde_json::to_string(&Kept::new(&credential, refused)).unwrap();
                let kept: Kept = serde_json::from_str(&text).unwrap();
                assert_eq!(kept.open(), (credential.clone(), refused.map(str::to_owned)));
            }
        }
    }
}
