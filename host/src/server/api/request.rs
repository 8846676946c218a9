//! What a request carries, read and checked: who asks, which thing, which page, which document. Whatever is wrong with it is
//! a problem document.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::model::token::{Scope, Token};
use crate::server::listener::Caller;

/// The largest document that is taken: an outcome with a long summary has some 20 KiB.
pub(super) const BODY_BYTES: usize = 256 * 1024;

/// How long a request waits where others of its workspace hold all that it may.
const PATIENCE: Duration = Duration::from_secs(2);

/// Items on a page, unless told.
pub(super) const PAGE_ITEMS: usize = 50;

/// The most items on a page: with long attributes this is some megabytes.
const PAGE_MOST: usize = 500;

/// The workspace of a token that may read.
pub(super) struct Reader(pub(super) Tenant);

/// The workspace of a token that may write.
pub(super) struct Writer(pub(super) Tenant);

impl FromRequestParts<Api> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        recognise(parts, api, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<Api> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        recognise(parts, api, Scope::Write).await.map(Self)
    }
}

async fn recognise(parts: &Parts, api: &Api, needed: Scope) -> Result<Tenant, Problem> {
    let (tenant, Token { id, scope, .. }) = match bearer(parts).map(|text| api.app.recognise(text)).transpose()? {
        Some(Some(known)) => known,
        // A wrong token, a revoked one and one of a workspace that is not there look alike.
        Some(None) => return Err(unauthorized("the token is not known")),
        None => return Err(unauthorized("the request carries no token")),
    };
    if scope < needed {
        let detail = format!("token `{id}` may only read");
        let remedy = "make one with `ferry token create NAME --scope write`";
        return Err(Problem::of_request(StatusCode::FORBIDDEN, "token-scope", detail, remedy));
    }
    enter(parts, api, &tenant).await?;
    Ok(tenant)
}

/// Takes a place of the workspace's share until the request is answered. Waits for it a little, as others of the workspace end.
async fn enter(parts: &Parts, api: &Api, tenant: &Tenant) -> Result<(), Problem> {
    let caller = Caller::of(&parts.extensions).ok_or_else(Problem::internal)?;
    let holder = Some(tenant.id().clone());
    match tokio::time::timeout(PATIENCE, api.requests.take(&holder)).await {
        Ok(share) => {
            caller.hold(share);
            Ok(())
        }
        Err(_) => Err(AppError::Busy.into()),
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(detail: &str) -> Problem {
    let remedy = "send `Authorization: Bearer TOKEN` with a token that `ferry token create` gave";
    Problem::of_request(StatusCode::UNAUTHORIZED, "token", detail, remedy)
}

/// The thing that the path names.
pub(in crate::server) struct Named<T>(pub(in crate::server) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let named = Path::from_request_parts(parts, api).await;
        named.map(|Path(named)| Self(named)).map_err(|error| malformed("path", error.body_text()))
    }
}

/// What stands after the `?`.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let asked = Query::from_request_parts(parts, api).await;
        asked.map(|Query(asked)| Self(asked)).map_err(|error| malformed("query", error.body_text()))
    }
}

/// The request's document, and the bytes that it was read from. No body is an empty document.
pub(super) struct Given<T> {
    pub(super) document: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned + Send> FromRequest<Api> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let bytes = whole_body(request, api).await?;
        let read = if bytes.is_empty() { serde_json::from_slice(b"{}") } else { serde_json::from_slice(&bytes) };
        match read {
            Ok(document) => Ok(Self { document, bytes }),
            Err(error) => Err(malformed("body", error.to_string())),
        }
    }
}

pub(in crate::server) async fn whole_body(request: Request, api: &Api) -> Result<Bytes, Problem> {
    Bytes::from_request(request, api).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of_request(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "the body is larger than is taken",
            "send less at a time",
        ),
        _ => malformed("body", error.body_text()),
    })
}

pub(super) fn malformed(part: &str, why: String) -> Problem {
    let detail = format!("the {part} of the request can't be read: {why}");
    Problem::of_request(StatusCode::BAD_REQUEST, "malformed-request", detail, "see /v1/openapi.json for what is taken")
}

/// Some of many things, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Give it as `cursor` to get the next page; none after the last one.
    pub(super) next: Option<String>,
}

/// How many items a page is to have.
pub(super) fn page_items(limit: Option<usize>) -> Result<usize, Problem> {
    match limit {
        None => Ok(PAGE_ITEMS),
        Some(limit) if (1..=PAGE_MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(malformed("query", format!("`limit` is not from 1 to {PAGE_MOST}"))),
    }
}

/// The id that a cursor stands for.
pub(super) fn cursor<T: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| text.parse().map_err(|_| malformed("query", format!("`{text}` is no cursor")));
    cursor.map(read).transpose()
}

/// Does what waits for the disk, away from the threads that answer.
pub(super) async fn work<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Problem::internal()),
    }
}
