//! Audiences: made by rule, kept up to date from the store's own list of changed contacts, read, removed.
//!
//! A commit that changes contacts writes which ones in the same batch. What is noted there is looked at here, and taken off
//! the list in the batch that changes memberships and makes events: a crash loses and repeats nothing.

use std::collections::BTreeSet;

use super::Tenant;
use super::error::{AppError, Thing};
use crate::model::audience::{Audience, ContactChanges, Member};
use crate::model::contact::Contact;
use crate::model::event::{Event, EventKind, Hook, Posting};
use crate::model::id::{AudienceId, ContactId, SyncId};
use crate::model::rule::Rule;
use crate::model::time::Instant;
use crate::store::Changes;

/// Contacts that are looked at for one commit while an audience is filled.
const FILLED_AT_ONCE: usize = 1_000;

/// Commits whose contacts are looked at together: a page each, so some thousand contacts.
const FOLLOWED_AT_ONCE: usize = 8;

/// What an admin says of an audience.
#[derive(Debug, Clone)]
pub struct NewAudience {
    pub id: AudienceId,
    /// See [`crate::model::rule`].
    pub rule: String,
    pub sync: Option<SyncId>,
}

impl Tenant {
    /// Makes an audience and fills it. Who belongs to it from the beginning gives no event.
    ///
    /// # Errors
    /// [`AppError::Rule`] names each condition that can't be.
    pub async fn create_audience(&self, new: NewAudience) -> Result<Audience, AppError> {
        if self.store().get::<Audience>(&new.id)?.is_some() {
            return Err(AppError::Exists { what: Thing::Audience, name: new.id.to_string() });
        }
        if let Some(sync) = &new.sync {
            self.sync(sync)?;
        }
        let rule = Rule::read(&new.rule, &self.attributes()?).map_err(|problems| AppError::Rule { problems })?;
        let (id, sync, created) = (new.id, new.sync, self.clock().now());
        let audience = Audience { id, rule, sync, created, filling: Some(ContactId(1)), members: 0 };
        {
            // From the next change of a contact on the list is kept, and every earlier one is there to be read.
            let _writing = self.store().writing().await;
            let mut changes = Changes::default();
            changes.put(&audience.id, &audience)?;
            self.commit(changes)?;
            self.store().follow_contacts();
        }
        self.follow_contacts().await?;
        self.audience(&audience.id)
    }

    pub fn audiences(&self) -> Result<Vec<Audience>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub fn audience(&self, id: &AudienceId) -> Result<Audience, AppError> {
        if let Some(audience) = self.store().get::<Audience>(id)? {
            return Ok(audience);
        }
        let known = self.audiences()?;
        let names = known.iter().map(|audience| audience.id.as_str());
        Err(AppError::not_found(Thing::Audience, id.as_str(), names))
    }

    /// The members of an audience from a contact on, in the order of their arrival in the workspace.
    pub fn members(
        &self,
        id: &AudienceId,
        from: ContactId,
    ) -> Result<impl Iterator<Item = Result<Member, AppError>> + use<>, AppError> {
        self.audience(id)?;
        let of_audience = id.clone();
        let members = self.store().scan_from::<Member>((id, from));
        let members = members.take_while(move |member| member.as_ref().map_or(true, |m| m.audience == of_audience));
        Ok(members.map(|member| member.map_err(AppError::from)))
    }

    /// Removes an audience with its members; gives no events. Events that it gave stay.
    ///
    /// # Errors
    /// [`AppError::InUse`] names the hooks that are for it alone.
    pub async fn remove_audience(&self, id: &AudienceId) -> Result<(), AppError> {
        let _following = self.store().following().await;
        self.audience(id)?;
        let hooks = self.hooks()?.into_iter().filter(|hook| hook.audience.as_ref() == Some(id));
        let by: Vec<String> = hooks.map(|hook| format!("hook `{}`", hook.id)).collect();
        if !by.is_empty() {
            return Err(AppError::InUse { what: Thing::Audience, name: id.to_string(), by });
        }
        let mut changes = Changes::default();
        changes.remove::<Audience>(id);
        for member in self.members(id, ContactId(0))? {
            changes.remove::<Member>((id, member?.contact));
        }
        self.commit(changes)
    }

