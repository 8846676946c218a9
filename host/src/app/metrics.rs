//! What is counted over all workspaces, for whoever runs the host. No name of a workspace, plugin or connection is in it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::App;
use crate::capability::log::Excesses;
use crate::model::failure::FaultKind;

/// Counted since the process began.
#[derive(Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    faults: [AtomicU64; FaultKind::CODES.len()],
}

impl Counters {
    /// A call of a plugin has ended, with this fault or without one.
    pub(super) fn note(&self, fault: Option<&FaultKind>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let of = |kind: &FaultKind| FaultKind::CODES.iter().position(|code| *code == kind.code());
        if let Some(counter) = fault.and_then(of).and_then(|at| self.faults.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Calls of plugins that have ended, well or not.
    pub calls: u64,
    /// How many of them ended by a fault, by its code; every code is there.
    pub faults: Vec<(&'static str, u64)>,
    /// How many went on beyond a limit and had the excess dropped, by its code; every code is there.
    pub excesses: Vec<(&'static str, u64)>,
    /// Versions of plugins that rest after faults, over all workspaces.
    pub quarantined: u64,
    /// Places in the sandbox that are taken, by calls of connectors and by open mappings, each of how many; none before a plugin
    /// was loaded.
    pub places: Option<[(usize, usize); 2]>,
}

impl App {
    pub fn metrics(&self) -> Metrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            calls: read(&self.counters.calls),
            faults: FaultKind::CODES.into_iter().zip(self.counters.faults.iter().map(read)).collect(),
            excesses: self.plugins.get().map_or_else(|| Excesses::default().read(), |plugins| plugins.excesses()),
            quarantined: self.ailing.resting(self.options.clock.now()),
            places: self.plugins.get().and_then(|plugins| plugins.taken()),
        }
    }
}
