//! When a sync runs by itself: every so often, or by a cron expression in a time zone. Only reckons; reads no clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// Shorter intervals would only ask a CRM for what webhooks tell.
const SHORTEST: Duration = Duration::from_secs(60);

/// A year; longer ones are a mistake.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Syncs of one time are spread over at most so long, so that they do not all ask at once.
const SPREAD_MOST: Duration = Duration::from_secs(30);

/// The first pause after a failure; it doubles with each further one.
pub const PAUSE_FIRST: Duration = Duration::from_secs(60);

/// The longest pause after failures.
const PAUSE_MOST: Duration = Duration::from_secs(60 * 60);

/// When a sync runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    Every {
        seconds: u64,
    },
    /// Five fields, in the time of an IANA zone.
    Cron {
        expression: String,
        time_zone: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("`{0}` is no interval")]
    Interval(String),
    #[error("an interval of {0:?} is outside one minute to one year")]
    Bounds(Duration),
    #[error("`{expression}` is no cron expression: {why}")]
    Cron { expression: String, why: String },
    #[error("there is no time zone `{0}`")]
    TimeZone(String),
    #[error("`{0}` never comes")]
    Never(String),
}

impl ScheduleError {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Interval(_) | Self::Bounds(_) => "write it as in `15m`, `2h` or `1d`",
            Self::Cron { .. } => {
                "write minute, hour, day of month, month and day of week, as in `0 8 * * 1-5` for 8:00 on workdays"
            }
            Self::TimeZone(_) => "give the IANA name, as in `Europe/Berlin`",
            Self::Never(_) => "choose a date that there is",
        }
    }
}

impl Schedule {
    /// Reads an interval, as in `15m`.
    pub fn every(text: &str) -> Result<Self, ScheduleError> {
        Ok(Self::Every { seconds: span(text)?.as_secs() })
    }

    /// Reads a cron expression of five fields.
    pub fn cron(expression: &str, time_zone: &str, now: Instant) -> Result<Self, ScheduleError> {
        let schedule = Self::Cron { expression: expression.to_owned(), time_zone: time_zone.to_owned() };
        match schedule.cron_after(expression, time_zone, now)? {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(expression.to_owned())),
        }
    }

    /// The first time after `after` that this names; intervals are counted from `from`. None where none comes any more.
    pub fn next(&self, from: Instant, after: Instant) -> Option<Instant> {
        match self {
            Self::Every { seconds } => {
                let step = i64::try_from(*seconds).ok()?.checked_mul(1_000_000).filter(|step| *step > 0)?;
                let passed = after.0.saturating_sub(from.0);
                let count = if passed < 0 { 0 } else { passed / step + 1 };
                from.0.checked_add(count.checked_mul(step)?).map(Instant)
            }
            Self::Cron { expression, time_zone } => self.cron_after(expression, time_zone, after).ok().flatten(),
        }
    }

    fn cron_after(&self, expression: &str, zone: &str, after: Instant) -> Result<Option<Instant>, ScheduleError> {
        let zone = jiff::tz::TimeZone::get(zone).map_err(|_| ScheduleError::TimeZone(zone.to_owned()))?;
        let cron = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error| ScheduleError::Cron { expression: expression.to_owned(), why: error.to_string() })?;
        let Ok(after) = jiff::Timestamp::from_microsecond(after.0) else { return Ok(None) };
        let next = cron.find_next_occurrence(&after.to_zoned(zone), false);
        Ok(next.ok().map(|next| Instant(next.timestamp().as_microsecond())))
    }

    /// In words, as in `every 15m`.
    pub fn describe(&self) -> String {
        match self {
            Self::Every { seconds } => format!("every {:#}", jiff::SignedDuration::from_secs(*seconds as i64)),
            Self::Cron { expression, time_zone } => format!("{expression} ({time_zone})"),
        }
    }
}

