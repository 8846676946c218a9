//! Begins the runs whose time has come. When that is, the timetables say.

use std::sync::Arc;
use std::time::Duration;

use super::runs::Runs;
use crate::app::error::AppError;
use crate::app::schedules::Due;
use crate::app::{App, Tenant};
use crate::model::id::SyncId;

/// How often the timetables are looked at: a schedule is kept to the minute, and looking costs a read per sync.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keeps the schedules of all workspaces until [`App::stop_runs`].
pub(super) async fn keep_schedules(app: Arc<App>, runs: Runs) {
    let clock = app.clock();
    while !app.is_stopping() {
        match due(&app) {
            Ok(due) => {
                for (tenant, sync, due) in due {
                    // Where a workspace has no place left, it is looked at again; the next one has a share of its own.
                    let workspace = tenant.id().clone();
                    runs.begin(&workspace, async move || run(&tenant, &sync, due).await);
                }
            }
            Err(error) => tracing::error!(%error, "the timetables can't be read"),
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn due(app: &Arc<App>) -> Result<Vec<(Tenant, SyncId, Due)>, AppError> {
    let mut due = Vec::new();
    for workspace in app.workspaces()? {
        let tenant = app.tenant(&workspace)?;
        due.extend(tenant.due_syncs()?.into_iter().map(|(sync, due)| (tenant.clone(), sync, due)));
    }
    Ok(due)
}

async fn run(tenant: &Tenant, sync: &SyncId, due: Due) {
    if let Err(error) = tenant.do_due(sync, due).await {
        tracing::error!(%error, workspace = %tenant.id(), %sync, "a run by schedule could not be noted");
    }
}
