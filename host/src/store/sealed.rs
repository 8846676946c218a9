//! Where the vault keeps what it has sealed.

use super::table::Table;
use super::{Store, StoreError, key};
use crate::model::id::{ConnectionId, WorkspaceId};
use crate::model::secret::{Sealed, SealedStore, SealedStoreError};

impl Store {
    fn credential_key(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Vec<u8>, StoreError> {
        let number = self.workspace(workspace)?.number();
        Ok(key::in_workspace(number, Table::Credentials, &key::text(&[connection.as_str()])))
    }
}

fn failed(error: impl Into<StoreError>) -> SealedStoreError {
    SealedStoreError(Box::new(error.into()))
}

impl SealedStore for Store {
    fn load(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Option<Vec<u8>>, SealedStoreError> {
        let key = self.credential_key(workspace, connection).map_err(failed)?;
        Ok(self.tree.get(key).map_err(failed)?.map(|bytes| bytes.to_vec()))
    }

    fn save(&self, workspace: &WorkspaceId, connection: &ConnectionId, sealed: &[u8]) -> Result<(), SealedStoreError> {
        let key = self.credential_key(workspace, connection).map_err(failed)?;
        self.tree.insert(key, sealed).map_err(failed)?;
        self.flush().map_err(failed)
    }

    fn all(&self) -> Result<Vec<Sealed>, SealedStoreError> {
        let mut all = Vec::new();
        for id in self.workspaces().map_err(failed)? {
            let number = self.workspace(&id).map_err(failed)?.number();
            let prefix = key::in_workspace(number, Table::Credentials, &[]);
            for entry in self.tree.scan_prefix(&prefix) {
                let (key, bytes) = entry.map_err(failed)?;
                let name = key.get(prefix.len()..).and_then(|name| std::str::from_utf8(name).ok());
                let name = name.and_then(|name| name.strip_suffix('\0')).and_then(|name| name.parse().ok());
                let connection = name.ok_or(StoreError::Corrupt { what: "a credential's name" }).map_err(failed)?;
                all.push(Sealed { workspace: id.clone(), connection, bytes: bytes.to_vec() });
            }
        }
        Ok(all)
    }

    fn save_all(&self, all: &[Sealed]) -> Result<(), SealedStoreError> {
        let mut batch = sled::Batch::default();
        for Sealed { workspace, connection, bytes } in all {
            batch.insert(self.credential_key(workspace, connection).map_err(failed)?, bytes.as_slice());
        }
        #[cfg(debug_assertions)]
        super::crash::point();
        self.tree.apply_batch(batch).map_err(failed)?;
        self.flush().map_err(failed)?;
        #[cfg(debug_assertions)]
        super::crash::point();
        Ok(())
    }

    fn remove(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<(), SealedStoreError> {
        let key = self.credential_key(workspace, connection).map_err(failed)?;
        self.tree.remove(key).map_err(failed)?;
        self.flush().map_err(failed)
    }
}
