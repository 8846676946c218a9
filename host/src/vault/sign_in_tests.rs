//! Signing in: what is asked of the CRM, and which answers are believed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::testing::*;
use super::*;
use crate::egress::testing::Script;

fn application() -> Application {
    let client_secret = Some("client-secret".into());
    let redirect = url("http://localhost:8976/back");
    Application { client_id: "client-id".into(), client_secret, redirect, token_url: None }
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
async fn a_sandbox_of_the_crm_is_asked_for_the_first_token_and_for_the_next() {
    let ground = Ground::new(vec![new_tokens(), new_tokens()]).await;
    let mut place = ground.place();
    place.sign_in.oauth2.as_mut().unwrap().token = "https://oauth.example.com/token".into();
    let token_url = Some(ground.server.base().join("/sandbox/token").unwrap().into());
    let (authorize, pending) = ground.vault.begin(&place, Application { token_url, ..application() }).unwrap();
    let state = query(&authorize)["state"].clone();
    let keys = ground.vault.finish(&place, pending, "the-code".into(), &state).await.unwrap();
    ground.put(Keys::OAuth2(keys)).await;
    let (workspace, connection) = names();
    let signer = ground.reopened().signer(&workspace, &connection, place).unwrap();
    let stale = signer.authorization().await.unwrap();
    assert_eq!(signer.renew(&stale).await, Ok(Renewal::Renewed));
    let asked = ground.server.asked();
    assert!(asked.len() == 2 && asked.iter().all(|request| request.starts_with("POST /sandbox/token ")), "{asked:#?}");
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
