//! The suppression list: who is on it belongs to no audience, and nothing of theirs is sent.

use super::Tenant;
use super::error::{AppError, Thing};
use crate::model::contact::Contact;
use crate::model::id::ContactId;
use crate::model::outcome::{Delivery, OutboxEntry};
use crate::model::suppression::{Suppressed, Suppression};
use crate::model::value::Problem;
use crate::store::{Changes, LookupKey};

/// The next step for writes of suppressed contacts.
const REMEDY: &str =
    "nothing, unless the suppression is a mistake: then `ferry suppress remove` and `ferry outbox retry`";

impl Tenant {
    /// Puts somebody on the list. They leave their audiences, which gives events, and what waits in the outbox for them is
    /// put aside for a person. Somebody who is on it already stays as they are.
    pub async fn suppress(&self, who: Suppressed, reason: Option<String>) -> Result<Suppression, AppError> {
        // Nothing that a run is about to send may be put aside behind its back.
        let _sending = self.store().sending().await;
        if let Some(known) = self.store().get::<Suppression>(&who)? {
            return Ok(known);
        }
        if let Suppressed::Contact(id) = &who {
            self.contact(*id)?;
        }
        let suppression = Suppression { who, reason, at: self.clock().now() };
        let contacts = self.known_by(&suppression.who)?;
        let mut changes = Changes::default();
        changes.put(&suppression.who, &suppression)?;
        changes.touch(&contacts);
        for entry in self.outbox() {
            let entry = entry?;
            if contacts.contains(&entry.outcome.contact) && matches!(entry.delivery, Delivery::Waiting { .. }) {
                let message = "the contact is on the suppression list".to_owned();
                let problems = vec![Problem { field: None, message }];
                let delivery = Delivery::Dead { problems, remedy: REMEDY.to_owned(), at: suppression.at };
                changes.put(entry.id, &OutboxEntry { delivery, ..entry })?;
            }
        }
        self.commit(changes)?;
        self.follow_contacts().await?;
        Ok(suppression)
    }

    /// Takes somebody off the list. They enter the audiences that are for them, which gives events.
    pub async fn unsuppress(&self, who: &Suppressed) -> Result<(), AppError> {
        if self.store().get::<Suppression>(who)?.is_none() {
            return Err(AppError::not_found(Thing::Suppression, &who.parts().1, []));
        }
        let mut changes = Changes::default();
        changes.remove::<Suppression>(who);
        changes.touch(&self.known_by(who)?);
        self.commit(changes)?;
        self.follow_contacts().await
    }

    pub fn suppressions(&self) -> impl Iterator<Item = Result<Suppression, AppError>> + use<> {
        self.store().scan::<Suppression>().map(|suppression| suppression.map_err(AppError::from))
    }

    /// Why a contact is suppressed; none where it is not.
    pub fn suppression_of(&self, contact: &Contact) -> Result<Option<Suppression>, AppError> {
        let email = contact.text("email").map(|email| Suppressed::Email(email.to_lowercase()));
        let phone = contact.text("phone").map(|phone| Suppressed::Phone(phone.to_owned()));
        for who in [Some(Suppressed::Contact(contact.id)), email, phone].into_iter().flatten() {
            if let Some(suppression) = self.store().get::<Suppression>(&who)? {
                return Ok(Some(suppression));
            }
        }
        Ok(None)
    }

    fn known_by(&self, who: &Suppressed) -> Result<Vec<ContactId>, AppError> {
        let found = match who {
            Suppressed::Contact(id) => return Ok(vec![*id]),
            Suppressed::Email(email) => self.store().find(LookupKey::Email(email))?,
            Suppressed::Phone(phone) => self.store().find(LookupKey::Phone(phone))?,
        };
        Ok(found.into_iter().map(|contact| contact.id).collect())
    }
}
