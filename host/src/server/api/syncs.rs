//! `/v1/syncs` and `/v1/runs`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::problem::{Problem, ProblemDetails};
use super::request::{Asked, Given, Named, Page, Reader, Writer, cursor, page_items, work};
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::app::syncs::RunOptions;
use crate::model::id::{RunId, SyncId};
use crate::model::mapping::Direction;
use crate::server::documents::{Run, Status, Timing};

/// List the syncs, with how far each has come
#[utoipa::path(
    get, path = "/v1/syncs", tag = "syncs", security(("token" = [])),
    responses((status = 200, body = Vec<Status>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_syncs(Reader(tenant): Reader) -> Result<Json<Vec<Status>>, Problem> {
    work(move || Ok(tenant.sync_statuses()?.iter().map(Status::from).collect())).await.map(Json)
}

/// How far a sync has come
#[utoipa::path(
    get, path = "/v1/syncs/{name}", tag = "syncs", params(("name" = String, Path)), security(("token" = [])),
    responses((status = 200, body = Status), (status = "default", body = ProblemDetails))
)]
pub(super) async fn get_sync(Reader(tenant): Reader, Named(name): Named<SyncId>) -> Result<Json<Status>, Problem> {
    work(move || Ok(Status::from(&tenant.sync_status(&name)?))).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// The most runs on the page: 1 to 500, 50 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// List a sync's runs, newest first
#[utoipa::path(
    get, path = "/v1/syncs/{name}/runs", tag = "syncs", params(("name" = String, Path), RunsQuery),
    security(("token" = [])),
    responses((status = 200, body = Page<Run>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_runs(
    Reader(tenant): Reader,
    Named(name): Named<SyncId>,
    Asked(query): Asked<RunsQuery>,
) -> Result<Json<Page<Run>>, Problem> {
    let limit = page_items(query.limit)?;
    let before: Option<RunId> = cursor(query.cursor.as_deref())?;
    let page = move || {
        let runs = tenant.runs(&name, before, limit)?;
        let next = runs.last().filter(|_| runs.len() == limit).map(|run| run.id.to_string());
        Ok(Page { items: runs.iter().map(Run::from).collect(), next })
    };
    work(page).await.map(Json)
}

/// One run
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "syncs", params(("id" = String, Path, example = "r3")),
    security(("token" = [])),
    responses((status = 200, body = Run), (status = "default", body = ProblemDetails))
)]
pub(super) async fn get_run(Reader(tenant): Reader, Named(id): Named<RunId>) -> Result<Json<Run>, Problem> {
    work(move || Ok(Run::from(&tenant.run(id)?))).await.map(Json)
}

/// Which ways a run is to go.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunRequest {
    /// `inbound` or `outbound`; both without it.
    #[schema(value_type = Option<String>)]
    direction: Option<Direction>,
}

/// What was begun.
#[derive(Serialize, ToSchema)]
pub(super) struct Begun {
    #[schema(value_type = String)]
    sync: SyncId,
    /// Where its runs can be read.
    runs: String,
}

/// Run a sync now
///
/// Answers once it is about to begin; its runs tell how it ends.
#[utoipa::path(
    post, path = "/v1/syncs/{name}/runs", tag = "syncs", params(("name" = String, Path)),
    request_body = Option<RunRequest>, security(("token" = [])),
    responses((status = 202, body = Begun), (status = "default", body = ProblemDetails))
)]
pub(super) async fn run_sync(
    State(api): State<Api>,
    Writer(tenant): Writer,
    Named(name): Named<SyncId>,
    Given { document, .. }: Given<RunRequest>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
    let wants = |way| document.direction.is_none_or(|direction| direction == way);
    let (inbound, outbound) = (wants(Direction::Inbound), wants(Direction::Outbound));
    let first = if inbound { Direction::Inbound } else { Direction::Outbound };
    let (of, sync) = (tenant.clone(), name.clone());
    work(move || of.check_may_begin(&sync, first)).await?;
    let begun = Begun { runs: format!("/v1/syncs/{name}/runs"), sync: name.clone() };
    let options = RunOptions { inbound, outbound, ..RunOptions::default() };
    let workspace = tenant.id().clone();
    if !api.runs.begin(&workspace, async move || run_to_its_end(&tenant, &name, options).await) {
        return Err(AppError::Busy.into());
    }
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

async fn run_to_its_end(tenant: &Tenant, name: &SyncId, options: RunOptions) {
    let ended = tenant.run_sync(name, options, &crate::app::runs::Silent, &crate::app::runs::Stopper::default()).await;
    if let Err(error) = ended {
        // The run itself has it too, if it came to be one.
        tracing::warn!(%error, workspace = %tenant.id(), sync = %name, "a run that the API began has failed");
    }
}

/// Let nothing of a sync begin by itself
#[utoipa::path(
    post, path = "/v1/syncs/{name}/pause", tag = "syncs", params(("name" = String, Path)), security(("token" = [])),
    responses((status = 200, body = Timing), (status = "default", body = ProblemDetails))
)]
pub(super) async fn pause_sync(writer: Writer, name: Named<SyncId>) -> Result<Json<Timing>, Problem> {
    pause(writer, name, true).await
}

/// Let a paused sync run by its schedule again
#[utoipa::path(
    post, path = "/v1/syncs/{name}/resume", tag = "syncs", params(("name" = String, Path)), security(("token" = [])),
    responses((status = 200, body = Timing), (status = "default", body = ProblemDetails))
)]
pub(super) async fn resume_sync(writer: Writer, name: Named<SyncId>) -> Result<Json<Timing>, Problem> {
    pause(writer, name, false).await
}

async fn pause(Writer(tenant): Writer, Named(name): Named<SyncId>, paused: bool) -> Result<Json<Timing>, Problem> {
    let set = move || {
        let table = tenant.pause_sync(&name, paused)?;
        Ok(Timing::of(&table, tenant.next_run(&name)?, tenant.sync(&name)?.abilities.gone))
    };
    work(set).await.map(Json)
}

/// What was told to stop.
#[derive(Serialize, ToSchema)]
pub(super) struct Cancelled {
    #[schema(value_type = String)]
    sync: SyncId,
    /// Runs that end after the page that they are at.
    stopped: usize,
}

/// Stop what runs of a sync after the page that it is at
#[utoipa::path(
    post, path = "/v1/syncs/{name}/cancel", tag = "syncs", params(("name" = String, Path)), security(("token" = [])),
    responses((status = 200, body = Cancelled), (status = "default", body = ProblemDetails))
)]
pub(super) async fn cancel_sync(
    Writer(tenant): Writer,
    Named(name): Named<SyncId>,
) -> Result<Json<Cancelled>, Problem> {
    work(move || Ok(Cancelled { stopped: tenant.cancel_sync(&name)?, sync: name })).await.map(Json)
}
