//! What people on our side decide: what waits for them, whether two contacts are one, and whether a record is somebody else's.

use rand::RngExt;

use super::host::FIELDS;
use super::schedule::Schedule;
use crate::model::contact::Contact;
use crate::model::id::{ContactId, SyncId};
use crate::store::Changes;
use crate::sync::{JoinError, Whom, decide_record, merge_contacts, take_record};

impl Schedule {
    /// People decide what waits for them: whose a record is, and what a value is.
    pub(super) async fn decide(&mut self) {
        for (sync, record, candidates) in self.host.held() {
            let sync = self.host.syncs().find(|known| known.id == sync).unwrap();
            let candidate = candidates.first().filter(|_| self.rng.random());
            let whom = candidate.map_or(Whom::New, |contact| Whom::Contact(*contact));
            let mut decided = decide_record(&self.host.ports, sync, &record, whom).await;
            if decided.is_err() {
                decided = decide_record(&self.host.ports, sync, &record, Whom::New).await;
            }
            self.tell(|| format!("record {record} of {} is {whom:?}: {decided:?}", sync.object));
        }
        for conflict in self.host.conflicts() {
            let Some(contact) = self.host.ports.workspace.contact(conflict.contact).unwrap() else { continue };
            let field = FIELDS.iter().position(|name| **name == conflict.attribute).unwrap();
            let ours = contact.get(&conflict.attribute).map_or(String::new(), |value| value.to_cell());
            let value = match self.rng.random_range(0..3) {
                0 => conflict.theirs.to_cell(),
                1 => ours,
                _ => self.crm.state().value(field).replace("refuse me", "Eva"),
            };
            self.set_to(contact, field, value).await;
        }
    }

    /// Makes one of two contacts, or two of one.
    pub(super) async fn say_who_is_who(&mut self) {
        if self.rng.random() { self.merge_two().await } else { self.split_one().await }
    }

    /// One of those from contacts and one of those from leads, whichever stays.
    async fn merge_two(&mut self) {
        let of_one_sync = |of: &SyncId| {
            let contacts = self.host.contacts().into_iter();
            contacts.filter(|one| one.links.iter().all(|link| link.sync == *of)).collect::<Vec<_>>()
        };
        let Some(leads) = self.host.leads.as_ref().map(|leads| of_one_sync(&leads.id)) else { return };
        let pair = [of_one_sync(&self.host.sync.id), leads].map(|of| {
            let at = self.rng.random_range(0..of.len().max(1));
            of.into_iter().nth(at)
        });
        let [Some(mut keep), Some(mut other)] = pair else { return };
        if self.rng.random() {
            std::mem::swap(&mut keep, &mut other);
        }
        let (kept, gone) = (keep.id, other.id);
        let done = self.merge(keep, &other).await;
        self.tell(|| format!("{gone} becomes part of {kept}: {done:?}"));
        self.is_somebody_else([kept, gone]);
        for field in 0..FIELDS.len() {
            // What people had made of either may stand in the one.
            if [kept, gone].iter().any(|id| self.by_hand.contains(&(*id, field))) {
                self.by_hand.insert((kept, field));
            }
        }
    }

    async fn merge(&self, keep: Contact, other: &Contact) -> Result<(), JoinError> {
        let workspace = &self.host.ports.workspace;
        let _writing = workspace.writing().await;
        let mut changes = Changes::default();
        merge_contacts(workspace, keep, other, self.host.ports.clock.now(), &mut changes)?;
        workspace.commit(changes)?;
        Ok(self.host.ports.store.flush()?)
    }

    async fn split_one(&mut self) {
        let contacts = self.host.contacts().into_iter();
        let of_both: Vec<_> = contacts.filter(|one| one.links.iter().all(|link| link.gone.is_none())).collect();
        let of_both: Vec<_> = of_both.into_iter().filter(|one| one.links.len() == 2).collect();
        let at = self.rng.random_range(0..of_both.len().max(1));
        let Some(contact) = of_both.into_iter().nth(at) else { return };
        let (id, link) = (contact.id, contact.links[self.rng.random_range(0..2)].clone());
        let done = self.split(contact, &link.sync).await;
        self.tell(|| format!("record {} is not {id}: {done:?}", link.record));
        self.is_somebody_else([id].into_iter().chain(done.ok()));
    }

    async fn split(&self, contact: Contact, sync: &SyncId) -> Result<ContactId, JoinError> {
        let (ports, workspace) = (&self.host.ports, &self.host.ports.workspace);
        let sync = self.host.syncs().find(|known| known.id == *sync).unwrap();
        let record = {
            let _writing = workspace.writing().await;
            let mut changes = Changes::default();
            let record = take_record(workspace, contact, sync, ports.clock.now(), &mut changes)?;
            workspace.commit(changes)?;
            record
        };
        decide_record(ports, sync, &record, Whom::New).await
    }

    /// From now on other records stand behind them: what was asked of them before says nothing about those.
    fn is_somebody_else(&mut self, whom: impl IntoIterator<Item = ContactId>) {
        for id in whom {
            self.asked.regrouped.insert(id);
            self.regrouped.insert(id);
        }
    }
}
