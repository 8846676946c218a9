//! Names to addresses, checked where they are used: what is refused here is never connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolving};

use super::address::objection;
use crate::model::grant::Reach;

/// The most addresses of one name that are tried: a hostile zone can hold thousands.
const MAX_ADDRESSES: usize = 32;

/// Where names are looked up: the machine's own way in production, a table in tests.
#[async_trait]
pub trait Resolve: Send + Sync {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's resolver, with its hosts file and search rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A name leads where the grant does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` leads to `{address}`, {why}")]
pub(crate) struct Forbidden {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
    pub(crate) why: &'static str,
}

/// Refuses the name as soon as one of its addresses is refused: a mixed answer is an attack or a mistake, and which
/// address a connection would take is chance.
pub(crate) fn checked(host: &str, addresses: &[IpAddr], reach: Reach) -> Result<(), Forbidden> {
    match addresses.iter().find_map(|address| objection(*address, reach).map(|why| (*address, why))) {
        Some((address, why)) => Err(Forbidden { host: host.to_owned(), address, why }),
        None => Ok(()),
    }
}

/// The resolver of one client. The addresses that it lets through are those that the connection is made to: there is
/// no second look-up between check and use.
pub(crate) struct CheckedResolver {
    pub(crate) inner: Arc<dyn Resolve>,
    pub(crate) reach: Reach,
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (inner, reach) = (Arc::clone(&self.inner), self.reach);
        Box::pin(async move {
            let mut found = inner.resolve(name.as_str()).await?;
            found.truncate(MAX_ADDRESSES);
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            checked(name.as_str(), &found, reach)?;
            // Port 0 stands for the port of the request.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_address_refuses_the_whole_name() {
        let (good, bad): (IpAddr, IpAddr) = ("1.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap());
        assert_eq!(checked("crm.example.com", &[good], Reach::Open), Ok(()));
        assert_eq!(
            checked("crm.example.com", &[good, bad], Reach::Open),
            Err(Forbidden {
                host: "crm.example.com".into(),
                address: bad,
                why: "a private address, which only `--allow-private` opens"
            }),
        );
    }
}
