//! Forgets, once a day, what the workspaces no longer keep.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::error::AppError;

/// Retention is said in days.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Never ends; whoever ends it loses nothing, for it commits as it goes.
pub async fn keep_retention(app: Arc<App>) {
    let clock = app.clock();
    loop {
        if let Err(error) = forget(&app).await {
            tracing::error!(%error, "what is no longer kept could not be forgotten");
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

async fn forget(app: &Arc<App>) -> Result<(), AppError> {
    for workspace in app.workspaces()? {
        app.tenant(&workspace)?.forget().await?;
    }
    Ok(())
}
