//! Sign-in: the authorize page, token endpoints, and what a request's bearer token may do.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::errors::{ApiError, Outcome};
use crate::sim::mix;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

/// HubSpot's access tokens live half an hour.
pub(crate) const TOKEN_LIFE_MS: i64 = 1_800_000;

/// An authorization code is good for some minutes only.
const CODE_LIFE_MS: i64 = 600_000;

/// All scopes that the simulated app may ask for.
pub(crate) const SCOPES: [&str; 23] = [
    "oauth",
    "account-info.security.read",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.tickets.read",
    "crm.objects.tickets.write",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.objects.owners.read",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
    "crm.lists.read",
    "crm.lists.write",
];

/// What tokens there are.
#[derive(Debug)]
pub(crate) struct Auth {
    seed: u64,
    issued: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone)]
struct Code {
    redirect_uri: String,
    scopes: BTreeSet<String>,
    challenge: Option<String>,
    expires_ms: i64,
}

/// An access token's state.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) scopes: BTreeSet<String>,
    /// None for a service key.
    pub(crate) expires_ms: Option<i64>,
}

impl Auth {
    pub(crate) fn new(seed: u64) -> Self {
        let part = |salt| format!("{:016x}", mix(seed, salt));
        let id = part(1);
        Self {
            seed,
            issued: 0,
            client_id: format!("{}-{}-4f6e-bf70-{}", &id[..8], &id[8..12], &part(2)[..12]),
            client_secret: format!("{}-{}", &part(3)[..8], part(4)),
            codes: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
        }
    }

    fn new_secret(&mut self, prefix: &str) -> String {
        self.issued += 1;
        format!("{prefix}{:016x}{:016x}", mix(self.seed ^ 0x70c, self.issued), mix(self.seed ^ 0xe4, self.issued))
    }

    /// An access token, as a sign-in gives it.
    pub(crate) fn issue_access(&mut self, scopes: BTreeSet<String>, now_ms: i64) -> String {
        let token = self.new_secret("CPz");
        self.access.retain(|_, access| access.expires_ms.is_none_or(|end| end > now_ms - 86_400_000));
        self.access.insert(token.clone(), Access { scopes, expires_ms: Some(now_ms + TOKEN_LIFE_MS) });
        token
    }

    /// A refresh token.
    pub(crate) fn issue_refresh(&mut self, scopes: BTreeSet<String>) -> String {
        let token = self.new_secret("na1-");
        self.refresh.insert(token.clone(), scopes);
        token
    }

    /// A service key with these scopes; it does not expire.
    pub(crate) fn issue_key(&mut self, scopes: BTreeSet<String>) -> String {
        let key = self.new_secret("pat-na1-");
        self.access.insert(key.clone(), Access { scopes, expires_ms: None });
        key
    }

    /// Ends every access token now; service keys stay.
    pub(crate) fn expire_all(&mut self, now_ms: i64) {
        for access in self.access.values_mut() {
            access.expires_ms = access.expires_ms.map(|end| end.min(now_ms));
        }
    }

    /// Takes a scope from every token, as an admin does who narrows the app.
    pub(crate) fn remove_scope(&mut self, scope: &str) {
        for access in self.access.values_mut() {
            access.scopes.remove(scope);
        }
        for scopes in self.refresh.values_mut() {
            scopes.remove(scope);
        }
    }

    /// The token of a request, or why it is refused.
    pub(crate) fn authenticate(&self, request: &Request, now_ms: i64) -> Result<(&str, &Access), ApiError> {
        let header = request.header("authorization").unwrap_or("");
        let Some(token) = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("bearer ")) else {
            return Err(missing_credentials());
        };
        if !is_well_formed(token) {
            return Err(ApiError::new(530, "", "The access token is badly formed"));
        }
        let (token, access) = self.access.get_key_value(token).ok_or_else(missing_credentials)?;
        match access.expires_ms {
            Some(end) if end <= now_ms => Err(expired(end, now_ms)),
            _ => Ok((token, access)),
        }
    }
}

