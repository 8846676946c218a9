//! A process that dies and a machine that loses power, without either: for the simulation of the engine. Only in its tests.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use super::{Store, StoreError, Workspace, key};
use crate::model::id::WorkspaceId;

/// What a workspace is in for.
#[derive(Default)]
pub(super) struct Unsteady {
    /// Points that may still be passed before everything fails; negative where nothing is to.
    left: AtomicI64,
    is_dead: AtomicBool,
    /// What a loss of power leaves; none where nothing is kept of it, and flushes are real.
    flushed: Mutex<Option<Vec<(sled::IVec, sled::IVec)>>>,
}

impl Unsteady {
    pub(super) fn new() -> Self {
        Self { left: AtomicI64::new(-1), ..Self::default() }
    }

    /// Each commit has two points, before it and after it. From the one that is not passed on, nothing is written any more.
    pub(super) fn point(&self) -> Result<(), StoreError> {
        match self.left.load(Ordering::Relaxed) {
            0 => {
                self.is_dead.store(true, Ordering::Relaxed);
                Err(StoreError::Corrupt { what: "a process that has died" })
            }
            left if left > 0 => {
                self.left.store(left - 1, Ordering::Relaxed);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Workspace {
    /// From now on it dies at the point after this many, or lives on.
    pub(crate) fn die_after(&self, points: Option<u32>) {
        self.unsteady.left.store(points.map_or(-1, i64::from), Ordering::Relaxed);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.unsteady.is_dead.load(Ordering::Relaxed)
    }

    /// From now on a flush is remembered and not done.
    pub(crate) fn pretend_to_flush(&self) {
        self.keep_flushed(true).unwrap();
    }

    /// Whether a flush was only remembered.
    pub(super) fn keep_flushed(&self, begin: bool) -> Result<bool, StoreError> {
        let mut flushed = self.unsteady.flushed.lock().unwrap();
        if !begin && flushed.is_none() {
            return Ok(false);
        }
        self.unsteady.point()?;
        *flushed = Some(self.entries());
        Ok(true)
    }

    fn entries(&self) -> Vec<(sled::IVec, sled::IVec)> {
        let prefix = self.number().to_be_bytes();
        self.tree().scan_prefix(prefix).collect::<Result<_, _>>().unwrap()
    }

    fn replace(&self, entries: Vec<(sled::IVec, sled::IVec)>) {
        let mut batch = sled::Batch::default();
        self.entries().into_iter().for_each(|(key, _)| batch.remove(key));
        entries.into_iter().for_each(|(key, bytes)| batch.insert(key, bytes));
        self.tree().apply_batch(batch).unwrap();
    }
}

impl Store {
    /// The workspace as another process finds it: after a loss of power, with what was flushed.
    pub(crate) fn reopen(&self, id: &WorkspaceId, power_was_lost: bool) -> Result<Arc<Workspace>, StoreError> {
        if let Some(before) = self.workspaces.lock().unwrap().remove(id)
            && power_was_lost
            && let Some(flushed) = before.unsteady.flushed.lock().unwrap().take()
        {
            before.replace(flushed);
        }
        let workspace = self.workspace(id)?;
        workspace.pretend_to_flush();
        Ok(workspace)
    }

    /// Takes everything of a workspace away.
    pub(crate) fn wipe(&self, id: &WorkspaceId) {
        if let Some(workspace) = self.workspaces.lock().unwrap().remove(id) {
            workspace.replace(Vec::new());
            self.tree.remove(key::system(super::table::Table::Workspaces, id.as_str().as_bytes())).unwrap();
        }
    }

    /// Whether a flush is to be remembered instead of done.
    pub(super) fn pretended_flush(&self) -> Result<bool, StoreError> {
        let open = self.workspaces.lock().unwrap();
        open.values().try_fold(false, |pretended, workspace| Ok(pretended | workspace.keep_flushed(false)?))
    }
}
