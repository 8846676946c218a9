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

impl Known {
    fn add(&mut self, name: Arc<str>) {
        self.numbers.insert(name.clone(), u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name);
    }
}
