//! Credentials over their life: put, used, renewed, refused, lost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::testing::*;
use super::*;
use crate::egress::testing::{Script, answer};

fn refusal() -> Script {
    let body = br#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token old-refresh"}"#;
    answer("400 Bad Request", &["content-type: application/json"], body)
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
