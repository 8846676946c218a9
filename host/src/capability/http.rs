//! `http` and `signature` for one call of one connection: signs in, sends through egress, signs in anew after a 401,
//! and takes credentials out of what comes back.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use url::Url;

use crate::egress::{Egress, Governor, Prepared, Terms};
use crate::model::grant::Grant;
use crate::model::http::{HttpError, Lane, Outbound, Request, Response};
use crate::vault::{Authorization, Renewal, SignInError, Signer};

/// Requests of one call side by side: enough to hide a CRM's latency, few enough for its limits on concurrency.
const SIDE_BY_SIDE: usize = 8;
/// The largest body of one answer, whatever the grant: pages of CRMs have some hundred KiB.
const LARGEST_BODY: u64 = 64 * MIB;
const MIB: u64 = 1024 * 1024;
/// What a call keeps for itself of its time, so that a slow CRM ends as the CRM's failure and not as the plugin's.
const RESERVE: Duration = Duration::from_secs(2);

/// What an [`HttpLine`] is built from.
pub struct HttpLineOptions {
    pub egress: Egress,
    pub signer: Signer,
    pub grant: Arc<Grant>,
    pub governor: Arc<Governor>,
    pub lane: Lane,
}

/// The way out for one call; made when the call begins.
pub struct HttpLine {
    egress: Egress,
    signer: Signer,
    grant: Arc<Grant>,
    terms: Terms,
    requests_left: AtomicU32,
}

impl HttpLine {
    pub fn new(options: HttpLineOptions) -> Self {
        let HttpLineOptions { egress, signer, grant, governor, lane } = options;
        let limits = grant.limits;
        let now = egress.clock().now();
        let call = Duration::from_secs(limits.call_seconds.into());
        let ends = now.plus(call.saturating_sub(RESERVE).max(call / 2));
        let terms = Terms {
            governor: Some(governor),
            lane,
            // A call that waited for two thirds of its time could not use what it waited for.
            waits_until: now.plus(call * 2 / 3),
            ends,
            // The plugin holds the body and what it reads out of it at the same time.
            body_limit: (u64::from(limits.memory_mib) * MIB / 2).min(LARGEST_BODY),
        };
        Self { egress, signer, grant, terms, requests_left: AtomicU32::new(limits.host_calls) }
    }

    async fn send_within(&self, request: Request, body_limit: u64) -> Result<Response, HttpError> {
        self.count()?;
        let base = self.signer.base().await.map_err(not_signed_in)?;
        let prepared = self.egress.prepare(&self.grant, &base, request, self.signer.header_name().as_ref())?;
        let terms = Terms { body_limit, ..self.terms.clone() };
        // Only the account's own origin sees the sign-in.
        if !same_origin(prepared.url(), &base) {
            return self.egress.send(&prepared, None, &terms).await;
        }
        let authorization = self.signer.authorization().await.map_err(not_signed_in)?;
        let answer = self.egress.send(&prepared, authorization.header(), &terms).await;
        match &answer {
            Ok(refusal) if self.signer.is_refusal(refusal.status, &refusal.body) => {
                self.again(&prepared, &terms, authorization, answer).await
            }
            _ => scrubbed(answer, &authorization),
        }
    }

    /// What was not signed in was not carried out, so the request is repeated whatever it is, once, if there is anything newer to sign in
    /// with.
    async fn again(
        &self,
        prepared: &Prepared,
        terms: &Terms,
        stale: Authorization,
        answer: Result<Response, HttpError>,
    ) -> Result<Response, HttpError> {
        match self.signer.renew(&stale).await.map_err(not_signed_in)? {
            Renewal::AsItWas => scrubbed(answer, &stale),
            Renewal::Renewed => {
                let authorization = self.signer.authorization().await.map_err(not_signed_in)?;
                let base = self.signer.base_of(&authorization).map_err(not_signed_in)?;
                if !same_origin(prepared.url(), &base) {
                    let why = "the account has moved to another address, where the next request goes";
                    return Err(HttpError::Unreachable(why.to_owned()));
                }
                let answer = self.egress.send(prepared, authorization.header(), terms).await;
                scrubbed(answer, &authorization)
            }
        }
    }

    /// One call of `send-all` can hold many requests: each counts.
    fn count(&self) -> Result<(), HttpError> {
        let left = self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(|_| ())
            .map_err(|_| HttpError::Denied(format!("one call may make {} requests", self.grant.limits.host_calls)))
    }
}

#[async_trait]
impl Outbound for HttpLine {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.send_within(request, self.terms.body_limit).await
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        // The answers reach the plugin together, so together they have to fit.
        let room = AtomicU64::new(self.terms.body_limit);
        let room = &room;
        let answers = requests.into_iter().map(|request| async move {
            let answer = self.send_within(request, room.load(Ordering::Relaxed)).await?;
            let size = answer.body.len() as u64;
            let fits = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
            fits.map(|_| answer).map_err(|_| HttpError::TooLarge(self.terms.body_limit))
        });
        stream::iter(answers).buffered(SIDE_BY_SIDE).collect().await
    }

    fn verify_hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        self.signer.verify_hmac_sha256(message, mac)
    }
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Nothing was sent, or it was answered by a 401: in neither case was anything executed.
fn not_signed_in(error: SignInError) -> HttpError {
    match error {
        SignInError::Reconnect(_) => HttpError::Unauthorized(error.to_string()),
        SignInError::Temporary(why) => HttpError::Unreachable(format!("signing in failed: {why}")),
    }
}

fn scrubbed(answer: Result<Response, HttpError>, authorization: &Authorization) -> Result<Response, HttpError> {
    let mut answer = answer?;
    answer.body = authorization.scrub(answer.body);
    for (_, value) in &mut answer.headers {
        if let std::borrow::Cow::Owned(clean) = authorization.scrub_text(value) {
            *value = clean;
        }
    }
    Ok(answer)
}
