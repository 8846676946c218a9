//! Page tokens: the place in a slice, and the types of its columns, so that only the first page has to ask for them.

use ferry_sdk::connector::Failure;
use ferry_sdk::token;
use serde::{Deserialize, Serialize};

/// Where the next page starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// The readings of the columns, a letter each; none only before the first page.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<String>,
    /// The readings of the filter's fields.
    #[serde(rename = "f", default, skip_serializing_if = "String::is_empty")]
    pub(crate) filter: String,
    /// HubSpot's cursor, the last id, or how many ids are done: whichever the way of the slice goes by.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// Ids below are another partition's.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
    /// Ids from here on are another partition's.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<u64>,
    /// `gone` only: the archive is done and merges are being read.
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) merges: bool,
}

impl Token {
    /// The place behind HubSpot's cursor.
    pub(crate) fn after(cursor: impl Into<String>) -> Self {
        Self { after: Some(cursor.into()), ..Self::default() }
    }

    /// # Errors
    /// `token-expired` for what no version like this one has written.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        token::read(text)
    }

    pub(crate) fn write(&self) -> String {
        token::write(self)
    }

    /// # Errors
    /// `token-expired` where `after` is no number.
    pub(crate) fn number(&self) -> Result<u64, Failure> {
        self.after.as_deref().map_or(Ok(0), |after| after.parse().map_err(|_| Failure::TokenExpired))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_stays_small() {
        let token = Token { columns: Some("t".repeat(1_000)), end: Some(9), ..Token::after("123") };
        assert_eq!(Token::read(&token.write()), Ok(token.clone()));
        assert!(token.write().len() < 1_100);
        assert_eq!(Token::after("7").write(), r#"{"a":"7"}"#);
    }

    #[test]
    fn what_is_no_token_has_expired() {
        for text in ["", "7", "{\"x\":1}", &" ".repeat(9_000)] {
            assert_eq!(Token::read(text), Err(Failure::TokenExpired));
        }
        assert_eq!(Token::after("x").number(), Err(Failure::TokenExpired));
    }
}
