//! When a request is sent again, and after how long. Pure; whether there is time for it is the caller's business.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;

use crate::model::http::HttpError;
use crate::model::time::Instant;

/// Attempts after answers that say that nothing was executed: the waits are the CRM's own.
const MAX_THROTTLED: u32 = 8;
/// Attempts after everything else: what has failed four times within seconds is better told than hidden.
const MAX_FAILED: u32 = 4;
/// The first pause where nothing says how long; doubled with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Up to this share is added to a pause that was not asked for, so that those who failed together do not return
/// together.
const JITTER: f64 = 0.5;
/// The longest wait that is believed: CRMs name up to a day.
const LONGEST: Duration = Duration::from_secs(48 * 60 * 60);

/// What came of one attempt, as far as sending again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It goes back to the caller.
    Final,
    /// Refused before it was executed: send again after what the CRM says, if it says anything.
    Throttled(Option<Duration>),
    /// It may work in a moment.
    Failed(Option<Duration>),
}

/// 477 is HubSpot's answer while it moves an account to another data centre; it names the time to wait.
pub(super) fn outcome(status: u16, retry_after: Option<Duration>, repeatable: bool) -> Outcome {
    match status {
        429 => Outcome::Throttled(retry_after),
        477 if retry_after.is_some() => Outcome::Throttled(retry_after),
        // 521, 523 and 524 are Cloudflare's: the CRM behind it is down, away, or slow.
        502..=504 | 521 | 523 | 524 if repeatable => Outcome::Failed(retry_after),
        _ => Outcome::Final,
    }
}

/// A request that was certainly not sent can always be sent again; one that may have arrived, only if that is safe.
pub(super) fn outcome_of_error(error: &HttpError, repeatable: bool) -> Outcome {
    match error {
        HttpError::Unreachable(_) => Outcome::Failed(None),
        HttpError::Unanswered(_) if repeatable => Outcome::Failed(None),
        _ => Outcome::Final,
    }
}

/// The pause before the next attempt; none where it was the last. `attempt` counts from 1, `chance` is in [0, 1).
pub(super) fn pause(outcome: Outcome, attempt: u32, interval: Duration, chance: f64) -> Option<Duration> {
    match outcome {
        Outcome::Final => None,
        Outcome::Throttled(_) if attempt >= MAX_THROTTLED => None,
        Outcome::Failed(_) if attempt >= MAX_FAILED => None,
        // The CRM's own word is kept to the letter; the rate windows spread those who waited for it.
        Outcome::Throttled(Some(asked)) | Outcome::Failed(Some(asked)) => Some(asked),
        Outcome::Throttled(None) => Some(interval.mul_f64(1.0 + JITTER * chance)),
        Outcome::Failed(None) => Some((FIRST_PAUSE * (1 << (attempt - 1).min(8))).mul_f64(1.0 + JITTER * chance)),
    }
}

/// `Retry-After`: seconds (also with a fraction, which RFC 9110 does not know but CRMs send) or a date in any of the
/// three forms of RFC 9110. A date that is past means now, which is what the answer's own date says.
pub(super) fn retry_after(headers: &HeaderMap, now: Instant) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.starts_with(|c: char| c.is_ascii_digit()) {
        Duration::try_from_secs_f64(text.parse().ok()?).ok()?
    } else {
        Instant(date(text)?.as_microsecond()).since(told_time(headers).unwrap_or(now))
    };
    Some(wait.min(LONGEST))
}

/// What time it was where an answer came from, to the second; none where it does not say.
pub(super) fn told_time(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    Some(Instant(date(text.trim())?.as_microsecond()))
}

fn date(text: &str) -> Option<Timestamp> {
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].iter().find_map(|form| {
        let civil = BrokenDownTime::parse(form, text).ok()?.to_datetime().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    /// 1994-11-06T08:49:07Z
    const NOW: Instant = Instant(784_111_747_000_000);

    fn after(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", text.parse().unwrap());
        retry_after(&headers, NOW)
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        for (text, seconds) in [
            ("0", Some(0.0)),
            ("120", Some(120.0)),
            (" 7 ", Some(7.0)),
            ("0.5", Some(0.5)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30.0)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30.0)),
            ("Sun Nov  6 08:49:37 1994", Some(30.0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0.0)),
            ("99999999999", Some(LONGEST.as_secs_f64())),
            ("1e400", None),
            ("-3", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(after(text), seconds.map(Duration::from_secs_f64), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn a_date_to_wait_for_is_meant_by_the_clock_that_named_it() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "Sun, 06 Nov 1994 10:00:07 GMT".parse().unwrap());
        headers.insert("date", "Sun, 06 Nov 1994 10:00:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers, NOW), Some(Duration::from_secs(7)));
        headers.insert("date", "yesterday".parse().unwrap());
        assert_eq!((told_time(&headers), retry_after(&headers, NOW)), (None, Some(Duration::from_secs(4_260))));
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        let wait = Some(Duration::from_secs(3));
        for (status, repeatable, expected) in [
            (200, true, Outcome::Final),
            (301, true, Outcome::Final),
            (401, true, Outcome::Final),
            (423, true, Outcome::Final),
            (429, false, Outcome::Throttled(wait)),
            (477, false, Outcome::Throttled(wait)),
            (500, true, Outcome::Final),
            (502, true, Outcome::Failed(wait)),
            (503, false, Outcome::Final),
            (503, true, Outcome::Failed(wait)),
            (504, true, Outcome::Failed(wait)),
            (521, true, Outcome::Failed(wait)),
            (522, true, Outcome::Final),
            (523, true, Outcome::Failed(wait)),
            (524, false, Outcome::Final),
        ] {
            assert_eq!(outcome(status, wait, repeatable), expected, "{status} {repeatable}");
        }
        assert_eq!(outcome(477, None, true), Outcome::Final);
        for (error, repeatable, expected) in [
            (HttpError::Unreachable(String::new()), false, Outcome::Failed(None)),
            (HttpError::Unanswered(String::new()), false, Outcome::Final),
            (HttpError::Unanswered(String::new()), true, Outcome::Failed(None)),
            (HttpError::Denied(String::new()), true, Outcome::Final),
            (HttpError::TooLarge(1), true, Outcome::Final),
        ] {
            assert_eq!(outcome_of_error(&error, repeatable), expected, "{error}");
        }
    }

    #[test]
    fn pauses_are_as_asked_else_growing_and_spread() {
        let asked = Duration::from_secs(7);
        let ms = Duration::from_millis;
        for (outcome, attempt, chance, expected) in [
            (Outcome::Final, 1, 0.0, None),
            (Outcome::Throttled(Some(asked)), 1, 0.9, Some(asked)),
            (Outcome::Throttled(Some(asked)), 8, 0.9, None),
            (Outcome::Throttled(None), 1, 0.0, Some(INTERVAL)),
            (Outcome::Throttled(None), 1, 0.5, Some(ms(12_500))),
            (Outcome::Failed(Some(asked)), 1, 0.9, Some(asked)),
            (Outcome::Failed(None), 1, 0.0, Some(ms(250))),
            (Outcome::Failed(None), 3, 0.5, Some(ms(1_250))),
            (Outcome::Failed(None), 4, 0.0, None),
        ] {
            assert_eq!(pause(outcome, attempt, INTERVAL, chance), expected, "{outcome:?} {attempt}");
        }
    }
}