    /// Brings every audience up to date with what has been committed.
    ///
    /// # Errors
    /// [`AppError::Stopping`] where the host ends: the next one goes on from there.
    pub async fn follow_contacts(&self) -> Result<(), AppError> {
        let _following = self.store().following().await;
        let hooks = self.hooks()?;
        let mut moved = self.fill()?;
        moved |= self.catch_up(&hooks)?;
        // What is told of events must not be lost after it was told.
        if moved {
            self.app.store.flush()?;
        }
        Ok(())
    }

    /// Looks at every contact for the audiences that are new.
    fn fill(&self) -> Result<bool, AppError> {
        let mut moved = false;
        for mut audience in self.audiences()? {
            while let Some(from) = audience.filling {
                let mut look = self.look(&[])?;
                let mut last = None;
                for contact in self.store().contacts(from).take(FILLED_AT_ONCE) {
                    let contact = contact?;
                    last = Some(contact.id);
                    look.at(&mut audience, contact.id, Some(&contact), Tell::Nobody)?;
                }
                audience.filling = last.map(|last| ContactId(last.0 + 1));
                look.changes.put(&audience.id, &audience)?;
                self.workspace.commit(look.changes)?;
                moved = true;
                self.go_on()?;
            }
        }
        Ok(moved)
    }

    /// Looks at the contacts that were changed since.
    fn catch_up(&self, hooks: &[Hook]) -> Result<bool, AppError> {
        let mut moved = false;
        loop {
            let noted = self.store().scan::<ContactChanges>().take(FOLLOWED_AT_ONCE);
            let noted = noted.collect::<Result<Vec<_>, _>>()?;
            if noted.is_empty() {
                return Ok(moved);
            }
            let mut audiences = self.audiences()?;
            let mut look = self.look(hooks)?;
            let contacts: BTreeSet<ContactId> = noted.iter().flat_map(|noted| &noted.contacts).copied().collect();
            for id in contacts {
                let contact = self.store().contact(id)?;
                for audience in &mut audiences {
                    look.at(audience, id, contact.as_ref(), Tell::Hooks)?;
                }
            }
            for audience in &audiences {
                look.changes.put(&audience.id, audience)?;
            }
            noted.iter().for_each(|noted| look.changes.remove::<ContactChanges>(noted.number));
            self.workspace.commit(look.changes)?;
            moved = true;
            self.go_on()?;
        }
    }

    fn go_on(&self) -> Result<(), AppError> {
        if self.app.is_stopping() { Err(AppError::Stopping) } else { Ok(()) }
    }

    fn look<'a>(&'a self, hooks: &'a [Hook]) -> Result<Look<'a>, AppError> {
        Ok(Look { tenant: self, hooks, now: self.clock().now(), changes: Changes::default() })
    }
}

/// Who hears of a contact that enters or leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tell {
    Nobody,
    Hooks,
}

/// One look at some contacts, and what comes of it.
struct Look<'a> {
    tenant: &'a Tenant,
    hooks: &'a [Hook],
    now: Instant,
    changes: Changes,
}

impl Look<'_> {
    fn at(
        &mut self,
        audience: &mut Audience,
        id: ContactId,
        contact: Option<&Contact>,
        tell: Tell,
    ) -> Result<(), AppError> {
        let was = self.tenant.store().get::<Member>((&audience.id, id))?.is_some();
        let fits = contact.filter(|contact| audience.is_for(contact));
        let is = match fits {
            Some(contact) => self.tenant.suppression_of(contact)?.is_none(),
            None => false,
        };
        match (was, is) {
            (false, true) => {
                let member = Member { audience: audience.id.clone(), contact: id, since: self.now };
                self.changes.put((&audience.id, id), &member)?;
                audience.members += 1;
                self.tell(EventKind::Entered, audience, id, tell)
            }
            (true, false) => {
                self.changes.remove::<Member>((&audience.id, id));
                audience.members = audience.members.saturating_sub(1);
                self.tell(EventKind::Left, audience, id, tell)
            }
            _ => Ok(()),
        }
    }

    /// An event, and a posting of it for each hook that it is for.
    fn tell(&mut self, kind: EventKind, audience: &Audience, contact: ContactId, tell: Tell) -> Result<(), AppError> {
        if tell == Tell::Nobody {
            return Ok(());
        }
        let id = self.tenant.store().new_event_id();
        let event = Event { id, kind, audience: audience.id.clone(), contact, at: self.now };
        self.changes.put(id, &event)?;
        for hook in self.hooks.iter().filter(|hook| hook.is_for(&event)) {
            let posting = Posting::new(hook.id.clone(), id, self.now);
            self.changes.put((&hook.id, id), &posting)?;
        }
        Ok(())
    }
}
