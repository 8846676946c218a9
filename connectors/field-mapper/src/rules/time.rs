//! Instants and dates: reading and writing them, and what time zones make of them. The zones are built in, so that the same rows
//! give the same rows on every machine.

use std::sync::LazyLock;

use ferry_sdk::mapper::Value;
use ferry_sdk::suggest::nearest;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::pattern::{Clock, Format, Moment, push, push_iso};
use crate::config::table::{Table, Words};
use crate::refusal::Refusal;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Which instant a local time is that the clocks skip or repeat when they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ambiguous {
    /// Skipped: later by the gap. Repeated: the first. As calendars (RFC 5545) and most software have it.
    Compatible,
    Earlier,
    Later,
    Refuse,
}

pub(crate) const AMBIGUOUS: Words<Ambiguous> = &[
    ("compatible", Ambiguous::Compatible),
    ("earlier", Ambiguous::Earlier),
    ("later", Ambiguous::Later),
    ("refuse", Ambiguous::Refuse),
];

/// The time keys of one field.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    formats: Vec<Format>,
    zone: Option<TimeZone>,
    ambiguous: Ambiguous,
    /// The time of day that a date without one gets.
    start: Clock,
}

const EPOCH: Date = Date::constant(1970, 1, 1);
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A zone by its IANA name, with a mistake noted where there is none.
pub(crate) fn read_zone(table: &Table<'_>) -> Option<TimeZone> {
    let name = table.filled("time_zone")?;
    let zone = ZONES.get(name).ok();
    if zone.is_none() {
        let names: Vec<_> = ZONES.available().map(|zone| zone.as_str().to_owned()).collect();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "use an IANA name, as in `Europe/Berlin`".to_owned(),
        };
        table.wrong("time_zone", format!("there is no time zone `{name}`"), hint);
    }
    zone
}

impl Time {
    pub(crate) fn read(table: &Table<'_>, zone: Option<&TimeZone>) -> Self {
        Self {
            formats: read_formats(table),
            zone: read_zone(table).or_else(|| zone.cloned()),
            ambiguous: table.word("ambiguous", AMBIGUOUS).unwrap_or(Ambiguous::Compatible),
            start: read_start(table).unwrap_or_default(),
        }
    }

    /// ISO 8601 in a zone, for whatever has no keys of its own.
    pub(crate) fn plain(zone: Option<&TimeZone>) -> Self {
        Self { formats: Vec::new(), zone: zone.cloned(), ambiguous: Ambiguous::Compatible, start: Clock::default() }
    }

    pub(crate) fn has_zone(&self) -> bool {
        self.zone.is_some()
    }

    pub(crate) fn reads_counts(&self) -> bool {
        self.formats.iter().any(|format| matches!(format, Format::Count(_)))
    }

    /// How many formats there are: writing takes the first.
    pub(crate) fn formats(&self) -> &[Format] {
        &self.formats
    }

    /// The rule for what the configuration itself gives, as in `default`: written as ISO 8601.
    pub(crate) fn for_literals(&self) -> Self {
        Self { formats: Vec::new(), ..self.clone() }
    }

    pub(crate) fn instant(&self, value: Value) -> Result<Value, Refusal> {
        let micros = match value {
            Value::Instant(micros) => micros,
            Value::Date(days) => self.micros(moment_of(civil_date(days)?, None))?,
            Value::Integer(count) => self.counted(count)?.ok_or(Refusal::BareNumber)?,
            Value::Text(ref text) | Value::Decimal(ref text) => self.micros_of_text(text.trim())?,
            other => {
                return Err(Refusal::Clash { given: given(&other), wanted: "an instant" });
            }
        };
        Ok(Value::Instant(micros))
    }

    pub(crate) fn date(&self, value: Value) -> Result<Value, Refusal> {
        let days = match value {
            Value::Date(days) => days,
            Value::Instant(micros) => self.day_of(micros)?,
            Value::Integer(count) => self.day_of(self.counted(count)?.ok_or(Refusal::BareNumber)?)?,
            Value::Text(ref text) | Value::Decimal(ref text) => self.day_of_text(text.trim())?,
            other => {
                return Err(Refusal::Clash { given: given(&other), wanted: "a date" });
            }
        };
        Ok(Value::Date(days))
    }

