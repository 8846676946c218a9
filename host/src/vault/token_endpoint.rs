//! The token endpoint: sends one request for a token and judges the answer by its status, for the bodies of refusals differ
//! from CRM to CRM.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use oauth2::basic::{BasicRequestTokenError, BasicTokenType};
use oauth2::{AsyncHttpClient, ExtraTokenFields, HttpRequest, HttpResponse, StandardTokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::ask;
use super::place::{Place, TokenError};
use super::secret::Secret;
use crate::egress::Egress;
use crate::model::http::{Method, Request};

/// A token with whatever else the CRM says beside it.
pub(super) type Token = StandardTokenResponse<Rest, BasicTokenType>;

/// The fields of an answer that RFC 6749 does not know: one of them may be the account's own address.
#[derive(Serialize, Deserialize)]
pub(super) struct Rest {
    #[serde(flatten)]
    fields: BTreeMap<String, Json>,
}

impl Rest {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }
}

impl std::fmt::Debug for Rest {
    /// Names only: some CRMs put more tokens here.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields.keys()).finish()
    }
}

impl ExtraTokenFields for Rest {}

/// Asks for one token.
pub(super) struct Asker {
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
    /// `secrets` are those of the request: a refusal may repeat them, and is shown without.
    pub(super) fn new(egress: &Egress, place: &Place, secrets: Vec<Secret>) -> Self {
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
            target: self.place.oauth2()?.token.clone(),
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

    pub(super) fn result(
        &self,
        result: Result<Token, BasicRequestTokenError<TokenError>>,
    ) -> Result<Token, TokenError> {
        result.map_err(|_| {
            let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
            // The parser's own words could quote the token.
            verdict.unwrap_or_else(no_token)
        })
    }

    /// A grant that the `oauth2` crate has no request for.
    pub(super) async fn extension(&self, form: &[(&str, &str)]) -> Result<Token, TokenError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http::Request::post("/")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(http::header::ACCEPT, "application/json")
            .body(body.into_bytes())
            .map_err(|error| TokenError::Trouble(error.to_string()))?;
        let answer = self.send(request).await?;
        serde_json::from_slice(answer.body()).map_err(|_| no_token())
    }
}

fn no_token() -> TokenError {
    TokenError::Trouble("its answer holds no token".to_owned())
}

/// Errors of RFC 6749 and RFC 8628 that pass by themselves, whatever the status.
fn is_passing(body: &[u8]) -> bool {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    matches!(json.get("error").and_then(Json::as_str), Some("temporarily_unavailable" | "server_error" | "slow_down"))
}
