//! Takes away what is older than it is to be kept, and what is left of syncs whose removal was cut short.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::retention::Retention;

/// What is kept for days need not end to the minute.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// How often is looked whether the host ends.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps the state small until [`App::stop_runs`].
pub(super) async fn expire(app: Arc<App>, retention: Retention) {
    let clock = app.clock();
    let mut next = clock.now();
    while !app.is_stopping() {
        if clock.now() >= next {
            next = clock.now().plus(EVERY);
            let of = Arc::clone(&app);
            let done = match tokio::task::spawn_blocking(move || expire_all(&of, &retention)).await {
                Ok(Ok(())) => forget_all(&app).await,
                Ok(Err(error)) => Err(error),
                Err(error) => {
                    tracing::error!(%error, "taking old things away failed by a mistake in ferry");
                    Ok(())
                }
            };
            if let Err(error) = done {
                tracing::error!(%error, "what is old could not be taken away");
            }
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn expire_all(app: &Arc<App>, retention: &Retention) -> Result<(), AppError> {
    for workspace in app.workspaces()? {
        let tenant = app.tenant(&workspace)?;
        tenant.finish_removals()?;
        let expired = tenant.expire(retention)?;
        tracing::info!(%workspace, runs = expired.runs, events = expired.events, audit = expired.audit, "old things are gone");
    }
    Ok(())
}

/// Of where values come from, what each workspace no longer keeps.
async fn forget_all(app: &Arc<App>) -> Result<(), AppError> {
    for workspace in app.workspaces()? {
        app.tenant(&workspace)?.forget().await?;
    }
    Ok(())
}
