//! Webhooks of CRMs: verified by the connector, taken once, and turned into runs over what they name.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Tenant;
use super::error::AppError;
use crate::model::connector::{Hint, Webhook};
use crate::model::failure::{CallError, Failure};
use crate::model::http::Lane;
use crate::model::id::{ConnectionId, SyncId};
use crate::model::mapping::Direction;
use crate::model::sync::{Run, SyncState};
use crate::sync::{self, Stopper};

pub use crate::sync::Hinted;

/// Signatures that are remembered. CRMs' signatures are good for minutes; at a hundred webhooks a second this is a quarter
/// of an hour.
const REMEMBERED: usize = 100_000;

/// The proofs of the webhooks that were taken last. Each is good once.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Proofs {
    /// Remembers all of them, or none where one was seen before.
    fn take(&self, proofs: &[[u8; 32]]) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if proofs.iter().any(|proof| seen.known.contains(proof)) {
            return false;
        }
        for proof in proofs {
            if seen.known.insert(*proof) {
                seen.order.push_back(*proof);
            }
        }
        while seen.order.len() > REMEMBERED {
            let oldest = seen.order.pop_front();
            oldest.map(|oldest| seen.known.remove(&oldest));
        }
        true
    }

    fn forget(&self, proofs: &[[u8; 32]]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for proof in proofs {
            seen.known.remove(proof);
        }
        seen.order.retain(|proof| !proofs.contains(proof));
    }
}

impl Tenant {
    /// Lets the connector verify a webhook, and hands what it names to `queue`, which says whether it had room.
    ///
    /// # Errors
    /// [`AppError::Webhook`] for one that is not the CRM's, [`AppError::WebhookReplayed`] for one that was taken before,
    /// [`AppError::Busy`] where there is no room.
    pub async fn receive(
        &self,
        id: &ConnectionId,
        webhook: Webhook,
        queue: impl FnOnce(Vec<Hint>) -> bool,
    ) -> Result<(), AppError> {
        let composed = self.composed(id, Lane::Webhook).await?;
        let (hints, macs) = composed.receive_proven(webhook).await.map_err(|error| match error {
            CallError::Advice(Failure::Unauthorized(why) | Failure::Unsupported(why)) => {
                AppError::Webhook { connection: id.clone(), why }
            }
            error => AppError::call(id, "receive", error),
        })?;
        let proofs: Vec<[u8; 32]> = macs.iter().map(|mac| self.proof(id, mac)).collect();
        if !self.app.proofs.take(&proofs) {
            return Err(AppError::WebhookReplayed { connection: id.clone() });
        }
        if !queue(hints) {
            // The CRM is to send it again.
            self.app.proofs.forget(&proofs);
            return Err(AppError::Busy);
        }
        Ok(())
    }

    fn proof(&self, connection: &ConnectionId, mac: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(format!("{}/{connection}/", self.id)).chain_update(mac).finalize().into()
    }

    /// The syncs that hints about an object of a connection are for: those that have seen everything once and are not paused.
    pub fn hinted_syncs(&self, connection: &ConnectionId, object: &str) -> Result<Vec<SyncId>, AppError> {
        let mut hinted = Vec::new();
        for sync in self.syncs()? {
            let follows = &sync.connection == connection && sync.object == object;
            if !follows || self.timetable(&sync.id)?.paused {
                continue;
            }
            let state = self.store().get::<SyncState>(&sync.id)?;
            if state.is_some_and(|state| state.high_water.is_some()) {
                hinted.push(sync.id);
            }
        }
        Ok(hinted)
    }

    /// Fetches what was named afresh, as one inbound run.
    pub async fn run_hinted(&self, id: &SyncId, hinted: &Hinted, stopper: &Stopper) -> Result<Run, AppError> {
        let _turn = self.take_turn(id, Direction::Inbound, stopper)?;
        let sync = self.sync(id)?;
        let ports = self.ports(&sync, Lane::Webhook, None).await?;
        Ok(sync::run_hinted(&ports, &sync, hinted, &stopper.signal()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_once_until_it_is_forgotten() {
        let proofs = Proofs::default();
        assert!(proofs.take(&[[1; 32], [2; 32]]));
        assert!(!proofs.take(&[[3; 32], [2; 32]]));
        assert!(proofs.take(&[[3; 32]]));
        proofs.forget(&[[2; 32]]);
        assert!(proofs.take(&[[2; 32]]));
        assert!(proofs.take(&[]));
    }
}
