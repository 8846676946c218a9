//! Sign-in: the authorize page, the token endpoint, and what a request's token may do.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::account::COMPANY_DOMAIN;
use super::errors::{ApiError, Outcome};
use crate::sim::mix;
use crate::sim::server::{Reply, Request};

/// Pipedrive's access tokens live an hour.
const TOKEN_LIFE_MS: i64 = 3_600_000;

/// A code is good for five minutes.
const CODE_LIFE_MS: i64 = 300_000;

/// The scopes of the simulated app.
pub(crate) const SCOPES: [&str; 6] =
    ["base", "contacts:full", "leads:read", "deals:full", "activities:full", "recents:read"];

#[derive(Debug)]
pub(crate) struct Auth {
    seed: u64,
    issued: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) api_token: String,
    scopes: BTreeSet<String>,
    codes: BTreeMap<String, (String, i64)>,
    /// When each access token ends.
    access: BTreeMap<String, i64>,
    refresh: BTreeSet<String>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// An OAuth app: it has scopes and four times the burst.
    App,
    /// A user's own token.
    User,
}

impl Auth {
    pub(crate) fn new(seed: u64) -> Self {
        let part = |salt| format!("{:016x}", mix(seed ^ 0x91de, salt));
        Self {
            seed,
            issued: 0,
            client_id: part(1),
            client_secret: format!("{}{}", part(2), part(3)),
            api_token: format!("{}{}{}", part(4), part(5), &part(6)[..8]),
            scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            codes: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeSet::new(),
        }
    }

    fn secret(&mut self, prefix: &str) -> String {
        self.issued += 1;
        format!("{prefix}{:016x}{:016x}", mix(self.seed ^ 0xacc, self.issued), mix(self.seed ^ 0xe55, self.issued))
    }

    pub(crate) fn issue_access(&mut self, now_ms: i64) -> String {
        let token = self.secret("v1u:");
        self.access.insert(token.clone(), now_ms + TOKEN_LIFE_MS);
        token
    }

    pub(crate) fn issue_refresh(&mut self) -> String {
        let token = self.secret("62515:");
        self.refresh.insert(token.clone());
        token
    }

    /// Ends every access token now.
    pub(crate) fn expire_all(&mut self, now_ms: i64) {
        self.access.values_mut().for_each(|end| *end = now_ms.min(*end));
    }

    pub(crate) fn remove_scope(&mut self, scope: &str) {
        self.scopes.remove(scope);
    }

    /// Who asks, or why nobody is let in.
    pub(crate) fn authenticate(&self, request: &Request, now_ms: i64) -> Result<Caller, ApiError> {
        let unauthorized = |message: &str| Err(ApiError::new(401, "ERR_UNAUTHORIZED", message));
        if request.query("api_token").is_some() {
            // It works in the real CRM, but a key has no place in an address.
            return unauthorized("send the API token in the header x-api-token");
        }
        match (request.header("authorization"), request.header("x-api-token")) {
            (Some(_), Some(_)) => unauthorized("send one credential only"),
            (None, Some(token)) if token == self.api_token => Ok(Caller::User),
            (Some(header), None) => match header.strip_prefix("Bearer ").and_then(|token| self.access.get(token)) {
                Some(end) if *end > now_ms => Ok(Caller::App),
                _ => unauthorized("Invalid token: access token is invalid"),
            },
            _ => unauthorized("unauthorized access"),
        }
    }

    /// Whether the app's scopes, or a user's token, open an area.
    pub(crate) fn allows(&self, caller: Caller, area: &str) -> bool {
        let has = |scope: String| self.scopes.contains(&scope);
        caller == Caller::User || area == "base" || has(format!("{area}:full")) || has(format!("{area}:read"))
    }
}

/// `GET /oauth/authorize`: consents at once and redirects with a code.
pub(crate) fn authorize(auth: &mut Auth, request: &Request, now_ms: i64) -> Outcome {
    let bad = |message: &str| ApiError::new(400, "ERR_BAD_REQUEST", message);
    let redirect = request.query("redirect_uri").unwrap_or_default().to_owned();
    if request.query("client_id") != Some(&auth.client_id) {
        return Err(bad("unknown client_id"));
    }
    let mut target = url::Url::parse(&redirect).map_err(|_| bad("redirect_uri is no address"))?;
    let code = auth.secret("c");
    auth.codes.insert(code.clone(), (redirect, now_ms + CODE_LIFE_MS));
    target.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = request.query("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok(Reply::empty(302).with_header("location", target))
}

/// `POST /oauth/token`: the client in the header `Authorization` or in the form.
pub(crate) fn token(auth: &mut Auth, request: &Request, rotate: bool, now_ms: i64) -> Outcome {
    let refuse = |status, error: &str, message: &str| {
        Ok(Reply::json(status, &json!({"success": false, "error": error, "message": message})))
    };
    let is_form =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return refuse(400, "invalid_request", "the token endpoint takes a form");
    }
    let form: BTreeMap<String, String> = request.form().into_iter().collect();
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", auth.client_id, auth.client_secret)));
    let in_form = given("client_id") == auth.client_id && given("client_secret") == auth.client_secret;
    if request.header("authorization").map_or(!in_form, |header| header != basic) {
        return refuse(401, "invalid_client", "Invalid client: client is invalid");
    }
    let refresh = match given("grant_type") {
        "authorization_code" => {
            // A code is good once, whatever comes of it.
            let code = auth.codes.remove(given("code")).filter(|(_, end)| *end > now_ms);
            if code.is_none_or(|(redirect, _)| redirect != given("redirect_uri")) {
                return refuse(400, "invalid_grant", "Invalid grant: authorization code is invalid");
            }
            auth.issue_refresh()
        }
        "refresh_token" => {
            let old = given("refresh_token").to_owned();
            if !auth.refresh.contains(&old) {
                return refuse(400, "invalid_grant", "Invalid grant: refresh token is invalid");
            }
            if rotate {
                auth.refresh.remove(&old);
                auth.issue_refresh()
            } else {
                old
            }
        }
        _ => return refuse(400, "unsupported_grant_type", "Unsupported grant type"),
    };
    let scope = auth.scopes.iter().cloned().collect::<Vec<_>>().join(",");
    let host = request.header("host").unwrap_or(COMPANY_DOMAIN);
    let body = json!({"access_token": auth.issue_access(now_ms), "token_type": "bearer", "refresh_token": refresh,
        "scope": scope, "expires_in": TOKEN_LIFE_MS / 1_000, "api_domain": format!("http://{host}")});
    Ok(Reply::json(200, &body))
}
