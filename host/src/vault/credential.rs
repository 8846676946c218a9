//! What a connection signs in with, and which header it makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use url::Url;
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::egress::SignInHeader;
use crate::model::time::Instant;

/// Everything secret about one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub keys: Keys,
    /// What the CRM signs webhooks with, where that is not the client secret.
    pub signing_secret: Option<Secret>,
}

/// One way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// The CRM needs no sign-in.
    None,
    OAuth2(OAuth2Keys),
    /// `Authorization: Bearer ..`
    Bearer(Secret),
    /// A key in a header of its own.
    Header {
        name: String,
        value: Secret,
    },
    /// `Authorization: Basic ..`
    Basic {
        user: String,
        password: Secret,
    },
    Session(SessionKeys),
}

/// What opens sessions, and the one that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionKeys {
    pub user: String,
    pub password: Secret,
    /// None until the first request.
    pub open: Option<OpenSession>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The header that carries it.
    pub header: String,
    pub value: Secret,
    /// Everything that would open the CRM by itself: looked for in answers.
    pub taken: Vec<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth2Keys {
    pub client_id: String,
    /// A public client has none.
    pub client_secret: Option<Secret>,
    pub access: Secret,
    /// Where the next access token comes from.
    pub source: TokenSource,
    /// None where neither the CRM nor the manifest says: then a 401 tells.
    pub expires_at: Option<Instant>,
    /// What was granted, as far as the CRM said.
    pub scopes: Vec<String>,
    /// The account's own address, where the answer named one.
    pub instance: Option<Url>,
    /// Where tokens are asked for, in place of the manifest's address.
    pub token_url: Option<String>,
}

/// What a new access token is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A person signed in with a browser. Without a refresh token they have to do so again when the access token expires.
    Person { refresh: Option<Secret> },
    /// The application's id and secret.
    ClientCredentials,
    /// An assertion that the application signs for a user.
    JwtBearer(JwtKey),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtKey {
    /// The application's private key in PEM: PKCS#8 or PKCS#1, RSA.
    pub pem: Secret,
    /// The user that it signs in for.
    pub subject: String,
    /// In place of the manifest's audience.
    pub audience: Option<String>,
}

impl OAuth2Keys {
    /// Before the first access token: the first request begins with asking for one.
    pub fn unsigned(client_id: String, client_secret: Option<Secret>, source: TokenSource) -> Self {
        Self {
            client_id,
            client_secret,
            access: Secret::default(),
            source,
            expires_at: Some(Instant(0)),
            scopes: Vec::new(),
            instance: None,
            token_url: None,
        }
    }

    pub(super) fn refresh(&self) -> Option<&Secret> {
        match &self.source {
            TokenSource::Person { refresh } => refresh.as_ref(),
            _ => None,
        }
    }
}

impl Keys {
    /// The way to sign in, as manifests name it; `none` without one.
    pub fn way(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OAuth2(OAuth2Keys { source: TokenSource::Person { .. }, .. }) => "oauth2",
            Self::OAuth2(OAuth2Keys { source: TokenSource::ClientCredentials, .. }) => "client-credentials",
            Self::OAuth2(OAuth2Keys { source: TokenSource::JwtBearer(_), .. }) => "jwt-bearer",
            Self::Bearer(_) => "bearer",
            Self::Header { .. } => "header",
            Self::Basic { .. } => "basic",
            Self::Session(_) => "session",
        }
    }

    /// Whether newer ones can be had without a person.
    pub(super) fn can_be_renewed(&self) -> bool {
        match self {
            Self::OAuth2(keys) => !matches!(keys.source, TokenSource::Person { refresh: None }),
            Self::Session(_) => true,
            Self::None | Self::Bearer(_) | Self::Header { .. } | Self::Basic { .. } => false,
        }
    }

    /// When they run out, if that is known.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        match self {
            Self::OAuth2(keys) => keys.expires_at,
            _ => None,
        }
    }

    /// The account's own address, where signing in told one.
    pub(super) fn instance(&self) -> Option<&Url> {
        match self {
            Self::OAuth2(keys) => keys.instance.as_ref(),
            _ => None,
        }
    }

    /// What is wrong with them before anybody is asked.
    pub(super) fn check(&self) -> Result<(), BadKey> {
        match self {
            Self::OAuth2(OAuth2Keys { source: TokenSource::JwtBearer(key), .. }) => super::jwt::check(&key.pem),
            _ => Ok(()),
        }
    }
}

