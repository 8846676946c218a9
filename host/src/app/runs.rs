//! Runs: whose turn it is, how they are stopped, what is left of them to read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::{AppError, Thing};
use super::{App, Tenant};
use crate::model::id::{RunId, SyncId, WorkspaceId};
use crate::model::mapping::Direction;
use crate::model::sync::{Run, RunEnd};
pub use crate::sync::{Silent, Stopper};

type Key = (WorkspaceId, SyncId, Direction);

/// What runs now. One sync runs at most once at a time in each direction.
#[derive(Default)]
pub(super) struct Turns(Mutex<Going>);

#[derive(Default)]
struct Going {
    closed: bool,
    stoppers: HashMap<Key, Stopper>,
}

/// A sync's turn in one direction; dropping it ends it.
pub(super) struct Turn {
    app: Arc<App>,
    key: Key,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Going> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.app.turns.lock().stoppers.remove(&self.key);
    }
}

impl App {
    /// From now on nothing begins to run, and what runs ends after the page that it is at.
    pub fn stop_runs(&self) {
        let mut going = self.turns.lock();
        going.closed = true;
        going.stoppers.values().for_each(Stopper::stop);
    }

    /// Whether nothing new begins any more.
    pub fn is_stopping(&self) -> bool {
        self.turns.lock().closed
    }
}

impl Tenant {
    pub(super) fn take_turn(&self, sync: &SyncId, direction: Direction, stopper: &Stopper) -> Result<Turn, AppError> {
        let key = (self.id.clone(), sync.clone(), direction);
        let mut going = self.app.turns.lock();
        if going.closed {
            return Err(AppError::Stopping);
        }
        if going.stoppers.contains_key(&key) {
            return Err(AppError::Running { sync: sync.clone(), direction });
        }
        going.stoppers.insert(key.clone(), stopper.clone());
        Ok(Turn { app: Arc::clone(&self.app), key })
    }

    /// Whether a run of the sync could begin now.
    ///
    /// # Errors
    /// [`AppError::Running`], and [`AppError::Stopping`].
    pub fn check_may_begin(&self, id: &SyncId, direction: Direction) -> Result<(), AppError> {
        self.sync(id)?;
        self.take_turn(id, direction, &Stopper::default()).map(drop)
    }

    /// Whether the sync runs now in this direction.
    pub fn is_running(&self, sync: &SyncId, direction: Direction) -> bool {
        let key = (self.id.clone(), sync.clone(), direction);
        self.app.turns.lock().stoppers.contains_key(&key)
    }

    /// Lets the sync's runs end after the page that they are at; gives how many there were.
    ///
    /// # Errors
    /// [`AppError::NotRunning`] where there is none.
    pub fn cancel_sync(&self, id: &SyncId) -> Result<usize, AppError> {
        self.sync(id)?;
        let going = self.app.turns.lock();
        let of_sync = going.stoppers.iter().filter(|((workspace, sync, _), _)| workspace == &self.id && sync == id);
        let stopped = of_sync.map(|(_, stopper)| stopper.stop()).count();
        drop(going);
        if stopped == 0 {
            return Err(AppError::NotRunning(id.clone()));
        }
        self.note("cancelled", "sync", id)?;
        Ok(stopped)
    }

    /// One run.
    pub fn run(&self, id: RunId) -> Result<Run, AppError> {
        let run = self.store().get::<Run>(id)?;
        let run = run.ok_or_else(|| AppError::not_found(Thing::Run, &id.to_string(), []))?;
        let of_sync = self.runs(&run.sync, Some(RunId(id.0.saturating_add(1))), 1);
        // Of a sync that is gone nothing runs.
        Ok(of_sync.ok().and_then(|mut runs| runs.pop()).unwrap_or_else(|| cut_off(run)))
    }

    /// The sync's runs, newest first, at most so many; only those before `before`, where it is given.
    pub fn runs(&self, id: &SyncId, before: Option<RunId>, most: usize) -> Result<Vec<Run>, AppError> {
        self.sync(id)?;
        let mut newest_seen = [false; 2];
        let mut runs = Vec::new();
        for run in self.store().scan::<Run>().rev() {
            let run = run?;
            if &run.sync != id {
                continue;
            }
            if runs.len() == most {
                break;
            }
            // Only the newest of a direction can be the one that runs now.
            let newer = std::mem::replace(&mut newest_seen[run.direction as usize], true);
            if before.is_some_and(|before| run.id >= before) {
                continue;
            }
            runs.push(if newer { cut_off(run) } else { self.as_it_is(run) });
        }
        Ok(runs)
    }

    /// No run outlives its process, and the state has one process: a run that says that it is running and is not was cut off.
    pub(super) fn as_it_is(&self, run: Run) -> Run {
        if self.is_running(&run.sync, run.direction) { run } else { cut_off(run) }
    }
}

/// A run that says that it is running, and is not.
fn cut_off(run: Run) -> Run {
    match run.end {
        RunEnd::Running => Run {
            end: RunEnd::Failed {
                code: "interrupted".into(),
                message: "the process ended in the middle of the run".into(),
                remedy: "run the sync again: it goes on where it stopped".into(),
            },
            ..run
        },
        _ => run,
    }
}
