//! Errors as problem details (RFC 9457), with the codes and remedies that the command line gives too.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::advice::{Advice, Class};
use crate::app::error::AppError;

/// Where the media type of problems is registered: RFC 9457, section 3.
const MEDIA_TYPE: &str = "application/problem+json";

/// What a caller that should wait is asked to wait.
const RETRY_AFTER_S: &str = "5";

/// Why a request was not done. Boxed, since most are done.
#[derive(Debug)]
pub(crate) struct Problem(Box<ProblemDetails>);

/// Why a request was not done, and what to do next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// Names the code as a URI.
    #[serde(rename = "type")]
    #[schema(example = "urn:ferry:problem:sync-not-found")]
    kind: String,
    /// What the status says.
    title: &'static str,
    status: u16,
    detail: String,
    /// Stable, for machines.
    #[schema(example = "sync-not-found")]
    code: &'static str,
    /// Who can mend it: `plugin`, `host`, `crm`, `configuration` or `machine`.
    whose: &'static str,
    /// The next step.
    remedy: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
}

impl Problem {
    /// One that the request itself is to blame for.
    pub(crate) fn of_request(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let bare = ProblemDetails::bare(status, code, detail.into(), remedy.into());
        Self(Box::new(ProblemDetails { whose: "configuration", ..bare }))
    }

    /// Something that must not happen.
    pub(crate) fn internal() -> Self {
        let (detail, remedy) = ("a mistake in ferry".to_owned(), "report it with the server's log".to_owned());
        Self(Box::new(ProblemDetails::bare(StatusCode::INTERNAL_SERVER_ERROR, "panic", detail, remedy)))
    }
}

impl ProblemDetails {
    fn bare(status: StatusCode, code: &'static str, detail: String, remedy: String) -> Self {
        Self {
            kind: format!("urn:ferry:problem:{code}"),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail,
            code,
            whose: "host",
            remedy,
            causes: Vec::new(),
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let advice = error.advice();
        let (causes, detail) = (error.causes(), error.to_string());
        let bare = ProblemDetails::bare(status(&error, &advice), advice.code, detail, advice.remedy);
        Self(Box::new(ProblemDetails { whose: advice.whose.as_str(), causes, ..bare }))
    }
}

fn status(error: &AppError, advice: &Advice) -> StatusCode {
    match error {
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        AppError::Exists { .. }
        | AppError::InUse { .. }
        | AppError::Running { .. }
        | AppError::NotRunning(_)
        | AppError::WebhookReplayed { .. }
        | AppError::SeveralContacts { .. } => StatusCode::CONFLICT,
        AppError::BadKey => StatusCode::BAD_REQUEST,
        AppError::Webhook { .. } => StatusCode::UNAUTHORIZED,
        AppError::Stopping | AppError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ if advice.code == "store-disk-full" => StatusCode::INSUFFICIENT_STORAGE,
        _ => match advice.class {
            Class::Configuration => StatusCode::UNPROCESSABLE_ENTITY,
            Class::SignIn | Class::Crm | Class::Plugin => StatusCode::BAD_GATEWAY,
            Class::Stopped => StatusCode::CONFLICT,
            Class::State | Class::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
