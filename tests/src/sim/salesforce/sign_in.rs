//! OAuth 2 of the simulated org: codes with PKCE, refresh with optional rotation, client credentials, JWT bearer, user name
//! and password; revocation, introspection, identity. Answers never say when a token ends: Salesforce does not.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::errors::{ApiError, Outcome};
use super::jwt::KeyPair;
use super::org::{INTEGRATION_USER, ORG, Org};
use crate::sim::mix;
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

/// An authorization code is good for some minutes only.
const CODE_MS: i64 = 600_000;

/// What the connected app may ask for.
const SCOPES: [&str; 6] = ["api", "refresh_token", "offline_access", "openid", "id", "full"];

/// The integration user's name.
pub(crate) const USERNAME: &str = "integration@ferry.example";

/// Clients and tokens.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    seed: u64,
    issued: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) password: String,
    pub(crate) security_token: String,
    pub(crate) instance_url: String,
    key: KeyPair,
    codes: BTreeMap<String, Code>,
    /// When each session ends unless it is used.
    sessions: BTreeMap<String, i64>,
    refresh: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Code {
    redirect_uri: String,
    challenge: Option<String>,
    expires_ms: i64,
}

impl SignIn {
    pub(crate) fn new(seed: u64, key: KeyPair) -> Self {
        let part = |salt| format!("{:016x}", mix(seed ^ 0x5f, salt));
        Self {
            seed,
            issued: 0,
            client_id: format!("3MVG9{}{}.{}", part(1), part(2), part(3)),
            client_secret: part(4).to_uppercase() + &part(5).to_uppercase(),
            password: format!("pw-{}", part(6)),
            security_token: part(7),
            instance_url: String::new(),
            key,
            codes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            refresh: BTreeSet::new(),
        }
    }

    fn secret(&mut self, prefix: &str) -> String {
        self.issued += 1;
        format!("{prefix}{:016x}{:016x}", mix(self.seed ^ 0x5a1e, self.issued), mix(self.seed ^ 0xf0, self.issued))
    }

    /// How many secrets were given so far.
    pub(crate) fn issued(&self) -> u64 {
        self.issued
    }

    /// Gives no secret again that was given before.
    pub(crate) fn issue_after(&mut self, issued: u64) {
        self.issued = issued;
    }

    /// A session, as a sign-in gives it.
    pub(crate) fn open_session(&mut self, ends_ms: i64) -> String {
        let token = self.secret(&format!("{}!AQ", &ORG.to_string()[..15]));
        self.sessions.insert(token.clone(), ends_ms);
        token
    }

    /// A refresh token.
    pub(crate) fn issue_refresh(&mut self) -> String {
        let token = self.secret("5Aep861");
        self.refresh.insert(token.clone());
        token
    }

    /// Ends all sessions; refresh tokens stay.
    pub(crate) fn end_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Ends all refresh tokens, as an admin does who revokes the app.
    pub(crate) fn revoke_all(&mut self) {
        self.sessions.clear();
        self.refresh.clear();
    }
}

/// Refuses a request whose session is unknown or has ended; a session that is used lives on.
pub(crate) fn authenticate(org: &mut Org, request: &Request) -> Result<(), ApiError> {
    let header = request.header("authorization").unwrap_or("");
    let token = ["Bearer ", "OAuth ", "bearer "].iter().find_map(|scheme| header.strip_prefix(scheme));
    let (now_ms, life_ms) = (org.now_ms(), org.switches.session_ms);
    match token.and_then(|token| org.sign_in.sessions.get_mut(token)).filter(|ends_ms| **ends_ms > now_ms) {
        Some(ends_ms) => {
            *ends_ms = now_ms + life_ms;
            Ok(())
        }
        None => Err(ApiError::session()),
    }
}

fn refused(error: &str, description: &str) -> ApiError {
    ApiError::new(400, "", description).with_body(json!({"error": error, "error_description": description}))
}