/// Reads a span between a minute and a year, as in `15m`.
pub fn span(text: &str) -> Result<Duration, ScheduleError> {
    let wrong = || ScheduleError::Interval(text.to_owned());
    let span: jiff::SignedDuration = text.trim().parse().or_else(|_| days(text).ok_or_else(wrong))?;
    let span = Duration::try_from(span).map_err(|_| wrong())?;
    if (SHORTEST..=LONGEST).contains(&span) { Ok(span) } else { Err(ScheduleError::Bounds(span)) }
}

/// Days, which are no exact spans elsewhere, are 24 hours here.
fn days(text: &str) -> Option<jiff::SignedDuration> {
    let count: i64 = text.trim().strip_suffix('d')?.parse().ok()?;
    Some(jiff::SignedDuration::from_hours(count.checked_mul(24)?))
}

/// A sync's schedule and how far it has been kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timetable {
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// When it was set: what comes before is not made up.
    #[serde(default)]
    pub since: Instant,
    /// Nothing begins by itself.
    #[serde(default)]
    pub paused: bool,
    /// When the last run by schedule began.
    #[serde(default)]
    pub begun: Option<Instant>,
    /// Runs by schedule that failed, since the last that did not.
    #[serde(default)]
    pub failures: u32,
    /// Not before this after a failure.
    #[serde(default)]
    pub again: Option<Instant>,
    /// When outcomes leave, where somebody has said so.
    #[serde(default)]
    pub sending: Option<Sending>,
    #[serde(default)]
    pub sweeping: Option<Sweeping>,
    /// When the last sweep by schedule began, and how many failed since one that did not.
    #[serde(default)]
    pub swept: Option<Instant>,
    #[serde(default)]
    pub sweep_failures: u32,
}

/// When ids are compared with the CRM, where somebody has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sweeping {
    Every { seconds: u64 },
    Never,
}

impl std::str::FromStr for Sweeping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let span = span(text).map_err(|error| format!("{error}: {}, or `never`", error.remedy()))?;
        Ok(Self::Every { seconds: span.as_secs() })
    }
}

/// When outcomes leave for the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sending {
    /// As soon as they are recorded.
    AtOnce,
    /// When the sync runs.
    WithRuns,
}

impl std::str::FromStr for Sending {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "at-once" => Ok(Self::AtOnce),
            "with-runs" => Ok(Self::WithRuns),
            _ => Err(format!("`{text}` is not known: use at-once or with-runs")),
        }
    }
}

/// The pause after so many failures in a row: `first`, doubled with each further one, up to an hour.
pub fn pause_after(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(PAUSE_MOST)
}

impl Timetable {
    /// When the next run is to begin; in the past where one was missed. However many were missed, one makes up for them.
    /// `spread` is this sync's own share of the spread, 0 to 1.
    pub fn due(&self, spread: f64) -> Option<Instant> {
        let schedule = self.schedule.as_ref().filter(|_| !self.paused)?;
        if let Some(again) = self.again {
            return Some(again);
        }
        let from = self.since.plus(SPREAD_MOST.mul_f64(spread.clamp(0.0, 1.0)));
        // The moment at which it was set counts: an interval begins with a run.
        let after = self.begun.unwrap_or_else(|| self.since.minus(Duration::from_micros(1)));
        match schedule {
            Schedule::Every { .. } => schedule.next(from, after),
            Schedule::Cron { .. } => {
                schedule.next(from, after).map(|next| next.plus(SPREAD_MOST.mul_f64(spread.clamp(0.0, 1.0))))
            }
        }
    }

    /// Takes what lies ahead for what is now: the clock was wrong when it was noted. Says whether anything did.
    pub fn set_back(&mut self, now: Instant) -> bool {
        let noted = [Some(&mut self.since), self.begun.as_mut(), self.swept.as_mut()];
        let mut was_ahead = false;
        for at in noted.into_iter().flatten().filter(|at| **at > now) {
            *at = now;
            was_ahead = true;
        }
        if was_ahead {
            self.again = self.again.min(Some(now));
        }
        was_ahead
    }

