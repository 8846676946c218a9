//! Everything that can go wrong with one request, and which advice is right then.

use std::time::Duration;

use super::cassette::Troubles;
use crate::model::connector::WriteOutcome;
use crate::model::failure::{CallError, Failure};
use crate::model::http::HttpError;
use crate::trace::{Answer, Body, Call, Exchange, Given};

/// A text that no plugin may repeat: it stands where CRMs repeat a customer's values.
pub(super) const CANARY: &str = "canary-4711";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    RateLimited,
    Exhausted,
    ServerError,
    Unreachable,
    Unanswered,
    Truncated,
    Malformed,
    ExpiredSession,
    RefusedSignIn,
}

impl Trouble {
    pub(super) const ALL: [Self; 9] = [
        Self::RateLimited,
        Self::Exhausted,
        Self::ServerError,
        Self::Unreachable,
        Self::Unanswered,
        Self::Truncated,
        Self::Malformed,
        Self::ExpiredSession,
        Self::RefusedSignIn,
    ];

    /// The check that tries it, and the rule that the check holds a plugin to.
    pub(super) fn check(self) -> (&'static str, &'static str) {
        match self {
            Self::RateLimited => ("rate-limited", "a 429 is `rate-limited` or `quota-exhausted`"),
            Self::Exhausted => ("exhausted", "a used-up allowance is `rate-limited` or `quota-exhausted`"),
            Self::ServerError => ("server-error", "a 500 is `temporary`; a write is then `unknown`"),
            Self::Unreachable => ("unreachable", "a request that was not sent is `temporary`"),
            Self::Unanswered => ("unanswered", "a lost answer is `temporary`; a write is then `unknown`"),
            Self::Truncated => ("truncated", "an answer that ends early is `temporary`; a write is then `unknown`"),
            Self::Malformed => ("malformed", "an answer that can't be read is `temporary`; a write is then `unknown`"),
            Self::ExpiredSession => ("expired-session", "a 401 is `unauthorized`"),
            Self::RefusedSignIn => ("refused-sign-in", "a refused sign-in is `unauthorized`"),
        }
    }

    /// How the CRM of these cassettes tells it.
    pub(super) fn own_form(self, troubles: &Troubles) -> Option<&Given> {
        match self {
            Self::RateLimited => troubles.rate_limited.as_ref(),
            Self::ServerError => troubles.server_error.as_ref(),
            Self::ExpiredSession => troubles.expired_session.as_ref(),
            _ => None,
        }
    }

    /// Whether it can befall a request with this answer.
    pub(super) fn befalls(self, given: &Given) -> bool {
        match self {
            Self::Truncated | Self::Malformed => matches!(given, Given::Answer { body: Some(_), .. }),
            _ => true,
        }
    }

    pub(super) fn instead_of(self, given: &Given, own: Option<&Given>) -> Given {
        let error = |error| Given::Error { error };
        match (self, own) {
            (_, Some(own)) => own.clone(),
            (Self::RateLimited, _) => status(429, &[("retry-after", "7")]),
            (Self::ServerError, _) => status(500, &[]),
            (Self::ExpiredSession, _) => status(401, &[]),
            (Self::Exhausted, _) => error(HttpError::Exhausted(Some(Duration::from_secs(7)))),
            (Self::Unreachable, _) => error(HttpError::Unreachable("the connection was refused".into())),
            (Self::Unanswered, _) => error(HttpError::Unanswered("the connection was closed".into())),
            (Self::RefusedSignIn, _) => error(HttpError::Unauthorized("the sign-in was refused".into())),
            (Self::Truncated, _) => with_body(given, |bytes| bytes[..bytes.len() / 2].to_vec()),
            (Self::Malformed, _) => {
                with_body(given, |_| format!("<html><body>{CANARY}: bad gateway</body></html>").into_bytes())
            }
        }
    }

    /// The kinds of failure that are right.
    fn right(self) -> &'static [&'static str] {
        match self {
            Self::RateLimited | Self::Exhausted => &["rate-limited", "quota-exhausted"],
            Self::ExpiredSession | Self::RefusedSignIn => &["unauthorized"],
            _ => &["temporary"],
        }
    }

    /// Whether the CRM may have done what it was asked.
    fn may_be_done(self) -> bool {
        matches!(self, Self::ServerError | Self::Unanswered | Self::Truncated | Self::Malformed)
    }
}

