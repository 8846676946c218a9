//! What one commit is to write: documents, contacts with what they are found by, and where their values come from.

use super::StoreError;
use super::documents::decode;
use super::lookup::LookupHash;
use super::table::Document;
use super::workspace::Workspace;
use crate::model::contact::Contact;
use crate::model::id::ContactId;
use crate::model::ledger::Provenance;

/// What is to be written together.
#[derive(Default)]
pub struct Changes {
    /// Table and key, and the document or none to remove it.
    pub(super) documents: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(super) contacts: Vec<Contact>,
    pub(super) provenances: Vec<(ContactId, Provenance)>,
    /// By what which numbers are found.
    pub(super) lookups: Vec<(LookupHash, u64)>,
    pub(super) removed: Vec<ContactId>,
    pub(super) touched: Vec<ContactId>,
}

impl Changes {
    pub fn put<D: Document>(&mut self, key: D::Key<'_>, document: &D) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(document).map_err(|error| StoreError::Encode(error.into()))?;
        self.documents.push((table_key::<D>(key), Some(bytes)));
        Ok(())
    }

    /// Table and key of each document, and what is to stand there.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.documents.iter().map(|(key, bytes)| (key.as_slice(), bytes.as_deref()))
    }

    pub(super) fn contact_ids(&self) -> impl Iterator<Item = ContactId> {
        self.contacts.iter().map(|contact| contact.id)
    }

    /// A document as it will be once these are committed.
    pub fn over<D: Document>(&self, workspace: &Workspace, key: D::Key<'_>) -> Result<Option<D>, StoreError> {
        let key = table_key::<D>(key);
        match self.documents.iter().rev().find(|(place, _)| *place == key) {
            Some((_, bytes)) => bytes.as_deref().map(decode).transpose(),
            None => workspace.raw(&key)?.map(|bytes| decode(&bytes)).transpose(),
        }
    }

    pub fn remove<D: Document>(&mut self, key: D::Key<'_>) {
        self.documents.push((table_key::<D>(key), None));
    }

    /// Keeps a contact; `found_by` names what it can be found by that it could not before.
    pub fn contact(&mut self, contact: Contact, found_by: &[LookupHash]) {
        self.lookups.extend(found_by.iter().map(|hash| (*hash, contact.id.0)));
        self.contacts.push(contact);
    }

    /// Takes a contact away, with where its values come from.
    pub fn remove_contact(&mut self, id: ContactId) {
        self.removed.push(id);
        self.touched.push(id);
    }

    /// Keeps where a contact's values come from.
    pub fn provenance(&mut self, id: ContactId, provenance: Provenance) {
        self.provenances.push((id, provenance));
    }

    /// Has these contacts looked at anew by whoever follows contacts, though they stay as they are.
    pub fn touch(&mut self, contacts: &[ContactId]) {
        self.touched.extend(contacts);
    }

    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.contacts.is_empty() && self.provenances.is_empty() && self.touched.is_empty()
    }
}

fn table_key<D: Document>(key: D::Key<'_>) -> Vec<u8> {
    let mut bytes = vec![D::TABLE];
    bytes.extend(D::key(key));
    bytes
}
