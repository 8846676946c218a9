//! The way out: requests that the host signs in, paces and repeats, and their answers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

pub use crate::bindings::connector::ferry::crm::http::{Error, Method, Request, Response};

/// Sends requests. In the sandbox the host does; in a test a [`FakeHttp`](crate::testing::FakeHttp).
pub trait Http {
    /// Any status is an answer, not an error.
    fn send(&self, request: Request) -> Result<Response, Error>;

    /// Side by side as far as the limits allow; answers in the order of the requests.
    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        requests.into_iter().map(|request| self.send(request)).collect()
    }
}

impl Request {
    /// Any method. `repeatable` as HTTP says: all but `post` and `patch`.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            repeatable: !matches!(method, Method::Post | Method::Patch),
            bucket: None,
        }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::Get, target)
    }

    pub fn post(target: impl Into<String>) -> Self {
        Self::new(Method::Post, target)
    }

    pub fn put(target: impl Into<String>) -> Self {
        Self::new(Method::Put, target)
    }

    pub fn patch(target: impl Into<String>) -> Self {
        Self::new(Method::Patch, target)
    }

    pub fn delete(target: impl Into<String>) -> Self {
        Self::new(Method::Delete, target)
    }

    /// One more parameter, as it is meant: the host encodes it.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A JSON body. What can't be written as JSON becomes an empty body, which no CRM takes: only maps with keys that are no
    /// texts are such.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.headers.push(("content-type".into(), "application/json".into()));
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }

    /// The host may send it again when a reply was lost: a search by `post`, for one.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Which of the manifest's rate buckets it draws from, beside the account's own.
    #[must_use]
    pub fn bucket(mut self, bucket: impl Into<String>) -> Self {
        self.bucket = Some(bucket.into());
        self
    }
}

impl Response {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON of a known shape.
    ///
    /// # Errors
    /// `temporary` where it is none: the message names the place, not the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Eof => "it ends too early",
                serde_json::error::Category::Data => "a value is of another type than expected",
                _ => "it is not JSON",
            };
            Failure::malformed(format!("{what} ({place})"))
        })
    }
}

/// The host's HTTP.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct HostHttp;

impl Http for HostHttp {
    fn send(&self, request: Request) -> Result<Response, Error> {
        crate::bindings::connector::ferry::crm::http::send(&request)
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        crate::bindings::connector::ferry::crm::http::send_all(&requests)
    }
}
