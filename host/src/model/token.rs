//! Keys with which programs of a workspace speak to the API. Only their hashes are kept.

use serde::{Deserialize, Serialize};

use super::id::TokenId;
use super::time::Instant;

/// What a token may do. Whoever may write may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Read,
    Write,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Read, Self::Write]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no scope: use read or write"))
    }
}

/// A token as the store keeps it: enough to recognise it, too little to use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub scope: Scope,
    /// SHA-256 of the whole text. The text is 256 random bits, so nothing slower is needed.
    pub hash: [u8; 32],
    pub created: Instant,
}
