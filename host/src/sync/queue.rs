//! Which entries of the outbox leave next: those of the sync that are due, in the order in which they were recorded, and
//! nothing about a contact while something older about it waits. Dead entries hold nothing up: a person may take days.

use std::collections::HashSet;

use crate::model::id::{ContactId, OutboxId};
use crate::model::outcome::{Delivery, OutboxEntry};
use crate::model::sync::Sync;
use crate::model::time::Instant;
use crate::store::{StoreError, Workspace};

/// Entries that are sent together: as many as the batch endpoints of most CRMs take.
pub(super) const BATCH: usize = 100;

/// Entries that are looked through for each that is wanted: enough that one contact with many does not make batches of one.
const LOOK_AHEAD: usize = 5;

/// Contacts about whom something waits that are remembered in one pass: some megabytes. Where more wait, what comes after them
/// waits for the next pass.
const HELD_MOST: usize = 100_000;

/// A contact and the CRM's object that is written to: within it, order counts.
type Lane<'a> = (ContactId, Option<&'a str>);

/// One pass over the outbox.
pub(super) struct Queue<'a> {
    sync: &'a Sync,
    from: OutboxId,
    /// Where something older waits.
    held: HashSet<Lane<'a>>,
}

impl<'a> Queue<'a> {
    pub(super) fn of(sync: &'a Sync) -> Self {
        Self { sync, from: OutboxId(0), held: HashSet::new() }
    }

    /// Where the next entries are looked for.
    pub(super) fn place(&self) -> OutboxId {
        self.from
    }

    /// Looks again from an entry on.
    pub(super) fn back_to(&mut self, from: OutboxId) {
        self.from = from;
    }

    /// The next entries to send, `most` at most; none at the end of the pass. Of a contact and an object one at a time: CRMs refuse
    /// a batch that changes a record twice, and of two that leave together the later one may arrive and the earlier one not.
    pub(super) fn next(
        &mut self,
        workspace: &Workspace,
        now: Instant,
        most: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let (mut batch, mut taken, mut passed) = (Vec::new(), HashSet::new(), None);
        if self.held.len() >= HELD_MOST {
            return Ok(batch);
        }
        for (looked_at, entry) in workspace.scan_from::<OutboxEntry>(self.from).enumerate() {
            let entry = entry?;
            let lane = self.lane(&entry);
            let due_at = entry.due_at(now).filter(|_| entry.sync == self.sync.id);
            // What is in a set is collected with it, whenever that is.
            let in_set = matches!(entry.delivery, Delivery::Unknown { set: Some(_), .. });
            if due_at.is_some_and(|at| at > now || in_set) {
                self.hold(&entry);
            }
            let next = OutboxId(entry.id.0 + 1);
            if due_at.is_some() && !in_set && !self.held.contains(&lane) {
                if taken.insert(lane) {
                    batch.push(entry);
                } else {
                    passed.get_or_insert(entry.id);
                }
            }
            self.from = passed.unwrap_or(next);
            let is_long = !batch.is_empty() && looked_at >= most * LOOK_AHEAD;
            if batch.len() == most || is_long || self.held.len() >= HELD_MOST {
                break;
            }
        }
        Ok(batch)
    }

    /// What comes after this entry waits with it, to the end of the pass.
    pub(super) fn hold(&mut self, entry: &OutboxEntry) {
        self.held.insert(self.lane(entry));
    }

    fn lane(&self, entry: &OutboxEntry) -> Lane<'a> {
        (entry.outcome.contact, self.sync.outbound.get(&entry.outcome.kind).map(|spec| spec.object.as_str()))
    }
}