/// An answer of this status, with a body that repeats what it should not.
pub(super) fn status(status: u16, headers: &[(&str, &str)]) -> Given {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let message = format!("{CANARY}@example.com could not be processed");
    Given::Answer { status, headers, body: Some(Body::Json(serde_json::json!({ "message": message }))) }
}

fn with_body(given: &Given, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Given {
    match given {
        Given::Answer { status, headers, body: Some(body) } => {
            let body = Some(Body::exactly(&change(&body.to_bytes())));
            Given::Answer { status: *status, headers: headers.clone(), body }
        }
        other => other.clone(),
    }
}

/// A call that met trouble.
pub(super) struct Troubled<'a> {
    pub(super) call: &'a Call,
    /// Requests that write no record, by their lines.
    pub(super) prepares: &'a [String],
    pub(super) trouble: Trouble,
    /// The request that it befell.
    pub(super) at: usize,
    /// What passed, trouble included.
    pub(super) played: &'a [Exchange],
    pub(super) usual: &'a Result<Answer, CallError>,
    pub(super) now: &'a Result<Answer, CallError>,
}

impl Troubled<'_> {
    /// What is wrong with what the plugin made of it.
    pub(super) fn complaint(&self) -> Option<String> {
        match self.now {
            Err(CallError::Fault(fault)) => Some(format!("it must fail with advice, and {}", fault.kind)),
            // What had failed before may fail in the same way: it was the CRM's refusal that could not be read.
            now if now == self.usual && !matches!(self.call, Call::Push { .. }) => None,
            Err(CallError::Advice(failure)) => self.failure(failure),
            Ok(Answer::Outcomes(outcomes)) => self.outcomes(outcomes),
            // An account is known by its first answer; permissions that could not be tried are no loss.
            Ok(Answer::Account(_)) => None,
            Ok(_) => Some("it answers as if nothing had happened, and other than usual: records would be lost".into()),
        }
    }

    fn failure(&self, failure: &Failure) -> Option<String> {
        let (kind, right) = (failure.kind(), self.trouble.right());
        if !right.contains(&kind) {
            return Some(format!("its advice is `{kind}`, and `{}` is right ({failure})", right.join("` or `")));
        }
        if !matches!(self.call, Call::Push { .. }) {
            return None;
        }
        let done = |exchange: &Exchange| {
            self.writes(exchange) && matches!(exchange.answer, Given::Answer { status: 200..300, .. })
        };
        let before = self.played.iter().take(self.at).any(done);
        let this = self.trouble.may_be_done() && self.played.get(self.at).is_some_and(|it| self.writes(it));
        if before || this {
            return Some("a failure says that no write took effect, and one may have: give an outcome to each".into());
        }
        None
    }

    fn writes(&self, exchange: &Exchange) -> bool {
        exchange.request.writes() && !self.prepares.contains(&exchange.request.line())
    }

    /// Whether the CRM said no, which its status tells also where its body can't be read.
    fn refused(&self, exchange: &Exchange) -> bool {
        matches!(self.trouble, Trouble::Truncated | Trouble::Malformed)
            && matches!(exchange.answer, Given::Answer { status: 400..500, .. })
    }

    fn outcomes(&self, outcomes: &[WriteOutcome]) -> Option<String> {
        let usual: &[WriteOutcome] = match self.usual {
            Ok(Answer::Outcomes(usual)) => usual,
            _ => &[],
        };
        let changed: Vec<&WriteOutcome> =
            outcomes.iter().enumerate().filter(|(at, it)| usual.get(*at) != Some(*it)).map(|(_, it)| it).collect();
        let write = self.played.get(self.at).is_some_and(|exchange| self.writes(exchange) && !self.refused(exchange));
        let last = self.played.len() == self.at + 1;
        if changed.is_empty() {
            return (write && last).then(|| "it says what it could not know: the answer to its write was none".into());
        }
        if changed.iter().any(|it| matches!(it, WriteOutcome::Rejected(_) | WriteOutcome::Conflict)) {
            return Some("it refuses a write for what is wrong with the CRM: `later` or `unknown` is right".into());
        }
        let unknown = outcomes.iter().any(|it| matches!(it, WriteOutcome::Unknown(_)));
        if write && self.trouble.may_be_done() && !unknown {
            return Some("a write that may have taken effect is not `unknown`: it would be sent twice".into());
        }
        None
    }
}
