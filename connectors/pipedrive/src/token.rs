//! Page tokens: the place in a slice, and how its columns are read, so that only the first page asks for the fields.

use ferry_sdk::connector::Failure;
use ferry_sdk::token;
use serde::{Deserialize, Serialize};

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
        token::read(text)
    }

    pub(crate) fn write(&self) -> String {
        token::write(self)
    }
}
