//! Numbers for the names that every contact would otherwise repeat: attributes, objects, connections, syncs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::table::Table;
use super::{StoreError, key};

/// A workspace's names. A number, once given, stays.
pub(super) struct Names {
    tree: sled::Tree,
    workspace: u32,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn open(tree: sled::Tree, workspace: u32) -> Result<Self, StoreError> {
        let mut known = Known::default();
        for entry in tree.scan_prefix(key::in_workspace(workspace, Table::Names, &[])) {
            let (_, bytes) = entry?;
            let name = std::str::from_utf8(&bytes).map_err(|_| StoreError::Corrupt { what: "a name" })?;
            known.add(name.into());
        }
        Ok(Self { tree, workspace, known: RwLock::new(known) })
    }

    /// The number of `name`; written down before it is given out for the first time.
    pub(super) fn number(&self, name: &str) -> Result<u32, StoreError> {
        if let Some(number) = self.known.read().unwrap_or_else(PoisonError::into_inner).numbers.get(name) {
            return Ok(*number);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(name) {
            return Ok(*number);
        }
        let number = u32::try_from(known.names.len()).map_err(|_| StoreError::Corrupt { what: "names" })?;
        // The log keeps its order: whatever is committed with this number is on disk only if the name is.
        self.tree.insert(key::in_workspace(self.workspace, Table::Names, &number.to_be_bytes()), name)?;
        known.add(name.into());
        Ok(number)
    }

    pub(super) fn name(&self, number: u32) -> Result<Arc<str>, StoreError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names.get(number as usize).cloned().ok_or(StoreError::Corrupt { what: "a name's number" })
    }
}

/// The numbers of the names of one commit. Its contacts carry the same few names, in the same order, as the same shared
/// texts: the number of the next one is nearly always the answer after the last.
pub(super) struct Numbers<'a> {
    names: &'a Names,
    given: Vec<(Arc<str>, u32)>,
    next: usize,
}

impl<'a> Numbers<'a> {
    pub(super) fn of(names: &'a Names) -> Self {
        Self { names, given: Vec::new(), next: 0 }
    }

    /// As [`Names::number`].
    pub(super) fn number(&mut self, name: &Arc<str>) -> Result<u32, StoreError> {
        let (before, after) = self.given.split_at(self.next.min(self.given.len()));
        let at = after.iter().position(|(known, _)| Arc::ptr_eq(known, name)).map(|at| at + before.len());
        let at = at.or_else(|| before.iter().position(|(known, _)| Arc::ptr_eq(known, name)));
        let at = match at {
            Some(at) => at,
            None => {
                self.given.push((name.clone(), self.names.number(name)?));
                self.given.len() - 1
            }
        };
        self.next = at + 1;
        Ok(self.given[at].1)
    }
}

impl Known {
    fn add(&mut self, name: Arc<str>) {
        self.numbers.insert(name.clone(), u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name);
    }
}