/// Whether a token has the scope that an endpoint asks for.
pub(crate) fn require(access: &Access, scope: &str) -> Result<(), ApiError> {
    if scope.is_empty() || access.scopes.contains(scope) {
        return Ok(());
    }
    let message = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: \
        https://developers.hubspot.com/scopes.";
    let errors = json!([{"message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]}}]);
    Err(ApiError::new(403, "MISSING_SCOPES", message).with_errors(errors))
}

fn missing_credentials() -> ApiError {
    let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
        details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
    ApiError::new(401, "INVALID_AUTHENTICATION", message)
}

fn expired(end_ms: i64, now_ms: i64) -> ApiError {
    let seconds = (now_ms - end_ms) / 1_000;
    let message = format!("The OAuth token used to make this call expired {seconds} second(s) ago.");
    ApiError::new(401, "EXPIRED_AUTHENTICATION", message).with_context(json!({"expire time": [stamp::iso(end_ms)]}))
}

fn is_well_formed(token: &str) -> bool {
    token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn bad(status: &str, message: &str) -> ApiError {
    // The newest token endpoint speaks RFC 6749 beside HubSpot's own words.
    let error =
        if status == "BAD_REFRESH_TOKEN" || status == "BAD_AUTH_CODE" { "invalid_grant" } else { "invalid_request" };
    let own = ApiError::new(400, "", message);
    own.with_extra("error", error).with_extra("error_description", message).with_extra("status", status)
}

/// `GET /oauth/authorize`: consents at once and redirects with a code.
pub(crate) fn authorize(auth: &mut Auth, request: &Request, now_ms: i64) -> Outcome {
    let required = |name: &str| {
        let value = request.query(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| ApiError::invalid(format!("missing or invalid query parameter `{name}`")))
    };
    let (client_id, redirect_uri, scope) = (required("client_id")?, required("redirect_uri")?, required("scope")?);
    if client_id != auth.client_id {
        return Err(ApiError::invalid("unknown `client_id`"));
    }
    let mut target = url::Url::parse(redirect_uri).map_err(|_| ApiError::invalid("`redirect_uri` is no address"))?;
    let optional = request.query("optional_scope").unwrap_or("");
    let scopes: BTreeSet<String> =
        scope.split([' ', ',']).chain(optional.split([' ', ','])).map(str::to_owned).collect();
    let scopes: BTreeSet<String> = scopes.into_iter().filter(|scope| !scope.is_empty()).collect();
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(ApiError::invalid(format!("the app may not ask for the scope `{unknown}`")));
    }
    let challenge = request.query("code_challenge").map(str::to_owned);
    if challenge.is_some() && request.query("code_challenge_method") != Some("S256") {
        return Err(ApiError::invalid("`code_challenge_method` must be S256"));
    }
    let code = auth.new_secret("na1-c-");
    let expires_ms = now_ms + CODE_LIFE_MS;
    auth.codes.insert(code.clone(), Code { redirect_uri: redirect_uri.to_owned(), scopes, challenge, expires_ms });
    target.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = request.query("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok(Reply::empty(302).with_header("location", target))
}

/// `POST /oauth/…/token`. `rotate` ends the refresh token that was used.
pub(crate) fn token(auth: &mut Auth, request: &Request, rotate: bool, now_ms: i64) -> Outcome {
    let form: BTreeMap<String, String> = form(request)?;
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or("");
    check_client(auth, &form)?;
    let (scopes, refresh) = match given("grant_type") {
        "authorization_code" => {
            let scopes = redeem(auth, &form, now_ms)?;
            let refresh = auth.issue_refresh(scopes.clone());
            (scopes, Some(refresh))
        }
        "refresh_token" => {
            let old = given("refresh_token");
            let missing = || bad("BAD_REFRESH_TOKEN", "missing or invalid refresh token");
            let scopes = auth.refresh.get(old).cloned().ok_or_else(missing)?;
            let refresh = if rotate {
                auth.refresh.remove(old);
                auth.issue_refresh(scopes.clone())
            } else {
                old.to_owned()
            };
            (scopes, Some(refresh))
        }
        "client_credentials" => {
            (given("scope").split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(), None)
        }
        _ => return Err(bad("BAD_GRANT_TYPE", "missing or unknown grant type")),
    };
    let access = auth.issue_access(scopes.clone(), now_ms);
    let mut body = json!({"token_type": "bearer", "access_token": access, "expires_in": TOKEN_LIFE_MS / 1_000,
        "hub_id": super::account::PORTAL_ID, "user_id": 500, "scopes": scopes, "token_use": "access_token"});
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    Ok(Reply::json(200, &body))
}

fn form(request: &Request) -> Result<BTreeMap<String, String>, ApiError> {
    let content_type = request.header("content-type").unwrap_or("");
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(ApiError::new(415, "", "the token endpoint takes application/x-www-form-urlencoded"));
    }
    Ok(request.form().into_iter().collect())
}

fn check_client(auth: &Auth, form: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let same = |name: &str, own: &str| form.get(name).is_some_and(|value| value == own);
    if !same("client_id", &auth.client_id) {
        return Err(bad("BAD_CLIENT_ID", "missing or unknown client id"));
    }
    if !same("client_secret", &auth.client_secret) {
        return Err(bad("BAD_CLIENT_SECRET", "missing or invalid client secret"));
    }
    Ok(())
}

fn redeem(auth: &mut Auth, form: &BTreeMap<String, String>, now_ms: i64) -> Result<BTreeSet<String>, ApiError> {
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or("");
    // A code is good once, whatever comes of it.
    let code = auth.codes.remove(given("code")).filter(|code| code.expires_ms > now_ms);
    let code = code.ok_or_else(|| bad("BAD_AUTH_CODE", "missing or unknown auth code"))?;
    if code.redirect_uri != given("redirect_uri") {
        return Err(bad("BAD_REDIRECT_URI", "missing or mismatched redirect uri"));
    }
    if let Some(challenge) = code.challenge {
        let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
        if hashed != challenge {
            return Err(bad("BAD_AUTH_CODE", "the code verifier does not fit the challenge"));
        }
    }
    Ok(code.scopes)
}

/// `POST /oauth/…/token/introspect`.
pub(crate) fn introspect(auth: &Auth, request: &Request, now_ms: i64) -> Outcome {
    let form = form(request)?;
    check_client(auth, &form)?;
    let token = form.get("token").map(String::as_str).unwrap_or("");
    let describe = |use_: &str, scopes: &BTreeSet<String>, end_ms: Option<i64>| {
        json!({"active": true, "token_type": "bearer", "token_use": use_, "scopes": scopes, "client_id": auth.client_id,
            "hub_id": super::account::PORTAL_ID, "user_id": 500, "expires_in": end_ms.map(|end| (end - now_ms) / 1_000)})
    };
    let live = |access: &&Access| access.expires_ms.is_none_or(|end| end > now_ms);
    let body: Value = match (auth.access.get(token).filter(live), auth.refresh.get(token)) {
        (Some(access), _) => describe("access_token", &access.scopes, access.expires_ms),
        (None, Some(scopes)) => describe("refresh_token", scopes, None),
        (None, None) => json!({"active": false}),
    };
    Ok(Reply::json(200, &body))
}

/// `POST /oauth/…/token/revoke`: ends a token; unknown ones are no error.
pub(crate) fn revoke(auth: &mut Auth, request: &Request) -> Outcome {
    let form = form(request)?;
    check_client(auth, &form)?;
    let token = form.get("token").map(String::as_str).unwrap_or("");
    auth.access.remove(token);
    auth.refresh.remove(token);
    Ok(Reply::empty(200))
}

/// What the older calls tell of a token; `kind` is `access` or `refresh`.
fn info(token: &str, kind: &str, scopes: &BTreeSet<String>) -> Value {
    json!({"token": token, "token_type": kind, "scopes": scopes, "hub_id": super::account::PORTAL_ID,
        "hub_domain": "simulated.example", "user": "owner0@example.com", "user_id": 500})
}

/// `GET /oauth/v1/access-tokens/{token}`: the token itself is the credential.
pub(crate) fn access_info(auth: &Auth, token: &str, now_ms: i64) -> Outcome {
    let live = auth.access.get(token).and_then(|access| Some((access, access.expires_ms.filter(|end| *end > now_ms)?)));
    let (access, end_ms) = live.ok_or_else(|| ApiError::not_found("missing or unknown access token"))?;
    let mut body = info(token, "access", &access.scopes);
    body["app_id"] = super::account::APP_ID.into();
    body["expires_in"] = ((end_ms - now_ms) / 1_000).into();
    Ok(Reply::json(200, &body))
}

/// `GET /oauth/v1/refresh-tokens/{token}`
pub(crate) fn refresh_info(auth: &Auth, token: &str) -> Outcome {
    let scopes = auth.refresh.get(token).ok_or_else(|| ApiError::not_found("missing or unknown refresh token"))?;
    let mut body = info(token, "refresh", scopes);
    body["client_id"] = auth.client_id.clone().into();
    Ok(Reply::json(200, &body))
}

/// `DELETE /oauth/v1/refresh-tokens/{token}`: the app is uninstalled; access tokens that are out live on until they end.
pub(crate) fn delete_refresh(auth: &mut Auth, token: &str) -> Reply {
    auth.refresh.remove(token);
    Reply::empty(204)
}
