//! The port under the vault: sealed bytes per connection.

use super::id::{ConnectionId, WorkspaceId};

/// The sealed bytes could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("sealed credentials could not be kept")]
pub struct SealedStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the vault has sealed for one connection.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub workspace: WorkspaceId,
    pub connection: ConnectionId,
    pub bytes: Vec<u8>,
}

/// Keeps what the vault has sealed. What `save` and `remove` did is durable when they return.
pub trait SealedStore: Send + Sync {
    fn load(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Option<Vec<u8>>, SealedStoreError>;
    fn save(&self, workspace: &WorkspaceId, connection: &ConnectionId, sealed: &[u8]) -> Result<(), SealedStoreError>;
    fn remove(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<(), SealedStoreError>;
    fn all(&self) -> Result<Vec<Sealed>, SealedStoreError>;
    /// All of them or none.
    fn save_all(&self, all: &[Sealed]) -> Result<(), SealedStoreError>;
}
