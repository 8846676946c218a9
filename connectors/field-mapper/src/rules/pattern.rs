//! How dates and times are written: ISO 8601, counts since 1970, and patterns as in `DD.MM.YYYY HH:mm`. Calendar only, no zones.

mod read;
mod write;

use self::read::{read_iso, read_pattern};
pub(crate) use self::write::{push, push_iso};

/// A date, perhaps with a time and an offset, as it was written. Not yet checked against the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) year: i16,
    pub(crate) month: i8,
    pub(crate) day: i8,
    pub(crate) time: Option<Clock>,
    /// Seconds east of Greenwich.
    pub(crate) offset: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Clock {
    pub(crate) hour: i8,
    pub(crate) minute: i8,
    pub(crate) second: i8,
    pub(crate) micros: i32,
}

/// One way of writing a date or a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    Iso,
    /// A count since 1970-01-01T00:00:00Z; so many microseconds each.
    Count(i64),
    Pattern(Box<[Piece]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(Box<str>),
    Year,
    ShortYear,
    Month(Width),
    MonthName,
    ShortMonthName,
    Day(Width),
    Hour(Width),
    HalfDayHour(Width),
    Minute,
    Second,
    Millis,
    Noon,
    Offset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    One,
    Two,
}

/// Longest first, so that `MMM` isn't read as `MM` and `M`.
const LETTERS: &[(&str, Piece)] = &[
    ("YYYY", Piece::Year),
    ("YY", Piece::ShortYear),
    ("MMMM", Piece::MonthName),
    ("MMM", Piece::ShortMonthName),
    ("MM", Piece::Month(Width::Two)),
    ("M", Piece::Month(Width::One)),
    ("DD", Piece::Day(Width::Two)),
    ("D", Piece::Day(Width::One)),
    ("HH", Piece::Hour(Width::Two)),
    ("H", Piece::Hour(Width::One)),
    ("hh", Piece::HalfDayHour(Width::Two)),
    ("h", Piece::HalfDayHour(Width::One)),
    ("mm", Piece::Minute),
    ("SSS", Piece::Millis),
    ("ss", Piece::Second),
    ("A", Piece::Noon),
    ("Z", Piece::Offset),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Format {
    /// Reads what stands in `format`; the error is a sentence for the admin.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "iso" => Ok(Self::Iso),
            "seconds" => Ok(Self::Count(1_000_000)),
            "milliseconds" => Ok(Self::Count(1_000)),
            "microseconds" => Ok(Self::Count(1)),
            _ => pieces(text).map(|pieces| Self::Pattern(pieces.into())),
        }
    }

    fn has(&self, wanted: impl Fn(&Piece) -> bool) -> bool {
        match self {
            Self::Iso | Self::Count(_) => true,
            Self::Pattern(pieces) => pieces.iter().any(wanted),
        }
    }

    /// Whether what is read with this can be an instant without a time zone.
    pub(crate) fn tells_offset(&self) -> bool {
        self.has(|piece| matches!(piece, Piece::Offset))
    }

    /// What lacks before a date can be read with this, as a sentence.
    pub(crate) fn lacks_for_reading(&self) -> Option<&'static str> {
        use Piece::{Day, HalfDayHour, Month, MonthName, Noon, ShortMonthName, ShortYear, Year};
        let day = self.has(|piece| matches!(piece, Day(_)))
            && self.has(|piece| matches!(piece, Month(_) | MonthName | ShortMonthName))
            && self.has(|piece| matches!(piece, Year | ShortYear));
        let half = matches!(self, Self::Pattern(_)) && self.has(|piece| matches!(piece, HalfDayHour(_)));
        if !day {
            return Some("it needs a year, a month and a day: `YYYY`, `MM`, `DD`");
        }
        (half && !self.has(|piece| matches!(piece, Noon))).then_some("`hh` needs `A` (AM or PM); `HH` counts to 23")
    }

    /// The moment that the text tells, in this format; none for counts, which are no calendar dates.
    pub(crate) fn read(&self, text: &str) -> Option<Moment> {
        match self {
            Self::Iso => read_iso(text),
            Self::Count(_) => None,
            Self::Pattern(pieces) => read_pattern(pieces, text),
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((letters, piece)) = LETTERS.iter().find(|(letters, _)| rest.starts_with(letters)) {
            pieces.push(piece.clone());
            rest = &rest[letters.len()..];
        } else if let Some(quoted) = rest.strip_prefix('[') {
            let (literal, after) = quoted.split_once(']').ok_or("`[` lacks its `]`")?;
            pieces.push(Piece::Literal(literal.into()));
            rest = after;
        } else if first.is_alphanumeric() || matches!(first, '%' | ']') {
            return Err(format!("`{first}` means nothing in a format; put plain text in brackets, as in `[at]`"));
        } else {
            pieces.push(Piece::Literal(rest[..first.len_utf8()].into()));
            rest = &rest[first.len_utf8()..];
        }
    }
    if pieces.is_empty() { Err("it is empty".to_owned()) } else { Ok(pieces) }
}

#[cfg(test)]
mod tests;
