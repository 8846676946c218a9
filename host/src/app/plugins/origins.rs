//! Origins that an admin names beside those that a plugin asks for.

use url::{Host, Url};

use crate::app::error::AppError;

/// Whether `text` names a server's origin that is not on this machine: https, a host, nothing behind it.
pub fn open_origin(text: &str) -> Result<Url, AppError> {
    let refused = || AppError::NotOrigin { given: text.to_owned() };
    let url = Url::parse(text).map_err(|_| refused())?;
    if is_bare(&url) && url.scheme() == "https" && !is_loopback(&url) { Ok(url) } else { Err(refused()) }
}

fn is_bare(url: &Url) -> bool {
    url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
}

/// Whether `text` names an origin on this machine: http or https, a loopback address or `localhost`, nothing behind it.
pub fn loopback_origin(text: &str) -> Result<Url, AppError> {
    let refused = || AppError::NotLoopback { given: text.to_owned() };
    let url = Url::parse(text).map_err(|_| refused())?;
    if is_loopback(&url) && is_bare(&url) && matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(refused())
    }
}
/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_origin_is_an_https_server_elsewhere_and_nothing_else() {
        for good in ["https://crm.example.com", "https://crm.example.com:8443/", "https://203.0.113.7"] {
            assert!(open_origin(good).is_ok(), "{good}");
        }
        for bad in [
            "http://crm.example.com",
            "https://localhost",
            "https://crm.example.com/db",
            "https://u@crm.example.com",
            "x",
        ] {
            assert_eq!(open_origin(bad).unwrap_err().code(), "not-an-origin", "{bad}");
        }
    }

    #[test]
    fn a_loopback_origin_is_on_this_machine_and_nothing_else() {
        for good in ["http://127.0.0.1:8080", "http://localhost:1", "https://[::1]:9/", "http://127.1.2.3"] {
            assert!(loopback_origin(good).is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:8080",
            "http://10.0.0.1",
            "http://example.com",
            "http://127.0.0.1/path",
            "http://127.0.0.1?x",
            "ftp://127.0.0.1",
            "http://user@127.0.0.1",
            "http://localhost.example.com",
        ] {
            assert_eq!(loopback_origin(bad).unwrap_err().code(), "not-loopback", "{bad}");
        }
    }
}
