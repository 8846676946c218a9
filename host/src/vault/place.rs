//! Where a connection signs in, under which grant, and why there may be no token.

use std::sync::Arc;

use url::Url;

use super::credential::BadKey;
use crate::model::grant::Grant;
use crate::model::manifest::{OAuth2, SignIn};

/// Where a connection signs in, and under which grant.
#[derive(Clone)]
pub struct Place {
    pub grant: Arc<Grant>,
    pub base: Url,
    /// The ways to sign in that the connector offers.
    pub sign_in: SignIn,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Trying again does not help: a person has to connect again, or correct the application's data.
    #[error("the CRM refused the sign-in ({0})")]
    Refused(String),
    #[error("the CRM could not be asked for a token ({0})")]
    Trouble(String),
    #[error("the redirect does not belong to the sign-in that was begun: begin again, in one browser")]
    StateMismatch,
    #[error("the plugin's manifest declares no usable sign-in ({0})")]
    Manifest(String),
    /// The grant does not cover where the CRM sent us.
    #[error(
        "signing in led to `{0}`, which the plugin's grant does not cover: requests and customers' records would go there"
    )]
    Instance(String),
    #[error(transparent)]
    Key(#[from] BadKey),
}

impl Place {
    pub(super) fn oauth2(&self) -> Result<&OAuth2, TokenError> {
        self.sign_in.oauth2.as_ref().ok_or_else(|| TokenError::Manifest("it has no `sign-in.oauth2`".to_owned()))
    }

    /// The same place with another address for tokens, where there is one. The grant stays: it has to cover that address too.
    pub(super) fn asking_at(&self, token_url: Option<&str>) -> Self {
        let mut place = self.clone();
        if let (Some(oauth2), Some(address)) = (&mut place.sign_in.oauth2, token_url) {
            address.clone_into(&mut oauth2.token);
        }
        place
    }

    /// A target of the manifest as an address.
    pub(super) fn address(&self, target: &str) -> Result<Url, TokenError> {
        crate::egress::address(&self.base, target, &[]).map_err(|error| TokenError::Manifest(error.to_string()))
    }

    /// The account's own address as signing in told it, if the grant covers it.
    ///
    /// # Errors
    /// `Instance` for any other.
    pub fn instance(&self, told: &str) -> Result<Url, TokenError> {
        let refused = || {
            let shown: String = told.chars().filter(|c| !c.is_control()).take(120).collect();
            TokenError::Instance(shown)
        };
        let url = Url::parse(told).map_err(|_| refused())?;
        let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if is_bare && url.fragment().is_none() && self.grant.covers_base(&url) { Ok(url) } else { Err(refused()) }
    }
}
