//! `/v1/audiences`, `/v1/events` and `/v1/suppressions`

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::problem::{Problem, ProblemDetails};
use super::request::{Asked, Given, Named, Page, Reader, Writer, cursor, malformed, page_items, work};
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::model::id::{AudienceId, ContactId, EventId};
use crate::model::suppression::Suppressed;
use crate::server::documents::{Audience, Event, Member, Suppression};

/// Events that are looked at for one page: where few of them are wanted, pages are short rather than late.
const LOOKED_AT_MOST: usize = 10_000;

/// List the audiences
#[utoipa::path(
    get, path = "/v1/audiences", tag = "audiences", security(("token" = [])),
    responses((status = 200, body = Vec<Audience>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_audiences(Reader(tenant): Reader) -> Result<Json<Vec<Audience>>, Problem> {
    work(move || Ok(tenant.audiences()?.iter().map(Audience::from).collect())).await.map(Json)
}

/// One audience
#[utoipa::path(
    get, path = "/v1/audiences/{name}", tag = "audiences", params(("name" = String, Path)), security(("token" = [])),
    responses((status = 200, body = Audience), (status = "default", body = ProblemDetails))
)]
pub(super) async fn get_audience(
    Reader(tenant): Reader,
    Named(name): Named<AudienceId>,
) -> Result<Json<Audience>, Problem> {
    work(move || Ok(Audience::from(&tenant.audience(&name)?))).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersQuery {
    /// The most members on the page: 1 to 500, 50 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// List who belongs to an audience, and since when
#[utoipa::path(
    get, path = "/v1/audiences/{name}/members", tag = "audiences", params(("name" = String, Path), MembersQuery),
    security(("token" = [])),
    responses((status = 200, body = Page<Member>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_members(
    Reader(tenant): Reader,
    Named(name): Named<AudienceId>,
    Asked(query): Asked<MembersQuery>,
) -> Result<Json<Page<Member>>, Problem> {
    let limit = page_items(query.limit)?;
    let from = cursor(query.cursor.as_deref())?.unwrap_or(ContactId(0));
    let page = move || {
        let mut items = Vec::new();
        for member in tenant.members(&name, from)? {
            let member = member?;
            if items.len() == limit {
                return Ok(Page { items, next: Some(member.contact.to_string()) });
            }
            items.push(Member::from(&member));
        }
        Ok(Page { items, next: None })
    };
    work(page).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// The most events on the page: 1 to 500, 50 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Only those of this audience.
    #[param(value_type = Option<String>)]
    audience: Option<AudienceId>,
}

/// List who has entered and left audiences, oldest first
///
/// `next` is there also on the last page: it stands for the events to come.
#[utoipa::path(
    get, path = "/v1/events", tag = "audiences", params(EventsQuery), security(("token" = [])),
    responses((status = 200, body = Page<Event>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_events(
    Reader(tenant): Reader,
    Asked(query): Asked<EventsQuery>,
) -> Result<Json<Page<Event>>, Problem> {
    let limit = page_items(query.limit)?;
    let from = cursor(query.cursor.as_deref())?.unwrap_or(EventId(1));
    work(move || events(&tenant, from, limit, query.audience.as_ref())).await.map(Json)
}

fn events(
    tenant: &Tenant,
    from: EventId,
    limit: usize,
    audience: Option<&AudienceId>,
) -> Result<Page<Event>, AppError> {
    let (mut items, mut next) = (Vec::new(), from);
    for event in tenant.events(from).take(LOOKED_AT_MOST) {
        let event = event?;
        if items.len() == limit {
            break;
        }
        next = EventId(event.id.0 + 1);
        if audience.is_none_or(|audience| &event.audience == audience) {
            items.push(Event::from(&event));
        }
    }
    Ok(Page { items, next: Some(next.to_string()) })
}

/// Who is suppressed: exactly one of `contact`, `email` and `phone`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuppressionRequest {
    #[schema(value_type = Option<String>, example = "c17")]
    contact: Option<ContactId>,
    email: Option<String>,
    /// As in +4930123456.
    phone: Option<String>,
    /// Why.
    reason: Option<String>,
}

impl SuppressionRequest {
    fn who(&self) -> Result<Suppressed, Problem> {
        let who = match (self.contact, &self.email, &self.phone) {
            (Some(id), None, None) => Some(Suppressed::Contact(id)),
            (None, Some(email), None) => Suppressed::email(email),
            (None, None, Some(phone)) => Suppressed::phone(phone),
            _ => None,
        };
        let why = "it is to name exactly one contact, e-mail address or phone number with its country code";
        who.ok_or_else(|| malformed("body", why.to_owned()))
    }
}

/// Put somebody on the suppression list
#[utoipa::path(
    post, path = "/v1/suppressions", tag = "audiences", request_body = SuppressionRequest, security(("token" = [])),
    responses((status = 201, body = Suppression), (status = "default", body = ProblemDetails))
)]
pub(super) async fn suppress(
    Writer(tenant): Writer,
    Given { document, .. }: Given<SuppressionRequest>,
) -> Result<(StatusCode, Json<Suppression>), Problem> {
    let suppression = tenant.suppress(document.who()?, document.reason).await?;
    Ok((StatusCode::CREATED, Json(Suppression::from(&suppression))))
}

/// Take somebody off the suppression list
#[utoipa::path(
    post, path = "/v1/suppressions/remove", tag = "audiences", request_body = SuppressionRequest,
    security(("token" = [])),
    responses((status = 204), (status = "default", body = ProblemDetails))
)]
pub(super) async fn unsuppress(
    Writer(tenant): Writer,
    Given { document, .. }: Given<SuppressionRequest>,
) -> Result<StatusCode, Problem> {
    tenant.unsuppress(&document.who()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
