//! What a run tells those who watch it, and how they stop it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::sync::Counts;

/// Watches a run. Called after every commit, so it must be quick.
pub trait Observer: Send + Sync {
    /// The counts so far, and how many rows the CRM says there are in all.
    fn page(&self, counts: &Counts, total: Option<u64>);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn page(&self, _: &Counts, _: Option<u64>) {}
}

/// Tells a run to end after the commit that it is at.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

/// The other end of a [`StopSignal`]; whoever holds a clone can stop the run.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<watch::Sender<bool>>);

pub fn stop_signal() -> (Stopper, StopSignal) {
    let stopper = Stopper::default();
    let signal = stopper.signal();
    (stopper, signal)
}

impl Stopper {
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.0.subscribe())
    }

    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the run is to end; never, if nobody can say so any more.
    pub async fn raised(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
