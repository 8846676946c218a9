//! Refusals in Salesforce's two forms: an array with the status of the answer, and an item of a list of results.

use serde_json::{Map, Value, json};

use crate::sim::server::Reply;

/// What an endpoint gives.
pub(crate) type Outcome = Result<Reply, ApiError>;

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// `errorCode` of an answer, `statusCode` of an item.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The fields it is about; none where it is not about fields.
    pub(crate) fields: Vec<String>,
    /// Further members of an answer.
    extra: Box<Map<String, Value>>,
    /// The whole body, where it has a form of its own.
    body: Option<Box<Value>>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new(), extra: Box::default(), body: None }
    }

    /// 400 with a code.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// 404 for an address that leads nowhere.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub(crate) fn no_method(method: &str, allowed: &str) -> Self {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are {allowed}");
        Self::new(405, "METHOD_NOT_ALLOWED", message)
    }

    pub(crate) fn deleted() -> Self {
        Self::new(404, "ENTITY_IS_DELETED", "entity is deleted")
    }

    pub(crate) fn malformed_query(message: impl Into<String>) -> Self {
        Self::bad("MALFORMED_QUERY", message)
    }

    pub(crate) fn invalid_field(message: impl Into<String>) -> Self {
        Self::bad("INVALID_FIELD", message)
    }

    /// A body that is no JSON, or JSON of another shape.
    pub(crate) fn json_parser(message: impl Into<String>) -> Self {
        Self::bad("JSON_PARSER_ERROR", message)
    }

    /// 401 for a token that has ended or never was.
    pub(crate) fn session() -> Self {
        Self::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    #[must_use]
    pub(crate) fn about(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn with_extra(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// A refusal whose body is not the usual array.
    #[must_use]
    pub(crate) fn with_body(mut self, body: Value) -> Self {
        self.body = Some(Box::new(body));
        self
    }

    /// The answer.
    pub(crate) fn into_reply(self) -> Reply {
        if let Some(body) = &self.body {
            return Reply::json(self.status, body);
        }
        let mut error = *self.extra;
        error.insert("message".to_owned(), self.message.into());
        error.insert("errorCode".to_owned(), self.code.into());
        if !self.fields.is_empty() {
            error.insert("fields".to_owned(), json!(self.fields));
        }
        Reply::json(self.status, &json!([error]))
    }

    /// As one of the `errors` of an item.
    pub(crate) fn item(&self) -> Value {
        let mut error = *self.extra.clone();
        error.insert("statusCode".to_owned(), self.code.into());
        error.insert("message".to_owned(), json!(self.message));
        error.insert("fields".to_owned(), json!(self.fields));
        Value::Object(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_has_both_documented_forms() {
        let error = ApiError::bad("STRING_TOO_LONG", "First Name: data value too large").about("FirstName");
        assert_eq!(
            error.item(),
            json!({"statusCode": "STRING_TOO_LONG", "message": "First Name: data value too large", "fields": ["FirstName"]})
        );
        let reply = error.into_reply();
        let expected = json!([{"message": "First Name: data value too large", "errorCode": "STRING_TOO_LONG", "fields": ["FirstName"]}]);
        assert_eq!((reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap()), (400, expected));
    }
}
