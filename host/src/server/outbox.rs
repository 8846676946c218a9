//! Sends outcomes by itself, as soon as they are due, for the syncs that are to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::pauses::Pauses;
use super::runs::Runs;
use crate::app::error::AppError;
use crate::app::runs::{Silent, Stopper};
use crate::app::sending::Look;
use crate::app::syncs::RunOptions;
use crate::app::{App, Tenant};
use crate::model::id::{SyncId, WorkspaceId};
use crate::model::schedule;
use crate::model::time::Clock;

/// How often is looked whether something is due. Where nothing has changed, looking costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Key = (WorkspaceId, SyncId);

/// Empties the outboxes of all workspaces until [`App::stop_runs`].
pub(super) async fn send_outcomes(app: Arc<App>, runs: Runs) {
    let (clock, pauses, mut looks) = (app.clock(), Pauses::new(schedule::PAUSE_FIRST), HashMap::new());
    while !app.is_stopping() {
        if let Err(error) = send_due(&app, &runs, &pauses, &mut looks) {
            tracing::error!(%error, "the outboxes can't be read");
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn send_due(
    app: &Arc<App>,
    runs: &Runs,
    pauses: &Pauses<Key>,
    looks: &mut HashMap<WorkspaceId, Look>,
) -> Result<(), AppError> {
    let now = app.clock().now();
    for workspace in app.workspaces()? {
        let tenant = app.tenant(&workspace)?;
        let may = |sync: &SyncId| pauses.are_over(&(workspace.clone(), sync.clone()), now);
        for sync in tenant.due_to_send(looks.entry(workspace.clone()).or_default(), may)? {
            let (tenant, pauses, clock) = (tenant.clone(), pauses.clone(), app.clock());
            let began = runs.begin(&workspace, async move || send(&tenant, &sync, &pauses, &*clock).await);
            if !began {
                // The next workspace has a share of its own.
                break;
            }
        }
    }
    Ok(())
}

async fn send(tenant: &Tenant, sync: &SyncId, pauses: &Pauses<Key>, clock: &dyn Clock) {
    let options = RunOptions { inbound: false, ..RunOptions::default() };
    let ended = tenant.run_sync(sync, options, &Silent, &Stopper::default()).await;
    let key = (tenant.id().clone(), sync.clone());
    match ended {
        Ok(_) => pauses.succeeded(&key),
        Err(AppError::Running { .. } | AppError::Stopping) => {}
        // The run has the reason; whoever looks after the sync finds it there.
        Err(error) => {
            pauses.failed(key, clock.now());
            tracing::info!(%error, workspace = %tenant.id(), %sync, "outcomes wait for the next try");
        }
    }
}
