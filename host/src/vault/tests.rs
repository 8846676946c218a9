//! Credentials over their life: put, used, renewed, refused, lost.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::testing::*;
use super::*;
use crate::egress::testing::{Script, answer};

const OLD: &str = "authorization: Bearer old-access";
const NEW: &str = "authorization: Bearer new-access";

fn refusal() -> Script {
    let body = br#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token old-refresh"}"#;
    answer("400 Bad Request", &["content-type: application/json"], body)
}

fn secs(seconds: u64) -> Instant {
    Instant(0).plus(Duration::from_secs(seconds))
}

/// The form that a request carried.
fn form(request: &str) -> BTreeMap<String, String> {
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_credential_outlives_the_process_and_needs_its_key() {
    let (ground, _) = Ground::signed_in(Vec::new(), Some(secs(1_800))).await;
    let (workspace, connection) = names();
    let summary = Summary {
        kind: "oauth2",
        instance: None,
        expires_at: Some(secs(1_800)),
        scopes: vec!["read".into()],
        refused: None,
        has_signing_secret: true,
    };
    assert_eq!(ground.reopened().summary(&workspace, &connection).unwrap(), Some(summary));
    let sealed = ground.store.sealed.lock().unwrap().values().next().unwrap().clone();
    assert!(!sealed.windows(6).any(|six| six == b"access" || six == b"client"), "nothing is kept in the clear");
    let other = vault(&ground.store, &ground.egress, "b");
    let error = other.summary(&workspace, &connection).unwrap_err();
    assert!(matches!(error, VaultError::Unsealable { .. }), "{error}");
    other.put(&workspace, &connection, Credential { keys: Keys::None, signing_secret: None }).await.unwrap();
    assert_eq!(other.summary(&workspace, &connection).unwrap().unwrap().kind, "none");
    other.remove(&workspace, &connection).await.unwrap();
    assert_eq!(other.summary(&workspace, &connection).unwrap(), None);
    assert!(ground.store.sealed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_without_a_credential_has_to_be_connected() {
    let ground = Ground::new(Vec::new()).await;
    let error = shown(&ground.signer()).await.unwrap_err();
    assert_eq!(error.to_string(), "it has no credential; connect it again");
}

#[tokio::test]
async fn a_hundred_refusals_of_one_token_are_one_refresh() {
    let (ground, signer) = Ground::signed_in(vec![new_tokens()], None).await;
    let stale = Arc::new(signer.authorization().await.unwrap());
    let renewals = futures::future::join_all((0..100).map(|_| {
        let (signer, stale) = (signer.clone(), Arc::clone(&stale));
        tokio::spawn(async move { signer.renew(&stale).await })
    }));
    for renewal in renewals.await {
        assert_eq!(renewal.unwrap(), Ok(Renewal::Renewed));
    }
    assert_eq!(shown(&signer).await.as_deref(), Ok(NEW));
    let asked = ground.server.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("POST /oauth/token HTTP/1.1\r\n"));
    let expected = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "old-refresh"),
        ("client_id", "client-id"),
        ("client_secret", "client-secret"),
    ];
    assert_eq!(form(&asked[0]), pairs(&expected));
    let (workspace, connection) = names();
    let reopened = ground.reopened().signer(&workspace, &connection, ground.place()).unwrap();
    assert_eq!(shown(&reopened).await.as_deref(), Ok(NEW));
}

