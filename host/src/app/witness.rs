//! Watches which signatures a connector found good: those are the proofs that a webhook is the CRM's.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::capability::http::HttpLine;
use crate::model::http::{HttpError, Outbound, Request, Response};

/// Proofs of one webhook: there is one, or a few where secrets are exchanged.
const MOST_PROOFS: usize = 16;

/// The way out for a call that verifies a webhook.
pub(super) struct Witness {
    line: Arc<HttpLine>,
    proofs: Mutex<Vec<Vec<u8>>>,
}

impl Witness {
    pub(super) fn new(line: Arc<HttpLine>) -> Self {
        Self { line, proofs: Mutex::default() }
    }

    pub(super) fn proofs(&self) -> Vec<Vec<u8>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Outbound for Witness {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.line.send(request).await
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        self.line.send_all(requests).await
    }

    fn verify_hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        let holds = self.line.verify_hmac_sha256(message, mac);
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        if holds && proofs.len() < MOST_PROOFS {
            proofs.push(mac.to_vec());
        }
        holds
    }
}
