//! A request with its answer as data, exact to the byte. The same form stands in traces and in cassettes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::model::http::{HttpError, Method, Request, Response};

/// The bytes of a body, in the form that people can read best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Text(String),
    /// Written as JSON, without spaces.
    Json(serde_json::Value),
    Base64(String),
}

/// A request as the plugin sent it, before the host signed it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    pub method: Method,
    pub target: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
}

/// What the plugin got for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Given {
    Answer {
        status: u16,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<(String, String)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Body>,
    },
    Error {
        error: HttpError,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    pub request: Sent,
    pub answer: Given,
}

impl Body {
    /// Bytes as text where they are text, so that they stay exactly what they were.
    pub fn exactly(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(BASE64.encode(bytes)),
        }
    }

    /// The bytes; none for Base64 that is none.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Json(json) => json.to_string().into_bytes(),
            Self::Base64(text) => BASE64.decode(text).unwrap_or_default(),
        }
    }

    /// As JSON, if it is JSON.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        match self {
            Self::Json(json) => Some(json.clone()),
            Self::Text(text) => serde_json::from_str(text).ok(),
            Self::Base64(_) => None,
        }
    }
}

impl From<&Request> for Sent {
    fn from(request: &Request) -> Self {
        let Request { method, target, query, headers, body, repeatable, bucket } = request.clone();
        let body = body.map(|bytes| Body::exactly(&bytes));
        Self { method, target, query, headers, body, repeatable, bucket }
    }
}

impl Sent {
    /// Method and target, for people.
    pub fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        format!("{} {}{query}", self.method.as_str(), self.target)
    }

    /// Whether it can have changed anything in the CRM.
    pub fn writes(&self) -> bool {
        !self.repeatable && !matches!(self.method, Method::Get | Method::Head)
    }
}

impl Given {
    pub fn of(answer: &Result<Response, HttpError>) -> Self {
        match answer {
            Ok(Response { status, headers, body }) => {
                let body = (!body.is_empty()).then(|| Body::exactly(body));
                Self::Answer { status: *status, headers: headers.clone(), body }
            }
            Err(error) => Self::Error { error: error.clone() },
        }
    }

    pub fn to_result(&self) -> Result<Response, HttpError> {
        match self {
            Self::Answer { status, headers, body } => {
                let body = body.as_ref().map(Body::to_bytes).unwrap_or_default().into();
                Ok(Response { status: *status, headers: headers.clone(), body })
            }
            Self::Error { error } => Err(error.clone()),
        }
    }

    /// Status or error, for people.
    pub fn line(&self) -> String {
        match self {
            Self::Answer { status, body, .. } => {
                format!("{status}, {} bytes", body.as_ref().map_or(0, |body| body.to_bytes().len()))
            }
            Self::Error { error } => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_as_the_bytes_that_it_was() {
        for bytes in [&b"{\"a\": 1}"[..], b"", b"\xff\x00", "Zo\u{eb}".as_bytes()] {
            let body = Body::exactly(bytes);
            let again: Body = serde_json::from_str(&serde_json::to_string(&body).unwrap()).unwrap();
            assert_eq!(again.to_bytes(), bytes);
        }
    }

    #[test]
    fn an_error_and_an_answer_are_told_apart_in_a_file() {
        for (text, given) in [
            (r#"{"error":{"unanswered":"cut"}}"#, Given::Error { error: HttpError::Unanswered("cut".into()) }),
            (r#"{"status":204}"#, Given::Answer { status: 204, headers: Vec::new(), body: None }),
        ] {
            assert_eq!(serde_json::from_str::<Given>(text).unwrap(), given);
            assert_eq!(serde_json::to_string(&given).unwrap(), text);
        }
    }
}
