//! One tenant's documents, read: each under a key of its own, or, where there may be millions, in buckets by their numbers.

use super::buckets::Buckets;
use super::key_set::KeySet;
use super::table::{Document, NUMBERED, Table};
use super::workspace::Workspace;
use super::{StoreError, key};
use crate::model::conflict::Conflict;
use crate::model::id::{ContactId, SyncId};

type Scan<D> = Box<dyn DoubleEndedIterator<Item = Result<D, StoreError>> + Send>;

impl Workspace {
    pub fn get<D: Document>(&self, key: D::Key<'_>) -> Result<Option<D>, StoreError> {
        self.raw(&[&[D::TABLE], &D::key(key)[..]].concat())?.map(|bytes| decode(&bytes)).transpose()
    }

    /// What stands under a table and key.
    pub(super) fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        match numbered_key(key)? {
            Some((table, number)) => self.buckets(table).get(number, |bytes| Ok(bytes.into())),
            None => Ok(self.tree.get([&self.number.to_be_bytes()[..], key].concat())?),
        }
    }

    /// Every document of a type, in the order of their keys.
    pub fn scan<D: Document + Send + 'static>(
        &self,
    ) -> impl DoubleEndedIterator<Item = Result<D, StoreError>> + use<D> {
        match numbered(D::TABLE) {
            Some(table) => self.scan_numbers(table, 0),
            None => Box::new(self.scan_below(Vec::new())),
        }
    }

    /// The documents whose key begins with these names.
    pub fn scan_under<D: Document>(
        &self,
        names: &[&str],
    ) -> impl DoubleEndedIterator<Item = Result<D, StoreError>> + use<D> {
        self.scan_below(key::text(names))
    }

    /// The documents from a key on. Whoever changes them on the way goes on from the key that comes after.
    pub fn scan_from<D: Document + Send + 'static>(
        &self,
        key: D::Key<'_>,
    ) -> impl Iterator<Item = Result<D, StoreError>> + use<D> {
        let key = D::key(key);
        if let Some(table) = numbered(D::TABLE) {
            return match key::read_u64(&key) {
                Ok(number) => self.scan_numbers(table, number),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
        }
        let first = self.document_key::<D>(&key);
        let mut after_last = self.document_key::<D>(&[]);
        if let Some(table) = after_last.last_mut() {
            *table += 1;
        }
        Box::new(self.tree.range(first..after_last).map(|entry| decode(&entry?.1)))
    }

    /// The keys of a type's documents that begin with these names.
    pub fn keys_under<D: Document>(&self, names: &[&str]) -> Result<KeySet<D>, StoreError> {
        let mut set = KeySet::empty(self.hash_key);
        let table = self.document_key::<D>(&[]).len();
        for key in self.tree.scan_prefix(self.document_key::<D>(&key::text(names))).keys() {
            set.add_bytes(&key?[table..]);
        }
        Ok(set)
    }

    /// What a sync holds of one contact.
    pub fn conflicts_of(
        &self,
        sync: &SyncId,
        contact: ContactId,
    ) -> impl Iterator<Item = Result<Conflict, StoreError>> + use<> {
        self.scan_below([key::text(&[sync.as_str()]), contact.0.to_be_bytes().to_vec()].concat())
    }

    fn scan_numbers<D: Document + Send + 'static>(&self, table: Table, from: u64) -> Scan<D> {
        Box::new(self.buckets(table).from(from, |_, bytes| decode(bytes)))
    }

    fn scan_below<D: Document>(
        &self,
        prefix: Vec<u8>,
    ) -> impl DoubleEndedIterator<Item = Result<D, StoreError>> + use<D> {
        self.tree.scan_prefix(self.document_key::<D>(&prefix)).map(|entry| decode(&entry?.1))
    }

    pub(super) fn document_key<D: Document>(&self, rest: &[u8]) -> Vec<u8> {
        key::under(self.number, D::TABLE, rest)
    }

    pub(super) fn buckets(&self, table: Table) -> Buckets {
        Buckets::of(self.tree.clone(), self.number, table)
    }
}

fn numbered(table: u8) -> Option<Table> {
    NUMBERED.into_iter().find(|numbered| *numbered as u8 == table)
}

/// The table and the number that a table and key stand for, if such documents lie in buckets.
pub(super) fn numbered_key(key: &[u8]) -> Result<Option<(Table, u64)>, StoreError> {
    let Some((table, number)) = key.split_first() else { return Ok(None) };
    numbered(*table).map(|table| Ok((table, key::read_u64(number)?))).transpose()
}

/// The last number that was given to a document of a table; none is 0.
pub(super) fn last_number(tree: &sled::Tree, workspace: u32, table: u8) -> Result<u64, StoreError> {
    let prefix = key::under(workspace, table, &[]);
    let last = match numbered(table) {
        Some(table) => Buckets::of(tree.clone(), workspace, table).last()?.unwrap_or_default(),
        None => match tree.scan_prefix(&prefix).next_back() {
            Some(last) => key::read_u64(&last?.0[prefix.len()..])?,
            None => 0,
        },
    };
    let gone = tree.get(key::in_workspace(workspace, Table::LastNumbers, &[table]))?;
    Ok(gone.map_or(Ok(0), |bytes| key::read_u64(&bytes))?.max(last))
}

pub(super) fn decode<D: Document>(bytes: &[u8]) -> Result<D, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Corrupt { what: D::NAME })
}
