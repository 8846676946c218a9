//! Instants, and the clock that everything takes its time from.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// The time from `earlier` to this instant; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, as short as it is exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// What can't be read as an [`Instant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no time: write it as in 2026-11-23T14:30:00Z")]
pub struct NotAnInstant;

impl std::str::FromStr for Instant {
    type Err = NotAnInstant;

    /// RFC 3339, with `Z` or an offset.
    fn from_str(text: &str) -> Result<Self, NotAnInstant> {
        let stamp: jiff::Timestamp = text.parse().map_err(|_| NotAnInstant)?;
        Ok(Self(stamp.as_microsecond()))
    }
}

/// Where time comes from: the system's in production, a test's own in tests.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> Instant;

    /// Returns when `span` has passed on this clock.
    async fn sleep(&self, span: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant(jiff::Timestamp::now().as_microsecond())
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_in_utc() {
        assert_eq!(Instant(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant(1_763_805_600_250_000).to_string(), "2025-11-22T10:00:00.25Z");
    }

    #[test]
    fn time_never_runs_over() {
        assert_eq!(Instant(i64::MAX).plus(Duration::from_secs(1)), Instant(i64::MAX));
        assert_eq!(Instant(5).since(Instant(9)), Duration::ZERO);
        assert_eq!(Instant(9_000).since(Instant(1_000)), Duration::from_millis(8));
    }
}
