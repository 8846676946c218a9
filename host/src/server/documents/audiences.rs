//! Audiences, their events, and those who are suppressed.

use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::text;
use crate::model::id::{AudienceId, ContactId, EventId, HookId, SyncId};
use crate::model::{audience, event, suppression};

/// A set of contacts by rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audience {
    #[schema(value_type = String)]
    name: AudienceId,
    rule: String,
    /// Only contacts that this sync has linked.
    #[schema(value_type = Option<String>)]
    sync: Option<SyncId>,
    members: u64,
    /// Every contact has been looked at since it was made.
    complete: bool,
    #[schema(format = DateTime)]
    created: String,
}

impl From<&audience::Audience> for Audience {
    fn from(audience: &audience::Audience) -> Self {
        Self {
            name: audience.id.clone(),
            rule: audience.rule.text().to_owned(),
            sync: audience.sync.clone(),
            members: audience.members,
            complete: audience.filling.is_none(),
            created: text(audience.created),
        }
    }
}

/// A contact's place in an audience.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    #[schema(value_type = String, example = "c17")]
    contact: ContactId,
    #[schema(format = DateTime)]
    since: String,
}

impl From<&audience::Member> for Member {
    fn from(member: &audience::Member) -> Self {
        Self { contact: member.contact, since: text(member.since) }
    }
}

/// A contact has entered or left an audience.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    #[schema(value_type = String, example = "e5")]
    id: EventId,
    /// `audience.entered` or `audience.left`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = String)]
    audience: AudienceId,
    #[schema(value_type = String, example = "c17")]
    contact: ContactId,
    #[schema(format = DateTime)]
    at: String,
}

impl From<&event::Event> for Event {
    fn from(event: &event::Event) -> Self {
        Self {
            id: event.id,
            kind: event.kind.name(),
            audience: event.audience.clone(),
            contact: event.contact,
            at: text(event.at),
        }
    }
}

/// Where events are posted to, and what waits for it.
#[derive(Debug, Serialize)]
pub struct Hook {
    pub name: HookId,
    pub url: Url,
    pub audience: Option<AudienceId>,
    /// Events that have not arrived yet.
    pub waiting: usize,
    /// How the last try of one of them ended.
    pub failure: Option<String>,
    /// Why nothing more is posted.
    pub ended: Option<String>,
    created: String,
}

impl Hook {
    pub fn of(hook: &event::Hook, waiting: usize, failure: Option<String>) -> Self {
        Self {
            name: hook.id.clone(),
            url: hook.url.clone(),
            audience: hook.audience.clone(),
            waiting,
            failure,
            ended: hook.ended.clone(),
            created: text(hook.created),
        }
    }
}

/// Somebody who wants nothing of us.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suppression {
    /// `contact`, `email` or `phone`.
    pub by: &'static str,
    /// The contact's id, the address or the number.
    pub value: String,
    #[schema(format = DateTime)]
    pub at: String,
    pub reason: Option<String>,
}

impl From<&suppression::Suppression> for Suppression {
    fn from(suppression: &suppression::Suppression) -> Self {
        let (by, value) = suppression.who.parts();
        Self { by, value, at: text(suppression.at), reason: suppression.reason.clone() }
    }
}
