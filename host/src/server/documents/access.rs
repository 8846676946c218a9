//! Who may speak to the host, and what was changed by whom.

use serde::Serialize;

use super::text;
use crate::model::audit::{Actor, AuditEntry, Deed};
use crate::model::id::{AuditId, TokenId};
use crate::model::token;
use crate::model::token::Scope;

/// A token, without its text.
#[derive(Debug, Serialize)]
pub struct Token {
    name: TokenId,
    scope: Scope,
    created: String,
}

impl From<&token::Token> for Token {
    fn from(token: &token::Token) -> Self {
        Self { name: token.id.clone(), scope: token.scope, created: text(token.created) }
    }
}

/// What somebody changed.
#[derive(Debug, Serialize)]
pub struct Audit<'a> {
    id: AuditId,
    at: String,
    who: &'a Actor,
    #[serde(flatten)]
    deed: &'a Deed,
    hash: &'a str,
}

impl<'a> From<&'a AuditEntry> for Audit<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self { id: entry.id, at: text(entry.at), who: &entry.who, deed: &entry.deed, hash: &entry.hash }
    }
}
