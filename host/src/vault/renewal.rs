//! From keys that run out to new ones: each way to sign in that can do so without a person has its arm here.

use super::credential::{Keys, OAuth2Keys, TokenSource};
use super::oauth;
use super::place::{Place, TokenError};
use super::session;
use crate::egress::Egress;

/// Asks the CRM for newer keys. The old ones may be dead when this returns.
pub(super) async fn renew(egress: &Egress, place: &Place, old: &Keys) -> Result<Keys, TokenError> {
    match old {
        Keys::OAuth2(keys) => oauth2(egress, place, keys).await.map(Keys::OAuth2),
        Keys::Session(keys) => session::open(egress, place, keys).await.map(Keys::Session),
        Keys::None | Keys::Bearer(_) | Keys::Header { .. } | Keys::Basic { .. } => {
            Err(TokenError::Refused("there is nothing to renew it with".to_owned()))
        }
    }
}

async fn oauth2(egress: &Egress, place: &Place, old: &OAuth2Keys) -> Result<OAuth2Keys, TokenError> {
    let place = &place.asking_at(old.token_url.as_deref());
    match &old.source {
        TokenSource::Person { refresh: Some(refresh) } => oauth::refresh(egress, place, old, refresh).await,
        TokenSource::Person { refresh: None } => Err(TokenError::Refused("there is no refresh token".to_owned())),
        TokenSource::ClientCredentials => oauth::client_credentials(egress, place, old).await,
        TokenSource::JwtBearer(key) => oauth::jwt_bearer(egress, place, old, key).await,
    }
}
