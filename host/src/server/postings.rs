//! Keeps audiences up to date, and posts their events to the platform's hooks.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::pauses::Pauses;
use crate::app::error::AppError;
use crate::app::{App, Tenant};
use crate::model::id::{HookId, WorkspaceId};

/// How often is looked for changed contacts and waiting events. Where there are none, looking costs two reads.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Hooks that are posted to at once.
const MOST_HOOKS: usize = 32;

/// The first pause after a receiver was in trouble.
const PAUSE_FIRST: Duration = Duration::from_secs(2);

type Key = (WorkspaceId, HookId);

/// Follows contacts and posts events until [`App::stop_runs`].
pub(super) async fn post_events(app: Arc<App>) {
    let (clock, pauses) = (app.clock(), Pauses::new(PAUSE_FIRST));
    let (mut posting, mut busy) = (JoinSet::new(), HashSet::new());
    while !app.is_stopping() {
        while let Some(done) = posting.try_join_next() {
            match done {
                Ok(key) => {
                    busy.remove(&key);
                }
                // A task that broke off says no more whose it was.
                Err(_) => busy.clear(),
            }
        }
        for (tenant, hook) in due(&app).await {
            let key = (tenant.id().clone(), hook);
            let free = posting.len() < MOST_HOOKS && pauses.are_over(&key, clock.now()) && !busy.contains(&key);
            if free {
                busy.insert(key.clone());
                posting.spawn(post(Arc::clone(&app), tenant, key, pauses.clone()));
            }
        }
        clock.sleep(LOOK_EVERY).await;
    }
    while posting.join_next().await.is_some() {}
}

/// The hooks that something is due for, after all audiences are up to date.
async fn due(app: &Arc<App>) -> Vec<(Tenant, HookId)> {
    let app = Arc::clone(app);
    let look = move || -> Result<Vec<_>, AppError> {
        let mut due = Vec::new();
        for workspace in app.workspaces()? {
            let tenant = app.tenant(&workspace)?;
            Handle::current().block_on(tenant.follow_contacts())?;
            due.extend(tenant.due_hooks()?.into_iter().map(|hook| (tenant.clone(), hook)));
        }
        Ok(due)
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok(due)) => due,
        Ok(Err(AppError::Stopping)) => Vec::new(),
        Ok(Err(error)) => {
            tracing::error!(%error, "audiences can't be kept up to date");
            Vec::new()
        }
        Err(error) => {
            tracing::error!(%error, "keeping audiences up to date has failed by a mistake in ferry");
            Vec::new()
        }
    }
}

async fn post(app: Arc<App>, tenant: Tenant, key: Key, pauses: Pauses<Key>) -> Key {
    match tenant.post_events(&key.1).await {
        Ok(false) => pauses.succeeded(&key),
        Ok(true) => pauses.failed(key.clone(), app.clock().now()),
        Err(error) => {
            tracing::error!(%error, workspace = %key.0, hook = %key.1, "events can't be posted");
            pauses.failed(key.clone(), app.clock().now());
        }
    }
    key
}
