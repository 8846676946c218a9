//! Syncs that are removed: first the sync itself, so that nothing of it runs any more, then part by part what is left of it.

use std::cell::Cell;

use super::Tenant;
use super::error::AppError;
use crate::model::conflict::Conflict;
use crate::model::drift::SeenFields;
use crate::model::id::{OutboxId, SyncId};
use crate::model::ledger::SetAside;
use crate::model::mapping::Direction;
use crate::model::outcome::OutboxEntry;
use crate::model::refusal::Refusal;
use crate::model::schedule::Timetable;
use crate::model::sync::{MappingVersion, Removal, Sync, SyncState};
use crate::store::{Changes, Document, StoreError};
use crate::sync::Stopper;

/// Documents that are taken away in one commit: of the outbox there may be a million.
const AT_ONCE: usize = 1_000;

impl Tenant {
    /// Removes a sync with its progress, its refused rows and what waits in its outbox. Contacts and receipts stay. A removal
    /// that was cut short is gone on with.
    ///
    /// # Errors
    /// [`AppError::Running`] while it runs.
    pub fn remove_sync(&self, id: &SyncId) -> Result<(), AppError> {
        if self.finish_removal(id)? {
            return Ok(());
        }
        self.sync(id)?;
        let nobody = Stopper::default();
        let _turns =
            (self.take_turn(id, Direction::Inbound, &nobody)?, self.take_turn(id, Direction::Outbound, &nobody)?);
        let mut changes = Changes::default();
        changes.remove::<Sync>(id);
        changes.remove::<SyncState>(id);
        changes.remove::<Timetable>(id);
        changes.remove::<SeenFields>(id);
        changes.put(id, &Removal { sync: id.clone(), begun: self.clock().now() })?;
        {
            // Whoever records an outcome for it meanwhile does so before this, or finds no sync.
            let _recording = self.store().recording();
            self.commit(changes)?;
        }
        self.remove_rest(id)
    }

    /// Takes away what a removal of this sync has left, if one was cut short; says whether one was.
    ///
    /// # Errors
    /// [`AppError::Running`] while somebody else is at it.
    pub(super) fn finish_removal(&self, id: &SyncId) -> Result<bool, AppError> {
        if self.store().get::<Removal>(id)?.is_none() {
            return Ok(false);
        }
        let _turn = self.take_turn(id, Direction::Inbound, &Stopper::default())?;
        self.remove_rest(id).map(|()| true)
    }

