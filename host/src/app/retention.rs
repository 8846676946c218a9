//! What is only kept for a while: runs, events, the audit log, keys of requests.

use std::time::Duration;

use super::Tenant;
use super::error::AppError;
use crate::model::audit::AuditEntry;
use crate::model::event::Event;
use crate::model::id::AuditId;
use crate::model::repeat::KeyedRequest;
use crate::model::sync::{Run, RunEnd};
use crate::model::time::Instant;
use crate::store::Changes;

/// How long each is kept; none for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub runs: Option<Duration>,
    pub events: Option<Duration>,
    pub audit: Option<Duration>,
}

/// Keys of requests are kept as long as anybody would repeat one; the outcomes' own ids are known for ever.
const KEYS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Documents that are taken away in one commit.
const AT_ONCE: usize = 5_000;

/// How many were taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    pub runs: u64,
    pub events: u64,
    pub audit: u64,
}

impl Tenant {
    /// Takes away what is older than it is to be kept. The newest of each stays, so that numbers are never given twice.
    pub fn expire(&self, retention: &Retention) -> Result<Expired, AppError> {
        let now = self.clock().now();
        let before = |span: Option<Duration>| span.map(|span| now.minus(span));
        let mut expired = Expired::default();
        if let Some(before) = before(retention.runs) {
            expired.runs = self.expire_runs(before)?;
        }
        if let Some(before) = before(retention.events) {
            expired.events = self.expire_events(before)?;
        }
        if let Some(before) = before(retention.audit) {
            expired.audit = self.expire_audit(before)?;
        }
        self.expire_keys(now.minus(KEYS))?;
        self.app.store.flush()?;
        Ok(expired)
    }

    /// The last run of each sync in each direction stays, however old.
    fn expire_runs(&self, before: Instant) -> Result<u64, AppError> {
        let (mut changes, mut count, mut newest) = (Changes::default(), 0, Vec::new());
        for run in self.store().scan::<Run>().rev() {
            let run = run?;
            let of = (run.sync.clone(), run.direction);
            if !newest.contains(&of) {
                newest.push(of);
            } else if run.started < before && run.end != RunEnd::Running && count < AT_ONCE as u64 {
                changes.remove::<Run>(run.id);
                count += 1;
            }
        }
        self.workspace.commit(changes)?;
        Ok(count)
    }

    fn expire_events(&self, before: Instant) -> Result<u64, AppError> {
        let (mut changes, mut count) = (Changes::default(), 0);
        let mut events = self.store().scan::<Event>().take(AT_ONCE).peekable();
        while let Some(event) = events.next().transpose()? {
            if event.at >= before || events.peek().is_none() {
                break;
            }
            changes.remove::<Event>(event.id);
            count += 1;
        }
        self.workspace.commit(changes)?;
        Ok(count)
    }

    fn expire_audit(&self, before: Instant) -> Result<u64, AppError> {
        let mut until = AuditId(0);
        for entry in self.store().scan::<AuditEntry>().take(AT_ONCE) {
            let entry = entry?;
            until = entry.id;
            if entry.at >= before {
                break;
            }
        }
        self.shorten_log(until)
    }

    fn expire_keys(&self, before: Instant) -> Result<(), AppError> {
        let mut changes = Changes::default();
        for request in self.store().scan::<KeyedRequest>() {
            let request = request?;
            if request.at < before {
                changes.remove::<KeyedRequest>(request.key.as_str());
            }
        }
        Ok(self.workspace.commit(changes)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use async_trait::async_trait;
    use tempfile::TempDir;

    use super::*;
    use crate::app::App;
    use crate::model::audit::Flaw;
    use crate::model::event::EventKind;
    use crate::model::id::{ContactId, EventId, RunId, TokenId};
    use crate::model::mapping::Direction;
    use crate::model::sync::Counts;
    use crate::model::time::Clock;
    use crate::model::token::Scope;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[derive(Default)]
    struct Days(AtomicI64);

    #[async_trait]
    impl Clock for Days {
        fn now(&self) -> Instant {
            Instant(0).plus(DAY * u32::try_from(self.0.load(Ordering::SeqCst)).unwrap())
        }

        async fn sleep(&self, _: Duration) {}
    }

    fn stage() -> (TempDir, Arc<Days>, Tenant) {
        let (dir, clock) = (TempDir::with_prefix("ferry-retention-").unwrap(), Arc::new(Days::default()));
        let app = App::in_folder(dir.path(), Arc::<Days>::clone(&clock));
        let tenant = app.tenant(&"main".parse().unwrap()).unwrap();
        (dir, clock, tenant)
    }

    fn keep(days: u32) -> Retention {
        Retention { runs: Some(DAY * days), events: Some(DAY * days), audit: Some(DAY * days) }
    }

    #[test]
    fn a_shortened_log_is_still_proved_and_one_that_somebody_else_cut_is_not() {
        let (_dir, clock, tenant) = stage();
        for day in 0..6 {
            clock.0.store(day, Ordering::SeqCst);
            let token: TokenId = format!("t{day}").parse().unwrap();
            tenant.create_token(&token, Scope::Read).unwrap();
        }
        assert_eq!(tenant.expire(&keep(2)).unwrap().audit, 3);
        let proof = tenant.prove_log(None).unwrap();
        // Three are left, and the entry that tells of the others.
        assert_eq!((proof.entries, proof.flaw), (4, None));
        assert_eq!(tenant.expire(&keep(2)).unwrap().audit, 0);
        clock.0.store(60, Ordering::SeqCst);
        tenant.expire(&keep(2)).unwrap();
        let proof = tenant.prove_log(None).unwrap();
        assert_eq!(proof.flaw, None, "{proof:?}");
        let mut changes = Changes::default();
        changes.remove::<AuditEntry>(tenant.audit_log(AuditId(0)).next().unwrap().unwrap().id);
        tenant.store().commit(changes).unwrap();
        assert!(matches!(tenant.prove_log(None).unwrap().flaw, Some(Flaw::Gap(_))));
    }

    #[test]
    fn the_newest_run_of_each_direction_and_the_newest_event_stay() {
        let (_dir, clock, tenant) = stage();
        let mut changes = Changes::default();
        for number in 1..=4 {
            let id = RunId(number);
            let direction = if number == 1 { Direction::Outbound } else { Direction::Inbound };
            let (started, counts) = (Instant(0), Counts::default());
            let run =
                Run { id, sync: "s".parse().unwrap(), direction, started, ended: None, counts, end: RunEnd::Done };
            changes.put(id, &run).unwrap();
            let (id, audience) = (EventId(number), "a".parse().unwrap());
            let event = Event { id, kind: EventKind::Entered, audience, contact: ContactId(1), at: Instant(0) };
            changes.put(id, &event).unwrap();
        }
        tenant.store().commit(changes).unwrap();
        clock.0.store(3, Ordering::SeqCst);
        let expired = tenant.expire(&keep(2)).unwrap();
        assert_eq!((expired.runs, expired.events), (2, 3));
        let left: Vec<RunId> = tenant.store().scan::<Run>().map(|run| run.unwrap().id).collect();
        assert_eq!(left, [RunId(1), RunId(4)]);
        let left: Vec<EventId> = tenant.store().scan::<Event>().map(|event| event.unwrap().id).collect();
        assert_eq!(left, [EventId(4)]);
    }
}
