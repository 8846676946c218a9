//! A family of origins, one of which each account of a CRM has: `https://*.my.example.com`. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

const FORM: &str = "`https://*.`, then a name of at least two parts, as in `https://*.my.example.com`";

/// Any host below one name, over https, at one port. Never the name itself, never an address in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginPattern {
    /// `.my.example.com`: the dot in front keeps `evilmy.example.com` out.
    suffix: String,
    port: u16,
}

/// A text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a family of addresses: write {FORM}")]
pub struct BadPattern {
    given: String,
}

const HTTPS_PORT: u16 = 443;

impl OriginPattern {
    /// Whether an address belongs to the family.
    pub fn covers(&self, address: &Url) -> bool {
        let (Some(Host::Domain(name)), Some(port)) = (address.host(), address.port_or_known_default()) else {
            return false;
        };
        let is_label =
            |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let below = name.strip_suffix(&self.suffix);
        address.scheme() == "https" && port == self.port && below.is_some_and(|below| below.split('.').all(is_label))
    }
}

impl TryFrom<String> for OriginPattern {
    type Error = BadPattern;

    fn try_from(given: String) -> Result<Self, BadPattern> {
        let name = given.strip_prefix("https://*.").filter(|name| !name.contains('*'));
        let url = name.and_then(|name| Url::parse(&format!("https://{name}")).ok());
        let bare = |url: &Url| {
            url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        };
        match url.as_ref().filter(|url| bare(url)).map(|url| (url.host(), url.port_or_known_default())) {
            Some((Some(Host::Domain(name)), Some(port))) if name.trim_end_matches('.').contains('.') => {
                Ok(Self { suffix: format!(".{name}"), port })
            }
            _ => Err(BadPattern { given }),
        }
    }
}

impl From<OriginPattern> for String {
    fn from(pattern: OriginPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            HTTPS_PORT => write!(f, "https://*{}", self.suffix),
            port => write!(f, "https://*{}:{port}", self.suffix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<OriginPattern, BadPattern> {
        OriginPattern::try_from(text.to_owned())
    }

    #[test]
    fn a_family_is_what_lies_below_its_name_and_nothing_else() {
        let family = pattern("https://*.my.example.com").unwrap();
        for (address, covered) in [
            ("https://acme.my.example.com", true),
            ("https://acme--dev.sandbox.my.example.com:443/x?y", true),
            ("https://ACME.My.Example.com/", true),
            ("https://my.example.com", false),
            ("https://evilmy.example.com", false),
            ("https://acme.my.example.com.evil.org", false),
            ("https://acme.my.example.com.", false),
            ("https://acme.my.example.com:8443", false),
            ("http://acme.my.example.com", false),
            ("https://*.my.example.com", false),
            ("https://.my.example.com", false),
            ("https://a..my.example.com", false),
            ("https://a_b.my.example.com", false),
            ("https://127.0.0.1", false),
            ("https://[::1]", false),
        ] {
            assert_eq!(Url::parse(address).is_ok_and(|url| family.covers(&url)), covered, "{address}");
        }
    }

    #[test]
    fn a_pattern_names_scheme_star_and_at_least_two_parts() {
        for text in ["https://*.example.com", "https://*.my.example.com:8443"] {
            assert_eq!(pattern(text).unwrap().to_string(), text);
        }
        for text in [
            "https://example.com",
            "http://*.example.com",
            "https://*.com",
            "https://*.com.",
            "https://*",
            "https://*.*.example.com",
            "https://a*.example.com",
            "https://*.example.com/path",
            "https://*.user@example.com",
            "https://*.10.0.0.1",
            "*.example.com",
            "",
        ] {
            assert!(pattern(text).unwrap_err().to_string().contains("https://*."), "{text}");
        }
    }
}
