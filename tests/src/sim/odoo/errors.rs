//! Refusals in Odoo's words: the class of an exception, its message, and a traceback that nobody should be shown.

use serde_json::json;

use crate::sim::server::Reply;

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    name: &'static str,
    message: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "werkzeug.exceptions.BadRequest", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "werkzeug.exceptions.NotFound", format!("{what} does not exist"))
    }

    pub(crate) fn missing(model: &str, id: i64) -> Self {
        let message = format!("Record does not exist or has been deleted.\n(Record: {model}({id},), User: 2)");
        Self::new(404, "odoo.exceptions.MissingError", message)
    }

    pub(crate) fn access(model: &str) -> Self {
        Self::new(403, "odoo.exceptions.AccessError", format!("You are not allowed to access '{model}' records."))
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(422, "odoo.exceptions.ValidationError", message)
    }

    /// An exception in Odoo's own code, as for a field that it does not know.
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new(500, "builtins.ValueError", message)
    }

    pub(crate) fn arguments(message: impl Into<String>) -> Self {
        Self::new(500, "builtins.TypeError", message)
    }

    pub(crate) fn into_reply(self) -> Reply {
        let debug = format!("Traceback (most recent call last):\n{}: {}", self.name, self.message);
        let body = json!({"name": self.name, "message": self.message, "arguments": [self.message], "context": {}, "debug": debug});
        Reply::json(self.status, &body)
    }
}
