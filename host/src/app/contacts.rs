//! Contacts and refused rows, as the platform and an admin read them.

use super::Tenant;
use super::error::{AppError, Thing};
use crate::model::contact::Contact;
use crate::model::id::{ContactId, SyncId};
use crate::model::refusal::Refusal;
use crate::model::sync::MatchKey;
use crate::store::LookupKey;

impl Tenant {
    /// Contacts from `from` on, in the order of their arrival; memory does not grow with their number.
    pub fn contacts(&self, from: ContactId) -> impl Iterator<Item = Result<Contact, AppError>> {
        self.store().contacts(from).map(|contact| contact.map_err(AppError::from))
    }

    /// The contact of this id, or the one that it became part of.
    pub fn contact(&self, id: ContactId) -> Result<Contact, AppError> {
        let contact = self.store().contact_or_heir(id)?;
        contact.ok_or_else(|| AppError::not_found(Thing::Contact, &id.to_string(), []))
    }

    /// The contact with this e-mail (in any case) or phone (E.164).
    ///
    /// # Errors
    /// Also where several contacts share it: their ids are named, and the caller has to choose.
    pub fn find_contact(&self, key: MatchKey, text: &str) -> Result<Contact, AppError> {
        let lower = text.trim().to_lowercase();
        let mut found = self.store().find(match key {
            MatchKey::Email => LookupKey::Email(&lower),
            MatchKey::Phone => LookupKey::Phone(&lower),
        })?;
        match found.len() {
            0 => Err(AppError::not_found(Thing::Contact, text, [])),
            1 => Ok(found.remove(0)),
            _ => {
                let contacts = found.iter().map(|contact| contact.id).collect();
                Err(AppError::SeveralContacts { key: key.attribute(), contacts })
            }
        }
    }

    /// The rows of a sync that wait for a person.
    pub fn refusals(&self, sync: &SyncId) -> impl Iterator<Item = Result<Refusal, AppError>> {
        self.store().scan_under::<Refusal>(&[sync.as_str()]).map(|refusal| refusal.map_err(AppError::from))
    }
}
