//! A host that is not there: scripted HTTP for a plugin's own tests, with no WebAssembly and no CRM.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::connector::{Call, Signature};
use crate::http::{Error, Http, Method, Request, Response};
use crate::value::Instant;

/// An answer with a JSON body.
pub fn json(status: u16, body: &serde_json::Value) -> Response {
    answer(status, &[], body.to_string())
}

/// An answer with headers and any body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.into() }
}

type Script = dyn Fn(&Request) -> Option<Result<Response, Error>>;

/// Answers from a script, strictly: a request that nobody expects fails the test and shows what was expected.
#[derive(Default)]
pub struct FakeHttp {
    expected: RefCell<VecDeque<Expected>>,
    always: Option<Box<Script>>,
    sent: RefCell<Vec<Request>>,
}

struct Expected {
    method: Method,
    target: String,
    answer: Result<Response, Error>,
}

impl FakeHttp {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers every request by a function; `None` is a request that the test does not expect.
    pub fn answering(script: impl Fn(&Request) -> Option<Result<Response, Error>> + 'static) -> Self {
        Self { always: Some(Box::new(script)), ..Self::default() }
    }

    /// Expects a request of this method to this target next, and gives this answer.
    #[must_use]
    pub fn expect(self, method: Method, target: &str, answer: Result<Response, Error>) -> Self {
        self.expected.borrow_mut().push_back(Expected { method, target: target.to_owned(), answer });
        self
    }

    /// What was sent, in order.
    pub fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }

    /// The JSON bodies of what was sent, null where there was none.
    pub fn sent_json(&self) -> Vec<serde_json::Value> {
        let body = |request: &Request| request.body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
        self.sent.borrow().iter().map(|request| body(request).unwrap_or_default()).collect()
    }

    /// Fails unless everything that was expected has been sent.
    ///
    /// # Panics
    /// Naming what is missing.
    pub fn done(&self) {
        let left: Vec<String> = self.expected.borrow().iter().map(Expected::describe).collect();
        assert!(left.is_empty(), "never sent: {}", left.join(", "));
    }
}

impl Expected {
    fn describe(&self) -> String {
        format!("{:?} {}", self.method, self.target)
    }
}

impl Http for FakeHttp {
    fn send(&self, request: Request) -> Result<Response, Error> {
        self.sent.borrow_mut().push(request.clone());
        if let Some(script) = &self.always {
            return script(&request).unwrap_or_else(|| {
                panic!("nobody expects {:?} {} {:?}", request.method, request.target, request.query)
            });
        }
        let Some(expected) = self.expected.borrow_mut().pop_front() else {
            panic!("nobody expects another request: {:?} {}", request.method, request.target);
        };
        assert!(
            expected.method == request.method && expected.target == request.target,
            "sent {:?} {}, expected {}",
            request.method,
            request.target,
            expected.describe()
        );
        expected.answer
    }
}

/// Accepts exactly the messages that it was given, with the mac `good`.
#[derive(Debug, Clone, Default)]
pub struct FakeSignature {
    pub signed: Option<Vec<u8>>,
}

impl Signature for FakeSignature {
    fn hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        mac == b"good" && self.signed.as_deref() == Some(message)
    }
}

/// A call with these settings at this time.
pub fn call<'a>(settings: &'a str, now: Instant, http: &'a dyn Http, signature: &'a dyn Signature) -> Call<'a> {
    Call { settings, now, http, signature }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_script() {
        let http = FakeHttp::new().expect(Method::Get, "/a", Ok(answer(200, &[], "1"))).expect(
            Method::Post,
            "/b",
            Err(Error::Unanswered("cut".into())),
        );
        assert_eq!(http.send(Request::get("/a")).unwrap().body, b"1");
        assert_eq!(http.send(Request::post("/b")).unwrap_err(), Error::Unanswered("cut".into()));
        http.done();
        assert_eq!(http.sent().len(), 2);
    }

    #[test]
    #[should_panic(expected = "sent Method::Get /b, expected Method::Get /a")]
    fn an_unexpected_request_shows_what_was_expected() {
        let http = FakeHttp::new().expect(Method::Get, "/a", Ok(answer(200, &[], "")));
        let _ = http.send(Request::get("/b"));
    }

    #[test]
    #[should_panic(expected = "never sent: Method::Get /a")]
    fn what_was_never_sent_is_missed() {
        FakeHttp::new().expect(Method::Get, "/a", Ok(answer(200, &[], ""))).done();
    }
}
