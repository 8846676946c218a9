//! What the workspace will hold once the page at hand is committed: contacts as stored, with the page's changes over them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use crate::model::contact::Contact;
use crate::model::id::ContactId;
use crate::store::{Changes, LookupHash, LookupKey, StoreError, Workspace};

pub(super) struct Overlay<'a> {
    workspace: &'a Workspace,
    changed: BTreeMap<ContactId, Changed>,
    found_by: HashMap<LookupHash, Vec<ContactId>>,
}

struct Changed {
    contact: Contact,
    new_keys: Vec<LookupHash>,
}

impl<'a> Overlay<'a> {
    pub(super) fn over(workspace: &'a Workspace) -> Self {
        Self { workspace, changed: BTreeMap::new(), found_by: HashMap::new() }
    }

    /// The contacts that have `key`, in order, as they will be.
    pub(super) fn find(&self, key: LookupKey<'_>) -> Result<Vec<Contact>, StoreError> {
        self.those_with(key, &self.meant(key)?)
    }

    /// The contacts that may be meant by `key`, in order: none is read for this.
    pub(super) fn meant(&self, key: LookupKey<'_>) -> Result<Vec<ContactId>, StoreError> {
        let hash = self.workspace.hash(key);
        let mut ids = self.workspace.candidates(hash)?;
        if let Some(fresh) = self.found_by.get(&hash) {
            ids.extend(fresh);
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(ids)
    }

    /// Those of `ids` that have `key`, as they will be.
    pub(super) fn those_with(&self, key: LookupKey<'_>, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        let mut contacts = Vec::new();
        for id in ids {
            let contact = match self.changed.get(id) {
                Some(changed) => Some(changed.contact.clone()),
                None => self.workspace.contact(*id)?,
            };
            contacts.extend(contact.filter(|contact| key.fits(contact)));
        }
        Ok(contacts)
    }

    /// The contact of `key` as it will be, where `found` is what was found before the page's other rows were looked at.
    pub(super) fn renewed(&self, found: Option<Contact>, key: LookupKey<'_>) -> Result<Option<Contact>, StoreError> {
        let is_stale = match &found {
            Some(contact) => self.changed.contains_key(&contact.id),
            None => self.found_by.contains_key(&self.workspace.hash(key)),
        };
        if is_stale { Ok(self.find(key)?.into_iter().next()) } else { Ok(found) }
    }

    /// Keeps `contact`; `new_keys` are what it could not be found by before.
    pub(super) fn put(&mut self, contact: Contact, new_keys: Vec<LookupHash>) {
        let id = contact.id;
        for hash in &new_keys {
            self.found_by.entry(*hash).or_default().push(id);
        }
        match self.changed.entry(id) {
            Entry::Vacant(place) => {
                place.insert(Changed { contact, new_keys });
            }
            Entry::Occupied(mut place) => {
                place.get_mut().contact = contact;
                place.get_mut().new_keys.extend(new_keys);
            }
        }
    }

    pub(super) fn into_changes(self, changes: &mut Changes) {
        for (_, Changed { contact, new_keys }) in self.changed {
            changes.contact(contact, &new_keys);
        }
    }
}
