//! What was learned of an account's allowance is kept, so that a new process does not have to run into its limits first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Tenant;
use super::error::AppError;
use crate::egress::Governor;
use crate::model::allowance::{DailyState, LearnedAllowance};
use crate::model::id::ConnectionId;
use crate::model::sync::Connection;
use crate::model::time::{Clock, Instant};
use crate::store::{Changes, StoreError, Workspace};

/// How often what was learned is written while calls go on. A crash forgets no more than that.
const KEEP_EVERY: Duration = Duration::from_secs(30);

/// Keeps what an account's governor learns; dropped, it keeps the last of it.
pub(super) struct KeptAllowance {
    workspace: Arc<Workspace>,
    account: String,
    governor: Arc<Governor>,
    clock: Arc<dyn Clock>,
    /// How much was learned when it was last kept, and when that was.
    kept: Mutex<(u64, Instant)>,
}

impl KeptAllowance {
    pub(super) fn new(
        workspace: Arc<Workspace>,
        account: String,
        governor: Arc<Governor>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let kept = Mutex::new((governor.lessons(), clock.now()));
        Self { workspace, account, governor, clock, kept }
    }

    /// Keeps what was learned, unless that was done a moment ago.
    pub(super) fn keep(&self) {
        self.keep_every(KEEP_EVERY);
    }

    fn keep_every(&self, every: Duration) {
        let (now, lessons) = (self.clock.now(), self.governor.lessons());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 == lessons || (now.since(kept.1) < every && kept.1 <= now) {
            return;
        }
        *kept = (lessons, now);
        drop(kept);
        if let Err(error) = self.write() {
            tracing::warn!(%error, "what was learned of an allowance could not be kept");
        }
    }

    fn write(&self) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        changes.put(self.account.as_str(), &self.governor.learned(&self.account))?;
        self.workspace.commit(changes)
    }
}

impl Drop for KeptAllowance {
    fn drop(&mut self) {
        self.keep_every(Duration::ZERO);
    }
}

impl Tenant {
    /// What the allowance hangs on. The same account behind two connections of a workspace has one; until the account is known,
    /// each connection has its own. Which account it is, a plugin says: so it never reaches another workspace's.
    pub(super) fn account_key(&self, connection: &Connection) -> String {
        match &connection.account {
            Some(account) => format!("{}/{}/account/{}", self.id, connection.plugin, account.id),
            None => format!("{}/{}/connection/{}", self.id, connection.plugin, connection.id),
        }
    }

    pub(super) fn learned_allowance(&self, account: &str) -> Result<Option<LearnedAllowance>, AppError> {
        Ok(self.store().get::<LearnedAllowance>(account)?)
    }

    /// What the CRM last told of the account's daily allowance, and when that will be used up.
    pub fn allowance(&self, id: &ConnectionId) -> Result<Option<DailyState>, AppError> {
        let key = self.account_key(&self.connection(id)?);
        let known = self.app.egress().governors().into_iter().find(|(name, _)| *name == key);
        if let Some((_, state)) = known {
            return Ok(state.daily);
        }
        /// What was told is of one day.
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let (kept, now) = (self.learned_allowance(&key)?, self.clock().now());
        Ok(kept.filter(|kept| now.since(kept.at) <= DAY).and_then(|kept| kept.daily))
    }
}
