//! Page tokens: the place in a slice, and how its columns are read, so that only the first page asks for the fields.

use ferry_sdk::connector::Failure;
use serde::{Deserialize, Serialize};

/// The host keeps tokens with its checkpoints; Pipedrive's cursors have some hundred bytes.
const TOKEN_MOST: usize = 8 * 1024;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// Pipedrive's cursor of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    /// How many ids of the slice are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) done: Option<usize>,
    /// One letter for each column and for each condition.
    #[serde(default)]
    pub(crate) readings: String,
}

impl Token {
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        if text.len() > TOKEN_MOST {
            return Err(Failure::TokenExpired);
        }
        serde_json::from_str(text).map_err(|_| Failure::TokenExpired)
    }

    pub(crate) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
