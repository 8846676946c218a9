//! What the workspace will hold once the page at hand is committed: contacts as stored, with the page's changes over them.

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
        let hash = self.workspace.hash(key);
        let mut ids = self.workspace.candidates(hash)?;
        if let Some(fresh) = self.found_by.get(&hash) {
            ids.extend(fresh);
            ids.sort_unstable();
            ids.dedup();
        }
        let mut found = Vec::new();
        for id in ids {
            let contact = match self.changed.get(&id) {
                Some(changed) => Some(changed.contact.clone()),
                None => self.workspace.contact(id)?,
            };
            found.extend(contact.filter(|contact| key.fits(contact)));
        }
        Ok(found)
    }

    /// Keeps `contact`; `new_keys` are what it could not be found by before.
    pub(super) fn put(&mut self, contact: Contact, new_keys: &[LookupKey<'_>]) {
        let id = contact.id;
        let hashes: Vec<LookupHash> = new_keys.iter().map(|key| self.workspace.hash(*key)).collect();
        for hash in &hashes {
            self.found_by.entry(*hash).or_default().push(id);
        }
        let changed =
            self.changed.entry(id).or_insert_with(|| Changed { contact: contact.clone(), new_keys: Vec::new() });
        changed.contact = contact;
        changed.new_keys.extend(hashes);
    }

    pub(super) fn into_changes(self, changes: &mut Changes) {
        for (_, Changed { contact, new_keys }) in self.changed {
            changes.contact(contact, &new_keys);
        }
    }
}
