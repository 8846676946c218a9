//! Where the vault keeps what it has sealed.

use super::table::Table;
use super::{Store, StoreError, key};
use crate::model::id::{ConnectionId, WorkspaceId};
use crate::model::secret::{SealedStore, SealedStoreError};

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

    fn remove(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<(), SealedStoreError> {
        let key = self.credential_key(workspace, connection).map_err(failed)?;
        self.tree.remove(key).map_err(failed)?;
        self.flush().map_err(failed)
    }
}
