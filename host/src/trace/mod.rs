//! One call with everything that crossed the boundary: recorded where the account is, run again anywhere. Knows the ports of
//! a call; never a CRM, and no credential ever reaches it.

mod call;
mod exchange;
mod record;
mod redact;
mod replay;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use call::{Answer, Call, Ending, Received};
pub use exchange::{Body, Exchange, Given, Sent};
pub use record::{Recorder, RecorderOptions};
pub use replay::{Divergence, Replayed, replay};

use crate::model::grant::Digest;
use crate::model::id::{ConnectionId, PluginId};
use crate::model::time::Instant;

/// The form of a trace file. A host reads the form that it writes.
const FORMAT: u32 = 1;

/// The largest trace that is read: a call's answers are bounded at 64 MiB, and text grows when it is written as JSON.
const MAX_BYTES: u64 = 256 << 20;

/// What happened at the boundary, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    Exchange(Exchange),
    /// Whether a signature held, as the host found.
    Signature {
        message: Body,
        mac: Body,
        holds: bool,
    },
    Log {
        level: String,
        text: String,
    },
}

/// Which plugin it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub id: PluginId,
    pub version: semver::Version,
    pub digest: Digest,
}

/// One call of one connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trace {
    pub ferry_trace: u32,
    pub plugin: Recorded,
    pub connection: ConnectionId,
    pub call: Call,
    /// The admin's settings as the plugin got them.
    pub settings: serde_json::Value,
    /// What the clock said, each time it was read; the first is the call's own.
    pub clock: Vec<Instant>,
    /// Where the call's randomness came from.
    pub seed: u64,
    pub events: Vec<Event>,
    pub ending: Ending,
    /// Places from which a credential was taken. Credentials never reach a plugin, so these are what a CRM's answers held.
    pub removed: Vec<String>,
}

/// Why a trace can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("`{path}` can't be read")]
    Unreadable { path: String, source: std::io::Error },
    #[error("`{path}` has {bytes} bytes, and {MAX_BYTES} are the most that a trace may have")]
    TooLarge { path: String, bytes: u64 },
    #[error("`{path}` is not a trace")]
    NotATrace { path: String, source: serde_json::Error },
    #[error("`{path}` is a trace of form {found}, and this host reads form {FORMAT}")]
    OtherForm { path: String, found: u32 },
}

impl Trace {
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        let shown = || path.display().to_string();
        let unreadable = |source| TraceError::Unreadable { path: shown(), source };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(TraceError::TooLarge { path: shown(), bytes });
        }
        let text = std::fs::read(path).map_err(unreadable)?;
        let broken = |source| TraceError::NotATrace { path: shown(), source };
        let raw: serde_json::Value = serde_json::from_slice(&text).map_err(broken)?;
        if let Some(found) = raw.get("ferry-trace").and_then(|form| form.as_u64())
            && found != u64::from(FORMAT)
        {
            return Err(TraceError::OtherForm { path: shown(), found: u32::try_from(found).unwrap_or(u32::MAX) });
        }
        serde_json::from_value(raw).map_err(broken)
    }

    /// As it is kept in a file.
    pub fn to_text(&self) -> String {
        // Every map in it has texts for keys, so there is nothing that JSON could not say.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.events.iter().filter_map(|event| match event {
            Event::Exchange(exchange) => Some(exchange),
            _ => None,
        })
    }
}