/// A key can't be sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("the key, token or password holds a line break or another control character: copy it again")]
    ControlCharacter,
    #[error("the name of the key's header is not a header name: the plugin's manifest is wrong")]
    HeaderName,
    #[error("the user name holds a colon, which Basic sign-in can't carry")]
    Colon,
    #[error("the private key is not an RSA key of 2,048 bits or more in PEM (`-----BEGIN PRIVATE KEY-----`)")]
    PrivateKey,
}

/// Texts shorter than this are found in ordinary answers, and taking them out would damage these.
const SHORTEST_NEEDLE: usize = 8;

impl Credential {
    /// The header that a request is signed in with.
    pub(super) fn header(&self) -> Result<Option<SignInHeader>, BadKey> {
        let (name, value) = match &self.keys {
            Keys::None => return Ok(None),
            Keys::OAuth2(keys) => (AUTHORIZATION, bearer(&keys.access)),
            Keys::Bearer(key) => (AUTHORIZATION, bearer(key)),
            Keys::Header { name, value } => named(name, value)?,
            Keys::Session(SessionKeys { open: None, .. }) => return Ok(None),
            Keys::Session(SessionKeys { open: Some(open), .. }) => named(&open.header, &open.value)?,
            Keys::Basic { user, .. } if user.contains(':') => return Err(BadKey::Colon),
            Keys::Basic { user, password } => {
                (AUTHORIZATION, Zeroizing::new(format!("Basic {}", *basic(user, password))))
            }
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| BadKey::ControlCharacter)?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    /// Every form in which a secret could come back in an answer.
    pub(super) fn needles(&self) -> Vec<Secret> {
        let mut needles = match &self.keys {
            Keys::None => Vec::new(),
            Keys::OAuth2(keys) => {
                let pem = match &keys.source {
                    TokenSource::JwtBearer(key) => Some(&key.pem),
                    _ => None,
                };
                [Some(&keys.access), keys.refresh(), keys.client_secret.as_ref(), pem]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect()
            }
            Keys::Bearer(key) => vec![key.clone()],
            Keys::Header { value, .. } => vec![value.clone()],
            Keys::Basic { user, password } => vec![password.clone(), Secret::new(basic(user, password).to_string())],
            Keys::Session(keys) => {
                let open = keys.open.iter().flat_map(|open| std::iter::once(&open.value).chain(&open.taken));
                std::iter::once(&keys.password).chain(open).cloned().collect()
            }
        };
        needles.extend(self.signing_secret.clone());
        needles.retain(|needle| needle.expose().len() >= SHORTEST_NEEDLE);
        needles
    }

    /// The secret that webhooks are signed with: its own, else the client secret.
    pub(super) fn signs_webhooks(&self) -> Option<&Secret> {
        match (&self.signing_secret, &self.keys) {
            (Some(secret), _) => Some(secret),
            (None, Keys::OAuth2(keys)) => keys.client_secret.as_ref(),
            (None, _) => None,
        }
    }
}

fn named(name: &str, value: &Secret) -> Result<(HeaderName, Zeroizing<String>), BadKey> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadKey::HeaderName)?;
    Ok((name, Zeroizing::new(value.expose().to_owned())))
}

fn bearer(key: &Secret) -> Zeroizing<String> {
    Zeroizing::new(format!("Bearer {}", key.expose()))
}