    /// Writes an instant in the field's zone, or in UTC where it has none.
    pub(crate) fn push_instant(&self, micros: i64, out: &mut String) -> Result<(), Refusal> {
        if let Some(Format::Count(unit)) = self.formats.first() {
            out.push_str(&micros.div_euclid(*unit).to_string());
            return Ok(());
        }
        let (local, offset) = self.local(micros)?;
        let time = local.time();
        let clock = Clock {
            hour: time.hour(),
            minute: time.minute(),
            second: time.second(),
            micros: time.subsec_nanosecond() / 1000,
        };
        let moment = Moment { time: Some(clock), offset: Some(offset.seconds()), ..moment_of(local.date(), None) };
        self.push(&moment, out)
    }

    pub(crate) fn push_date(&self, days: i32, out: &mut String) -> Result<(), Refusal> {
        if let Some(Format::Count(_)) = self.formats.first() {
            return self.push_instant(self.micros(moment_of(civil_date(days)?, None))?, out);
        }
        self.push(&moment_of(civil_date(days)?, None), out)
    }

    fn push(&self, moment: &Moment, out: &mut String) -> Result<(), Refusal> {
        if moment.year < 1 {
            return Err(Refusal::OutOfTime);
        }
        match self.formats.first() {
            Some(Format::Pattern(pieces)) => push(pieces, moment, out),
            _ => push_iso(moment, out),
        }
        Ok(())
    }

    /// Microseconds of a count in the unit that `format` names; none if it names none.
    fn counted(&self, count: i64) -> Result<Option<i64>, Refusal> {
        let unit = self.formats.iter().find_map(|format| match format {
            Format::Count(unit) => Some(*unit),
            _ => None,
        });
        unit.map(|unit| count.checked_mul(unit).ok_or(Refusal::OutOfTime)).transpose()
    }

    fn read_text(&self, text: &str) -> Option<Moment> {
        if self.formats.is_empty() {
            return Format::Iso.read(text);
        }
        self.formats.iter().find_map(|format| format.read(text))
    }

    fn counted_text(&self, text: &str) -> Result<Option<i64>, Refusal> {
        text.parse().map_or(Ok(None), |count| self.counted(count))
    }

    fn micros_of_text(&self, text: &str) -> Result<i64, Refusal> {
        if let Some(moment) = self.read_text(text) {
            return self.micros(moment);
        }
        self.counted_text(text)?.ok_or(Refusal::NOT_INSTANT)
    }

    fn day_of_text(&self, text: &str) -> Result<i32, Refusal> {
        let Some(moment) = self.read_text(text) else {
            return self.day_of(self.counted_text(text)?.ok_or(Refusal::NOT_DATE)?);
        };
        if moment.offset.is_some() {
            return self.day_of(self.micros(moment)?);
        }
        Ok(days_of(local_of(&moment, self.start).ok_or(Refusal::NOT_DATE)?.date()))
    }

    fn micros(&self, moment: Moment) -> Result<i64, Refusal> {
        let local = local_of(&moment, self.start).ok_or(Refusal::NOT_INSTANT)?;
        if let Some(offset) = moment.offset {
            return Ok(micros_at(local, offset));
        }
        let zone = self.zone.as_ref().ok_or(Refusal::NoZone)?;
        let place = zone.to_ambiguous_timestamp(local);
        if self.ambiguous == Ambiguous::Refuse && !matches!(place.offset(), AmbiguousOffset::Unambiguous { .. }) {
            return Err(Refusal::Ambiguous);
        }
        let instant = match self.ambiguous {
            Ambiguous::Earlier => place.earlier(),
            Ambiguous::Later => place.later(),
            Ambiguous::Compatible | Ambiguous::Refuse => place.compatible(),
        };
        instant.map(Timestamp::as_microsecond).map_err(|_| Refusal::OutOfTime)
    }

