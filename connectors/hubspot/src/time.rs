//! HubSpot's dates and times as text, to and from the contract's numbers. No clock, no time zones: HubSpot writes UTC.

use ferry_sdk::value::Instant;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Days since 1970-01-01 of a day of the Gregorian calendar.
/// (Howard Hinnant, "chrono-compatible low-level date algorithms": <https://howardhinnant.github.io/date_algorithms.html>.)
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month, day of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of_year = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_of_year + 2) / 5 + 1;
    let month = if month_of_year < 10 { month_of_year + 3 } else { month_of_year - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn length_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// `2026-11-22`.
fn day_of(text: &[u8]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else { return None };
    let (year, month, day) = (digits(&[y0, y1, y2, y3])?, digits(&[m0, m1])?, digits(&[d0, d1])?);
    ((1..=12).contains(&month) && (1..=length_of(year, month)).contains(&day)).then(|| days(year, month, day))
}

/// Milliseconds since 1970, as older properties and `hs_calculated_merged_vids` have them.
fn epoch_ms(text: &str) -> Option<i64> {
    // Shorter runs of digits are more likely a year or a typing error than a moment of 1970.
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    ((9..=15).contains(&unsigned.len()) && unsigned.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// A point in time: ISO 8601 in UTC with up to six decimals of a second, or milliseconds since 1970.
pub(crate) fn instant(text: &str) -> Option<Instant> {
    let bytes = text.as_bytes();
    let Some((day, clock)) = bytes.split_at_checked(10) else { return epoch_ms(text)?.checked_mul(1_000) };
    let Some(day) = day_of(day) else { return epoch_ms(text)?.checked_mul(1_000) };
    let [b'T', h0, h1, b':', m0, m1, b':', s0, s1, ref rest @ .., b'Z'] = *clock else { return None };
    let (hour, minute, second) = (digits(&[h0, h1])?, digits(&[m0, m1])?, digits(&[s0, s1])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(day * DAY + (hour * 3_600 + minute * 60 + second) * SECOND + fraction(rest)?)
}

/// Microseconds of `.123`; what is finer is cut.
fn fraction(text: &[u8]) -> Option<i64> {
    match text {
        [] => Some(0),
        [b'.', places @ ..] if (1..=9).contains(&places.len()) => {
            digits(places)?;
            let micros = |at: usize| places.get(at).map_or(0, |byte| i64::from(byte - b'0'));
            Some((0..6).fold(0, |number, at| number * 10 + micros(at)))
        }
        _ => None,
    }
}

/// A day: `YYYY-MM-DD`, or a midnight in UTC in either form of an instant.
pub(crate) fn date(text: &str) -> Option<i32> {
    let day = match day_of(text.as_bytes()) {
        Some(day) => day,
        None => instant(text).filter(|instant| instant % DAY == 0)? / DAY,
    };
    i32::try_from(day).ok()
}

/// `2026-11-22T10:00:00.000Z`; HubSpot keeps milliseconds.
pub(crate) fn write_instant(instant: Instant) -> String {
    let (year, month, day) = civil(instant.div_euclid(DAY));
    let ms = instant.rem_euclid(DAY) / 1_000;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

/// `2026-11-22`.
pub(crate) fn write_date(days: i32) -> String {
    let (year, month, day) = civil(i64::from(days));
    format!("{year:04}-{month:02}-{day:02}")
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
        for text in
            ["", "2026", "soon", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T10:00:00", "äöüäöüä"]
        {
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

    #[test]
    fn what_is_written_is_read_back() {
        for day in (-800_000..800_000).step_by(977) {
            assert_eq!(date(&write_date(day)).filter(|_| day > -719_000), Some(day).filter(|_| day > -719_000));
        }
        for at in (0..4_000_000_000_000_000i64).step_by(37_123_456_789_000) {
            assert_eq!(instant(&write_instant(at)), Some(at / 1_000 * 1_000));
        }
    }
}