/// `GET /services/oauth2/authorize`: consents at once and redirects with a code.
pub(crate) fn authorize(org: &mut Org, request: &Request) -> Outcome {
    let given = |name: &str| request.query(name).unwrap_or("");
    if given("client_id") != org.sign_in.client_id {
        return Err(refused("invalid_client_id", "client identifier invalid"));
    }
    if given("response_type") != "code" {
        return Err(refused("unsupported_response_type", "response type must be code"));
    }
    let mut target = url::Url::parse(given("redirect_uri"))
        .map_err(|_| refused("redirect_uri_mismatch", "redirect_uri must match configuration"))?;
    if let Some(unknown) = given("scope").split(' ').find(|scope| !scope.is_empty() && !SCOPES.contains(scope)) {
        return Err(refused("invalid_scope", &format!("the requested scope is not allowed: {unknown}")));
    }
    let challenge = request.query("code_challenge").map(str::to_owned);
    // Salesforce knows only the hashed form, and takes it also where no method is named.
    if challenge.is_some() && !["", "S256"].contains(&given("code_challenge_method")) {
        return Err(refused("invalid_request", "invalid code challenge method"));
    }
    let code = org.sign_in.secret("aPrx");
    let expires_ms = org.now_ms() + CODE_MS;
    let kept = Code { redirect_uri: given("redirect_uri").to_owned(), challenge, expires_ms };
    org.sign_in.codes.insert(code.clone(), kept);
    target.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = request.query("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok(Reply::empty(302).with_header("location", target))
}

type Form = BTreeMap<String, String>;

/// The form of a request, with the client of a basic header in it.
fn form(request: &Request) -> Result<Form, ApiError> {
    let content_type = request.header("content-type").unwrap_or("");
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(refused("invalid_request", "the token endpoint takes application/x-www-form-urlencoded"));
    }
    let mut form: Form = request.form().into_iter().collect();
    let basic = request.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    if let Some(text) = basic.and_then(|basic| String::from_utf8(STANDARD.decode(basic).ok()?).ok())
        && let Some((id, secret)) = text.split_once(':')
    {
        form.insert("client_id".to_owned(), id.to_owned());
        form.insert("client_secret".to_owned(), secret.to_owned());
    }
    Ok(form)
}

fn given<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

/// `POST /services/oauth2/token`
pub(crate) fn token(org: &mut Org, request: &Request) -> Outcome {
    let form = form(request)?;
    let now_ms = org.now_ms();
    let (refresh, scope) = match given(&form, "grant_type") {
        "authorization_code" => {
            check_client(org, &form)?;
            redeem(org, &form, now_ms)?;
            (Some(org.sign_in.issue_refresh()), "refresh_token api id openid")
        }
        "refresh_token" => {
            check_client(org, &form)?;
            (renew(org, given(&form, "refresh_token"))?, "refresh_token api id openid")
        }
        "client_credentials" => {
            check_client(org, &form)?;
            (None, "api id")
        }
        "password" => {
            check_client(org, &form)?;
            let known = given(&form, "username") == USERNAME && given(&form, "password") == org.sign_in.password;
            if !known {
                return Err(refused("invalid_grant", "authentication failure"));
            }
            (None, "api id")
        }
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            let SignIn { key, client_id, .. } = &org.sign_in;
            key.check(given(&form, "assertion"), client_id, USERNAME, now_ms)
                .map_err(|why| refused("invalid_grant", why))?;
            (None, "api id")
        }
        _ => return Err(refused("unsupported_grant_type", "grant type not supported")),
    };
    Ok(Reply::json(200, &granted(org, refresh, scope, now_ms)))
}

fn granted(org: &mut Org, refresh: Option<String>, scope: &str, now_ms: i64) -> Value {
    let ends_ms = now_ms + org.switches.session_ms;
    let access = org.sign_in.open_session(ends_ms);
    let id = format!("{}/id/{ORG}/{INTEGRATION_USER}", org.sign_in.instance_url);
    let mut body = json!({"access_token": access, "instance_url": org.sign_in.instance_url, "id": id, "token_type": "Bearer",
        "issued_at": now_ms.to_string(), "scope": scope, "signature": signature(org, &id, now_ms)});
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    body
}

