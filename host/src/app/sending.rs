//! Which syncs have outcomes to send by themselves now.

use std::time::Duration;

use super::Tenant;
use super::error::AppError;
use crate::model::id::SyncId;
use crate::model::mapping::Direction;
use crate::model::schedule::{Sending, Timetable};
use crate::model::time::Instant;

/// How long an answer may be used that nothing has changed since: pauses end meanwhile, which is no change.
const STALE: Duration = Duration::from_secs(10);

/// A look at an outbox is followed by a pause of this many times as long: with a million entries it takes seconds.
const REST: u32 = 10;

/// What the last look at an outbox found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    changes: u64,
    /// Nothing is due before, as far as nothing has changed.
    idle_until: Instant,
    /// Not to look again before.
    rest_until: Instant,
    looked_at: Instant,
}

impl Tenant {
    /// The syncs that send by themselves, may do so now, do not send already, and have something that is due.
    pub fn due_to_send(&self, look: &mut Look, may: impl Fn(&SyncId) -> bool) -> Result<Vec<SyncId>, AppError> {
        let (now, changes) = (self.clock().now(), self.store().outbound_changes());
        let is_idle = now < look.rest_until || (changes == look.changes && now < look.idle_until);
        // A look that lies ahead was made before the clock was set back.
        if is_idle && look.looked_at <= now {
            return Ok(Vec::new());
        }
        let (mut idle, mut due) = (Vec::new(), Vec::new());
        for sync in self.syncs()? {
            let sends = !sync.outbound.is_empty() && sends_by_itself(&self.timetable(&sync.id)?);
            if sends && may(&sync.id) && !self.is_running(&sync.id, Direction::Outbound) {
                idle.push(sync.id);
            }
        }
        let mut next = now.plus(STALE);
        let mut outbox = self.outbox();
        while !idle.is_empty()
            && let Some(entry) = outbox.next().transpose()?
        {
            let Some(place) = idle.iter().position(|sync| sync == &entry.sync) else { continue };
            match entry.due_at(now) {
                Some(at) if at > now => next = next.min(at),
                Some(_) => due.push(idle.swap_remove(place)),
                None => {}
            }
        }
        let done = self.clock().now();
        let idle_until = if due.is_empty() { next } else { now };
        *look = Look { changes, idle_until, rest_until: done.plus(done.since(now) * REST), looked_at: now };
        Ok(due)
    }
}

fn sends_by_itself(table: &Timetable) -> bool {
    !table.paused && table.sending() == Sending::AtOnce
}
