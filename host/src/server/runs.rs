//! The runs that the server begins, whoever asked for them: bounded in number, shared among workspaces, and waited for at the end.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::model::id::WorkspaceId;
use crate::model::share::Shares;

/// Runs at once, of which one workspace has at most half. What is due beyond that waits for a place; CRMs' own limits are met by the
/// governors.
const MOST_RUNS: usize = 16;

/// Places for runs. A clone shares them.
#[derive(Clone)]
pub(super) struct Runs(Arc<Shares>);

impl Default for Runs {
    fn default() -> Self {
        Self(Shares::new(MOST_RUNS))
    }
}

impl Runs {
    /// Begins `run` if there is a place for it.
    pub(super) fn begin<F>(&self, workspace: &WorkspaceId, run: impl FnOnce() -> F + Send + 'static) -> bool
    where
        F: Future<Output = ()>,
    {
        let Some(place) = self.0.try_take(&Some(workspace.clone())) else { return false };
        // A mapping stays on one thread, so a run does too.
        tokio::task::spawn_blocking(move || {
            Handle::current().block_on(run());
            drop(place);
        });
        true
    }

    /// Runs under way, of how many there may be.
    pub(super) fn taken(&self) -> (usize, usize) {
        self.0.taken()
    }

    /// Returns when none is left.
    pub(super) async fn finish(&self) {
        self.0.all_free().await;
    }
}
