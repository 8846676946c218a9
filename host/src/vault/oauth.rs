//! OAuth 2: the authorization code with PKCE, refreshing, client credentials and JWT bearer. Every request goes through
//! egress, under the connection's grant.

use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardRevocableToken, TokenResponse,
    TokenUrl,
};
use subtle::ConstantTimeEq;
use url::Url;

use super::credential::{JwtKey, OAuth2Keys, TokenSource};
use super::jwt;
use super::place::{Place, TokenError};
use super::secret::Secret;
use super::token_endpoint::{Asker, Token};
use crate::egress::Egress;

/// The grant type of RFC 7523.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The application that the admin registered with the CRM.
#[derive(Debug, Clone)]
pub struct Application {
    pub client_id: String,
    /// A public client has none.
    pub client_secret: Option<Secret>,
    /// Where the CRM sends the browser back to.
    pub redirect: Url,
    /// Where tokens are asked for, in place of the manifest's address.
    pub token_url: Option<String>,
}

/// A sign-in that waits for the browser to come back.
pub struct Pending {
    application: Application,
    state: CsrfToken,
    verifier: Option<PkceCodeVerifier>,
}

impl Pending {
    /// Whether a redirect belongs to this sign-in. In constant time: the state keeps strangers' codes out.
    fn began_with(&self, state: &str) -> bool {
        self.state.secret().as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// A client whose token endpoint is known.
type Client = oauth2::Client<
    BasicErrorResponse,
    Token,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The address to open in a browser, and what to keep until it comes back.
///
/// # Errors
/// `Manifest`, where the addresses are unusable.
pub(super) fn begin(place: &Place, application: Application) -> Result<(Url, Pending), TokenError> {
    let oauth2 = place.oauth2()?;
    let Some(authorize) = &oauth2.authorize else {
        return Err(TokenError::Manifest("it has no `sign-in.oauth2.authorize`".to_owned()));
    };
    let client = client(place, &application.client_id, application.client_secret.as_ref())?
        .set_auth_uri(AuthUrl::from_url(place.address(authorize)?));
    let mut request = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(oauth2.scopes.iter().cloned().map(Scope::new))
        .set_redirect_uri(std::borrow::Cow::Owned(RedirectUrl::from_url(application.redirect.clone())));
    if !oauth2.optional_scopes.is_empty() {
        // HubSpot's own: scopes that an account without the feature may lack.
        request = request.add_extra_param("optional_scope", oauth2.optional_scopes.join(" "));
    }
    let verifier = oauth2.pkce.then(|| {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        (challenge, verifier)
    });
    let (request, verifier) = match verifier {
        Some((challenge, verifier)) => (request.set_pkce_challenge(challenge), Some(verifier)),
        None => (request, None),
    };
    let (url, state) = request.url();
    Ok((url, Pending { application, state, verifier }))
}

/// Turns the code that the browser brought into keys.
pub(super) async fn finish(
    egress: &Egress,
    place: &Place,
    pending: Pending,
    code: Secret,
    state: &str,
) -> Result<OAuth2Keys, TokenError> {
    if !pending.began_with(state) {
        return Err(TokenError::StateMismatch);
    }
    let Application { client_id, client_secret, redirect, token_url } = pending.application;
    let place = &place.asking_at(token_url.as_deref());
    let client = client(place, &client_id, client_secret.as_ref())?.set_redirect_uri(RedirectUrl::from_url(redirect));
    let secrets: Vec<Secret> = client_secret.iter().chain([&code]).cloned().collect();
    let mut request = client.exchange_code(AuthorizationCode::new(code.expose().to_owned()));
    if let Some(verifier) = pending.verifier {
        request = request.set_pkce_verifier(verifier);
    }
    let asker = Asker::new(egress, place, secrets);
    let token = asker.result(request.request_async(&asker).await)?;
    let unsigned = OAuth2Keys::unsigned(client_id, client_secret, TokenSource::Person { refresh: None });
    keys(egress, place, &token, &OAuth2Keys { token_url, ..unsigned })
}

/// Asks for a new access token. The refresh token is the new one, or the old one where the CRM does not change it.
pub(super) async fn refresh(
    egress: &Egress,
    place: &Place,
    old: &OAuth2Keys,
    refresh: &Secret,
) -> Result<OAuth2Keys, TokenError> {
    let client = client(place, &old.client_id, old.client_secret.as_ref())?;
    let secrets = [Some(refresh), old.client_secret.as_ref()].into_iter().flatten().cloned().collect();
    let token = RefreshToken::new(refresh.expose().to_owned());
    let asker = Asker::new(egress, place, secrets);
    let request = client.exchange_refresh_token(&token);
    let token = asker.result(request.request_async(&asker).await)?;
    keys(egress, place, &token, old)
}

/// Signs an application in by its id and secret.
pub(super) async fn client_credentials(
    egress: &Egress,
    place: &Place,
    old: &OAuth2Keys,
) -> Result<OAuth2Keys, TokenError> {
    let client = client(place, &old.client_id, old.client_secret.as_ref())?;
    let asker = Asker::new(egress, place, old.client_secret.iter().cloned().collect());
    let request = client.exchange_client_credentials();
    let token = asker.result(request.request_async(&asker).await)?;
    keys(egress, place, &token, old)
}

/// Signs an application in for a user, with an assertion that it signs.
pub(super) async fn jwt_bearer(
    egress: &Egress,
    place: &Place,
    old: &OAuth2Keys,
    key: &JwtKey,
) -> Result<OAuth2Keys, TokenError> {
    let Some(declared) = &place.oauth2()?.jwt_bearer else {
        return Err(TokenError::Manifest("it has no `sign-in.oauth2.jwt-bearer`".to_owned()));
    };
    let audience = key.audience.as_deref().unwrap_or(&declared.audience);
    let lifetime = Duration::from_secs(declared.lifetime_seconds.into());
    let assertion = jwt::assertion(key, &old.client_id, audience, lifetime, egress.clock().now())?;
    let asker = Asker::new(egress, place, vec![assertion.clone()]);
    let token = asker.extension(&[("grant_type", JWT_BEARER), ("assertion", assertion.expose())]).await?;
    keys(egress, place, &token, old)
}

fn client(place: &Place, id: &str, secret: Option<&Secret>) -> Result<Client, TokenError> {
    let token = place.address(&place.oauth2()?.token)?;
    let mut client = oauth2::Client::new(ClientId::new(id.to_owned()))
        .set_token_uri(TokenUrl::from_url(token))
        // HubSpot knows only this way; Salesforce and Pipedrive know both.
        .set_auth_type(AuthType::RequestBody);
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    Ok(client)
}

/// The keys of an answer; what it does not say is as it was.
///
/// # Errors
/// `Instance`, where it leads out of the grant.
fn keys(egress: &Egress, place: &Place, token: &Token, old: &OAuth2Keys) -> Result<OAuth2Keys, TokenError> {
    let oauth2 = place.oauth2()?;
    let told = oauth2.instance.as_deref().and_then(|name| token.extra_fields().text(name));
    let instance = match told {
        Some(told) => Some(place.instance(told)?),
        None => old.instance.clone(),
    };
    let session = || oauth2.session_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let source = match (&old.source, token.refresh_token()) {
        (TokenSource::Person { .. }, Some(new)) => {
            TokenSource::Person { refresh: Some(Secret::new(new.secret().clone())) }
        }
        (source, _) => source.clone(),
    };
    let scopes = token.scopes().map(|list| list.iter().map(|scope| scope.to_string()).collect());
    Ok(OAuth2Keys {
        client_id: old.client_id.clone(),
        client_secret: old.client_secret.clone(),
        access: Secret::new(token.access_token().secret().clone()),
        source,
        expires_at: token.expires_in().or_else(session).map(|span| egress.clock().now().plus(span)),
        scopes: scopes.unwrap_or_else(|| old.scopes.clone()),
        instance,
        token_url: old.token_url.clone(),
    })
}
