//! Tokens for the API: made, shown once, recognised, revoked.

use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::{AppError, Thing};
use super::{App, Tenant};
use crate::model::audit::Actor;
use crate::model::id::TokenId;
use crate::model::token::{Scope, Token};
use crate::store::Changes;
use crate::vault::Secret;
use std::sync::Arc;

/// Begins every token, so that a leaked one is recognised by those who look for such.
const PREFIX: &str = "ferry";

impl Tenant {
    /// Makes a token and gives its text, which is kept nowhere: who loses it makes another.
    pub fn create_token(&self, id: &TokenId, scope: Scope) -> Result<(Token, Secret), AppError> {
        if self.store().get::<Token>(id)?.is_some() {
            return Err(AppError::Exists { what: Thing::Token, name: id.to_string() });
        }
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        // Names hold no `_`, so the text falls apart in one way only.
        let text = Secret::new(format!("{PREFIX}_{}_{id}_{digits}", self.id));
        let token = Token { id: id.clone(), scope, hash: hash(text.expose()), created: self.clock().now() };
        let mut changes = Changes::default();
        changes.put(id, &token)?;
        self.commit(changes)?;
        Ok((token, text))
    }

    pub fn tokens(&self) -> Result<Vec<Token>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    /// From now on nobody gets in with it.
    pub fn revoke_token(&self, id: &TokenId) -> Result<(), AppError> {
        if self.store().get::<Token>(id)?.is_none() {
            let known = self.tokens()?;
            return Err(AppError::not_found(Thing::Token, id.as_str(), known.iter().map(|token| token.id.as_str())));
        }
        let mut changes = Changes::default();
        changes.remove::<Token>(id);
        self.commit(changes)
    }
}

impl App {
    /// Whose token this is, and what it may do; none for any other text.
    pub fn recognise(self: &Arc<Self>, text: &str) -> Result<Option<(Tenant, Token)>, AppError> {
        let mut parts = text.splitn(4, '_');
        let (Some(PREFIX), Some(workspace), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(None);
        };
        let (Ok(workspace), Ok(id)) = (workspace.parse(), id.parse::<TokenId>()) else { return Ok(None) };
        let Some(tenant) = self.known_tenant(&workspace)? else { return Ok(None) };
        let token = tenant.store().get::<Token>(&id)?;
        let token = token.filter(|token| bool::from(token.hash.ct_eq(&hash(text))));
        Ok(token.map(|token| (tenant.acting_as(Actor::Token(token.id.clone())), token)))
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