    /// How often ids are compared, where the sync runs by itself. A CRM that does not tell what is gone is asked once a day,
    /// another one once a week, for what was missed.
    pub fn sweeps_every(&self, tells_gone: bool) -> Option<Duration> {
        const DAY: u64 = 24 * 60 * 60;
        self.schedule.as_ref()?;
        match self.sweeping {
            Some(Sweeping::Never) => None,
            Some(Sweeping::Every { seconds }) => Some(Duration::from_secs(seconds)),
            None => Some(Duration::from_secs(if tells_gone { 7 * DAY } else { DAY })),
        }
    }

    /// When the next sweep is to begin; in the past where one was missed. The first comes after as long as the others.
    pub fn sweep_due(&self, tells_gone: bool) -> Option<Instant> {
        let every = self.sweeps_every(tells_gone).filter(|_| !self.paused)?;
        let last = self.swept.unwrap_or(self.since);
        Some(last.plus(if self.sweep_failures > 0 {
            pause_after(PAUSE_FIRST, self.sweep_failures).min(every)
        } else {
            every
        }))
    }

    /// When outcomes leave. Whoever lets a sync run by itself wants them to leave by themselves, too.
    pub fn sending(&self) -> Sending {
        let usual = if self.schedule.is_some() { Sending::AtOnce } else { Sending::WithRuns };
        self.sending.unwrap_or(usual)
    }

