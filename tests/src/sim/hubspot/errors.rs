//! Errors in HubSpot's words and shape.

use std::ops::Deref;

use serde_json::{Map, Value, json};

use crate::sim::server::Reply;

/// An error answer. Boxed, since almost every function here may return one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError(Box<Details>);

impl Deref for ApiError {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

/// `{status:"error", message, correlationId, category, …}` with its HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Details {
    pub(crate) status: u16,
    pub(crate) category: &'static str,
    pub(crate) message: String,
    /// The value of `errors`, left out when null.
    pub(crate) errors: Value,
    /// The value of `context`, left out when null.
    pub(crate) context: Value,
    /// Further members at the top, such as `policyName`.
    pub(crate) extra: Map<String, Value>,
    pub(crate) headers: Vec<(String, String)>,
}

pub(crate) type Outcome = Result<Reply, ApiError>;

impl ApiError {
    pub(crate) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            category,
            message: message.into(),
            errors: Value::Null,
            context: Value::Null,
            extra: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// 400 `VALIDATION_ERROR`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// 404 `OBJECT_NOT_FOUND`.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", message)
    }

    /// 409 `CONFLICT`.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "CONFLICT", message)
    }

    /// 404 for a path that no endpoint has.
    pub(crate) fn no_endpoint() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "Unable to find the requested resource")
    }

    /// 405 for a path that has no such method.
    pub(crate) fn no_method(method: &str) -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", format!("Method {method} is not allowed on this resource"))
    }

    pub(crate) fn with_context(mut self, context: Value) -> Self {
        self.0.context = context;
        self
    }

    pub(crate) fn with_errors(mut self, errors: Value) -> Self {
        self.0.errors = errors;
        self
    }

    pub(crate) fn with_extra(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl ToString) -> Self {
        self.0.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The answer; `correlation` tells two errors apart in HubSpot's support.
    pub(crate) fn into_reply(self, correlation: u64) -> Reply {
        let details = *self.0;
        let mut body = details.extra;
        body.entry("status").or_insert_with(|| "error".into());
        body.insert("message".to_owned(), details.message.into());
        body.insert("correlationId".to_owned(), correlation_id(correlation).into());
        if !details.category.is_empty() {
            body.insert("category".to_owned(), details.category.into());
        }
        for (name, value) in [("errors", details.errors), ("context", details.context)] {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        }
        let mut reply = Reply::json(details.status, &Value::Object(body));
        reply.headers.extend(details.headers);
        reply
    }

    /// The entry of a 207's `errors`; `key` is `ids` or `objectWriteTraceId`.
    pub(crate) fn into_batch_error(self, key: &str, values: Vec<String>) -> Value {
        let details = *self.0;
        let mut context = match details.context {
            Value::Object(context) => context,
            _ => Map::new(),
        };
        context.insert(key.to_owned(), json!(values));
        json!({"status": "error", "category": details.category, "message": details.message, "context": context,
            "errors": if details.errors.is_null() { json!([]) } else { details.errors }, "links": {}})
    }
}

/// An id in the shape of a UUID.
pub(crate) fn correlation_id(number: u64) -> String {
    let hash = crate::sim::mix(0xc0_44e1, number);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        hash >> 32,
        (hash >> 16) & 0xffff,
        hash & 0xfff,
        number & 0xfff,
        hash & 0xffff_ffff_ffff
    )
}
