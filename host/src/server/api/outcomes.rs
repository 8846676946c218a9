//! `/v1/outcomes` and `/v1/dead-letters`

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Problem, ProblemDetails};
use super::request::{Asked, Given, Named, Page, Reader, Writer, cursor, page_items, work};
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::app::outcomes::{NewOutcome, Recorded, Wanted};
use crate::model::id::{ContactId, OutboxId, SyncId};
use crate::model::outcome::OutcomeKind;
use crate::model::sync::MatchKey;
use crate::server::documents::{OutboxEntry, Values};

/// What happened with a contact. It is named by exactly one of `contact`, `email` and `phone`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutcomeRequest {
    /// `call`, `qualification`, `appointment`, `note` or `task`.
    #[schema(value_type = String, example = "call")]
    kind: OutcomeKind,
    /// Your own id of it: recording the same id twice records it once.
    id: Option<String>,
    #[schema(value_type = Option<String>, example = "c17")]
    contact: Option<ContactId>,
    email: Option<String>,
    /// As in +4930123456.
    phone: Option<String>,
    /// When it happened; now without it.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The kind's values, as `ferry outcome record --help` names them: texts, numbers, and times as RFC 3339.
    #[serde(default)]
    #[schema(value_type = Object)]
    values: BTreeMap<String, serde_json::Value>,
}

/// An outcome that is on its way.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordedOutcome {
    id: String,
    /// The outbox entries that it became, one per sync that sends such outcomes for the contact.
    #[schema(value_type = Vec<String>)]
    entries: Vec<OutboxId>,
    /// It was recorded before: nothing was done.
    already: bool,
}

/// Record what happened with a contact; it is sent to each CRM whose sync sends its kind
///
/// Needs an `Idempotency-Key` of yours, or an `id` in the document, so that it can be asked again after a lost answer.
#[utoipa::path(
    post, path = "/v1/outcomes", tag = "outcomes", request_body = OutcomeRequest, security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "one per outcome, at most 200 bytes")),
    responses(
        (status = 201, body = RecordedOutcome),
        (status = 200, body = RecordedOutcome, description = "it was recorded before"),
        (status = "default", body = ProblemDetails)
    )
)]
pub(super) async fn record_outcome(
    Writer(tenant): Writer,
    headers: HeaderMap,
    Given { document, bytes }: Given<OutcomeRequest>,
) -> Result<(StatusCode, Json<RecordedOutcome>), Problem> {
    let key = key(&headers, &document)?;
    let who = Who::of(&document)?;
    let values = document.values.iter().map(scalar).collect::<Result<Vec<_>, _>>()?;
    let at = document.at.as_deref().map(|text| text.trim().parse().map_err(|_| not_taken("at", "is no time")));
    let at = at.transpose()?;
    let record = move || {
        let new = NewOutcome { id: document.id, contact: who.contact(&tenant)?, kind: document.kind, at, values };
        match key {
            Some(key) => tenant.record_outcome_once(&key, Sha256::digest(&bytes).into(), new),
            None => tenant.record_outcome(new),
        }
    };
    let recorded = work(record).await?;
    let status = if recorded.already { StatusCode::OK } else { StatusCode::CREATED };
    let Recorded { outcome_id: id, entries, already } = recorded;
    Ok((status, Json(RecordedOutcome { id, entries, already })))
}

/// What tells a repetition: the key, or else the document's own id.
fn key(headers: &HeaderMap, document: &OutcomeRequest) -> Result<Option<String>, Problem> {
    match headers.get("idempotency-key").map(|key| key.to_str()) {
        Some(Ok(key)) => Ok(Some(key.to_owned())),
        Some(Err(_)) => Err(AppError::BadKey.into()),
        None if document.id.is_some() => Ok(None),
        None => Err(Problem::of_request(
            StatusCode::BAD_REQUEST,
            "idempotency-key-missing",
            "the outcome has neither an idempotency key nor an id",
            "send an `Idempotency-Key` of your own, as a UUID, and repeat the request with it where the answer is lost",
        )),
    }
}

/// The contact as the caller knows it.
enum Who {
    Id(ContactId),
    Found(MatchKey, String),
}

