//! What happened to audiences, and whom it is told.

use serde::{Deserialize, Serialize};
use url::Url;

use super::id::{AudienceId, ContactId, EventId, HookId};
use super::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    Entered,
    Left,
}

impl EventKind {
    /// The `type` of a webhook.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entered => "audience.entered",
            Self::Left => "audience.left",
        }
    }
}

/// A contact has entered or left an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub kind: EventKind,
    pub audience: AudienceId,
    pub contact: ContactId,
    pub at: Instant,
}

/// An address of the platform that events are posted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub id: HookId,
    pub url: Url,
    /// Only events of this audience.
    pub audience: Option<AudienceId>,
    /// The address may be on this machine, for development.
    pub loopback: bool,
    pub created: Instant,
    /// Why nothing more is posted, where the receiver has said that it is gone.
    pub ended: Option<String>,
}

impl Hook {
    /// Whether the event is to be posted there.
    pub fn is_for(&self, event: &Event) -> bool {
        self.ended.is_none() && self.audience.as_ref().is_none_or(|audience| audience == &event.audience)
    }
}

/// An event on its way to one hook. It is gone once it has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub hook: HookId,
    pub event: EventId,
    pub attempts: u32,
    /// None where it will not be tried again by itself.
    pub not_before: Option<Instant>,
    /// How the last try ended.
    pub failure: Option<String>,
}

impl Posting {
    pub fn new(hook: HookId, event: EventId, now: Instant) -> Self {
        Self { hook, event, attempts: 0, not_before: Some(now), failure: None }
    }
}
