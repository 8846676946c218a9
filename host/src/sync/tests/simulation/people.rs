//! What people decide: that two contacts are one, that a record is somebody else's, and what waits for them.

use rand::RngExt;

use super::host::FIELDS;
use super::schedule::Schedule;
use crate::model::contact::{Contact, MergedInto};
use crate::model::id::SyncId;
use crate::store::Changes;
use crate::sync::{Whom, decide_record, merge_contacts, take_record};

impl Schedule {
    pub(super) async fn regroup(&mut self) {
        let contacts = self.host.contacts();
        let mut pick = || contacts.get(self.rng.random_range(0..contacts.len().max(1))).cloned();
        let (Some(keep), Some(other)) = (pick(), pick()) else { return };
        match keep.links.get(self.rng.random_range(0..4)).map(|link| link.sync.clone()) {
            Some(sync) if keep.links.len() > 1 => self.split(keep, sync).await,
            _ => self.merge(keep, other).await,
        }
    }

    async fn merge(&mut self, keep: Contact, other: Contact) {
        let (into, from) = (keep.id, other.id);
        let (workspace, mut changes) = (self.host.ports.workspace.clone(), Changes::default());
        let merged = {
            let _writing = workspace.writing().await;
            merge_contacts(&workspace, keep, &other, self.host.ports.clock.now(), &mut changes)
                .and_then(|_| Ok(workspace.commit(changes).and_then(|()| self.host.ports.store.flush())?))
        };
        self.tell(|| format!("{from} becomes {into}: {merged:?}"));
        if workspace.is_dead() {
            self.restart();
        }
        if self.host.ports.workspace.get::<MergedInto>(from).unwrap().is_none() {
            return;
        }
        for field in 0..FIELDS.len() {
            if self.by_hand.contains(&(from, field)) {
                self.by_hand.insert((into, field));
            }
            // Whose word it was is not asked.
            self.asked.in_doubt.insert((into, field));
        }
        self.regrouped.extend([from, into]);
    }

    async fn split(&mut self, contact: Contact, id: SyncId) {
        let (workspace, mut changes) = (self.host.ports.workspace.clone(), Changes::default());
        let sync = self.host.syncs().find(|sync| sync.id == id).unwrap().clone();
        let (of, now) = (contact.id, self.host.ports.clock.now());
        let taken = {
            let _writing = workspace.writing().await;
            take_record(&workspace, contact, &sync, now, &mut changes)
                .and_then(|record| Ok(workspace.commit(changes).map(|()| record)?))
        };
        let split = match taken {
            Ok(record) => decide_record(&self.host.ports, &sync, &record, Whom::New).await,
            Err(error) => Err(error),
        };
        self.tell(|| format!("{of} is split from {id}: {split:?}"));
        let new = self.host.contacts().last().map_or(of, |contact| contact.id);
        for contact in [of, new, split.unwrap_or(of)] {
            self.regrouped.insert(contact);
            self.asked.in_doubt.extend((0..FIELDS.len()).map(|field| (contact, field)));
        }
    }

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
}