impl Who {
    fn of(document: &OutcomeRequest) -> Result<Self, Problem> {
        match (document.contact, &document.email, &document.phone) {
            (Some(id), None, None) => Ok(Self::Id(id)),
            (None, Some(email), None) => Ok(Self::Found(MatchKey::Email, email.clone())),
            (None, None, Some(phone)) => Ok(Self::Found(MatchKey::Phone, phone.clone())),
            _ => Err(not_taken("contact", "is to be named by exactly one of `contact`, `email` and `phone`")),
        }
    }

    fn contact(&self, tenant: &Tenant) -> Result<ContactId, AppError> {
        match self {
            Self::Id(id) => Ok(*id),
            Self::Found(key, text) => Ok(tenant.find_contact(*key, text)?.id),
        }
    }
}

fn not_taken(field: &str, why: &str) -> Problem {
    let detail = format!("`{field}` {why}");
    Problem::of_request(StatusCode::UNPROCESSABLE_ENTITY, "outcome", detail, "see /v1/openapi.json for what is taken")
}

/// As the command line takes it: the kind's fields say what it is read as.
fn scalar((name, value): (&String, &serde_json::Value)) -> Result<(String, String), Problem> {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Bool(flag) => flag.to_string(),
        _ => return Err(not_taken(name, "is neither a text nor a number")),
    };
    Ok((name.clone(), text))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeadLettersQuery {
    /// The most entries on the page: 1 to 500, 50 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Only those of this sync.
    #[param(value_type = Option<String>)]
    sync: Option<SyncId>,
}

/// List the writes that a person must look at, oldest first
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "outcomes", params(DeadLettersQuery), security(("token" = [])),
    responses((status = 200, body = Page<OutboxEntry>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_dead_letters(
    Reader(tenant): Reader,
    Asked(query): Asked<DeadLettersQuery>,
) -> Result<Json<Page<OutboxEntry>>, Problem> {
    let limit = page_items(query.limit)?;
    let from = cursor(query.cursor.as_deref())?.unwrap_or(OutboxId(0));
    let page = move || {
        let mut items = Vec::new();
        for entry in tenant.outbox_from(from) {
            let entry = entry?;
            if !entry.is_dead() || query.sync.as_ref().is_some_and(|sync| &entry.sync != sync) {
                continue;
            }
            if items.len() == limit {
                return Ok(Page { items, next: Some(entry.id.to_string()) });
            }
            items.push(OutboxEntry::of(&entry, Values::Veiled));
        }
        Ok(Page { items, next: None })
    };
    work(page).await.map(Json)
}

/// Which writes are to be sent again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetryRequest {
    /// Their ids; all dead ones without it.
    #[schema(value_type = Option<Vec<String>>)]
    ids: Option<Vec<OutboxId>>,
}

/// What will be sent again.
#[derive(Serialize, ToSchema)]
pub(super) struct Retried {
    /// How many are sent at the next run.
    retried: usize,
}

/// Send dead letters again, once their cause is mended
#[utoipa::path(
    post, path = "/v1/dead-letters/retry", tag = "outcomes", request_body = Option<RetryRequest>,
    security(("token" = [])),
    responses((status = 200, body = Retried), (status = "default", body = ProblemDetails))
)]
pub(super) async fn retry_dead_letters(
    Writer(tenant): Writer,
    Given { document, .. }: Given<RetryRequest>,
) -> Result<Json<Retried>, Problem> {
    let retried = match document.ids {
        Some(ids) => tenant.retry(&Wanted::These(ids)).await?,
        None => tenant.retry(&Wanted::Dead(None)).await?,
    };
    Ok(Json(Retried { retried }))
}

/// Send one dead letter again, once its cause is mended
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/retry", tag = "outcomes", params(("id" = String, Path, example = "o5")),
    security(("token" = [])),
    responses((status = 200, body = Retried), (status = "default", body = ProblemDetails))
)]
pub(super) async fn retry_dead_letter(
    Writer(tenant): Writer,
    Named(id): Named<OutboxId>,
) -> Result<Json<Retried>, Problem> {
    Ok(Json(Retried { retried: tenant.retry(&Wanted::These(vec![id])).await? }))
}
