//! Dates and times as CRMs write them, to and from the contract's numbers. No clock and no time zones but UTC and the offset that
//! stands in the text.

use crate::value::Instant;

/// One second in the contract's microseconds.
pub const SECOND: Instant = 1_000_000;

/// One day in the contract's microseconds.
pub const DAY: Instant = 86_400 * SECOND;

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

/// The day of these numbers, in days since 1970; none where the calendar has no such day.
pub fn day(year: i64, month: i64, day: i64) -> Option<i32> {
    let is_day =
        (0..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=length_of(year, month)).contains(&day);
    is_day.then(|| days(year, month, day)).and_then(|day| i32::try_from(day).ok())
}

/// `2026-11-22`.
pub fn date(text: &str) -> Option<i32> {
    date_of(text.as_bytes())
}

fn date_of(text: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else { return None };
    day(digits(&[y0, y1, y2, y3])?, digits(&[m0, m1])?, digits(&[d0, d1])?)
}

/// Year, month, day of days since 1970.
pub fn parts_of_date(days: i32) -> (i64, i64, i64) {
    civil(i64::from(days))
}

/// `2026-11-22`.
pub fn write_date(days: i32) -> String {
    let (year, month, day) = civil(i64::from(days));
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time of a day: `10:00`, `10:00:00` or with decimals of a second, in microseconds.
pub fn clock(text: &str) -> Option<i64> {
    clock_of(text.as_bytes())
}

fn clock_of(text: &[u8]) -> Option<i64> {
    let (hour, minute, second, places) = match *text {
        [h0, h1, b':', m0, m1] => (digits(&[h0, h1])?, digits(&[m0, m1])?, 0, &[][..]),
        [h0, h1, b':', m0, m1, b':', s0, s1, ref places @ ..] => {
            (digits(&[h0, h1])?, digits(&[m0, m1])?, digits(&[s0, s1])?, places)
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3_600 + minute * 60 + second) * SECOND + fraction(places)?)
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

/// A point in time as in ISO 8601, with `T` or a space, with up to nine decimals, in UTC or with an offset; without either it is UTC.
pub fn instant(text: &str) -> Option<Instant> {
    let (day, rest) = text.as_bytes().split_at_checked(10)?;
    let day = date_of(day)?;
    let [b'T' | b' ', time @ ..] = rest else { return None };
    let (time, offset) = offset(time)?;
    Some(i64::from(day) * DAY + clock_of(time)? - offset)
}

/// The time without its offset, and the offset in microseconds.
fn offset(time: &[u8]) -> Option<(&[u8], i64)> {
    if let [time @ .., b'Z'] = time {
        return Some((time, 0));
    }
    let Some(at) = time.iter().rposition(|byte| matches!(byte, b'+' | b'-')) else { return Some((time, 0)) };
    let (time, offset) = time.split_at_checked(at)?;
    let (sign, hours, minutes) = match *offset {
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => (sign, digits(&[h0, h1])?, digits(&[m0, m1])?),
        [sign, h0, h1] => (sign, digits(&[h0, h1])?, 0),
        _ => return None,
    };
    let micros = (hours * 3_600 + minutes * 60) * SECOND;
    (hours < 24 && minutes < 60).then_some((time, if sign == b'-' { -micros } else { micros }))
}

/// `2026-11-22T10:00:00Z`, with what `decimals` of a second there are, 0 to 6; the rest is cut.
pub fn write_instant(instant: Instant, decimals: u32) -> String {
    let (year, month, day) = civil(instant.div_euclid(DAY));
    let rest = instant.rem_euclid(DAY);
    let (hour, minute, second) = (rest / (3_600 * SECOND), rest / (60 * SECOND) % 60, rest / SECOND % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if decimals > 0 {
        let places = format!("{:06}", rest % SECOND);
        text.push('.');
        text.push_str(places.get(..usize::try_from(decimals).unwrap_or(6).min(6)).unwrap_or(&places));
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_the_spellings_of_crms() {
        let ten = Some(1_763_805_600_000_000);
        for text in [
            "2025-11-22T10:00:00Z",
            "2025-11-22 10:00:00",
            "2025-11-22T10:00Z",
            "2025-11-22T12:00:00+02:00",
            "2025-11-22T05:30:00.000-0430",
            "2025-11-22T10:00:00.000000000+00",
        ] {
            assert_eq!(instant(text), ten, "{text}");
        }
        assert_eq!(instant("1969-12-31T23:59:59.999999Z"), Some(-1));
        for text in ["", "2026", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T10:00:00+99:00", "äöüäöüä"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for day in (-719_000..800_000).step_by(977) {
            assert_eq!(date(&write_date(day)), Some(day));
        }
        for at in (0..4_000_000_000_000_000i64).step_by(37_123_456_789_123) {
            assert_eq!(instant(&write_instant(at, 6)), Some(at));
            assert_eq!(instant(&write_instant(at, 3)), Some(at / 1_000 * 1_000));
            assert_eq!(instant(&write_instant(at, 0)), Some(at / SECOND * SECOND));
        }
        assert_eq!(clock("23:59:59.5"), Some(DAY - SECOND / 2));
        assert_eq!((clock("24:00"), day(2001, 2, 29), parts_of_date(11_016)), (None, None, (2000, 2, 29)));
    }
}
