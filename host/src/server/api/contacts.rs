//! `/v1/contacts`

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::{Problem, ProblemDetails};
use super::request::{Asked, Named, Page, Reader, cursor, page_items, work};
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::model::id::{ContactId, SyncId};
use crate::server::documents::Contact;

/// Contacts that are looked at for one page: where few of them are wanted, pages are short rather than late.
const LOOKED_AT_MOST: usize = 10_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContactsQuery {
    /// The most contacts on the page: 1 to 500, 50 without it. A page may have fewer and still not be the last.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Only contacts that this sync has linked.
    #[param(value_type = Option<String>)]
    sync: Option<SyncId>,
}

/// List contacts, in the order of their arrival
#[utoipa::path(
    get, path = "/v1/contacts", tag = "contacts", params(ContactsQuery), security(("token" = [])),
    responses((status = 200, body = Page<Contact>), (status = "default", body = ProblemDetails))
)]
pub(super) async fn list_contacts(
    Reader(tenant): Reader,
    Asked(query): Asked<ContactsQuery>,
) -> Result<Json<Page<Contact>>, Problem> {
    let limit = page_items(query.limit)?;
    let from = cursor(query.cursor.as_deref())?.unwrap_or(ContactId(1));
    work(move || page(&tenant, from, limit, query.sync.as_ref())).await.map(Json)
}

fn page(tenant: &Tenant, from: ContactId, limit: usize, sync: Option<&SyncId>) -> Result<Page<Contact>, AppError> {
    if let Some(sync) = sync {
        tenant.sync(sync)?;
    }
    let mut items = Vec::new();
    for (looked_at, contact) in tenant.contacts(from).enumerate() {
        let contact = contact?;
        if items.len() == limit || looked_at == LOOKED_AT_MOST {
            return Ok(Page { items, next: Some(contact.id.to_string()) });
        }
        if sync.is_none_or(|sync| contact.link(sync).is_some()) {
            items.push(Contact::from(&contact));
        }
    }
    Ok(Page { items, next: None })
}

/// One contact
#[utoipa::path(
    get, path = "/v1/contacts/{id}", tag = "contacts", params(("id" = String, Path, example = "c17")),
    security(("token" = [])),
    responses((status = 200, body = Contact), (status = "default", body = ProblemDetails))
)]
pub(super) async fn get_contact(Reader(tenant): Reader, Named(id): Named<ContactId>) -> Result<Json<Contact>, Problem> {
    work(move || Ok(Contact::from(&tenant.contact(id)?))).await.map(Json)
}
