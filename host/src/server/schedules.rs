//! Begins the runs whose time has come. When that is, the timetables say.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::app::error::AppError;
use crate::app::{App, Tenant};
use crate::model::id::SyncId;

/// How often the timetables are looked at: a schedule is kept to the minute, and looking costs a read per sync.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs at once. What is due beyond that waits for a place; CRMs' own limits are met by the governors.
const MOST_RUNS: usize = 8;

/// Keeps the schedules of all workspaces; ends once the runs that it began have, after [`App::stop_runs`].
pub async fn keep_schedules(app: Arc<App>) {
    let mut runs = JoinSet::new();
    let clock = app.clock();
    while !app.is_stopping() {
        while runs.try_join_next().is_some() {}
        match due(&app) {
            Ok(due) => {
                let room = MOST_RUNS.saturating_sub(runs.len());
                for (tenant, sync) in due.into_iter().take(room) {
                    // A mapping stays on one thread, so a run does too.
                    runs.spawn_blocking(move || Handle::current().block_on(run(&tenant, &sync)));
                }
            }
            Err(error) => tracing::error!(%error, "the timetables can't be read"),
        }
        clock.sleep(LOOK_EVERY).await;
    }
    while runs.join_next().await.is_some() {}
}

fn due(app: &Arc<App>) -> Result<Vec<(Tenant, SyncId)>, AppError> {
    let mut due = Vec::new();
    for workspace in app.workspaces()? {
        let tenant = app.tenant(&workspace)?;
        due.extend(tenant.due_syncs()?.into_iter().map(|sync| (tenant.clone(), sync)));
    }
    Ok(due)
}

async fn run(tenant: &Tenant, sync: &SyncId) {
    if let Err(error) = tenant.run_due(sync).await {
        tracing::error!(%error, workspace = %tenant.id(), %sync, "a run by schedule could not be noted");
    }
}
