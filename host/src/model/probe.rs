//! The port through which a call can be watched: for traces, for measurements.

use std::sync::Arc;
use std::time::Duration;

/// What one call used of its allowance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Linear memory at its end, which is its most: it never shrinks.
    pub memory_bytes: u64,
    pub host_calls: u32,
    pub time: Duration,
}

/// Is told what a call does, as it does it.
pub trait Probe: Send + Sync {
    /// A line that the plugin wrote, cleaned and cut.
    fn line(&self, level: &'static str, text: &str);

    /// The call has ended, well or not.
    fn used(&self, usage: Usage);
}

/// Makes a call visible, and the same when it is made again.
#[derive(Clone)]
pub struct Watch {
    pub probe: Arc<dyn Probe>,
    /// All randomness of the call follows from it. Only for calls that are watched: what is drawn can be foretold.
    pub seed: u64,
}
