//! The key pair of the connected app, and the check of assertions that are signed with it. The private key lies in a file
//! for the client; the simulator uses the public one only.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rsa::signature::Verifier as _;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::Value;
use sha2::Sha256;

/// What Salesforce takes at most.
const LIFE_MAX_S: i64 = 300;
const KEY_BITS: usize = 2_048;

/// The audiences of production and of sandboxes.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

/// A private key as PEM, and its public key.
#[derive(Debug, Clone)]
pub(crate) struct KeyPair {
    pub(crate) private_pem: Arc<str>,
    public: RsaPublicKey,
}

impl KeyPair {
    /// The pair of this process: making one takes a while.
    pub(crate) fn of_process() -> Result<Self, String> {
        static PAIR: OnceLock<Result<KeyPair, String>> = OnceLock::new();
        PAIR.get_or_init(Self::make).clone()
    }

    fn make() -> Result<Self, String> {
        let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS).map_err(|error| error.to_string())?;
        let pem = private.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
        Ok(Self { private_pem: pem.as_str().into(), public: private.to_public_key() })
    }

    /// Refuses an assertion that is not of this client for this user, now; says why.
    pub(crate) fn check(&self, assertion: &str, client: &str, user: &str, now_ms: i64) -> Result<(), &'static str> {
        let invalid = "invalid assertion";
        let (signed, signature) = assertion.rsplit_once('.').ok_or(invalid)?;
        let (header, claims) = signed.split_once('.').ok_or(invalid)?;
        let json = |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
        let (header, claims) = (json(header).ok_or(invalid)?, json(claims).ok_or(invalid)?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok();
        let signature = signature.and_then(|bytes| Signature::try_from(bytes.as_slice()).ok()).ok_or(invalid)?;
        let key = VerifyingKey::<Sha256>::new(self.public.clone());
        if header["alg"] != "RS256" || key.verify(signed.as_bytes(), &signature).is_err() {
            return Err(invalid);
        }
        if claims["iss"] != client {
            return Err("client identifier invalid");
        }
        if claims["sub"] != user {
            return Err("user hasn't approved this consumer");
        }
        if !claims["aud"].as_str().is_some_and(|audience| AUDIENCES.contains(&audience)) {
            return Err("audience is invalid");
        }
        // Some clients write the end as a text.
        let end = &claims["exp"];
        let end = end.as_i64().or_else(|| end.as_f64().map(|end| end as i64)).or_else(|| end.as_str()?.parse().ok());
        let left_s = end.ok_or("invalid assertion")? - now_ms / 1_000;
        if (1..=LIFE_MAX_S).contains(&left_s) { Ok(()) } else { Err("assertion is not valid any more") }
    }
}
