//! Where guests run: the engine, the places in it, and one guarded call. Knows no connector and no mapper.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Engine;

use super::engine::{PLACES, Running, TickingEngine};
use crate::model::failure::FaultKind;
use crate::model::share::{Holder, Share, Shares};

/// How long a call waits for a place. Every call before it ends within its own deadline, which is no longer than this.
const CALL_WAIT: Duration = Duration::from_secs(600);

/// How long an opening mapping waits for a place: mappings are held for whole runs, so a longer wait promises nothing.
const MAPPING_WAIT: Duration = Duration::from_secs(60);

/// One per process, shared by all that is loaded.
pub(super) struct Sandbox {
    ticking: TickingEngine,
    /// Calls of connectors and open mappings have places of their own, so that neither can starve the other: a run holds
    /// its mapping while it calls its connector.
    calls: Arc<Shares>,
    mappings: Arc<Shares>,
}

impl Sandbox {
    pub(super) fn new() -> wasmtime::Result<Self> {
        let places = || Shares::new(PLACES as usize);
        Ok(Self { ticking: TickingEngine::new()?, calls: places(), mappings: places() })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.ticking.engine()
    }

    pub(super) fn is_scarce(&self) -> bool {
        self.ticking.is_scarce()
    }

    pub(super) fn running(&self) -> Running {
        self.ticking.running()
    }

    pub(super) async fn call_place(&self, holder: &Holder) -> Result<Share, FaultKind> {
        place(&self.calls, holder, CALL_WAIT).await
    }

    pub(super) async fn mapping_place(&self, holder: &Holder) -> Result<Share, FaultKind> {
        place(&self.mappings, holder, MAPPING_WAIT).await
    }

    /// Places of calls and of open mappings that are taken, each of how many.
    pub(super) fn taken(&self) -> [(usize, usize); 2] {
        [self.calls.taken(), self.mappings.taken()]
    }
}

async fn place(places: &Arc<Shares>, holder: &Holder, wait: Duration) -> Result<Share, FaultKind> {
    let place = tokio::time::timeout(wait, places.take(holder)).await;
    place.map_err(|_| FaultKind::Start(format!("its workspace's share of the {PLACES} places in the sandbox is taken")))
}

/// What stopped a call: its error, or its deadline.
pub(super) enum Stopped {
    Error(wasmtime::Error),
    Late,
}

/// Runs a call of a guest for at most `time`. Where it is stopped, the instance is dead.
pub(super) async fn guarded<R>(
    sandbox: &Sandbox,
    time: Duration,
    call: impl Future<Output = wasmtime::Result<R>>,
) -> Result<R, Stopped> {
    let _running = sandbox.running();
    // The epoch stops a guest that computes, this one that waits.
    match tokio::time::timeout(time, call).await {
        Ok(answer) => answer.map_err(Stopped::Error),
        Err(_) => Err(Stopped::Late),
    }
}
