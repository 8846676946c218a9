//! HTTP as a plugin may speak it: the host's own form of `http.wit`, and the port behind it.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request, before it is checked, signed in and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// A path below the connection's base address, or an absolute address.
    pub target: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    /// Sending this twice does no more than sending it once.
    pub repeatable: bool,
    pub bucket: Option<String>,
}

impl Request {
    /// Bytes that the plugin gave, for its allowance.
    pub fn size(&self) -> usize {
        let pairs = pairs_size(&self.query) + pairs_size(&self.headers);
        self.target.len() + pairs + self.body.as_ref().map_or(0, Vec::len)
    }
}

impl Response {
    /// Bytes that the plugin is given, for its allowance.
    pub fn size(&self) -> usize {
        pairs_size(&self.headers) + self.body.len()
    }
}

fn pairs_size(pairs: &[(String, String)]) -> usize {
    pairs.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// What a request is for. Of those that wait for the account's allowance, the first in this order goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// An outcome on its way to the CRM, or a person who waits at a terminal.
    Outcome,
    Webhook,
    Increment,
    Backfill,
    Sweep,
}

/// A whole answer: decompressed, scrubbed of credentials, header names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpError {
    #[error("the request is not allowed: {0}")]
    Denied(String),
    #[error("the connection could not be signed in: {0}")]
    Unauthorized(String),
    #[error("the account's allowance is used up")]
    Exhausted(Option<std::time::Duration>),
    #[error("the request could not be sent: {0}")]
    Unreachable(String),
    #[error("the request was sent and no whole answer came back: {0}")]
    Unanswered(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
}

/// The way out for one call of one connection.
#[async_trait]
pub trait Outbound: Send + Sync {
    async fn send(&self, request: Request) -> Result<Response, HttpError>;

    /// Side by side as far as the limits allow; answers in the order of the requests.
    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>>;

    /// Whether `mac` is the HMAC-SHA256 of `message` under the connection's signing secret.
    fn verify_hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool;
}
