//! Opens a session with a user name and a password, as the plugin's manifest declares it.

use zeroize::Zeroizing;

use super::ask;
use super::credential::{OpenSession, SessionKeys};
use super::place::{Place, TokenError};
use super::secret::Secret;
use crate::egress::Egress;
use crate::model::http::{Method, Request};
use crate::model::session::Parts;

/// Opens a new session in place of whatever there was.
pub(super) async fn open(egress: &Egress, place: &Place, old: &SessionKeys) -> Result<SessionKeys, TokenError> {
    let manifest = |why: &str| TokenError::Manifest(why.to_owned());
    let declared = place.sign_in.session.as_ref().ok_or_else(|| manifest("it has no `sign-in.session`"))?;
    let mut parts = Parts::from([
        ("user".to_owned(), Zeroizing::new(old.user.clone())),
        ("password".to_owned(), Zeroizing::new(old.password.expose().to_owned())),
    ]);
    let request = Request {
        method: Method::Post,
        target: declared.open.target.clone(),
        query: Vec::new(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(declared.body(&parts).ok_or_else(|| manifest("`open.json` is not JSON"))?),
        // Another session more does no harm, but the attempts at a wrong password are counted.
        repeatable: false,
        bucket: None,
    };
    let answer = ask::send(egress, place, request).await?;
    let quoted = || ask::quoted(std::slice::from_ref(&old.password), &answer);
    if declared.refused.iter().any(|sign| sign.shows(answer.status, &answer.body)) {
        return Err(TokenError::Refused(quoted()));
    }
    if answer.status != 200 {
        return Err(TokenError::Trouble(quoted()));
    }
    if declared.take(&answer.body, &mut parts).is_none() {
        return Err(TokenError::Trouble("its answer holds no session".to_owned()));
    }
    let value = Secret::new(declared.header_value(&mut parts).to_string());
    let own = |name: &str| matches!(name, "user" | "password");
    let taken = parts.iter().filter(|(name, _)| !own(name)).map(|(_, part)| Secret::new(part.to_string())).collect();
    let open = Some(OpenSession { header: declared.header.clone(), value, taken });
    Ok(SessionKeys { open, ..old.clone() })
}

#[cfg(test)]
mod tests {
    use crate::egress::testing::{Script, answer};
    use crate::model::manifest::SignIn;
    use crate::vault::testing::{Ground, names, shown, token};
    use crate::vault::{Keys, Place, Renewal, SessionKeys, SignInError, Signer};

    async fn ground(scripts: Vec<Script>) -> (Ground, Signer) {
        let ground = Ground::new(scripts).await;
        ground
            .put(Keys::Session(SessionKeys { user: "ada".into(), password: "correct horse".into(), open: None }))
            .await;
        let signer = signer(&ground);
        (ground, signer)
    }

    fn place(ground: &Ground) -> Place {
        let session = serde_json::json!({
            "label": "User", "open": {"target": "/open", "json": r#"["{user}", "{password}"]"#},
            "takes": {"key": "/key"}, "header": "x-session", "value": "Session {key}",
        });
        let session = Some(serde_json::from_value(session).unwrap());
        Place { sign_in: SignIn { session, ..SignIn::default() }, ..ground.place() }
    }

    fn signer(ground: &Ground) -> Signer {
        let (workspace, connection) = names();
        ground.vault.signer(&workspace, &connection, place(ground)).unwrap()
    }

    #[tokio::test]
    async fn a_session_is_opened_once_kept_and_replaced_when_it_ends() {
        let (ground, signer) = ground(vec![token(r#"{"key":"first-key"}"#), token(r#"{"key":"second-key"}"#)]).await;
        for _ in 0..3 {
            assert_eq!(shown(&signer).await.as_deref(), Ok("x-session: Session first-key"));
        }
        let asked = ground.server.asked();
        assert_eq!(asked.len(), 1);
        assert!(asked[0].starts_with("POST /open HTTP/1.1\r\n"), "{}", asked[0]);
        assert_eq!(asked[0].split("\r\n\r\n").nth(1), Some(r#"["ada","correct horse"]"#));
        let (workspace, connection) = names();
        let reopened = ground.reopened().signer(&workspace, &connection, place(&ground)).unwrap();
        assert_eq!(
            shown(&reopened).await.as_deref(),
            Ok("x-session: Session first-key"),
            "another process uses it too"
        );
        assert!(signer.is_refusal(401, b"") && !signer.is_refusal(403, b""));
        let stale = reopened.authorization().await.unwrap();
        assert_eq!(&reopened.authorization().await.unwrap().scrub_text("a first-key"), "a [credential removed]");
        assert_eq!(reopened.renew(&stale).await, Ok(Renewal::Renewed));
        assert_eq!(shown(&reopened).await.as_deref(), Ok("x-session: Session second-key"));
    }

    #[tokio::test]
    async fn a_wrong_password_is_tried_once_and_trouble_again() {
        let refusal = || answer("401 Unauthorized", &[], b"no correct horse");
        let (ground, signer) = self::ground(vec![answer("200 OK", &[], b"{}"), refusal(), refusal()]).await;
        let none = "its answer holds no session";
        assert_eq!(shown(&signer).await, Err(SignInError::Temporary(none.into())));
        ground.clock.advance(std::time::Duration::from_secs(6));
        let refused = SignInError::Reconnect("the CRM refused the sign-in (status 401)".into());
        for _ in 0..3 {
            assert_eq!(shown(&signer).await, Err(refused.clone()));
        }
        assert_eq!(ground.server.asked().len(), 2);
    }
}
