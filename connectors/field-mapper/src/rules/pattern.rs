//! How dates and times are written: ISO 8601, counts since 1970, and patterns as in `DD.MM.YYYY HH:mm`. Calendar only, no zones.

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
        let half =
            matches!(self, Self::Pattern(_)) && self.has(|piece| matches!(piece, HalfDayHour(_)));
        if !day {
            return Some("it needs a year, a month and a day: `YYYY`, `MM`, `DD`");
        }
        (half && !self.has(|piece| matches!(piece, Noon)))
            .then_some("`hh` needs `A` (AM or PM); `HH` counts to 23")
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
        if let Some((letters, piece)) = LETTERS
            .iter()
            .find(|(letters, _)| rest.starts_with(letters))
        {
            pieces.push(piece.clone());
            rest = &rest[letters.len()..];
        } else if let Some(quoted) = rest.strip_prefix('[') {
            let (literal, after) = quoted.split_once(']').ok_or("`[` lacks its `]`")?;
            pieces.push(Piece::Literal(literal.into()));
            rest = after;
        } else if first.is_alphanumeric() || matches!(first, '%' | ']') {
            return Err(format!(
                "`{first}` means nothing in a format; put plain text in brackets, as in `[at]`"
            ));
        } else {
            pieces.push(Piece::Literal(rest[..first.len_utf8()].into()));
            rest = &rest[first.len_utf8()..];
        }
    }
    if pieces.is_empty() {
        Err("it is empty".to_owned())
    } else {
        Ok(pieces)
    }
}

/// A text that is read from the left.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// From `least` to `most` digits, as many as there are.
    fn digits(&mut self, least: usize, most: usize) -> Option<i32> {
        let count = self
            .0
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(
            digits
                .bytes()
                .fold(0, |number, digit| number * 10 + i32::from(digit - b'0')),
        )
    }

    fn small(&mut self, width: Width) -> Option<i8> {
        let least = if width == Width::Two { 2 } else { 1 };
        i8::try_from(self.digits(least, 2)?).ok()
    }

    fn name(&mut self, letters: usize) -> Option<i8> {
        let found = MONTHS.iter().position(|month| {
            let name = &month[..letters.min(month.len())];
            self.0
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        })?;
        self.0 = &self.0[letters.min(MONTHS[found].len())..];
        i8::try_from(found + 1).ok()
    }

    /// True for PM.
    fn noon(&mut self) -> Option<bool> {
        let start = self.0.get(..2)?;
        let afternoon = start.eq_ignore_ascii_case("pm");
        if !afternoon && !start.eq_ignore_ascii_case("am") {
            return None;
        }
        self.0 = &self.0[2..];
        Some(afternoon)
    }

    fn offset(&mut self) -> Option<i32> {
        if let Some(rest) = self.0.strip_prefix(['Z', 'z']) {
            self.0 = rest;
            return Some(0);
        }
        let sign = if self.0.starts_with('-') { -1 } else { 1 };
        self.0 = self.0.strip_prefix(['+', '-'])?;
        let hours = self.digits(2, 2)?;
        let minutes = match self.0.strip_prefix(':') {
            Some(rest) => {
                self.0 = rest;
                self.digits(2, 2)?
            }
            None if self.0.is_empty() => 0,
            None => self.digits(2, 2)?,
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }

    /// Digits after the point, cut after the sixth: the contract counts microseconds.
    fn fraction(&mut self) -> Option<i32> {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let six = digits.bytes().chain(std::iter::repeat(b'0')).take(6);
        (count > 0).then(|| six.fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
    }
}

fn read_iso(text: &str) -> Option<Moment> {
    let mut rest = Rest(text);
    let year = i16::try_from(rest.digits(4, 4)?).ok()?;
    rest.literal("-")?;
    let month = rest.small(Width::Two)?;
    rest.literal("-")?;
    let day = rest.small(Width::Two)?;
    let date = Moment {
        year,
        month,
        day,
        time: None,
        offset: None,
    };
    if rest.0.is_empty() {
        return Some(date);
    }
    rest.0 = rest.0.strip_prefix(['T', 't', ' '])?;
    let mut clock = Clock {
        hour: rest.small(Width::Two)?,
        ..Clock::default()
    };
    rest.literal(":")?;
    clock.minute = rest.small(Width::Two)?;
    if rest.literal(":").is_some() {
        clock.second = rest.small(Width::Two)?;
        if let Some(after) = rest.0.strip_prefix(['.', ',']) {
            rest.0 = after;
            clock.micros = rest.fraction()?;
        }
    }
    let offset = if rest.0.is_empty() {
        None
    } else {
        Some(rest.offset()?)
    };
    rest.0.is_empty().then_some(Moment {
        time: Some(clock),
        offset,
        ..date
    })
}

fn read_pattern(pieces: &[Piece], text: &str) -> Option<Moment> {
    let mut rest = Rest(text);
    let mut moment = Moment {
        year: 0,
        month: 0,
        day: 0,
        time: None,
        offset: None,
    };
    let mut afternoon = None;
    for piece in pieces {
        let clock = moment.time.unwrap_or_default();
        match piece {
            Piece::Literal(literal) => rest.literal(literal)?,
            Piece::Year => moment.year = i16::try_from(rest.digits(4, 4)?).ok()?,
            Piece::ShortYear => moment.year = full_year(i16::try_from(rest.digits(2, 2)?).ok()?),
            Piece::Month(width) => moment.month = rest.small(*width)?,
            Piece::MonthName => moment.month = rest.name(usize::MAX)?,
            Piece::ShortMonthName => moment.month = rest.name(3)?,
            Piece::Day(width) => moment.day = rest.small(*width)?,
            Piece::Hour(width) => {
                moment.time = Some(Clock {
                    hour: rest.small(*width)?,
                    ..clock
                })
            }
            Piece::HalfDayHour(width) => {
                let hour = rest.small(*width).filter(|hour| (1..=12).contains(hour))?;
                moment.time = Some(Clock {
                    hour: hour % 12,
                    ..clock
                });
            }
            Piece::Minute => {
                moment.time = Some(Clock {
                    minute: rest.small(Width::Two)?,
                    ..clock
                })
            }
            Piece::Second => {
                moment.time = Some(Clock {
                    second: rest.small(Width::Two)?,
                    ..clock
                })
            }
            Piece::Millis => {
                moment.time = Some(Clock {
                    micros: rest.digits(3, 3)? * 1000,
                    ..clock
                })
            }
            Piece::Noon => afternoon = Some(rest.noon()?),
            Piece::Offset => moment.offset = Some(rest.offset()?),
        }
    }
    if let (Some(true), Some(clock)) = (afternoon, &mut moment.time)
        && clock.hour < 12
    {
        clock.hour += 12;
    }
    rest.0.is_empty().then_some(moment)
}

/// Two digits mean 1969 to 2068, as POSIX has it.
fn full_year(short: i16) -> i16 {
    if short < 69 {
        2000 + short
    } else {
        1900 + short
    }
}

/// Writes a moment, whose fields are within the calendar.
pub(crate) fn push(pieces: &[Piece], moment: &Moment, out: &mut String) {
    use std::fmt::Write as _;
    let clock = moment.time.unwrap_or_default();
    let half = if clock.hour % 12 == 0 {
        12
    } else {
        clock.hour % 12
    };
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
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}",
        moment.year, moment.month, moment.day
    );
    let Some(clock) = moment.time else { return };
    let _ = write!(
        out,
        "T{:02}:{:02}:{:02}",
        clock.hour, clock.minute, clock.second
    );
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

#[cfg(test)]
mod tests;