    /// Takes away what removals have left that were cut short.
    pub fn finish_removals(&self) -> Result<(), AppError> {
        let begun: Vec<Removal> = self.store().scan().collect::<Result<_, _>>()?;
        for Removal { sync, .. } in begun {
            match self.finish_removal(&sync) {
                // Somebody is at it.
                Ok(_) | Err(AppError::Running { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn remove_rest(&self, id: &SyncId) -> Result<(), AppError> {
        let under = [id.as_str()];
        let store = self.store();
        self.remove_parts(
            || store.scan_under::<Conflict>(&under),
            |it, changes| changes.remove::<Conflict>((id, it.contact, &it.attribute)),
        )?;
        self.remove_parts(
            || store.scan_under::<MappingVersion>(&under),
            |it, changes| changes.remove::<MappingVersion>((id, it.number)),
        )?;
        self.remove_parts(
            || store.scan_under::<SetAside>(&under),
            |it, changes| changes.remove::<SetAside>((id, &it.record)),
        )?;
        self.remove_parts(
            || store.scan_under::<Refusal>(&under),
            |it, changes| changes.remove::<Refusal>((id, &it.record)),
        )?;
        self.remove_entries(id)?;
        let mut changes = Changes::default();
        changes.remove::<Removal>(id);
        self.commit(changes)
    }

    /// Of the outbox, which all syncs share, what is this one's.
    fn remove_entries(&self, id: &SyncId) -> Result<(), AppError> {
        let from = Cell::new(OutboxId(0));
        let is_its = |entry: &Result<OutboxEntry, StoreError>| entry.as_ref().map_or(true, |entry| &entry.sync == id);
        self.remove_parts(
            || self.store().scan_from::<OutboxEntry>(from.get()).filter(is_its),
            |it, changes| {
                // What was passed over is not looked at again.
                from.set(it.id);
                changes.remove::<OutboxEntry>(it.id);
            },
        )
    }

    /// Takes documents away, so many at once, until there are none.
    fn remove_parts<D: Document, I: Iterator<Item = Result<D, StoreError>>>(
        &self,
        rest: impl Fn() -> I,
        remove: impl Fn(&D, &mut Changes),
    ) -> Result<(), AppError> {
        loop {
            let mut changes = Changes::default();
            for document in rest().take(AT_ONCE) {
                remove(&document?, &mut changes);
            }
            if changes.is_empty() {
                return Ok(());
            }
            if self.app.is_stopping() {
                return Err(AppError::Stopping);
            }
            self.commit(changes)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::app::App;
    use crate::model::id::ContactId;
    use crate::model::outcome::{Outcome, OutcomeKind};
    use crate::model::time::{Instant, SystemClock};

    fn open(dir: &TempDir) -> Tenant {
        App::in_folder(dir.path(), Arc::new(SystemClock)).tenant(&"main".parse().unwrap()).unwrap()
    }

    fn sync(id: &SyncId) -> Sync {
        let json = serde_json::json!({
            "id": id, "connection": "crm", "object": "contacts", "segment": null, "filter": [],
            "mapping": { "mapper": "field-mapper", "configuration": "" },
            "abilities": crate::model::schema::Abilities::default(),
            "lateness_ms": 0, "columns": [], "match_keys": [], "outbound": {}, "created": Instant(0),
        });
        serde_json::from_value(json).unwrap()
    }

    /// Two syncs whose entries lie in the outbox in turn.
    fn fill(tenant: &Tenant, syncs: &[SyncId; 2], entries: usize) {
        let mut changes = Changes::default();
        for id in syncs {
            changes.put(id, &sync(id)).unwrap();
            changes.put((id, 1), &sync(id).mapping_version(vec![], Instant(0))).unwrap();
        }
        for at in 0..entries {
            let outcome = Outcome {
                id: format!("o{at}"),
                contact: ContactId(1),
                kind: OutcomeKind::Note,
                at: Instant(0),
                values: vec![],
            };
            let id = tenant.store().new_outbox_id();
            let entry = OutboxEntry::new(id, syncs[at % 2].clone(), "1".into(), outcome, Instant(0));
            changes.queue(tenant.store(), &entry).unwrap();
        }
        tenant.store().commit(changes).unwrap();
    }

    #[test]
    fn a_removal_that_dies_anywhere_leaves_nothing_that_runs_and_is_gone_on_with() {
        let syncs: [SyncId; 2] = ["away", "stays"].map(|id| id.parse().unwrap());
        let (entries, mut died) = (AT_ONCE * 4 + 200, 0);
        for points in 0.. {
            let dir = TempDir::with_prefix("ferry-removal-").unwrap();
            let tenant = open(&dir);
            fill(&tenant, &syncs, entries);
            tenant.store().die_after(Some(points));
            if tenant.remove_sync(&syncs[0]).is_ok() {
                break;
            }
            died += 1;
            drop(tenant);
            let tenant = open(&dir);
            let is_there = tenant.sync(&syncs[0]).is_ok();
            let left = tenant.outbox().filter(|entry| entry.as_ref().unwrap().sync == syncs[0]).count();
            assert!(if is_there { left == entries / 2 } else { left <= entries / 2 }, "{left} at {points}");
            // As an admin does who was told of an error, and as a server does by itself.
            if points % 2 == 0 && (is_there || tenant.store().get::<Removal>(&syncs[0]).unwrap().is_some()) {
                tenant.remove_sync(&syncs[0]).unwrap();
            } else {
                tenant.finish_removals().unwrap();
            }
            let left: Vec<SyncId> = tenant.outbox().map(|entry| entry.unwrap().sync).collect();
            if !is_there || points % 2 == 0 {
                assert_eq!(left, vec![syncs[1].clone(); entries / 2], "at {points}");
                assert_eq!(tenant.store().scan::<Removal>().count(), 0);
                assert_eq!(tenant.mapping_versions(&syncs[0]).unwrap(), []);
            } else {
                assert_eq!(left.len(), entries, "the removal never began");
            }
        }
        assert!(died >= 8, "it died only {died} times");
    }
}
