//! Signing in to a CRM: which ways a plugin offers, and OAuth 2 from the first address to the keys.

use url::Url;

use super::Tenant;
use super::connections::place;
use super::error::AppError;
use crate::model::id::{ConnectionId, PluginId};
use crate::model::manifest::{Manifest, SignIn};
use crate::vault::{Application, Credential, OAuth2Keys, Pending, Place, Secret};

/// The ways to sign in that a plugin offers, as in its manifest; none where it needs no sign-in.
pub fn ways(offered: &SignIn) -> Vec<&'static str> {
    let oauth2 = offered.oauth2.as_ref();
    let ways = [
        (oauth2.is_some_and(|oauth2| oauth2.authorize.is_some()), "oauth2"),
        (oauth2.is_some_and(|oauth2| oauth2.client_credentials), "client-credentials"),
        (oauth2.is_some_and(|oauth2| oauth2.jwt_bearer.is_some()), "jwt-bearer"),
        (offered.bearer.is_some(), "bearer"),
        (offered.header.is_some(), "header"),
        (offered.basic.is_some(), "basic"),
        (offered.session.is_some(), "session"),
    ];
    ways.into_iter().filter_map(|(there, way)| there.then_some(way)).collect()
}

/// Whether the plugin signs in the way that the credential is for.
pub(super) fn check_way(manifest: &Manifest, credential: &Credential) -> Result<(), AppError> {
    let given = credential.keys.way();
    let offers = ways(&manifest.sign_in);
    let plugin = manifest.plugin.id.clone();
    match given {
        "none" if offers.is_empty() => Ok(()),
        "none" => Err(AppError::SignInMissing { plugin, offers }),
        given if offers.contains(&given) => Ok(()),
        given => Err(AppError::SignInNotOffered { plugin, given, offers }),
    }
}

/// A sign-in that waits for the browser to come back.
pub struct BegunSignIn {
    connection: ConnectionId,
    /// To be opened in a browser.
    pub address: Url,
    /// What the browser has to bring back.
    pub state: String,
    place: Place,
    pending: Pending,
}

/// What OAuth 2 needs to know beside the plugin's manifest.
pub struct SignInRequest<'a> {
    pub connection: &'a ConnectionId,
    pub plugin: &'a PluginId,
    pub base: Option<&'a Url>,
    pub application: Application,
    /// In place of the manifest's, for a CRM at another address.
    pub authorize: Option<Url>,
}

impl Tenant {
    /// Begins to sign in with OAuth 2.
    pub fn begin_sign_in(&self, request: SignInRequest<'_>) -> Result<BegunSignIn, AppError> {
        let mut place = place(&self.plugin(request.plugin)?, request.base)?;
        if let (Some(oauth2), Some(address)) = (&mut place.sign_in.oauth2, request.authorize) {
            oauth2.authorize = Some(address.into());
        }
        let token = |error| AppError::Token { connection: request.connection.clone(), error };
        let (address, pending) = self.app.vault()?.begin(&place, request.application).map_err(token)?;
        let state = address.query_pairs().find(|(name, _)| name == "state");
        let state = state.map(|(_, value)| value.into_owned()).unwrap_or_default();
        Ok(BegunSignIn { connection: request.connection.clone(), address, state, place, pending })
    }

    /// The account's own address, where `told` has it under the name that the plugin's manifest gives.
    ///
    /// # Errors
    /// Where the grant does not cover it.
    pub fn instance(
        &self,
        plugin: &PluginId,
        base: Option<&Url>,
        told: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Url>, AppError> {
        let place = place(&self.plugin(plugin)?, base)?;
        let field = place.sign_in.oauth2.as_ref().and_then(|oauth2| oauth2.instance.as_deref());
        let instance = field.and_then(told).map(|told| place.instance(&told)).transpose();
        instance.map_err(|error| AppError::Instance { plugin: plugin.clone(), error })
    }

    /// Turns what the browser brought back into keys. They are not kept yet.
    pub async fn finish_sign_in(&self, begun: BegunSignIn, code: Secret, state: &str) -> Result<OAuth2Keys, AppError> {
        let BegunSignIn { connection, place, pending, .. } = begun;
        let keys = self.app.vault()?.finish(&place, pending, code, state).await;
        keys.map_err(|error| AppError::Token { connection, error })
    }
}