    fn local(&self, micros: i64) -> Result<(DateTime, Offset), Refusal> {
        let instant = Timestamp::from_microsecond(micros).map_err(|_| Refusal::OutOfTime)?;
        let offset = self.zone.as_ref().map_or(Offset::UTC, |zone| zone.to_offset(instant));
        Ok((offset.to_datetime(instant), offset))
    }

    fn day_of(&self, micros: i64) -> Result<i32, Refusal> {
        if self.zone.is_none() {
            return Err(Refusal::NoZone);
        }
        Ok(days_of(self.local(micros)?.0.date()))
    }
}

/// The date that ISO 8601 text tells, if it tells only a date.
pub(crate) fn date_of(text: &str) -> Option<Value> {
    let moment = Format::Iso.read(text).filter(|moment| moment.time.is_none())?;
    local_of(&moment, Clock::default()).map(|local| Value::Date(days_of(local.date())))
}

/// The instant that ISO 8601 text tells, if it tells an offset.
pub(crate) fn instant_of(text: &str) -> Option<Value> {
    let moment = Format::Iso.read(text)?;
    let offset = moment.offset?;
    local_of(&moment, Clock::default()).map(|local| Value::Instant(micros_at(local, offset)))
}

fn given(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "true or false",
        Value::Texts(_) => "a list",
        _ => "something else",
    }
}

fn moment_of(date: Date, time: Option<Clock>) -> Moment {
    Moment { year: date.year(), month: date.month(), day: date.day(), time, offset: None }
}

fn local_of(moment: &Moment, start: Clock) -> Option<DateTime> {
    let clock = moment.time.unwrap_or(start);
    let date = Date::new(moment.year, moment.month, moment.day).ok()?;
    let time = jiff::civil::Time::new(clock.hour, clock.minute, clock.second, clock.micros * 1000).ok()?;
    Some(date.to_datetime(time))
}

fn civil_date(days: i32) -> Result<Date, Refusal> {
    EPOCH.checked_add(SignedDuration::from_hours(24 * i64::from(days))).map_err(|_| Refusal::OutOfTime)
}

fn days_of(date: Date) -> i32 {
    let days = date.duration_since(EPOCH).as_hours() / 24;
    // Four-digit years are under five million days from 1970, so this always fits.
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// Reckoned here because a `Timestamp` ends a day before the year 9999, and `9999-12-31` is what some CRMs write for `never`.
fn micros_at(local: DateTime, offset: i32) -> i64 {
    let time = local.time();
    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
    let seconds = i64::from(days_of(local.date())) * SECONDS_PER_DAY + minutes * 60 + i64::from(time.second());
    (seconds - i64::from(offset)) * MICROS_PER_SECOND + i64::from(time.subsec_nanosecond() / 1000)
}

fn read_formats(table: &Table<'_>) -> Vec<Format> {
    let mut formats = Vec::new();
    for text in table.texts("format") {
        match Format::parse(text) {
            Ok(format) => formats.push(format),
            Err(reason) => table.wrong(
                "format",
                format!("`{text}` is not a format: {reason}"),
                Some("write it as in `DD.MM.YYYY HH:mm`, or `iso`, `seconds`, `milliseconds`".to_owned()),
            ),
        }
    }
    formats
}

fn read_start(table: &Table<'_>) -> Option<Clock> {
    let text = table.text("time")?;
    let clock = text
        .split_once(':')
        .and_then(|(hour, minute)| Some((hour.parse::<i8>().ok()?, minute.parse::<i8>().ok()?)))
        .filter(|(hour, minute)| text.len() == 5 && (0..24).contains(hour) && (0..60).contains(minute))
        .map(|(hour, minute)| Clock { hour, minute, ..Clock::default() });
    if clock.is_none() {
        table.wrong("time", "`time` must be a time of day", Some("write it as in \"09:00\"".to_owned()));
    }
    clock
}

#[cfg(test)]
mod tests;
