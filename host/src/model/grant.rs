//! What an admin allowed a plugin: hosts, limits, and nothing else; for these bytes only.

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use super::manifest::{Limits, Manifest};
use super::origin_pattern::OriginPattern;
use super::time::Instant;

/// The SHA-256 of a packed plugin, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl Digest {
    /// The first characters, enough for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The bytes it was given for.
    pub digest: Digest,
    /// Origins that may be reached, over the open network only.
    pub hosts: Vec<Url>,
    /// Families of origins of which a connection reaches the one that is its own.
    #[serde(default)]
    pub accounts: Vec<OriginPattern>,
    /// Origins in the customer's own network that an admin named: at a private address or a public one, never on this machine
    /// and never where clouds keep their metadata.
    #[serde(default)]
    pub private: Vec<Url>,
    /// Origins on this machine that a development grant names; each is reached at a loopback address only.
    pub loopback: Vec<Url>,
    pub limits: Limits,
    pub at: Instant,
}

/// How an origin is reached under a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Open,
    Private,
    Loopback,
}

impl Grant {
    /// Everything that the manifest asks, within the host's own ceiling.
    pub fn as_asked(manifest: &Manifest, digest: Digest, loopback: Vec<Url>, at: Instant) -> Self {
        let (hosts, accounts) = match &manifest.network {
            Some(network) => (network.hosts.clone(), network.accounts.clone()),
            None => Default::default(),
        };
        Self { digest, hosts, accounts, private: Vec::new(), loopback, limits: manifest.limits, at }
    }

    /// How a connection whose base address is `base` may reach `address`; none where the grant does not name its origin.
    pub fn reach(&self, address: &Url, base: &Url) -> Option<Reach> {
        let origin = address.origin();
        // An opaque origin equals no other, and names no server.
        if !matches!(origin, Origin::Tuple(..)) {
            return None;
        }
        let named = |list: &[Url]| list.iter().any(|url| url.origin() == origin);
        if named(&self.loopback) {
            Some(Reach::Loopback)
        } else if named(&self.private) {
            Some(Reach::Private)
        } else if named(&self.hosts) {
            Some(Reach::Open)
        } else {
            let own = origin == base.origin() && self.accounts.iter().any(|family| family.covers(address));
            own.then_some(Reach::Open)
        }
    }

    /// Whether `base` may be the base address of a connection.
    pub fn covers_base(&self, base: &Url) -> bool {
        self.reach(base, base).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_grant_reaches_exactly_the_origins_it_names() {
        let grant = Grant {
            digest: Digest("d".into()),
            hosts: vec![url("https://api.example.com")],
            accounts: Vec::new(),
            private: vec![url("https://crm.intern")],
            loopback: vec![url("http://127.0.0.1:8080")],
            limits: Limits::default(),
            at: Instant(0),
        };
        for (address, reach) in [
            ("https://api.example.com/crm/v3", Some(Reach::Open)),
            ("https://api.example.com:443/", Some(Reach::Open)),
            ("https://API.EXAMPLE.COM/", Some(Reach::Open)),
            ("http://api.example.com/", None),
            ("https://api.example.com:8443/", None),
            ("https://evil.api.example.com/", None),
            ("https://api.example.com.evil.com/", None),
            ("http://127.0.0.1:8080/x", Some(Reach::Loopback)),
            ("http://127.0.0.1:8081/x", None),
            ("http://localhost:8080/x", None),
            ("data:text/plain,x", None),
            ("https://crm.intern/x", Some(Reach::Private)),
            ("https://crm.intern:8443/", None),
        ] {
            assert_eq!(grant.reach(&url(address), &url("https://api.example.com")), reach, "{address}");
        }
    }

    #[test]
    fn of_a_family_a_connection_reaches_only_its_own_origin() {
        let accounts = vec![OriginPattern::try_from("https://*.my.example.com".to_owned()).unwrap()];
        let grant = Grant {
            digest: Digest("d".into()),
            hosts: vec![url("https://login.example.com")],
            accounts,
            private: Vec::new(),
            loopback: Vec::new(),
            limits: Limits::default(),
            at: Instant(0),
        };
        let (ours, theirs) = (url("https://acme.my.example.com"), url("https://evil.my.example.com"));
        assert_eq!(grant.reach(&url("https://acme.my.example.com/services"), &ours), Some(Reach::Open));
        assert_eq!(grant.reach(&url("https://login.example.com/token"), &ours), Some(Reach::Open));
        assert_eq!(grant.reach(&theirs, &ours), None);
        assert!(grant.covers_base(&ours) && !grant.covers_base(&url("https://my.example.com")));
    }
}
