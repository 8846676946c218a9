//! The state on disk: all that knows sled. Get, scan, commit, find; one process at a time.
//!
//! One tree of prefixed keys, `<workspace number><table><key>`, so that everything that belongs together is one atomic
//! batch. Nothing is durable before [`Store::flush`].

mod audit;
mod buckets;
mod changes;
mod contact;
#[cfg(debug_assertions)]
mod crash;
mod documents;
mod error;
mod holder;
mod key;
mod key_set;
mod lookup;
mod migration;
mod names;
mod outcomes;
mod provenance;
mod recent;
mod sealed;
mod sent;
mod table;
#[cfg(test)]
mod unsteady;
mod workspace;

use std::collections::HashMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::id::WorkspaceId;
pub use changes::Changes;
#[cfg(debug_assertions)]
pub use crash::crash_after;
pub use error::StoreError;
pub use key_set::KeySet;
pub use lookup::{LookupHash, LookupKey};
pub use recent::RecentWrites;
pub use sent::SentChanges;
pub use table::Document;
pub use workspace::Workspace;

use holder::Holder;

/// The layout of keys and documents. Raise it with a migration from the one before.
const SCHEMA: u32 = 4;

/// The number under which the store keeps what belongs to no workspace.
const SYSTEM: u32 = 0;

/// Enough for the inner nodes and the leaves that a run touches; sled's own default is a gigabyte, and it holds some of what is beyond.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// An open store. Cheap to share; closes when the last user lets go.
pub struct Store {
    db: sled::Db,
    tree: sled::Tree,
    /// Keys of the hashes in the lookups: a CRM must not be able to make them collide.
    hash_key: [u8; 16],
    workspaces: Mutex<HashMap<WorkspaceId, Arc<Workspace>>>,
    _holder: Holder,
}

impl Store {
    /// Opens the store in `dir`, or makes one. `command` says to others who holds it.
    ///
    /// # Errors
    /// [`StoreError::Held`] names the process that has it open, [`StoreError::Newer`] a schema this version can't read.
    pub fn open(dir: &Path, command: &str) -> Result<Arc<Self>, StoreError> {
        // Contacts lie in it.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|source| StoreError::Directory { dir: dir.to_owned(), source })?;
        let config = sled::Config::new()
            .path(dir.join("data"))
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::HighThroughput)
            // Whoever depends on a commit flushes it; a timer would only add writes at random moments.
            .flush_every_ms(None);
        let db = open_patiently(&config, dir)?;
        let holder = Holder::write(dir, command)?;
        let tree = db.open_tree("ferry")?;
        check_schema(&tree)?;
        let hash_key = hash_key(&tree)?;
        Ok(Arc::new(Self { db, tree, hash_key, workspaces: Mutex::default(), _holder: holder }))
    }

    /// The workspace of this name; made when it is asked for the first time.
    pub fn workspace(&self, id: &WorkspaceId) -> Result<Arc<Workspace>, StoreError> {
        let mut open = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = open.get(id) {
            return Ok(workspace.clone());
        }
        let number = self.workspace_number(id)?;
        let workspace = Arc::new(Workspace::open(self.tree.clone(), number, self.hash_key)?);
        open.insert(id.clone(), workspace.clone());
        Ok(workspace)
    }

    /// Whether anybody has asked for this workspace before.
    pub fn has_workspace(&self, id: &WorkspaceId) -> Result<bool, StoreError> {
        Ok(self.tree.contains_key(key::system(table::Table::Workspaces, id.as_str().as_bytes()))?)
    }

    /// The names of all workspaces, in order.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let prefix = key::system(table::Table::Workspaces, &[]);
        let mut names = Vec::new();
        for entry in self.tree.scan_prefix(&prefix) {
            let (key, _) = entry?;
            let name = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
            names.push(WorkspaceId::try_from(name).map_err(|_| StoreError::Corrupt { what: "workspace name" })?);
        }
        Ok(names)
    }

    fn workspace_number(&self, id: &WorkspaceId) -> Result<u32, StoreError> {
        let key = key::system(table::Table::Workspaces, id.as_str().as_bytes());
        if let Some(bytes) = self.tree.get(&key)? {
            return key::read_u32(&bytes);
        }
        let next =
            u32::try_from(self.workspaces()?.len() + 1).map_err(|_| StoreError::Corrupt { what: "workspaces" })?;
        self.tree.insert(key, &next.to_be_bytes())?;
        Ok(next)
    }

    /// Returns when everything that was committed before is on disk. Blocks; from async code see [`Store::flush_soon`].
    pub fn flush(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.pretended_flush()? {
            return Ok(());
        }
        self.db.flush()?;
        Ok(())
    }

    /// As [`Store::flush`], without holding up the caller's thread.
    pub async fn flush_soon(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.pretended_flush()? {
            return Ok(());
        }
        self.db.flush_async().await?;
        Ok(())
    }

    /// Bytes on disk.
    pub fn size_on_disk(&self) -> Result<u64, StoreError> {
        Ok(self.db.size_on_disk()?)
    }
}

/// sled gives its lock up a moment after the last user has let go: a command that follows another must not fail for that.
fn open_patiently(config: &sled::Config, dir: &Path) -> Result<sled::Db, StoreError> {
    const TRIES: u32 = 20;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(25);
    let mut error = None;
    for _ in 0..TRIES {
        match open_apart(config).map_err(|source| holder::explain(dir, source)) {
            Err(held @ StoreError::Held { .. }) => error = Some(held),
            settled => return settled,
        }
        std::thread::sleep(PAUSE);
    }
    Err(error.unwrap_or(StoreError::Corrupt { what: "its lock" }))
}

/// sled counts what it does in 27 MiB of zeros, which nobody reads. Where a thread has freed anything before, the allocator writes
/// zeros itself, and all of that is taken from the machine; to a thread of its own the kernel gives zeros, which are nowhere until they
/// are used.
fn open_apart(config: &sled::Config) -> sled::Result<sled::Db> {
    let opened = std::thread::scope(|scope| scope.spawn(|| config.open()).join());
    opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn check_schema(tree: &sled::Tree) -> Result<(), StoreError> {
    let key = key::system(table::Table::System, b"schema");
    match tree.get(&key)? {
        Some(bytes) => {
            let found = key::read_u32(&bytes)?;
            if found > SCHEMA {
                return Err(StoreError::Newer { found, known: SCHEMA });
            }
            if found < SCHEMA {
                migration::bring_up(tree, found)?;
                tree.insert(key, &SCHEMA.to_be_bytes())?;
                tree.flush()?;
            }
            Ok(())
        }
        None => {
            tree.insert(key, &SCHEMA.to_be_bytes())?;
            Ok(())
        }
    }
}

fn hash_key(tree: &sled::Tree) -> Result<[u8; 16], StoreError> {
    let key = key::system(table::Table::System, b"hash-key");
    if let Some(bytes) = tree.get(&key)? {
        return bytes.as_ref().try_into().map_err(|_| StoreError::Corrupt { what: "hash key" });
    }
    let fresh: [u8; 16] = rand::random();
    tree.insert(key, &fresh)?;
    // Lookups that were hashed with a key that is then lost would be lost with it.
    tree.flush()?;
    Ok(fresh)
}

#[cfg(test)]
mod tests;
