//! The flow: pages of rows into contacts, outcomes into writes. Speaks to ports and the store only, never HTTP.
//!
//! Inbound: `inbound` decides what to walk and commits; `walk` pulls; `page` turns a page into changes with the help of
//! `matching`, `attributes`, `merge`, `echo` and `overlay`. By hand: `hand` changes contacts as people decide, `joining` makes one
//! of two, or two of one, by `precedence`. Outbound: `outbound` sends what the outbox holds, `delivery` decides what becomes of
//! each write, `acknowledged` what that means for the contact.

mod acknowledged;
mod advice;
mod attributes;
mod backoff;
mod census;
mod delivery;
mod draft;
mod echo;
mod effects;
mod error;
mod fingerprint;
mod gone;
mod hand;
mod hinted;
mod inbound;
mod joining;
mod matching;
mod merge;
mod outbound;
mod outlook;
mod overlay;
mod page;
mod precedence;
mod progress;
mod queue;
mod remap;
mod schema;
mod sets;
mod trial;
mod verify;
mod walk;
mod windows;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::connector::Connector;
use crate::model::id::PluginId;
use crate::model::mapping::Mapper;
use crate::model::sync::Sync;
use crate::model::time::Clock;
use crate::store::{Store, Workspace};

pub use attributes::{AttributeError, check_value, define, read_value};
pub use census::{Swept, run_sweep};
pub use delivery::write_key;
pub use draft::Tell;
pub use effects::columns as outcome_columns;
pub use error::SyncError;
pub use hand::{set_by_hand, unsent};
pub use hinted::{Hinted, run_hinted};
pub use inbound::{PARTITIONS, run_inbound, run_remap};
pub use joining::{JoinError, Whom, decide_record, merge_contacts, take_record};
pub use merge::Change;
pub use outbound::run_outbound;
pub use outlook::{OutboundPlan, Outlook, plan_outbound};
pub use page::Verdict;
pub use progress::{Observer, Silent, StopSignal, Stopper, stop_signal};
pub use remap::{Plan, plan};
pub use trial::{TrialReport, TrialRow, try_sync};
pub use verify::{Difference, Verified, verify};

/// All that a run needs.
#[derive(Clone)]
pub struct Ports {
    pub store: Arc<Store>,
    pub workspace: Arc<Workspace>,
    pub connector: Arc<dyn Connector>,
    /// The mappers that the sync's mappings name.
    pub mappers: HashMap<PluginId, Arc<dyn Mapper>>,
    pub clock: Arc<dyn Clock>,
}

impl Ports {
    fn mapper(&self, id: &PluginId) -> Result<&dyn Mapper, SyncError> {
        self.mappers.get(id).map(|mapper| &**mapper).ok_or_else(|| SyncError::NoMapper(id.clone()))
    }
}

impl Sync {
    fn source(&self) -> crate::model::contact::Source {
        crate::model::contact::Source { connection: self.connection.clone(), object: self.object.as_str().into() }
    }
}

#[cfg(test)]
mod tests;
