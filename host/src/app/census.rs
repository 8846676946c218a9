//! Sweeps and checks: what the CRM has, against what we have.

use super::Tenant;
use super::error::AppError;
use crate::model::http::Lane;
use crate::model::id::SyncId;
use crate::model::mapping::Direction;
use crate::model::sync::Run;
use crate::sync::{self, Difference, Observer, Stopper, Swept, Verified};

impl Tenant {
    /// Compares the ids of both sides: what the CRM has and we don't is fetched, what we have and it doesn't is marked as gone.
    ///
    /// # Errors
    /// Where more than a tenth of the sync's records would be marked and nobody has agreed to it: then none is.
    pub async fn sweep_sync(
        &self,
        id: &SyncId,
        agreed: bool,
        observer: &dyn Observer,
        stopper: &Stopper,
    ) -> Result<(Run, Swept), AppError> {
        let _turn = self.take_turn(id, Direction::Inbound, stopper)?;
        let sync = self.sync(id)?;
        let ports = self.ports(&sync, Lane::Sweep, None).await?;
        Ok(sync::run_sweep(&ports, &sync, agreed, observer, &stopper.signal()).await?)
    }

    /// Reads everything that the CRM has for the sync and compares it with what is stored. Changes nothing.
    pub async fn verify_sync(
        &self,
        id: &SyncId,
        stopper: &Stopper,
        tell: &mut (dyn FnMut(Difference) + Send),
    ) -> Result<Verified, AppError> {
        let _turn = self.take_turn(id, Direction::Inbound, stopper)?;
        let sync = self.sync(id)?;
        let ports = self.ports(&sync, Lane::Sweep, None).await?;
        Ok(sync::verify(&ports, &sync, &stopper.signal(), tell).await?)
    }
}
