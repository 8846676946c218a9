//! Page tokens: where the next page starts, and how its columns are read, so that only the first page asks for the fields.

use ferry_sdk::connector::Failure;
use serde::{Deserialize, Serialize};

/// The host keeps tokens with its checkpoints; one letter a column is little.
const TOKEN_MOST: usize = 8 * 1024;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// Records up to this id are done; of a slice of ids, so many of them.
    pub(crate) after: i64,
    /// One letter for each column.
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
