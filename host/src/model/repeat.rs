//! Requests with a key of the caller's own: what is kept so that a repetition is recognised and answered alike.

use serde::{Deserialize, Serialize};

use super::id::OutboxId;
use super::time::Instant;

/// An outcome that was handed over with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedRequest {
    pub key: String,
    /// SHA-256 of what was asked: something else under the same key is a mistake of the caller's.
    pub fingerprint: [u8; 32],
    /// The id of the outcome, also where it was made up.
    pub outcome_id: String,
    /// What came of it; none until that is known.
    pub entries: Option<Vec<OutboxId>>,
    pub at: Instant,
}
