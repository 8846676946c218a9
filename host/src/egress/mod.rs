//! The only way to a CRM: checks a request against the grant, waits for the account's allowance, sends it, and sends
//! it again where that is safe. Knows nothing of credentials but the header it is handed.

mod address;
#[cfg(test)]
mod attacks;
mod download;
mod governor;
mod header;
mod resolve;
mod retry;
mod target;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use url::Url;

pub use self::download::{Download, Downloaded};
use self::governor::{Blocked, Permit};
pub use self::governor::{DailyState, Governor, GovernorState, WindowState};
pub use self::resolve::{Resolve, SystemResolver};
use self::retry::Outcome;
pub(crate) use self::target::address;
use self::wire::{Answer, Wire};
pub use self::wire::{Bounds, Prepared, SignInHeader};
use crate::model::allowance::LearnedAllowance;
use crate::model::grant::{Grant, Reach};
use crate::model::http::{HttpError, Lane, Request, Response};
use crate::model::manifest::{Daily, Rate};
use crate::model::time::{Clock, Instant};

/// What one request may wait for the account's allowance and between attempts: long enough for the 10-second windows
/// of CRMs, short enough to leave a call time for its work.
pub const WAIT_BUDGET: Duration = Duration::from_secs(20);

/// What an [`Egress`] is built from.
pub struct EgressOptions {
    pub clock: Arc<dyn Clock>,
    pub resolver: Arc<dyn Resolve>,
    pub bounds: Bounds,
}

/// How a request is paid for and how long it may take.
#[derive(Clone)]
pub struct Terms {
    /// The account's governor; none for requests that no allowance counts, as those for tokens.
    pub governor: Option<Arc<Governor>>,
    pub lane: Lane,
    /// Waits end by then.
    pub waits_until: Instant,
    /// The answer is there by then, or there is none.
    pub ends: Instant,
    /// The largest body of an answer, in bytes, decompressed.
    pub body_limit: u64,
}

/// Every place of the account is taken, and was for as long as the request could wait.
fn crowded() -> HttpError {
    HttpError::Unreachable("too many requests of this account are under way".to_owned())
}

/// One per process; a clone is the same one.
#[derive(Clone)]
pub struct Egress(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    wire: Wire,
    governors: Mutex<HashMap<String, Arc<Governor>>>,
}