    /// Notes how a run by schedule ended.
    pub fn ended(&mut self, well: bool, now: Instant) {
        if well {
            self.failures = 0;
            self.again = None;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.again = Some(now.plus(pause_after(PAUSE_FIRST, self.failures)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn timetable(schedule: Schedule, since: &str) -> Timetable {
        Timetable { schedule: Some(schedule), since: at(since), ..Timetable::default() }
    }

    #[test]
    fn an_interval_is_read_and_bounded() {
        assert_eq!(Schedule::every("15m"), Ok(Schedule::Every { seconds: 900 }));
        assert_eq!(Schedule::every("1h 30m"), Ok(Schedule::Every { seconds: 5_400 }));
        assert_eq!(Schedule::every("1d"), Ok(Schedule::Every { seconds: 86_400 }));
        for bad in ["", "often", "15", "-5m"] {
            assert!(matches!(Schedule::every(bad), Err(ScheduleError::Interval(_))), "{bad}");
        }
        for bad in ["10s", "400d"] {
            assert!(matches!(Schedule::every(bad), Err(ScheduleError::Bounds(_))), "{bad}");
        }
    }

    #[test]
    fn a_schedule_that_cannot_be_is_refused() {
        let now = at("2026-11-25T12:00:00Z");
        let cron = |expression, zone| Schedule::cron(expression, zone, now);
        assert!(cron("0 8 * * 1-5", "Europe/Berlin").is_ok());
        assert!(matches!(cron("0 25 * * *", "UTC"), Err(ScheduleError::Cron { .. })));
        assert!(matches!(cron("* * * * * *", "UTC"), Err(ScheduleError::Cron { .. })));
        assert!(matches!(cron("soon", "UTC"), Err(ScheduleError::Cron { .. })));
        assert_eq!(cron("0 8 * * *", "Mars/Base"), Err(ScheduleError::TimeZone("Mars/Base".into())));
        assert_eq!(cron("0 0 30 2 *", "UTC"), Err(ScheduleError::Never("0 0 30 2 *".into())));
    }

    #[test]
    fn intervals_keep_their_step_and_missed_ones_are_made_up_once() {
        let mut table = timetable(Schedule::Every { seconds: 900 }, "2026-11-25T12:00:00Z");
        assert_eq!(table.due(0.0), Some(at("2026-11-25T12:00:00Z")));
        // The host was down for hours: one run is due, and the next is in step again.
        table.begun = Some(at("2026-11-25T15:07:10Z"));
        assert_eq!(table.due(0.0), Some(at("2026-11-25T15:15:00Z")));
        assert_eq!(table.due(1.0), Some(at("2026-11-25T15:15:30Z")));
    }

    #[test]
    fn cron_follows_the_clocks_of_its_zone() {
        let cron = |text: &str| Schedule::Cron { expression: text.into(), time_zone: "Europe/Berlin".into() };
        // Summer time ends on 2026-10-25.
        let mut table = timetable(cron("30 8 * * *"), "2026-10-24T12:00:00Z");
        assert_eq!(table.due(0.0), Some(at("2026-10-25T07:30:00Z")));
        table.begun = Some(at("2026-10-23T06:30:00Z"));
        assert_eq!(table.due(0.0), Some(at("2026-10-24T06:30:00Z")));
        // It begins on 2027-03-28 at 2:00: half past two is not there that day.
        let spring = timetable(cron("30 2 * * *"), "2027-03-28T00:00:00Z").due(0.0);
        assert!(spring.is_some_and(|due| due <= at("2027-03-29T00:30:00Z")), "{spring:?}");
    }

    #[test]
    fn a_clock_that_was_ahead_stops_no_schedule() {
        let now = at("2026-11-25T12:00:00Z");
        for schedule in [
            Schedule::Every { seconds: 900 },
            Schedule::Cron { expression: "*/15 * * * *".into(), time_zone: "UTC".into() },
        ] {
            let mut table = timetable(schedule, "2026-11-20T12:00:00Z");
            assert!(!table.set_back(now));
            table.begun = Some(at("2027-01-01T00:00:00Z"));
            table.ended(false, at("2027-01-01T00:00:00Z"));
            assert!(table.set_back(now));
            assert_eq!(table.due(0.0), Some(now), "what failed is tried again");
            table.ended(true, now);
            assert_eq!(table.due(0.0), Some(at("2026-11-25T12:15:00Z")));
        }
    }

    #[test]
    fn sweeps_come_by_themselves_where_runs_do() {
        let day = Duration::from_secs(24 * 60 * 60);
        let mut table = Timetable { since: Instant(5), ..Timetable::default() };
        assert_eq!(table.sweep_due(false), None);
        table.schedule = Some(Schedule::Every { seconds: 900 });
        assert_eq!(table.sweep_due(false), Some(Instant(5).plus(day)));
        assert_eq!(table.sweep_due(true), Some(Instant(5).plus(7 * day)));
        table.sweeping = Some("2h".parse().unwrap());
        (table.swept, table.sweep_failures) = (Some(Instant(9)), 1);
        assert_eq!(table.sweep_due(true), Some(Instant(9).plus(PAUSE_FIRST)));
        table.sweep_failures = 0;
        assert_eq!(table.sweep_due(true), Some(Instant(9).plus(Duration::from_secs(7_200))));
        table.paused = true;
        assert_eq!(table.sweep_due(true), None);
        assert_eq!("never".parse(), Ok(Sweeping::Never));
        assert!("soon".parse::<Sweeping>().unwrap_err().contains("`soon` is no interval"));
    }

    #[test]
    fn failures_are_followed_by_longer_pauses_until_it_works_again() {
        let mut table = timetable(Schedule::Every { seconds: 60 }, "2026-11-25T12:00:00Z");
        let now = at("2026-11-25T12:01:00Z");
        table.begun = Some(now);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            table.ended(false, now);
            pauses.push(table.due(0.0).map(|due| due.since(now).as_secs() / 60));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60].map(Some));
        table.ended(true, now);
        assert_eq!(table.due(0.0), Some(at("2026-11-25T12:02:00Z")));
        table.paused = true;
        assert_eq!(table.due(0.0), None);
    }
}