fn signature(org: &Org, id: &str, now_ms: i64) -> String {
    use hmac::Mac as _;
    // A key of any length is taken.
    let Ok(mut mac) = hmac::Hmac::<Sha256>::new_from_slice(org.sign_in.client_secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{id}{now_ms}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn check_client(org: &Org, form: &Form) -> Result<(), ApiError> {
    if given(form, "client_id") != org.sign_in.client_id {
        return Err(refused("invalid_client_id", "client identifier invalid"));
    }
    if given(form, "client_secret") != org.sign_in.client_secret {
        return Err(refused("invalid_client", "invalid client credentials"));
    }
    Ok(())
}

/// Gives the new refresh token where rotation is on.
fn renew(org: &mut Org, old: &str) -> Result<Option<String>, ApiError> {
    if !org.sign_in.refresh.contains(old) {
        return Err(refused("invalid_grant", "expired access/refresh token"));
    }
    if !org.switches.rotate_refresh_tokens {
        return Ok(None);
    }
    org.sign_in.refresh.remove(old);
    Ok(Some(org.sign_in.issue_refresh()))
}

fn redeem(org: &mut Org, form: &Form, now_ms: i64) -> Result<(), ApiError> {
    // A code is good once, whatever comes of it.
    let code = org.sign_in.codes.remove(given(form, "code")).filter(|code| code.expires_ms > now_ms);
    let code = code.ok_or_else(|| refused("invalid_grant", "expired authorization code"))?;
    if code.redirect_uri != given(form, "redirect_uri") {
        return Err(refused("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(given(form, "code_verifier")));
    if code.challenge.is_some_and(|challenge| challenge != hashed) {
        return Err(refused("invalid_grant", "invalid code verifier"));
    }
    Ok(())
}

/// `POST` or `GET /services/oauth2/revoke`
pub(crate) fn revoke(org: &mut Org, request: &Request) -> Outcome {
    let form: Form = request.form().into_iter().chain(request.query.iter().cloned()).collect();
    let token = given(&form, "token");
    let known = org.sign_in.sessions.remove(token).is_some() | org.sign_in.refresh.remove(token);
    if known { Ok(Reply::empty(200)) } else { Err(refused("invalid_token", "invalid token: ")) }
}

/// `POST /services/oauth2/introspect`
pub(crate) fn introspect(org: &Org, request: &Request) -> Outcome {
    let form = form(request)?;
    check_client(org, &form)?;
    let (token, now_ms) = (given(&form, "token"), org.now_ms());
    let session = org.sign_in.sessions.get(token).filter(|ends_ms| **ends_ms > now_ms);
    let kind = match (session, org.sign_in.refresh.contains(token)) {
        (Some(_), _) => "access_token",
        (None, true) => "refresh_token",
        (None, false) => return Ok(Reply::json(200, &json!({"active": false}))),
    };
    let mut body = json!({"active": true, "scope": "api refresh_token", "client_id": org.sign_in.client_id,
        "username": USERNAME, "token_type": kind, "sub": format!("{}/id/{ORG}/{INTEGRATION_USER}", org.sign_in.instance_url)});
    if let Some(ends_ms) = session {
        body["exp"] = (ends_ms / 1_000).into();
    }
    Ok(Reply::json(200, &body))
}

/// `GET /services/oauth2/userinfo` and `GET /id/{org}/{user}`
pub(crate) fn identity(org: &Org) -> Value {
    let base = &org.sign_in.instance_url;
    json!({"id": format!("{base}/id/{ORG}/{INTEGRATION_USER}"), "sub": format!("{base}/id/{ORG}/{INTEGRATION_USER}"),
        "user_id": INTEGRATION_USER, "organization_id": ORG, "username": USERNAME, "preferred_username": USERNAME,
        "name": "Ferry Integration", "display_name": "Ferry Integration", "email": USERNAME, "email_verified": true,
        "active": true, "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "timezone": "Europe/Berlin",
        "zoneinfo": "Europe/Berlin", "utcOffset": 3_600_000, "last_modified_date": stamp::iso_millis(org.started_ms, "+0000"),
        "urls": {"rest": format!("{base}/services/data/v{{version}}/"), "query": format!("{base}/services/data/v{{version}}/query/"),
            "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"), "custom_domain": base}})
}
