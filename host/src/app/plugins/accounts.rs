//! User names and passwords for registries, as `docker login` and the tools like it leave them in a file: JSON with `auths` by
//! registry, in which the two stand in base64. What such a tool gives to a helper program to keep is not there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::source::Source;
use crate::vault::{self, Secret};

/// Who asks a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: String,
    pub password: Secret,
}

/// What the file holds, as far as it matters here.
#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "secret")]
    auth: Option<Secret>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

impl Account {
    /// The account for what `source` names, by the most exact entry: a part of a registry can have one of its own. None where the
    /// file has none.
    ///
    /// # Errors
    /// Where the file or the entry can't be read; nothing of it is repeated.
    pub fn for_source(file: &str, source: &Source) -> Result<Option<Self>, &'static str> {
        let Source::Artifact { registry, repository, .. } = source else { return Ok(None) };
        let kept: Kept = serde_json::from_str(file).map_err(|_| "it is no JSON with `auths`")?;
        let path = format!("{registry}/{repository}");
        let covers =
            |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let covering = kept.auths.iter().filter(|(key, entry)| entry.auth.is_some() && covers(place_of(key)));
        let exact = covering.max_by_key(|(key, _)| place_of(key).len());
        exact.and_then(|(_, entry)| entry.auth.as_ref()).map(|text| Self::decoded(text.expose())).transpose()
    }

    fn decoded(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "the entry of the registry is no user name and password";
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| WRONG)?);
        let both = std::str::from_utf8(&bytes).map_err(|_| WRONG)?;
        let (user, password) = both.split_once(':').filter(|(user, _)| !user.is_empty()).ok_or(WRONG)?;
        Ok(Self { user: user.to_owned(), password: Secret::new(password.to_owned()) })
    }

    /// What says so in a request.
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("Basic {}", *vault::basic(&self.user, &self.password)));
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// The registry of an entry, with the part of it that it is for: old tools write an address.
fn place_of(key: &str) -> &str {
    let place = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    place.trim_end_matches('/').trim_end_matches("/v1").trim_end_matches("/v2")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, source: &str) -> Result<Option<(String, String)>, &'static str> {
        let account = Account::for_source(file, &source.parse().unwrap())?;
        Ok(account.map(|account| (account.user.clone(), account.password.expose().to_owned())))
    }

    #[test]
    fn the_most_exact_entry_is_taken_and_no_other_registrys() {
        let auth = |user: &str| STANDARD.encode(format!("{user}:pass:word"));
        let file = serde_json::json!({
            "auths": {
                "reg.example.com": { "auth": auth("all") },
                "reg.example.com/acme": { "auth": auth("acme") },
                "https://old.example.com/v1/": { "auth": auth("old") },
                "kept.example.com": {},
            },
            "credsStore": "desktop",
        });
        let user = |source: &str| found(&file.to_string(), source).unwrap().map(|(user, _)| user);
        assert_eq!(user("oci://reg.example.com/other/crm:1").as_deref(), Some("all"));
        assert_eq!(user("oci://reg.example.com/acme/crm:1").as_deref(), Some("acme"));
        assert_eq!(user("oci://reg.example.com/acmes/crm:1").as_deref(), Some("all"));
        assert_eq!(user("oci://old.example.com/crm:1").as_deref(), Some("old"));
        for none in [
            "oci://reg.example.com.evil.example/crm:1",
            "oci://reg.example.com:5000/crm:1",
            "oci://kept.example.com/crm:1",
            "https://reg.example.com/crm.wasm",
        ] {
            assert_eq!(user(none), None, "{none}");
        }
        let both = found(&file.to_string(), "oci://old.example.com/crm:1").unwrap().unwrap();
        assert_eq!(both.1, "pass:word");
    }

    #[test]
    fn a_file_that_is_none_is_said_and_not_repeated() {
        let of = |auth: &str| format!(r#"{{"auths":{{"reg.example.com":{{"auth":"{auth}"}}}}}}"#);
        for file in ["very-secret".to_owned(), of("very-secret"), of(&STANDARD.encode("very-secret")), of("Og==")] {
            let said = found(&file, "oci://reg.example.com/crm:1").unwrap_err();
            assert!(!said.contains("very-secret"), "{said}");
        }
        assert_eq!(found("{}", "oci://reg.example.com/crm:1"), Ok(None));
    }
}
