//! Reads moments: ISO 8601 and patterns, strictly, from the left.

use super::{Clock, MONTHS, Moment, Piece, Width};

/// A text that is read from the left.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// From `least` to `most` digits, as many as there are.
    fn digits(&mut self, least: usize, most: usize) -> Option<i32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(digits.bytes().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
    }

    fn small(&mut self, width: Width) -> Option<i8> {
        let least = if width == Width::Two { 2 } else { 1 };
        i8::try_from(self.digits(least, 2)?).ok()
    }

    fn name(&mut self, letters: usize) -> Option<i8> {
        let found = MONTHS.iter().position(|month| {
            let name = &month[..letters.min(month.len())];
            self.0.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
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

pub(super) fn read_iso(text: &str) -> Option<Moment> {
    let mut rest = Rest(text);
    let year = i16::try_from(rest.digits(4, 4)?).ok()?;
    rest.literal("-")?;
    let month = rest.small(Width::Two)?;
    rest.literal("-")?;
    let day = rest.small(Width::Two)?;
    let date = Moment { year, month, day, time: None, offset: None };
    if rest.0.is_empty() {
        return Some(date);
    }
    rest.0 = rest.0.strip_prefix(['T', 't', ' '])?;
    let mut clock = Clock { hour: rest.small(Width::Two)?, ..Clock::default() };
    rest.literal(":")?;
    clock.minute = rest.small(Width::Two)?;
    if rest.literal(":").is_some() {
        clock.second = rest.small(Width::Two)?;
        if let Some(after) = rest.0.strip_prefix(['.', ',']) {
            rest.0 = after;
            clock.micros = rest.fraction()?;
        }
    }
    let offset = if rest.0.is_empty() { None } else { Some(rest.offset()?) };
    rest.0.is_empty().then_some(Moment { time: Some(clock), offset, ..date })
}

pub(super) fn read_pattern(pieces: &[Piece], text: &str) -> Option<Moment> {
    let mut rest = Rest(text);
    let mut moment = Moment { year: 0, month: 0, day: 0, time: None, offset: None };
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
            Piece::Hour(width) => moment.time = Some(Clock { hour: rest.small(*width)?, ..clock }),
            Piece::HalfDayHour(width) => {
                let hour = rest.small(*width).filter(|hour| (1..=12).contains(hour))?;
                moment.time = Some(Clock { hour: hour % 12, ..clock });
            }
            Piece::Minute => moment.time = Some(Clock { minute: rest.small(Width::Two)?, ..clock }),
            Piece::Second => moment.time = Some(Clock { second: rest.small(Width::Two)?, ..clock }),
            Piece::Millis => moment.time = Some(Clock { micros: rest.digits(3, 3)? * 1000, ..clock }),
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
    if short < 69 { 2000 + short } else { 1900 + short }
}
