//! HubSpot's dates and times as text, to and from the contract's numbers: ISO 8601 in UTC, or milliseconds since 1970.

use ferry_sdk::time::{self, DAY};
use ferry_sdk::value::Instant;

/// Milliseconds since 1970, as older properties and `hs_calculated_merged_vids` have them.
fn epoch_ms(text: &str) -> Option<i64> {
    // Shorter runs of digits are more likely a year or a typing error than a moment of 1970.
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    ((9..=15).contains(&unsigned.len()) && unsigned.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// A point in time: ISO 8601, or milliseconds since 1970.
pub(crate) fn instant(text: &str) -> Option<Instant> {
    time::instant(text).or_else(|| epoch_ms(text)?.checked_mul(1_000))
}

/// A day: `YYYY-MM-DD`, or a midnight in UTC in either form of an instant.
pub(crate) fn date(text: &str) -> Option<i32> {
    time::date(text).or_else(|| i32::try_from(instant(text).filter(|instant| instant % DAY == 0)? / DAY).ok())
}

/// `2026-11-22T10:00:00.000Z`; HubSpot keeps milliseconds.
pub(crate) fn write_instant(instant: Instant) -> String {
    time::write_instant(instant, 3)
}

/// `2026-11-22`.
pub(crate) fn write_date(days: i32) -> String {
    time::write_date(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_all_of_hubspots_spellings() {
        let expected = Some(1_763_805_600_123_000);
        assert_eq!(instant("2025-11-22T10:00:00.123Z"), expected);
        assert_eq!(instant("1763805600123"), expected);
        assert_eq!(instant("2025-11-22T10:00:00Z"), Some(1_763_805_600_000_000));
        assert_eq!(instant("1969-12-31T23:59:59.999999Z"), Some(-1));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in ["", "2026", "soon", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "äöüäöüä"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_days_and_midnights() {
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("2000-02-29"), Some(11_016));
        assert_eq!(date("951782400000"), Some(11_016));
        assert_eq!(date("2001-02-29"), None);
        assert_eq!(date("2000-02-29T01:00:00Z"), None);
    }
}
