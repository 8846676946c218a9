//! Two values of one attribute that wait for a person: both changed since they were last agreed, or two syncs change it back
//! and forth.

use serde::{Deserialize, Serialize};

use super::id::{ContactId, RunId, SyncId};
use super::time::Instant;
use super::value::Value;

/// What a sync holds for a person. Ours is the contact's own value, as long as nobody has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub contact: ContactId,
    pub attribute: String,
    pub sync: SyncId,
    /// The CRM's id of the record that has the other value.
    pub record: String,
    /// The value last agreed; null also where none ever was.
    pub base: Value,
    pub theirs: Value,
    /// The run that found it.
    pub run: RunId,
    pub at: Instant,
    /// The other sync, where the two change the value back and forth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<SyncId>,
}
