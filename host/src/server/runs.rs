//! The runs that the server begins, whoever asked for them: bounded in number, and waited for at the end.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Runs at once. What is due beyond that waits for a place; CRMs' own limits are met by the governors.
const MOST_RUNS: u32 = 8;

/// Places for runs. A clone shares them.
#[derive(Clone)]
pub(super) struct Runs(Arc<Semaphore>);

impl Default for Runs {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_RUNS as usize)))
    }
}

impl Runs {
    /// Begins `run` if there is a place for it.
    pub(super) fn begin<F>(&self, run: impl FnOnce() -> F + Send + 'static) -> bool
    where
        F: Future<Output = ()>,
    {
        let Ok(place) = Arc::clone(&self.0).try_acquire_owned() else { return false };
        // A mapping stays on one thread, so a run does too.
        tokio::task::spawn_blocking(move || {
            Handle::current().block_on(run());
            drop(place);
        });
        true
    }

    /// Returns when none is left.
    pub(super) async fn finish(&self) {
        // Nobody closes it, so this can't fail.
        let _ = self.0.acquire_many(MOST_RUNS).await;
    }
}