impl Egress {
    pub fn new(options: EgressOptions) -> Self {
        let EgressOptions { clock, resolver, bounds } = options;
        Self(Arc::new(Shared { clock, wire: Wire::new(resolver, bounds), governors: Mutex::default() }))
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The governor of a CRM account: the same one for the same `account`, whichever connection or sync asks. A new one begins
    /// with what is known from before.
    pub fn governor(
        &self,
        account: &str,
        rates: &[Rate],
        daily: Option<&Daily>,
        known: Option<&LearnedAllowance>,
    ) -> Arc<Governor> {
        let mut governors = self.0.governors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(governor) = governors.get(account) {
            governor.declare(rates, daily);
            return Arc::clone(governor);
        }
        let governor = Arc::new(Governor::new(Arc::clone(&self.0.clock), rates, daily));
        if let Some(known) = known {
            governor.restore(known);
        }
        governors.insert(account.to_owned(), Arc::clone(&governor));
        governor
    }

    /// How every account stands that was used in this process, by its key.
    pub fn governors(&self) -> Vec<(String, GovernorState)> {
        let governors = self.0.governors.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states: Vec<_> = governors.iter().map(|(key, governor)| (key.clone(), governor.state())).collect();
        states.sort_by(|one, other| one.0.cmp(&other.0));
        states
    }

    /// Checks what a plugin wants to send. `sign_in` is the header that is added later, which the plugin may not set.
    ///
    /// # Errors
    /// `Denied`, with the reason.
    pub fn prepare(
        &self,
        grant: &Grant,
        base: &Url,
        request: Request,
        sign_in: Option<&HeaderName>,
    ) -> Result<Prepared, HttpError> {
        let url = target::address(base, &request.target, &request.query)?;
        let Some(reach) = grant.reach(&url, base) else {
            let origin = url.origin().ascii_serialization();
            return Err(HttpError::Denied(format!("the grant does not name `{origin}`")));
        };
        if reach != Reach::Loopback && url.scheme() != "https" {
            let origin = url.origin().ascii_serialization();
            return Err(HttpError::Denied(format!(
                "`{origin}` is not `https`: customers' records never travel in the clear"
            )));
        }
        wire::literal(&url, reach)?;
        let most = self.0.wire.bounds.request_bytes;
        if let Some(length) = request.body.as_ref().map(Vec::len).filter(|length| *length > most) {
            return Err(HttpError::Denied(format!(
                "a body of {length} bytes is more than the {most} that may be sent"
            )));
        }
        let headers = header::outgoing(&request.headers, sign_in)?;
        let Request { method, body, repeatable, bucket, .. } = request;
        Ok(Prepared { method, url, headers, body: body.map(Bytes::from), repeatable, bucket, reach })
    }

    /// Sends until there is an answer to give back. Any status is an answer.
    ///
    /// # Errors
    /// As [`HttpError`] says; `Unauthorized` is not among them.
    pub async fn send(
        &self,
        prepared: &Prepared,
        sign_in: Option<&SignInHeader>,
        terms: &Terms,
    ) -> Result<Response, HttpError> {
        let waits_until = terms.waits_until.min(self.0.clock.now().plus(WAIT_BUDGET));
        let mut last = None;
        let mut attempt = 1;
        loop {
            let permit = match self.permit(prepared, terms, waits_until).await {
                Ok(permit) => permit,
                Err(Blocked::Day(wait)) => return Err(HttpError::Exhausted(wait)),
                Err(Blocked::TooLong(wait)) => return last.unwrap_or(Err(HttpError::Exhausted(Some(wait)))),
            };
            let result = self.attempt(prepared, sign_in, terms, permit).await;
            let (result, outcome) = self.judged(result, prepared.repeatable);
            let interval = terms.governor.as_ref().map_or(Duration::ZERO, |g| g.interval(prepared.bucket.as_deref()));
            let Some(pause) = retry::pause(outcome, attempt, interval, rand::random()) else { return result };
            let until = self.0.clock.now().plus(pause);
            let throttled = matches!(outcome, Outcome::Throttled(_));
            match &terms.governor {
                // Everybody on the bucket waits, this request among them, each by its own patience.
                Some(governor) if throttled => governor.pause(prepared.bucket.as_deref(), until),
                _ if until > waits_until => return result,
                _ => self.0.clock.sleep(pause).await,
            }
            last = Some(result);
            attempt += 1;
        }
    }

    async fn permit(&self, prepared: &Prepared, terms: &Terms, until: Instant) -> Result<Option<Permit>, Blocked> {
        match &terms.governor {
            Some(governor) => governor.acquire(terms.lane, prepared.bucket.as_deref(), until).await.map(Some),
            None => Ok(None),
        }
    }

    async fn attempt(
        &self,
        prepared: &Prepared,
        sign_in: Option<&SignInHeader>,
        terms: &Terms,
        permit: Option<Permit>,
    ) -> Result<Answer, HttpError> {
        let left = terms.ends.since(self.0.clock.now());
        let _place = match &terms.governor {
            Some(governor) => Some(governor.place(terms.lane, left).await.ok_or_else(crowded)?),
            None => None,
        };
        let left = terms.ends.since(self.0.clock.now());
        let answer = self.0.wire.exchange(prepared, sign_in, terms.body_limit, left).await?;
        if let Some(permit) = permit {
            let wait = retry::retry_after(&answer.headers, self.0.clock.now());
            permit.answered(answer.status, &answer.headers, &answer.body, wait);
        }
        Ok(answer)
    }

    fn judged(&self, result: Result<Answer, HttpError>, repeatable: bool) -> (Result<Response, HttpError>, Outcome) {
        match result {
            Ok(Answer { status, headers, body }) => {
                let wait = retry::retry_after(&headers, self.0.clock.now());
                let response = Response { status, headers: header::incoming(&headers), body };
                (Ok(response), retry::outcome(status, wait, repeatable))
            }
            Err(error) => {
                let outcome = retry::outcome_of_error(&error, repeatable);
                (Err(error), outcome)
            }
        }
    }
}
