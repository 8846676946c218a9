//! Follows a connector's advice: waits and asks again where that may help, gives up where it can't.

use std::time::Duration;

use crate::model::failure::{CallError, Failure};
use crate::model::time::{Clock, Instant};

use super::backoff;

/// Tries of one call. Egress has repeated requests before that; this is for trouble that lasts for minutes.
const TRIES: u32 = 6;

/// A plugin that failed is asked once more: a fault may have come from one odd answer of the CRM.
const TRIES_AFTER_FAULT: u32 = 2;

/// What a CRM means that asks to slow down and does not say for how long.
const SLOW_DOWN: Duration = Duration::from_secs(10);

/// The longest that a run waits because the CRM says so; beyond, it ends and says when to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// How often one thing has been asked in vain.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits until it may help to ask again, or gives the error back when it won't. What is asked must be safe to repeat.
    pub(super) async fn after(&mut self, error: CallError, clock: &dyn Clock) -> Result<(), CallError> {
        let Some(wait) = wait_after(&error, self.tries, clock.now()) else { return Err(error) };
        self.tries += 1;
        clock.sleep(wait).await;
        Ok(())
    }
}

/// How long to wait before the next try; none when there is to be none.
fn wait_after(error: &CallError, tries: u32, now: Instant) -> Option<Duration> {
    let left = tries + 1 < TRIES;
    match error {
        CallError::Advice(Failure::RateLimited(wait)) => {
            Some(wait.unwrap_or(SLOW_DOWN)).filter(|wait| left && *wait <= LONGEST_WAIT)
        }
        CallError::Advice(Failure::Temporary(_)) => left.then(|| backoff::pause(tries, backoff::spread(now, 0))),
        CallError::Fault(_) => (tries + 1 < TRIES_AFTER_FAULT).then_some(Duration::ZERO),
        CallError::Advice(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crm_says_how_long_to_wait_and_the_host_for_how_often() {
        let limited = |ms| CallError::Advice(Failure::RateLimited(Some(Duration::from_millis(ms))));
        assert_eq!(wait_after(&limited(700), 0, Instant(0)), Some(Duration::from_millis(700)));
        assert_eq!(wait_after(&limited(700), TRIES - 1, Instant(0)), None);
        assert_eq!(wait_after(&limited(11 * 60 * 1000), 0, Instant(0)), None);
        assert_eq!(wait_after(&CallError::Advice(Failure::RateLimited(None)), 0, Instant(0)), Some(SLOW_DOWN));
    }

    #[test]
    fn what_a_person_must_mend_is_not_tried_again() {
        for failure in [
            Failure::Unauthorized("x".into()),
            Failure::Forbidden(vec![]),
            Failure::QuotaExhausted(None),
            Failure::Missing("x".into()),
            Failure::Permanent("x".into()),
        ] {
            assert_eq!(wait_after(&CallError::Advice(failure), 0, Instant(0)), None);
        }
    }
}
