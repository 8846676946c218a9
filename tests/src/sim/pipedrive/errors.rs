//! Refusals in Pipedrive's words.

use serde_json::json;

use crate::sim::server::Reply;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    code: &'static str,
    message: String,
}

/// What an endpoint gives.
pub(crate) type Outcome = Result<Reply, ApiError>;

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// 400 with the path of what is wrong.
    pub(crate) fn validation(path: &str, message: &str) -> Self {
        Self::new(400, "ERR_SCHEMA_VALIDATION_FAILED", format!("Validation failed: {path}: {message}"))
    }

    pub(crate) fn not_found(item: &str) -> Self {
        Self::new(404, "ERR_NOT_FOUND", format!("{item} not found"))
    }

    pub(crate) fn into_reply(self) -> Reply {
        let body = json!({"success": false, "error": self.message, "code": self.code, "data": null,
            "error_info": "Please check developers.pipedrive.com for more information about Pipedrive API."});
        Reply::json(self.status, &body)
    }
}