/// A user and a password, as `Authorization: Basic` carries them.
pub(crate) fn basic(user: &str, password: &Secret) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One of each way to sign in.
    pub(in crate::vault) fn all() -> Vec<Credential> {
        let oauth = OAuth2Keys {
            client_id: "id".into(),
            client_secret: Some("client-secret".into()),
            access: "access-token".into(),
            source: TokenSource::Person { refresh: Some("refresh-token".into()) },
            expires_at: Some(Instant(7)),
            scopes: vec!["a".into()],
            instance: Url::parse("https://acme.my.example.com/").ok(),
            token_url: Some("https://sandbox.example.com/token".into()),
        };
        let open = OpenSession {
            header: "x-session".into(),
            value: "Session battery-staple".into(),
            taken: vec!["battery-staple".into(), "7".into()],
        };
        let jwt = JwtKey { pem: "private-key".into(), subject: "ada".into(), audience: Some("https://a".into()) };
        let person = TokenSource::Person { refresh: None };
        [
            Keys::None,
            Keys::OAuth2(OAuth2Keys { client_secret: None, source: person, expires_at: None, ..oauth.clone() }),
            Keys::OAuth2(oauth.clone()),
            Keys::OAuth2(OAuth2Keys { source: TokenSource::ClientCredentials, instance: None, ..oauth.clone() }),
            Keys::OAuth2(OAuth2Keys { source: TokenSource::JwtBearer(jwt), ..oauth }),
            Keys::Bearer("pat-na1-0000".into()),
            Keys::Header { name: "x-api-token".into(), value: "0123456789".into() },
            Keys::Basic { user: "zoë".into(), password: "correct horse".into() },
            Keys::Session(SessionKeys { user: "zoë".into(), password: "correct horse".into(), open: None }),
            Keys::Session(SessionKeys { user: "zoë".into(), password: "correct horse".into(), open: Some(open) }),
        ]
        .into_iter()
        .map(|keys| Credential { keys, signing_secret: None })
        .chain([Credential { keys: Keys::None, signing_secret: Some("webhook-secret".into()) }])
        .collect()
    }

    #[test]
    fn each_way_to_sign_in_makes_its_header() {
        let headers: Vec<Option<(String, String)>> = all()
            .iter()
            .map(|credential| {
                let header = credential.header().unwrap()?;
                assert!(header.1.is_sensitive());
                Some((header.0.to_string(), header.1.to_str().unwrap().to_owned()))
            })
            .collect();
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(
            headers,
            [
                None,
                pair("authorization", "Bearer access-token"),
                pair("authorization", "Bearer access-token"),
                pair("authorization", "Bearer access-token"),
                pair("authorization", "Bearer access-token"),
                pair("authorization", "Bearer pat-na1-0000"),
                pair("x-api-token", "0123456789"),
                pair("authorization", "Basic em/Dqzpjb3JyZWN0IGhvcnNl"),
                None,
                pair("x-session", "Session battery-staple"),
                None,
            ],
        );
    }

    #[test]
    fn keys_that_cant_be_sent_are_told_from_each_other() {
        let header = |keys| Credential { keys, signing_secret: None }.header().map(|_| ());
        assert_eq!(header(Keys::Bearer("a\nb".into())), Err(BadKey::ControlCharacter));
        assert_eq!(header(Keys::Header { name: "x y".into(), value: "1".into() }), Err(BadKey::HeaderName));
        assert_eq!(header(Keys::Basic { user: "a:b".into(), password: "c".into() }), Err(BadKey::Colon));
    }

    #[test]
    fn every_secret_is_looked_for_but_short_ones() {
        let needles = |keys| -> Vec<String> {
            let credential = Credential { keys, signing_secret: Some("webhook-secret".into()) };
            credential.needles().iter().map(|needle| needle.expose().to_owned()).collect()
        };
        assert_eq!(
            needles(all()[2].keys.clone()),
            ["access-token", "refresh-token", "client-secret", "webhook-secret"]
        );
        assert_eq!(
            needles(Keys::Basic { user: "u".into(), password: "short".into() }),
            ["dTpzaG9ydA==", "webhook-secret"]
        );
        assert_eq!(needles(Keys::Bearer("1234567".into())), ["webhook-secret"]);
        let session = ["correct horse", "Session battery-staple", "battery-staple", "webhook-secret"];
        assert_eq!(needles(all()[9].keys.clone()), session);
    }

    #[test]
    fn nothing_secret_is_printed() {
        let shown = format!("{:?}", all());
        for secret in [
            "access-token",
            "refresh-token",
            "client-secret",
            "private-key",
            "pat-na1",
            "0123456789",
            "correct horse",
            "webhook-secret",
            "battery-staple",
        ] {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
}
