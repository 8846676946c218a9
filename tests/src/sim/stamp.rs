//! Instants as text, `2026-03-02T09:00:00.250Z`, both ways. By hand, since a list page prints four of them a record.

use std::fmt::Write as _;

const DAY_MS: i64 = 86_400_000;

/// `2026-03-02T09:00:00.250Z` for milliseconds since 1970; a whole second has no fraction, as Java prints instants.
pub fn iso(ms: i64) -> String {
    if ms.rem_euclid(1_000) == 0 { seconds(ms) + "Z" } else { iso_millis(ms, "Z") }
}

/// `2026-03-02T09:00:00.250+0000` for milliseconds since 1970 and a way to write UTC; always with milliseconds.
pub fn iso_millis(ms: i64, utc: &str) -> String {
    let mut text = seconds(ms);
    // Writing to a `String` cannot fail.
    let _ = write!(text, ".{:03}{utc}", ms.rem_euclid(1_000));
    text
}

fn seconds(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let rest = ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    let mut text = String::with_capacity(28);
    let _ = write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    text
}

/// `Mon, 02 Mar 2026 09:00:00 GMT` for milliseconds since 1970, as HTTP writes instants.
pub fn http_date(ms: i64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = ms.div_euclid(DAY_MS);
    let (year, month, day) = civil(days);
    let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|at| WEEKDAYS.get(at)).copied().unwrap_or_default();
    let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    format!("{weekday}, {day:02} {month} {year:04} {} GMT", &seconds(ms)[11..])
}

/// `2026-03-02` for milliseconds since 1970.
pub fn iso_date(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Milliseconds since 1970 for an ISO instant with offset, a plain date (midnight UTC) or a number of milliseconds.
pub fn parse(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    parse_date(text)
}

/// Milliseconds since 1970 of a plain `YYYY-MM-DD`, midnight UTC.
pub fn parse_date(text: &str) -> Option<i64> {
    if text.len() != 10 {
        return None;
    }
    let date = text.parse::<jiff::civil::Date>().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// Year, month and day of a day number since 1970, after Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_and_parse_alike() {
        for text in
            ["2026-03-02T09:00:00Z", "1970-01-01T00:00:00.001Z", "2024-02-29T23:59:59.999Z", "1969-12-31T23:59:59.999Z"]
        {
            assert_eq!(parse(text).map(iso).as_deref(), Some(text));
        }
        assert_eq!(parse("2026-03-02"), Some(1_772_409_600_000));
        assert_eq!(parse("1772409600000"), Some(1_772_409_600_000));
        assert_eq!(parse("2026-13-02"), None);
    }

    #[test]
    fn http_has_a_form_of_its_own() {
        assert_eq!(http_date(784_111_777_250), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    }
}
