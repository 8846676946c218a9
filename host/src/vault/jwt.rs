//! The assertion of an application that signs in for a user: a JWT, RS256 (RFC 7523). Signs only; asks nobody.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::credential::{BadKey, JwtKey};
use super::secret::Secret;
use crate::model::time::Instant;

/// Whether the key can sign: read once before it is kept, so that a wrong file is told at once.
pub(super) fn check(key: &Secret) -> Result<(), BadKey> {
    pair(key).map(|_| ())
}

/// PEM, PKCS#8 or PKCS#1, RSA of 2,048 bits or more.
fn pair(key: &Secret) -> Result<RsaKeyPair, BadKey> {
    let der = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| BadKey::PrivateKey)?;
    let pair = match &der {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(BadKey::PrivateKey),
    };
    pair.map_err(|_| BadKey::PrivateKey)
}

/// The signed assertion, good from now for `lifetime`.
pub(super) fn assertion(
    key: &JwtKey,
    issuer: &str,
    audience: &str,
    lifetime: Duration,
    now: Instant,
) -> Result<Secret, BadKey> {
    let pair = pair(&key.pem)?;
    let seconds = |at: Instant| at.0.div_euclid(1_000_000);
    let claims = json!({
        "iss": issuer, "sub": key.subject, "aud": audience, "iat": seconds(now), "exp": seconds(now.plus(lifetime)),
    });
    let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| BadKey::PrivateKey)?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    #[test]
    fn an_assertion_says_who_asks_for_whom_and_is_signed() {
        let pem = Secret::from(crate::vault::testing::RSA_KEY);
        let public = pair(&pem).unwrap().public().as_ref().to_vec();
        let key = JwtKey { pem, subject: "ada@example.com".into(), audience: None };
        let now = Instant(1_763_805_600_000_000);
        let jwt = assertion(&key, "client-id", "https://login.example.com", Duration::from_secs(180), now).unwrap();
        let parts: Vec<&str> = jwt.expose().split('.').collect();
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
        let expected = json!({
            "iss": "client-id", "sub": "ada@example.com", "aud": "https://login.example.com",
            "iat": 1_763_805_600, "exp": 1_763_805_780,
        });
        assert_eq!(claims, expected);
        assert_eq!(decoded(parts[0]), br#"{"alg":"RS256","typ":"JWT"}"#);
        let message = format!("{}.{}", parts[0], parts[1]);
        let verified =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(message.as_bytes(), &decoded(parts[2]));
        assert!(verified.is_ok() && parts.len() == 3);
    }

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        for text in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(check(&text.into()), Err(BadKey::PrivateKey), "{text}");
        }
    }
}
