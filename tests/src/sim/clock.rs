//! The clock of a simulated CRM: token expiry, stamps and rate windows follow it, and a test moves it by hand.

use std::sync::Mutex;
use std::time::Instant;

use super::server::lock;

/// 2026-03-02T09:00:00Z, where a stopped clock starts unless told otherwise.
pub const DEFAULT_START_MS: i64 = 1_772_442_000_000;

/// Milliseconds since 1970 as the simulated CRM sees them. Stopped, it moves only when told; running, it also follows
/// the real clock from where it was set.
#[derive(Debug)]
pub struct Clock {
    state: Mutex<State>,
}

/// Where a clock starts, and whether it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Stands at an instant, milliseconds since 1970, until it is moved.
    Stopped(i64),
    /// Starts at an instant and runs.
    Running(i64),
    /// The machine's time.
    Now,
}

#[derive(Debug)]
struct State {
    base_ms: i64,
    running_since: Option<Instant>,
}

impl State {
    fn now_ms(&self) -> i64 {
        let run_ms =
            self.running_since.map_or(0, |since| i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX));
        self.base_ms.saturating_add(run_ms)
    }
}

impl Clock {
    /// A clock as told.
    pub fn start(start: Start) -> Self {
        match start {
            Start::Stopped(ms) => Self::stopped(ms),
            Start::Running(ms) => Self::running(ms),
            Start::Now => Self::real(),
        }
    }

    /// A clock that stands at `start_ms` until it is moved.
    pub fn stopped(start_ms: i64) -> Self {
        Self { state: Mutex::new(State { base_ms: start_ms, running_since: None }) }
    }

    /// A clock that starts at `start_ms` and runs.
    pub fn running(start_ms: i64) -> Self {
        Self { state: Mutex::new(State { base_ms: start_ms, running_since: Some(Instant::now()) }) }
    }

    /// A clock that starts at the machine's time and runs.
    pub fn real() -> Self {
        Self::running(machine_now_ms())
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        lock(&self.state).now_ms()
    }

    /// Puts the clock to `now_ms`, also backwards. A running clock runs on from there.
    pub fn set(&self, now_ms: i64) {
        let mut state = lock(&self.state);
        state.base_ms = now_ms;
        if state.running_since.is_some() {
            state.running_since = Some(Instant::now());
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by_ms: i64) {
        let mut state = lock(&self.state);
        state.base_ms = state.base_ms.saturating_add(by_ms);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where a simulator may take the machine's time")]
fn machine_now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_told() {
        let clock = Clock::stopped(1_000);
        clock.advance(500);
        assert_eq!(clock.now_ms(), 1_500);
        clock.set(200);
        assert_eq!(clock.now_ms(), 200);
    }
}
