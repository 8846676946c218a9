//! Page tokens: where the next page starts, and how its columns are read, so that only the first page asks for the fields.

use ferry_sdk::connector::Failure;
use ferry_sdk::token;
use serde::{Deserialize, Serialize};

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
        token::read(text)
    }

    pub(crate) fn write(&self) -> String {
        token::write(self)
    }
}
