//! What becomes of a write: acknowledged, tried again, found out about, or left for a person. Pure.

use std::hash::Hash;
use std::time::Duration;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::model::connector::WriteOutcome;
use crate::model::failure::Failure;
use crate::model::id::SyncId;
use crate::model::outcome::{LONGEST_WAIT, OutboxEntry, Outcome};
use crate::model::sync::Sync;
use crate::model::time::Instant;
use crate::model::value::Problem;

use super::backoff;

/// Tries of one write before a person must look at it: with the pauses between them, about an hour.
pub(super) const MOST_ATTEMPTS: u32 = 10;

/// The key of the effect that an outcome has through a sync: the same for the same outcome, for ever.
pub fn write_key(sync: &SyncId, outcome: &Outcome) -> String {
    // No secret is needed and none would stay the same for ever; 128 bits keep accidents away.
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    sync.as_str().hash(&mut hasher);
    outcome.id.hash(&mut hasher);
    let hash = hasher.finish128();
    format!("ferry-{:016x}{:016x}", hash.h1, hash.h2)
}

/// What to do with an entry after its write was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Delivered { record: String },
    Again { wait: Duration },
    FindOut { wait: Duration },
    Dead { problems: Vec<Problem>, remedy: String },
}

/// `attempts` counts this one.
pub(super) fn next(outcome: WriteOutcome, attempts: u32, spread: f64) -> Next {
    let exhausted = attempts >= MOST_ATTEMPTS;
    match outcome {
        WriteOutcome::Written(written) | WriteOutcome::Unchanged(written) => Next::Delivered { record: written.id },
        WriteOutcome::Rejected(problems) => Next::Dead {
            problems,
            remedy: "mend the mapping or the record in the CRM, then `ferry outbox retry`".into(),
        },
        WriteOutcome::Conflict => Next::Dead {
            problems: vec![problem("the record has changed in the CRM since it was read")],
            remedy: "run the sync to read it again, then `ferry outbox retry`".into(),
        },
        WriteOutcome::Later(_) | WriteOutcome::Unknown(_) if exhausted => Next::Dead {
            problems: vec![problem(&format!("the CRM did not take it in {attempts} tries"))],
            remedy: "see whether the CRM is in order and whether the write has arrived, then `ferry outbox retry`"
                .into(),
        },
        WriteOutcome::Later(wait) => {
            let wait = wait.unwrap_or_else(|| backoff::pause(attempts, spread));
            Next::Again { wait: wait.min(LONGEST_WAIT) }
        }
        WriteOutcome::Unknown(_) => Next::FindOut { wait: backoff::pause(attempts.saturating_sub(1), spread) },
    }
}

/// Why an entry is not sent any more, where it has waited for too long.
pub(super) fn expired(sync: &Sync, entry: &OutboxEntry, now: Instant) -> Option<Problem> {
    let most = sync.outbound.get(&entry.outcome.kind)?.expires_s?;
    let age = entry.age(now).as_secs();
    let waited = jiff::SignedDuration::from_secs(age.cast_signed());
    (age > most).then(|| problem(&format!("it has waited for {waited:#}, and the sync sends nothing as old")))
}

/// Whether a failure is about what was sent, not about the connection.
pub(super) fn is_refusal(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Invalid(_)
            | Failure::Permanent(_)
            | Failure::Unsupported(_)
            | Failure::TokenExpired
            | Failure::WindowTooLarge(_)
    )
}

pub(super) fn problem(message: &str) -> Problem {
    Problem { field: None, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::connector::Written;
    use crate::model::id::ContactId;
    use crate::model::outcome::OutcomeKind;

    fn outcome(id: &str) -> Outcome {
        Outcome { id: id.into(), contact: ContactId(1), kind: OutcomeKind::Call, at: Instant(0), values: vec![] }
    }

    #[test]
    fn a_key_is_the_same_for_ever_and_fits_the_contract() {
        let (sync, other): (SyncId, SyncId) = ("in".parse().unwrap(), "other".parse().unwrap());
        let key = write_key(&sync, &outcome("call-1"));
        // Written down: a changed key would send every outcome that is under way a second time.
        assert_eq!(key, "ferry-dc57af2d04b74ce7abc534f251f8e7d7");
        assert!(key.len() <= 64 && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        assert_ne!(key, write_key(&other, &outcome("call-1")));
        assert_ne!(key, write_key(&sync, &outcome("call-2")));
    }

    #[test]
    fn each_answer_has_its_consequence() {
        let written = Written { id: "9".into(), created: true, modified: None, version: None };
        let delivered = Next::Delivered { record: "9".into() };
        assert_eq!(next(WriteOutcome::Written(written.clone()), 1, 0.0), delivered);
        assert_eq!(next(WriteOutcome::Unchanged(written), MOST_ATTEMPTS, 0.0), delivered);
        let later = WriteOutcome::Later(Some(Duration::from_secs(7)));
        assert_eq!(next(later.clone(), 1, 0.0), Next::Again { wait: Duration::from_secs(7) });
        assert_eq!(next(WriteOutcome::Later(None), 2, 0.0), Next::Again { wait: Duration::from_secs(4) });
        let next_week = WriteOutcome::Later(Some(Duration::from_secs(7 * 24 * 3_600)));
        assert_eq!(next(next_week, 1, 0.0), Next::Again { wait: LONGEST_WAIT });
        assert_eq!(next(WriteOutcome::Unknown("x".into()), 1, 0.0), Next::FindOut { wait: Duration::from_secs(1) });
        assert!(matches!(next(later, MOST_ATTEMPTS, 0.0), Next::Dead { .. }));
        assert!(matches!(next(WriteOutcome::Conflict, 1, 0.0), Next::Dead { .. }));
        assert!(
            matches!(next(WriteOutcome::Rejected(vec![]), 1, 0.0), Next::Dead { problems, .. } if problems.is_empty())
        );
    }
}
