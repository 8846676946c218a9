//! Who is who, as people say: held records decided, contacts merged and split.

use super::Tenant;
use super::error::AppError;
use crate::model::contact::Contact;
use crate::model::http::Lane;
use crate::model::id::{ContactId, SyncId};
use crate::model::mapping::Direction;
use crate::store::Changes;
use crate::sync::{self, Stopper, Whom};

impl Tenant {
    /// Gives a record that waits for a person to a contact, or makes it one of its own.
    ///
    /// # Errors
    /// Where the record does not wait, or the contact stands for another record of the sync.
    pub async fn link_record(&self, id: &SyncId, record: &str, whom: Whom) -> Result<Contact, AppError> {
        let whom = match whom {
            // It may have become another one.
            Whom::Contact(contact) => Whom::Contact(self.contact(contact)?.id),
            Whom::New => Whom::New,
        };
        let _turn = self.take_turn(id, Direction::Inbound, &Stopper::default())?;
        let sync = self.sync(id)?;
        let ports = self.ports(&sync, Lane::Outcome, None).await?;
        let contact = sync::decide_record(&ports, &sync, record, whom).await?;
        self.contact(contact)
    }

    /// Makes one contact of two. The other's id leads to the kept one from now on.
    ///
    /// # Errors
    /// Where both stand for a living record of the same sync: then nothing is merged.
    pub async fn merge_contacts(&self, keep: ContactId, other: ContactId) -> Result<Contact, AppError> {
        let _writing = self.store().writing().await;
        let (keep, other) = (self.contact(keep)?, self.contact(other)?);
        let mut changes = Changes::default();
        let kept = sync::merge_contacts(self.store(), keep, &other, self.clock().now(), &mut changes)?;
        self.commit(changes)?;
        Ok(kept)
    }

    /// Makes a contact of its own of the record that a contact has in a sync. Gives the new contact.
    ///
    /// # Errors
    /// Where the contact has no such record, or no other.
    pub async fn split_contact(&self, id: ContactId, sync: &SyncId) -> Result<Contact, AppError> {
        let (sync, record) = {
            let _turn = self.take_turn(sync, Direction::Inbound, &Stopper::default())?;
            let sync = self.sync(sync)?;
            let _writing = self.store().writing().await;
            let mut changes = Changes::default();
            let record = sync::take_record(self.store(), self.contact(id)?, &sync, self.clock().now(), &mut changes)?;
            self.commit(changes)?;
            (sync, record)
        };
        self.link_record(&sync.id, &record, Whom::New).await
    }
}
