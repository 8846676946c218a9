//! How long to wait before a thing is tried again.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use siphasher::sip::SipHasher13;

use crate::model::time::Instant;

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Doubles from one second, up to a quarter of an hour; `spread` in 0..=1 takes off up to half, so that those who were
/// refused together don't come back together.
pub(super) fn pause(tries: u32, spread: f64) -> Duration {
    let whole = Duration::from_secs(1).saturating_mul(2u32.saturating_pow(tries.min(16))).min(LONGEST);
    whole.mul_f64(1.0 - spread.clamp(0.0, 1.0) / 2.0)
}

/// A number in 0..=1 for [`pause`] that is another one for everybody and every moment, and the same for the same.
pub(super) fn spread(now: Instant, who: u64) -> f64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    (now, who).hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_quarter_of_an_hour() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 10, 99].iter().map(|tries| pause(*tries, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 900, 900]);
    }

    #[test]
    fn the_spread_takes_off_at_most_half() {
        assert_eq!(pause(2, 1.0), Duration::from_secs(2));
        assert_eq!(pause(2, 7.0), Duration::from_secs(2));
    }
}
