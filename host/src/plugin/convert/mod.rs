//! The one place where what a guest says becomes what the host trusts, and the other way round. Checks the rules of the
//! contract that its types can't express; past this point guest data is known to keep them.

mod connector;
mod mapper;
mod value;

use std::time::Duration;

pub(super) use connector::*;
pub(super) use mapper::*;
use value::{problems, wit_value};

use super::bindings::connector::ferry::crm::http as wit_http;
use super::bindings::types as wit;
use crate::capability::log::clean;
use crate::model::failure::Failure;
use crate::model::http::{HttpError, Method, Request, Response};
use crate::model::time::Instant;

/// The longest id of a record, object, field or segment, in bytes, as the contract has it.
const MAX_ID_BYTES: usize = 255;

/// The longest page token: a CRM's cursor with the connector's own state around it.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Bytes of a message for people.
const MAX_MESSAGE_BYTES: usize = 1_000;

/// Problems, permissions or mistakes that are told at once: beyond, nobody reads on.
const MAX_TOLD: usize = 100;

/// An answer that breaks a rule of the contract: which, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

type Checked<T> = Result<T, Broken>;

fn broken<T>(what: impl Into<String>) -> Checked<T> {
    Err(Broken(what.into()))
}

/// An id or a name: not empty, short enough for a key, and without control characters.
fn id(text: String, what: &str) -> Checked<String> {
    if text.is_empty() {
        return broken(format!("{what} is empty"));
    }
    if text.len() > MAX_ID_BYTES {
        return broken(format!("{what} has {} bytes, and {MAX_ID_BYTES} are the most", text.len()));
    }
    // Ids are ASCII nearly always, and then this is one pass over bytes.
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return broken(format!("{what} has a control character in it"));
    }
    Ok(text)
}

fn token(text: String) -> Checked<String> {
    if text.is_empty() {
        return broken("a page token is empty");
    }
    if text.len() > MAX_TOKEN_BYTES {
        return broken(format!("a page token has {} bytes, and {MAX_TOKEN_BYTES} are the most", text.len()));
    }
    Ok(text)
}

fn message(text: &str) -> String {
    clean(text, MAX_MESSAGE_BYTES)
}

fn millis(span: u32) -> Duration {
    Duration::from_millis(u64::from(span))
}

/// The first of `names` that stands there twice.
fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// A connector's advice.
pub(super) fn failure(failure: wit::Failure) -> Failure {
    match failure {
        wit::Failure::Unauthorized(text) => Failure::Unauthorized(message(&text)),
        wit::Failure::Forbidden(list) => {
            Failure::Forbidden(list.iter().take(MAX_TOLD).map(|text| message(text)).collect())
        }
        wit::Failure::RateLimited(wait) => Failure::RateLimited(wait.map(millis)),
        wit::Failure::QuotaExhausted(until) => Failure::QuotaExhausted(until.map(Instant)),
        wit::Failure::WindowTooLarge(number) => Failure::WindowTooLarge(number),
        wit::Failure::TokenExpired => Failure::TokenExpired,
        wit::Failure::Missing(name) => Failure::Missing(message(&name)),
        wit::Failure::Unsupported(text) => Failure::Unsupported(message(&text)),
        wit::Failure::Invalid(list) => Failure::Invalid(problems(list)),
        wit::Failure::Temporary(text) => Failure::Temporary(message(&text)),
        wit::Failure::Permanent(text) => Failure::Permanent(message(&text)),
    }
}

/// A request that a guest wants to have sent. Egress checks it.
pub(super) fn request(request: wit_http::Request) -> Request {
    Request {
        method: match request.method {
            wit_http::Method::Get => Method::Get,
            wit_http::Method::Head => Method::Head,
            wit_http::Method::Post => Method::Post,
            wit_http::Method::Put => Method::Put,
            wit_http::Method::Patch => Method::Patch,
            wit_http::Method::Delete => Method::Delete,
        },
        target: request.target,
        query: request.query,
        headers: request.headers,
        body: request.body,
        repeatable: request.repeatable,
        bucket: request.bucket,
    }
}

pub(super) fn response(answer: Result<Response, HttpError>) -> Result<wit_http::Response, wit_http::Error> {
    match answer {
        Ok(Response { status, headers, body }) => {
            // Nobody else holds a body that was just received, so this moves it.
            Ok(wit_http::Response { status, headers, body: body.into() })
        }
        Err(error) => Err(match error {
            HttpError::Denied(text) => wit_http::Error::Denied(text),
            HttpError::Unauthorized(text) => wit_http::Error::Unauthorized(text),
            HttpError::Exhausted(wait) => {
                wit_http::Error::Exhausted(wait.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)))
            }
            HttpError::Unreachable(text) => wit_http::Error::Unreachable(text),
            HttpError::Unanswered(text) => wit_http::Error::Unanswered(text),
            HttpError::TooLarge(bytes) => wit_http::Error::TooLarge(bytes),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_printable() {
        assert_eq!(id("003é".into(), "a row's id"), Ok("003é".into()));
        assert_eq!(id("x".repeat(255), "a row's id"), Ok("x".repeat(255)));
        for (bad, why) in [
            (String::new(), "a row's id is empty"),
            ("x".repeat(256), "a row's id has 256 bytes, and 255 are the most"),
            ("a\0b".into(), "a row's id has a control character in it"),
        ] {
            assert_eq!(id(bad, "a row's id"), Err(Broken(why.into())));
        }
    }

    #[test]
    fn a_failure_is_cleaned_and_cut() {
        let told = failure(wit::Failure::Temporary(format!("{}\u{1b}[2J", "x".repeat(2_000))));
        assert_eq!(told, Failure::Temporary(format!("{}… (cut)", "x".repeat(MAX_MESSAGE_BYTES))));
        assert_eq!(failure(wit::Failure::RateLimited(Some(1_500))), Failure::RateLimited(Some(millis(1_500))));
        let Failure::Forbidden(scopes) = failure(wit::Failure::Forbidden(vec!["a".into(); 500])) else { panic!() };
        assert_eq!(scopes.len(), MAX_TOLD);
    }

    #[test]
    fn a_wait_beyond_a_u32_is_the_longest_that_can_be_said() {
        let wait = HttpError::Exhausted(Some(Duration::from_secs(u64::from(u32::MAX))));
        assert!(matches!(response(Err(wait)), Err(wit_http::Error::Exhausted(Some(u32::MAX)))));
    }
}
