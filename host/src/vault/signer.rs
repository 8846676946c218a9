//! Signs one connection's requests in, and keeps its secrets out of what comes back.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::HeaderName;
use sha2::Sha256;
use url::Url;

use super::account::{Account, Current, Renewal};
use super::place::{Place, TokenError};
use super::{Shared, SignInError, scrub};
use crate::egress::SignInHeader;

/// One connection's; a clone is the same one.
#[derive(Clone)]
pub struct Signer {
    pub(super) vault: Arc<Shared>,
    pub(super) account: Arc<Account>,
    pub(super) place: Arc<Place>,
}

/// What one request was signed in with.
pub struct Authorization(Arc<Current>);

impl Signer {
    /// What to sign in with now. Renews first where it is about to expire.
    ///
    /// # Errors
    /// `Reconnect` where only a person can help, `Temporary` where the CRM can't be asked at the moment.
    pub async fn authorization(&self) -> Result<Authorization, SignInError> {
        self.account.ready(&self.vault, &self.place).await.map(Authorization)
    }

    /// The CRM answered 401 to `stale`. However many come with the same one, the CRM is asked once.
    ///
    /// # Errors
    /// As `authorization`.
    pub async fn renew(&self, stale: &Authorization) -> Result<Renewal, SignInError> {
        self.account.renew(&self.vault, &self.place, &stale.0).await
    }

    /// Whether this answer means that what the request was signed in with is no longer good, and that it was not carried out.
    pub fn is_refusal(&self, status: u16, body: &[u8]) -> bool {
        match &self.place.sign_in.session {
            Some(session) if self.account.is_session() => session.has_expired(status, body),
            _ => status == 401,
        }
    }

    /// Where relative targets lead: the account's own address, where signing in tells it. Signs in first where it has yet
    /// to be told.
    ///
    /// # Errors
    /// As `authorization`; `Reconnect` where the grant no longer covers the address.
    pub async fn base(&self) -> Result<Url, SignInError> {
        if self.place.sign_in.oauth2.as_ref().is_none_or(|oauth2| oauth2.instance.is_none()) {
            return Ok(self.place.base.clone());
        }
        self.base_of(&self.authorization().await?)
    }

    /// Where requests that are signed in with this lead.
    ///
    /// # Errors
    /// `Reconnect` where the grant does not cover it: it may have been another one when it was told.
    pub fn base_of(&self, authorization: &Authorization) -> Result<Url, SignInError> {
        match authorization.0.credential.keys.instance() {
            None => Ok(self.place.base.clone()),
            Some(instance) if self.place.grant.covers_base(instance) => Ok(instance.clone()),
            Some(instance) => Err(SignInError::Reconnect(TokenError::Instance(instance.to_string()).to_string())),
        }
    }

    /// The header that this connection signs in with, if any.
    pub fn header_name(&self) -> Option<HeaderName> {
        self.account.current()?.header.as_ref().map(|(name, _)| name.clone())
    }

    /// Whether `mac` is the HMAC-SHA256 of `message` under the connection's signing secret, compared in constant time;
    /// false where it has none.
    pub fn verify_hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        let Some(current) = self.account.current() else { return false };
        let Some(secret) = current.credential.signs_webhooks() else { return false };
        let Ok(mut check) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
        check.update(message);
        check.verify_slice(mac).is_ok()
    }
}

impl Authorization {
    /// None where the CRM needs no sign-in.
    pub fn header(&self) -> Option<&SignInHeader> {
        self.0.header.as_ref()
    }

    /// A body without the secrets that this request was sent under; not copied where there are none in it.
    pub fn scrub(&self, body: Bytes) -> Bytes {
        scrub::bytes(&self.0.needles, body)
    }

    pub fn scrub_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        scrub::text(&self.0.needles, text)
    }
}
