//! The API under `/v1`: one list of endpoints makes both the routes and the document that describes them. It calls what the
//! command line calls.

mod audiences;
mod contacts;
mod outcomes;
pub(super) mod problem;
pub(super) mod request;
mod syncs;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use axum::{Json, Router};
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::hooks::{self, Hooks};
use super::runs::Runs;
use crate::app::App;
use crate::model::share::Shares;
use problem::Problem;

/// How long a request may take with all of its body: nothing here waits for a CRM.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// What every request is answered from.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) app: Arc<App>,
    pub(super) runs: Runs,
    pub(super) hooks: Hooks,
    /// Requests under way, shared among workspaces.
    pub(super) requests: Arc<Shares>,
}

/// Requests under way at once, over all workspaces; of one, half as many.
const MOST_REQUESTS: usize = 128;

/// The places of requests under way.
pub(super) fn places_of_requests() -> Arc<Shares> {
    Shares::new(MOST_REQUESTS)
}

macro_rules! endpoints {
    ($($module:ident::$endpoint:ident,)+) => {
        #[derive(OpenApi)]
        #[openapi(
            paths($($module::$endpoint),+),
            modifiers(&BearerTokens),
            info(
                title = "Ferry",
                description = "Contacts from CRMs, and outcomes back to them. Each token opens one workspace. Errors are \
                               problem details (RFC 9457) with a stable `code` and the next step as `remedy`.",
            ),
        )]
        struct Described;

        /// A route for each endpoint, where its description says. The name of the function is the id of the operation.
        fn routes() -> Router<Api> {
            let places = places(&description());
            let mut router = Router::new();
            $(
                if let Some((path, method)) = places.get(stringify!($endpoint)) {
                    router = router.route(path, on(*method, $module::$endpoint));
                }
            )+
            router
        }
    };
}

endpoints! {
    contacts::list_contacts,
    contacts::get_contact,
    syncs::list_syncs,
    syncs::get_sync,
    syncs::list_runs,
    syncs::get_run,
    syncs::run_sync,
    syncs::pause_sync,
    syncs::resume_sync,
    syncs::cancel_sync,
    outcomes::record_outcome,
    outcomes::list_dead_letters,
    outcomes::retry_dead_letters,
    outcomes::retry_dead_letter,
    audiences::list_audiences,
    audiences::get_audience,
    audiences::list_members,
    audiences::list_events,
    audiences::suppress,
    audiences::unsuppress,
}

struct BearerTokens;

impl Modify for BearerTokens {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("from `ferry token create`"));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

/// The API as an OpenAPI document.
pub fn description() -> utoipa::openapi::OpenApi {
    Described::openapi()
}

/// Where each operation is, by its id.
fn places(description: &utoipa::openapi::OpenApi) -> HashMap<String, (String, MethodFilter)> {
    let mut places = HashMap::new();
    for (path, PathItem { get, post, delete, .. }) in &description.paths.paths {
        let operations = [(get, MethodFilter::GET), (post, MethodFilter::POST), (delete, MethodFilter::DELETE)];
        for (operation, method) in operations {
            if let Some(id) = operation.as_ref().and_then(|operation| operation.operation_id.clone()) {
                places.insert(id, (path.clone(), method));
            }
        }
    }
    places
}

/// All that is answered.
pub(super) fn router(api: Api) -> Router {
    routes()
        .route("/hooks/{workspace}/{connection}", hooks::route())
        .route("/v1/openapi.json", get(async || Json(description())))
        .method_not_allowed_fallback(async || {
            let detail = "there is nothing to be done here by this method";
            let remedy = "see /v1/openapi.json for what there is";
            Problem::of_request(StatusCode::METHOD_NOT_ALLOWED, "method", detail, remedy)
        })
        .fallback(async || {
            let remedy = "see /v1/openapi.json for what there is";
            Problem::of_request(StatusCode::NOT_FOUND, "route-not-found", "there is nothing under this path", remedy)
        })
        .layer(DefaultBodyLimit::max(request::BODY_BYTES))
        .layer(middleware::from_fn(in_time))
        .with_state(api)
}

/// Ends what takes too long, as a body that trickles in does.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::of_request(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "the request took too long",
            "send the whole request at once, and ask for less",
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_place_and_a_description() {
        let description = description();
        let places = places(&description);
        let endpoints = serde_json::to_value(&description).unwrap();
        let mut count = 0;
        for (path, item) in endpoints["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                count += 1;
                assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
                assert_eq!(operation["security"], serde_json::json!([{ "token": [] }]), "{method} {path}");
                assert!(operation["responses"]["default"].is_object(), "{method} {path}");
            }
        }
        assert_eq!(places.len(), count);
    }
}
