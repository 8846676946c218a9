//! Saved, named sets of contacts, and who belongs to them.

use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::id::{AudienceId, ContactId, SyncId};
use super::rule::Rule;
use super::time::Instant;

/// The contacts that a rule fits, with their membership kept up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    pub id: AudienceId,
    pub rule: Rule,
    /// Only contacts whose record this sync has, in its list and through its filter, where it has those.
    pub sync: Option<SyncId>,
    pub created: Instant,
    /// The first contact that has not been looked at since it was made; none once all have.
    pub filling: Option<ContactId>,
    pub members: u64,
}

impl Audience {
    /// Whether the rule fits, and a CRM still has the person: nobody is to be called who was deleted there.
    pub fn is_for(&self, contact: &Contact) -> bool {
        let mut living = contact.links.iter().filter(|link| link.gone.is_none());
        let is_followed = |sync: &SyncId, left: bool| self.sync.as_ref().is_none_or(|it| it == sync && !left);
        living.any(|link| is_followed(&link.sync, link.left.is_some())) && self.rule.fits(contact)
    }
}

/// A contact's place in an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub audience: AudienceId,
    pub contact: ContactId,
    pub since: Instant,
}

/// Contacts that were changed by one commit: who keeps audiences has to look at them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChanges {
    pub number: u64,
    pub contacts: Vec<ContactId>,
}
