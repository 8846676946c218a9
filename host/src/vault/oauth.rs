//! OAuth 2: the authorization code with PKCE, and refreshing. Every request goes through egress, under the
//! connection's grant.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicRequestTokenError, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    TokenResponse, TokenUrl,
};
use serde_json::Value as Json;
use subtle::ConstantTimeEq;
use url::Url;

use super::ask;
use super::credential::OAuth2Keys;
use super::secret::Secret;
use crate::egress::Egress;
use crate::model::grant::Grant;
use crate::model::http::{Method, Request};
use crate::model::manifest::OAuth2;
use crate::model::session::Session;
use crate::model::time::Instant;

/// Where a connection signs in, and under which grant.
#[derive(Clone)]
pub struct Place {
    pub grant: Arc<Grant>,
    pub base: Url,
    /// None where the connector offers no OAuth 2.
    pub oauth2: Option<OAuth2>,
    /// None where the connector knows no sessions.
    pub session: Option<Session>,
}

/// The application that the admin registered with the CRM.
#[derive(Debug, Clone)]
pub struct Application {
    pub client_id: String,
    /// A public client has none.
    pub client_secret: Option<Secret>,
    /// Where the CRM sends the browser back to.
    pub redirect: Url,
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
    #[error("the plugin's manifest declares no usable OAuth 2 sign-in ({0})")]
    Manifest(String),
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The address to open in a browser, and what to keep until it comes back.
///
/// # Errors
/// `Manifest`, where the addresses are unusable.
pub(super) fn begin(place: &Place, application: Application) -> Result<(Url, Pending), TokenError> {
    let oauth2 = declared(place)?;
    let client = client(place, &application.client_id, application.client_secret.as_ref())?;
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
    let Application { client_id, client_secret, redirect } = pending.application;
    let client = client(place, &client_id, client_secret.as_ref())?.set_redirect_uri(RedirectUrl::from_url(redirect));
    let secrets: Vec<Secret> = client_secret.iter().chain([&code]).cloned().collect();
    let mut request = client.exchange_code(AuthorizationCode::new(code.expose().to_owned()));
    if let Some(verifier) = pending.verifier {
        request = request.set_pkce_verifier(verifier);
    }
    let asker = Asker::new(egress, place, secrets);
    let token = asker.result(request.request_async(&asker).await)?;
    Ok(keys(&token, client_id, client_secret, None, egress.clock().now()))
}

/// Asks for a new access token. The refresh token is the new one, or the old one where the CRM does not change it.
pub(super) async fn refresh(egress: &Egress, place: &Place, old: &OAuth2Keys) -> Result<OAuth2Keys, TokenError> {
    let Some(refresh) = &old.refresh else {
        return Err(TokenError::Refused("there is no refresh token".to_owned()));
    };
    let client = client(place, &old.client_id, old.client_secret.as_ref())?;
    let secrets = [Some(refresh), old.client_secret.as_ref()].into_iter().flatten().cloned().collect();
    let token = RefreshToken::new(refresh.expose().to_owned());
    let asker = Asker::new(egress, place, secrets);
    let request = client.exchange_refresh_token(&token);
    let token = asker.result(request.request_async(&asker).await)?;
    let now = egress.clock().now();
    let mut keys = keys(&token, old.client_id.clone(), old.client_secret.clone(), Some(refresh.clone()), now);
    if keys.scopes.is_empty() {
        keys.scopes.clone_from(&old.scopes);
    }
    Ok(keys)
}

fn declared(place: &Place) -> Result<&OAuth2, TokenError> {
    place.oauth2.as_ref().ok_or_else(|| TokenError::Manifest("it has no `sign-in.oauth2`".to_owned()))
}

fn client(place: &Place, id: &str, secret: Option<&Secret>) -> Result<Client, TokenError> {
    let oauth2 = declared(place)?;
    let address = |target: &str| {
        crate::egress::address(&place.base, target, &[]).map_err(|error| TokenError::Manifest(error.to_string()))
    };
    let mut client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::from_url(address(&oauth2.authorize)?))
        .set_token_uri(TokenUrl::from_url(address(&oauth2.token)?))
        // HubSpot knows only this way; Salesforce and Pipedrive know both.
        .set_auth_type(AuthType::RequestBody);
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    Ok(client)
}

fn keys(
    token: &BasicTokenResponse,
    client_id: String,
    client_secret: Option<Secret>,
    old_refresh: Option<Secret>,
    now: Instant,
) -> OAuth2Keys {
    OAuth2Keys {
        client_id,
        client_secret,
        access: Secret::new(token.access_token().secret().clone()),
        refresh: token.refresh_token().map(|token| Secret::new(token.secret().clone())).or(old_refresh),
        expires_at: token.expires_in().map(|span| now.plus(span)),
        scopes: token.scopes().map(|list| list.iter().map(|scope| scope.to_string()).collect()).unwrap_or_default(),
    }
}

/// Sends one request for a token and judges the answer by its status: the bodies of refusals differ from CRM to CRM.
struct Asker {
    egress: Egress,
    place: Place,
    secrets: Vec<Secret>,
    verdict: Mutex<Option<TokenError>>,
}

impl<'c> AsyncHttpClient<'c> for Asker {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.send(request).await;
            if let Err(error) = &answer {
                *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            }
            answer
        })
    }
}

impl Asker {
    fn new(egress: &Egress, place: &Place, secrets: Vec<Secret>) -> Self {
        Self { egress: egress.clone(), place: place.clone(), secrets, verdict: Mutex::default() }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TokenError> {
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let request = Request {
            method: Method::Post,
            target: declared(&self.place)?.token.clone(),
            query: Vec::new(),
            headers,
            body: Some(request.into_body()),
            // A lost answer may hold the only copy of a rotated refresh token, but repeating can't bring that back.
            repeatable: false,
            bucket: None,
        };
        let answer = ask::send(&self.egress, &self.place, request).await?;
        let text = || ask::quoted(&self.secrets, &answer);
        match answer.status {
            200 => http::Response::builder().body(answer.body.to_vec()).map_err(|e| TokenError::Trouble(e.to_string())),
            400 | 401 | 403 if !is_passing(&answer.body) => Err(TokenError::Refused(text())),
            _ => Err(TokenError::Trouble(text())),
        }
    }

    fn result(
        &self,
        result: Result<BasicTokenResponse, BasicRequestTokenError<TokenError>>,
    ) -> Result<BasicTokenResponse, TokenError> {
        result.map_err(|_| {
            let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
            // The parser's own words could quote the token.
            verdict.unwrap_or_else(|| TokenError::Trouble("its answer holds no token".to_owned()))
        })
    }
}

/// Errors of RFC 6749 and RFC 8628 that pass by themselves, whatever the status.
fn is_passing(body: &[u8]) -> bool {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    matches!(json.get("error").and_then(Json::as_str), Some("temporarily_unavailable" | "server_error" | "slow_down"))
}
