//! Schedules: set, paused, resumed; and what is due now, for the server that keeps them.

use sha2::{Digest, Sha256};

use super::Tenant;
use super::error::AppError;
use super::syncs::RunOptions;
use crate::model::failure::{CallError, Failure};
use crate::model::id::SyncId;
use crate::model::mapping::Direction;
use crate::model::schedule::{Schedule, Sending, Sweeping, Timetable};
use crate::model::time::Instant;
use crate::store::Changes;
use crate::sync::{Silent, Stopper, SyncError};

/// What a sync is to do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Run,
    Sweep,
}

impl Tenant {
    /// What is set of a sync's runs by schedule.
    pub fn timetable(&self, id: &SyncId) -> Result<Timetable, AppError> {
        self.sync(id)?;
        Ok(self.store().get::<Timetable>(id)?.unwrap_or_default())
    }

    /// Sets when the sync runs by itself, none for never, and when outcomes leave and ids are compared, where that is to be
    /// another time.
    pub fn set_schedule(
        &self,
        id: &SyncId,
        schedule: Option<Schedule>,
        sending: Option<Sending>,
        sweeping: Option<Sweeping>,
    ) -> Result<Timetable, AppError> {
        if self.sync(id)?.is_import() {
            return Err(AppError::OfFiles);
        }
        let now = self.clock().now();
        self.change_timetable(id, |table| {
            let (sending, sweeping) = (sending.or(table.sending), sweeping.or(table.sweeping));
            let (paused, swept) = (table.paused, table.swept);
            *table = Timetable { schedule, since: now, paused, sending, sweeping, swept, ..Timetable::default() };
        })
    }

    /// A paused sync runs only where a person says so.
    pub fn pause_sync(&self, id: &SyncId, paused: bool) -> Result<Timetable, AppError> {
        self.change_timetable(id, |table| table.paused = paused)
    }

    fn change_timetable(&self, id: &SyncId, change: impl FnOnce(&mut Timetable)) -> Result<Timetable, AppError> {
        let _scheduling = self.store().scheduling();
        let mut table = self.timetable(id)?;
        change(&mut table);
        let mut changes = Changes::default();
        changes.put(id, &table)?;
        self.commit(changes)?;
        Ok(table)
    }

    /// Notes how far a timetable has been kept, for which nobody answers.
    fn keep_timetable(&self, id: &SyncId, change: impl FnOnce(&mut Timetable)) -> Result<(), AppError> {
        let _scheduling = self.store().scheduling();
        let mut table = self.timetable(id)?;
        change(&mut table);
        let mut changes = Changes::default();
        changes.put(id, &table)?;
        self.workspace.commit(changes)?;
        Ok(self.app.store.flush()?)
    }

    /// When the sync runs next by itself; in the past where that was missed.
    pub fn next_run(&self, id: &SyncId) -> Result<Option<Instant>, AppError> {
        Ok(self.timetable(id)?.due(self.spread(id)))
    }

    /// A share of the spread that is this sync's own, and the same for ever.
    fn spread(&self, id: &SyncId) -> f64 {
        let digest = Sha256::digest(format!("{}/{id}", self.id));
        f64::from(digest[0]) / f64::from(u8::MAX)
    }

    /// The syncs whose time has come and that do not run already. A run comes before a sweep.
    pub fn due_syncs(&self) -> Result<Vec<(SyncId, Due)>, AppError> {
        let now = self.clock().now();
        let mut due = Vec::new();
        for sync in self.syncs()? {
            let mut table = self.timetable(&sync.id)?;
            if table.set_back(now) {
                self.keep_timetable(&sync.id, |table| {
                    table.set_back(now);
                })?;
            }
            let has_come = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            let [pulls, pushes] = [Direction::Inbound, Direction::Outbound].map(|way| self.is_running(&sync.id, way));
            if has_come(table.due(self.spread(&sync.id))) {
                if !pulls && !pushes {
                    due.push((sync.id, Due::Run));
                }
            } else if has_come(table.sweep_due(sync.abilities.gone)) && !pulls {
                due.push((sync.id, Due::Sweep));
            }
        }
        Ok(due)
    }

    /// Does what a sync has to do by itself now, and notes how that ended.
    ///
    /// # Errors
    /// Only where that could not be noted: how a run ended is in its run.
    pub async fn do_due(&self, id: &SyncId, due: Due) -> Result<(), AppError> {
        match due {
            Due::Run => self.run_due(id).await,
            Due::Sweep => self.sweep_due(id).await,
        }
    }

    async fn sweep_due(&self, id: &SyncId) -> Result<(), AppError> {
        let begun = self.clock().now();
        self.keep_timetable(id, |table| table.swept = Some(begun))?;
        let ended = self.sweep_sync(id, false, &Silent, &Stopper::default()).await;
        let failed = match ended {
            // Whether so much is gone is a person's to say, and asking again would not say it.
            Ok(_) | Err(AppError::Sync(SyncError::TooManyGone { .. })) => false,
            Err(AppError::Sync(SyncError::Stopped)) => self.app.is_stopping(),
            Err(_) => true,
        };
        let now = self.clock().now();
        self.keep_timetable(id, |table| {
            table.sweep_failures = if failed { table.sweep_failures.saturating_add(1) } else { 0 };
            table.swept = Some(if failed { now } else { begun });
        })
    }

    async fn run_due(&self, id: &SyncId) -> Result<(), AppError> {
        let begun = self.clock().now();
        // Noted first, so that a run that takes the process with it is not begun again at once for ever.
        self.keep_timetable(id, |table| table.begun = Some(begun))?;
        let ended = self.run_sync(id, RunOptions::default(), &Silent, &Stopper::default()).await;
        let now = self.clock().now();
        match ended {
            // A person was faster, and what they run is not this one's to judge.
            Err(AppError::Running { .. }) => return Ok(()),
            // The next server makes up for what this one's end cut short.
            Err(AppError::Stopping | AppError::Sync(SyncError::Stopped)) if self.app.is_stopping() => {
                self.keep_timetable(id, |table| table.again = Some(now))?;
            }
            // Who cancels a run does not want it tried again at once.
            Ok(_) | Err(AppError::Sync(SyncError::Stopped)) => {
                self.keep_timetable(id, |table| table.ended(true, now))?;
            }
            Err(error) => {
                let renewed = renewed_at(&error);
                self.keep_timetable(id, |table| {
                    table.ended(false, now);
                    // Before the allowance is renewed there is nothing to try.
                    table.again = table.again.max(renewed);
                })?;
            }
        }
        Ok(())
    }
}

/// When the CRM's allowance is renewed, where that is what ended a run and the CRM has told.
fn renewed_at(error: &AppError) -> Option<Instant> {
    match error {
        AppError::Sync(SyncError::Call { source: CallError::Advice(Failure::QuotaExhausted(until)), .. }) => *until,
        _ => None,
    }
}