#[tokio::test]
async fn a_token_that_cant_be_kept_is_not_used_and_not_lost() {
    let (ground, signer) = Ground::signed_in(vec![new_tokens()], None).await;
    let stale = signer.authorization().await.unwrap();
    ground.store.fails.store(true, Ordering::SeqCst);
    let error = signer.renew(&stale).await.unwrap_err();
    assert!(matches!(&error, SignInError::Temporary(why) if why.contains("could not be kept")), "{error}");
    assert_eq!(shown(&signer).await.as_deref(), Ok(OLD));
    ground.store.fails.store(false, Ordering::SeqCst);
    ground.clock.advance(Duration::from_secs(6));
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
    assert_eq!((shown(&signer).await.as_deref(), ground.server.asked().len()), (Ok(NEW), 1));
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_lose_the_new_token() {
    let (ground, signer) = Ground::signed_in(vec![new_tokens()], None).await;
    ground.store.saved.notified().await;
    let stale = signer.authorization().await.unwrap();
    {
        let renewal = std::pin::pin!(signer.renew(&stale));
        assert!(futures::poll!(renewal).is_pending());
    }
    let kept = tokio::time::timeout(Duration::from_secs(10), ground.store.saved.notified());
    kept.await.expect("the new token is kept although nobody waits for it");
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
    assert_eq!((shown(&signer).await.as_deref(), ground.server.asked().len()), (Ok(NEW), 1));
}

#[tokio::test]
async fn a_refusal_for_good_is_remembered_until_a_person_connects_again() {
    let (ground, signer) = Ground::signed_in(vec![refusal(), new_tokens()], None).await;
    let stale = signer.authorization().await.unwrap();
    // The CRM repeats the token; what is told of it does not.
    let words = "BAD_REFRESH_TOKEN: missing or invalid refresh token [credential removed]";
    let why = format!("the CRM refused the sign-in (400: {words})");
    let expected = SignInError::Reconnect(why.clone());
    for _ in 0..3 {
        assert_eq!(signer.renew(&stale).await, Err(expected.clone()));
        assert_eq!(shown(&signer).await, Err(expected.clone()));
    }
    let (workspace, connection) = names();
    let reopened = ground.reopened().signer(&workspace, &connection, ground.place()).unwrap();
    assert_eq!(shown(&reopened).await, Err(expected));
    assert_eq!((ground.summary().refused, ground.server.asked().len()), (Some(why), 1));
    ground.put(Keys::OAuth2(oauth2_keys(None))).await;
    assert_eq!((shown(&signer).await.as_deref(), ground.summary().refused), (Ok(OLD), None));
    let stale = signer.authorization().await.unwrap();
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
}

#[tokio::test]
async fn passing_trouble_is_tried_again_later_and_not_at_once() {
    let scripts = vec![
        answer("503 Busy", &[], b""),
        answer("400 Bad Request", &[], br#"{"error":"temporarily_unavailable"}"#),
        Script::Cut(Vec::new()),
        answer("200 OK", &[], b"<html>"),
        new_tokens(),
    ];
    let (ground, signer) = Ground::signed_in(scripts, None).await;
    let stale = signer.authorization().await.unwrap();
    for attempt in 1..=4 {
        for _ in 0..3 {
            let error = signer.renew(&stale).await.unwrap_err();
            assert!(matches!(error, SignInError::Temporary(_)), "{error}");
        }
        assert_eq!(ground.server.asked().len(), attempt);
        ground.clock.advance(Duration::from_secs(5));
    }
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let (ground, signer) = Ground::signed_in(vec![new_tokens()], Some(secs(1_800))).await;
    ground.clock.advance(Duration::from_secs(1_800 - 121));
    assert_eq!(shown(&signer).await.as_deref(), Ok(OLD));
    ground.clock.advance(Duration::from_secs(1));
    assert_eq!(shown(&signer).await.as_deref(), Ok(NEW));
    assert_eq!(ground.summary().expires_at, Some(secs(1_800 - 120 + 1_800)));
    assert_eq!(ground.summary().scopes, ["read"], "an answer that names no scopes changes none");
}

#[tokio::test]
async fn a_token_that_cant_be_renewed_yet_is_used_while_it_lasts() {
    let busy = || answer("503 Busy", &[], b"");
    let (ground, signer) = Ground::signed_in(vec![busy(), busy()], Some(secs(1_800))).await;
    ground.clock.advance(Duration::from_secs(1_750));
    assert_eq!(shown(&signer).await.as_deref(), Ok(OLD));
    ground.clock.advance(Duration::from_secs(50));
    assert_eq!(shown(&signer).await, Err(SignInError::Temporary("status 503".into())));
}

#[tokio::test]
async fn an_answer_with_nothing_but_a_token_is_enough() {
    let scripts = vec![token(r#"{"access_token":"new-access","token_type":"Bearer"}"#), new_tokens()];
    let (ground, signer) = Ground::signed_in(scripts, None).await;
    let stale = signer.authorization().await.unwrap();
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
    assert_eq!((shown(&signer).await.as_deref(), ground.summary().expires_at), (Ok(NEW), None));
    ground.clock.advance(Duration::from_secs(60));
    let stale = signer.authorization().await.unwrap();
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
    assert_eq!(form(&ground.server.asked()[1])["refresh_token"], "old-refresh", "it is still the one that is good");
}

#[tokio::test]
async fn what_cant_be_renewed_stays_as_it_was() {
    let ground = Ground::new(vec![new_tokens()]).await;
    for keys in [
        Keys::None,
        Keys::Bearer("pat-na1-0000".into()),
        Keys::OAuth2(OAuth2Keys { source: TokenSource::Person { refresh: None }, ..oauth2_keys(None) }),
    ] {
        ground.put(keys).await;
        let signer = ground.signer();
        let stale = signer.authorization().await.unwrap();
        assert_eq!(signer.renew(&stale).await, Ok(Renewal::AsItWas));
    }
    assert_eq!(ground.server.asked().len(), 0);
    ground.put(Keys::OAuth2(oauth2_keys(None))).await;
    let signer = ground.signer();
    let stale = signer.authorization().await.unwrap();
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
    let fresh = signer.authorization().await.unwrap();
    assert_eq!(signer.renew(&fresh).await, Ok(Renewal::AsItWas), "a newer one would be refused as well");
}

fn application() -> Application {
    let client_secret = Some("client-secret".into());
    Application { client_id: "client-id".into(), client_secret, redirect: url("http://localhost:8976/back") }
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_code_of_a_browser_becomes_keys() {
    let ground = Ground::new(vec![new_tokens()]).await;
    let (authorize, pending) = ground.vault.begin(&ground.place(), application()).unwrap();
    let mut asked = query(&authorize);
    assert_eq!(authorize.as_str().split('?').next(), Some("https://app.example.com/oauth/authorize"));
    let (state, challenge) = (asked.remove("state").unwrap(), asked.remove("code_challenge").unwrap());
    let expected = [
        ("response_type", "code"),
        ("client_id", "client-id"),
        ("redirect_uri", "http://localhost:8976/back"),
        ("scope", "read write"),
        ("optional_scope", "extra"),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(asked, pairs(&expected));
    let keys = ground.vault.finish(&ground.place(), pending, "the-code".into(), &state).await.unwrap();
    let new = OAuth2Keys {
        access: "new-access".into(),
        source: TokenSource::Person { refresh: Some("new-refresh".into()) },
        expires_at: Some(secs(1_800)),
        scopes: Vec::new(),
        ..oauth2_keys(None)
    };
    assert_eq!(keys, new);
    let mut sent = form(&ground.server.asked()[0]);
    let verifier = oauth2::PkceCodeVerifier::new(sent.remove("code_verifier").unwrap());
    assert_eq!(oauth2::PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str(), challenge);
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", "http://localhost:8976/back"),
        ("client_id", "client-id"),
        ("client_secret", "client-secret"),
    ];
    assert_eq!(sent, pairs(&expected));
}

#[tokio::test]
async fn a_strangers_code_is_not_exchanged() {
    let ground = Ground::new(vec![new_tokens()]).await;
    let (_, pending) = ground.vault.begin(&ground.place(), application()).unwrap();
    let result = ground.vault.finish(&ground.place(), pending, "the-code".into(), "guessed").await;
    assert_eq!((result, ground.server.asked().len()), (Err(TokenError::StateMismatch), 0));
}

#[tokio::test]
async fn tokens_are_asked_for_under_the_grant_only() {
    let ground = Ground::new(Vec::new()).await;
    let mut place = ground.place();
    place.sign_in.oauth2.as_mut().unwrap().token = "https://evil.example/token".into();
    let (authorize, pending) = ground.vault.begin(&place, application()).unwrap();
    let state = query(&authorize)["state"].clone();
    let result = ground.vault.finish(&place, pending, "the-code".into(), &state).await;
    assert_eq!(result, Err(TokenError::Manifest("the grant does not name `https://evil.example`".into())));
}

#[tokio::test]
async fn webhooks_are_checked_with_their_own_secret_else_with_the_clients() {
    let mac = |key: &str| {
        use hmac::{Hmac, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(b"message");
        mac.finalize().into_bytes().to_vec()
    };
    let (ground, signer) = Ground::signed_in(Vec::new(), None).await;
    assert!(signer.verify_hmac_sha256(b"message", &mac("client-secret")));
    assert!(!signer.verify_hmac_sha256(b"massage", &mac("client-secret")));
    assert!(!signer.verify_hmac_sha256(b"message", &mac("client-secret")[..31]));
    assert!(!signer.verify_hmac_sha256(b"message", b""));
    let (workspace, connection) = names();
    let credential =
        Credential { keys: Keys::OAuth2(oauth2_keys(None)), signing_secret: Some("webhook-secret".into()) };
    ground.vault.put(&workspace, &connection, credential).await.unwrap();
    assert!(signer.verify_hmac_sha256(b"message", &mac("webhook-secret")));
    assert!(!signer.verify_hmac_sha256(b"message", &mac("client-secret")));
    ground.put(Keys::Bearer("pat-na1-0000".into())).await;
    assert!(!signer.verify_hmac_sha256(b"message", &mac("")));
}

/// Keys of an application that has not signed in yet.
fn unsigned(source: TokenSource) -> Keys {
    Keys::OAuth2(OAuth2Keys::unsigned("client-id".into(), Some("client-secret".into()), source))
}

/// A place whose tokens last an hour unless they say so, and whose answers tell the account's own address.
fn elsewhere(ground: &Ground, accounts: &[&str]) -> Place {
    let mut place = ground.place();
    let oauth2 = place.sign_in.oauth2.as_mut().unwrap();
    (oauth2.session_seconds, oauth2.instance) = (Some(3_600), Some("instance_url".into()));
    let accounts = accounts.iter().map(|text| (*text).to_owned().try_into().unwrap()).collect();
    place.grant = Arc::new(crate::model::grant::Grant { accounts, ..(*place.grant).clone() });
    place
}

fn told(instance: &str) -> Script {
    token(&format!(r#"{{"access_token":"new-access","token_type":"Bearer","instance_url":"{instance}","id":"x"}}"#))
}

#[tokio::test]
async fn an_application_signs_in_by_its_secret_and_again_before_its_session_ends() {
    let instance = "https://acme.my.example.com";
    let ground = Ground::new(vec![told(instance), told(instance)]).await;
    ground.put(unsigned(TokenSource::ClientCredentials)).await;
    let (workspace, connection) = names();
    let place = elsewhere(&ground, &["https://*.my.example.com"]);
    let signer = ground.vault.signer(&workspace, &connection, place).unwrap();
    assert_eq!(signer.base().await.unwrap().as_str(), "https://acme.my.example.com/");
    assert_eq!(shown(&signer).await.as_deref(), Ok(NEW));
    let sent = [("grant_type", "client_credentials"), ("client_id", "client-id"), ("client_secret", "client-secret")];
    assert_eq!(form(&ground.server.asked()[0]), pairs(&sent));
    let expected = Summary {
        kind: "client-credentials",
        instance: Some(url(instance)),
        expires_at: Some(secs(3_600)),
        scopes: Vec::new(),
        refused: None,
        has_signing_secret: true,
    };
    assert_eq!(ground.summary(), expected);
    ground.clock.advance(Duration::from_secs(3_600 - 120));
    assert_eq!(shown(&signer).await.as_deref(), Ok(NEW));
    assert_eq!(ground.server.asked().len(), 2);
}

#[tokio::test]
async fn an_application_signs_in_for_a_user_with_its_key() {
    let ground = Ground::new(vec![told("https://acme.my.example.com")]).await;
    let key = JwtKey { pem: RSA_KEY.into(), subject: "ada@example.com".into(), audience: None };
    ground.put(unsigned(TokenSource::JwtBearer(key))).await;
    let (workspace, connection) = names();
    let place = elsewhere(&ground, &["https://*.my.example.com"]);
    let signer = ground.vault.signer(&workspace, &connection, place).unwrap();
    assert_eq!(shown(&signer).await.as_deref(), Ok(NEW));
    let sent = form(&ground.server.asked()[0]);
    assert_eq!(sent["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!((sent["assertion"].split('.').count(), sent.len()), (3, 2));
    assert_eq!(ground.summary().kind, "jwt-bearer");
    let bad = JwtKey { pem: "no key".into(), subject: "ada".into(), audience: None };
    let credential = Credential { keys: unsigned(TokenSource::JwtBearer(bad)), signing_secret: None };
    let refused = ground.vault.put(&workspace, &connection, credential).await;
    assert!(matches!(refused, Err(VaultError::BadKey(BadKey::PrivateKey))), "{refused:?}");
}

#[tokio::test]
async fn an_account_at_an_address_that_nobody_granted_is_refused() {
    for told_address in ["https://acme.evil.example", "http://acme.my.example.com", "https://my.example.com", "nowhere"]
    {
        let ground = Ground::new(vec![told(told_address)]).await;
        ground.put(unsigned(TokenSource::ClientCredentials)).await;
        let (workspace, connection) = names();
        let place = elsewhere(&ground, &["https://*.my.example.com"]);
        let signer = ground.vault.signer(&workspace, &connection, place).unwrap();
        let error = signer.base().await.unwrap_err();
        let expected = format!("signing in led to `{told_address}`, which the plugin's grant does not cover");
        assert!(matches!(&error, SignInError::Reconnect(why) if why.starts_with(&expected)), "{error}");
    }
}

#[tokio::test]
async fn a_development_grant_lets_the_account_be_on_this_machine() {
    let mut ground = Ground::new(Vec::new()).await;
    let base = ground.server.base();
    ground.server = crate::egress::testing::Server::start(vec![told(base.as_str())]).await;
    ground.put(unsigned(TokenSource::ClientCredentials)).await;
    let (workspace, connection) = names();
    let mut place = elsewhere(&ground, &[]);
    let loopback = [ground.server.base(), base.clone()].map(|url| url.to_string());
    let loopback: Vec<&str> = loopback.iter().map(String::as_str).collect();
    place.grant = Arc::new(crate::egress::testing::grant(&[], &loopback));
    let signer = ground.vault.signer(&workspace, &connection, place).unwrap();
    assert_eq!(signer.base().await, Ok(base));
}

#[tokio::test]
async fn a_new_key_seals_all_anew_or_nothing() {
    let ground = Ground::new(Vec::new()).await;
    ground.put(unsigned(TokenSource::ClientCredentials)).await;
    let key = |digit: &str| SealingKey::from_text(&digit.repeat(64)).unwrap();
    let sealed = || ground.store.sealed.lock().unwrap().values().cloned().collect::<Vec<_>>();
    let before = sealed();
    ground.store.fails.store(true, Ordering::SeqCst);
    assert!(ground.vault.rotate(key("e")).is_err());
    assert_eq!(sealed(), before);
    ground.store.fails.store(false, Ordering::SeqCst);
    assert_eq!(ground.vault.rotate(key("e")).unwrap(), 1);
    assert_ne!(sealed(), before);
    assert!(opens(&key("e"), &*ground.store).unwrap() && !opens(&key("d"), &*ground.store).unwrap());
    // It goes on with the new key.
    ground.put(unsigned(TokenSource::ClientCredentials)).await;
    assert!(opens(&key("e"), &*ground.store).unwrap());
    assert_eq!(ground.vault.rotate(key("f")).unwrap(), 1);
}
