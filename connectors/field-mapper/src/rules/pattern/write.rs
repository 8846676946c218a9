//! Writes moments: ISO 8601 and patterns.

use super::{MONTHS, Moment, Piece, Width};

/// Writes a moment, whose fields are within the calendar.
pub(crate) fn push(pieces: &[Piece], moment: &Moment, out: &mut String) {
    use std::fmt::Write as _;
    let clock = moment.time.unwrap_or_default();
    let half = if clock.hour % 12 == 0 { 12 } else { clock.hour % 12 };
    let name = MONTHS[usize::try_from(moment.month - 1).unwrap_or(0).min(11)];
    for piece in pieces {
        // Writing to a `String` can't fail.
        let _ = match piece {
            Piece::Literal(text) => out.write_str(text),
            Piece::Year => write!(out, "{:04}", moment.year),
            Piece::ShortYear => write!(out, "{:02}", moment.year % 100),
            Piece::Month(Width::Two) => write!(out, "{:02}", moment.month),
            Piece::Month(Width::One) => write!(out, "{}", moment.month),
            Piece::MonthName => out.write_str(name),
            Piece::ShortMonthName => out.write_str(&name[..3]),
            Piece::Day(Width::Two) => write!(out, "{:02}", moment.day),
            Piece::Day(Width::One) => write!(out, "{}", moment.day),
            Piece::Hour(Width::Two) => write!(out, "{:02}", clock.hour),
            Piece::Hour(Width::One) => write!(out, "{}", clock.hour),
            Piece::HalfDayHour(Width::Two) => write!(out, "{half:02}"),
            Piece::HalfDayHour(Width::One) => write!(out, "{half}"),
            Piece::Minute => write!(out, "{:02}", clock.minute),
            Piece::Second => write!(out, "{:02}", clock.second),
            Piece::Millis => write!(out, "{:03}", clock.micros / 1000),
            Piece::Noon => out.write_str(if clock.hour < 12 { "AM" } else { "PM" }),
            Piece::Offset => out.write_str(&offset_text(moment.offset.unwrap_or(0))),
        };
    }
}

/// Writes ISO 8601: the date, the time if there is one, a fraction only where there is one.
pub(crate) fn push_iso(moment: &Moment, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a `String` can't fail.
    let _ = write!(out, "{:04}-{:02}-{:02}", moment.year, moment.month, moment.day);
    let Some(clock) = moment.time else { return };
    let _ = write!(out, "T{:02}:{:02}:{:02}", clock.hour, clock.minute, clock.second);
    let _ = match clock.micros {
        0 => Ok(()),
        micros if micros % 1000 == 0 => write!(out, ".{:03}", micros / 1000),
        micros => write!(out, ".{micros:06}"),
    };
    out.push_str(&offset_text(moment.offset.unwrap_or(0)));
}

fn offset_text(offset: i32) -> String {
    if offset == 0 {
        return "Z".to_owned();
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
