//! Credentials: sealed at rest, signed in with through egress, never seen by a plugin and never printed.

mod account;
mod ask;
mod credential;
mod disguise;
mod jwt;
mod kept;
mod key;
mod keyring;
mod oauth;
mod place;
mod renewal;
mod scrub;
mod seal;
mod secret;
mod session;
#[cfg(test)]
mod sign_in_tests;
mod signer;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod token_endpoint;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use url::Url;

use self::account::Account;
pub use self::account::Renewal;
pub(crate) use self::credential::basic;
pub use self::credential::{BadKey, Credential, JwtKey, Keys, OAuth2Keys, OpenSession, SessionKeys, TokenSource};
pub use self::key::{KeyError, SealingKey};
pub use self::oauth::{Application, Pending};
pub use self::place::{Place, TokenError};
use self::seal::Unsealable;
pub use self::secret::Secret;
pub use self::signer::{Authorization, Signer};
use crate::egress::Egress;
use crate::model::id::{ConnectionId, WorkspaceId};
use crate::model::secret::{Sealed, SealedStore, SealedStoreError};
use crate::model::time::{Clock, Instant};

/// Why a credential could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the credential could not be kept or read")]
    Store(#[from] SealedStoreError),
    #[error(
        "the credential of connection `{connection}` can't be opened with this key: the key is another one, or the store \
         was changed; give the right key, or connect again"
    )]
    Unsealable { connection: ConnectionId },
    #[error(transparent)]
    BadKey(#[from] BadKey),
    #[error("keeping the credential broke off: this is a bug in ferry")]
    BrokenOff,
}

/// Why a request can't be signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    #[error("{0}; connect it again")]
    Reconnect(String),
    #[error("{0}; it is tried again later")]
    Temporary(String),
}

/// What can be told of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// `none`, or the way to sign in as the manifest names it.
    pub kind: &'static str,
    /// The account's own address, where signing in told one.
    pub instance: Option<Url>,
    /// When the access token expires, if the CRM said so. It is renewed before.
    pub expires_at: Option<Instant>,
    /// What was granted, as far as the CRM said.
    pub scopes: Vec<String>,
    /// Why the CRM no longer accepts it: a person has to connect again.
    pub refused: Option<String>,
    pub has_signing_secret: bool,
}

/// What a [`Vault`] is built from.
pub struct VaultOptions {
    pub key: SealingKey,
    pub store: Arc<dyn SealedStore>,
    pub egress: Egress,
}

/// One per process; a clone is the same one.
#[derive(Clone)]
pub struct Vault(Arc<Shared>);

struct Shared {
    /// Held for reading as long as something is sealed and kept, or read and opened; for writing while the key is changed.
    key: RwLock<SealingKey>,
    store: Arc<dyn SealedStore>,
    egress: Egress,
    /// Those in use, so that there is one refresh for all of a connection's calls.
    accounts: Mutex<HashMap<(WorkspaceId, ConnectionId), Arc<Account>>>,
}

impl Shared {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.egress.clock()
    }

    fn key(&self) -> RwLockReadGuard<'_, SealingKey> {
        self.key.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a key opens what is kept; true where nothing is.
pub fn opens(key: &SealingKey, store: &dyn SealedStore) -> Result<bool, VaultError> {
    let all = store.all()?;
    Ok(all.iter().all(|one| seal::unseal(key, &one.workspace, &one.connection, &one.bytes).is_ok()))
}

impl Vault {
    pub fn new(options: VaultOptions) -> Self {
        let VaultOptions { key, store, egress } = options;
        Self(Arc::new(Shared { key: RwLock::new(key), store, egress, accounts: Mutex::default() }))
    }

    /// Keeps a connection's credential in place of any other; durable when it returns.
    ///
    /// # Errors
    /// Where it can't be sent as it is, or not be kept.
    pub async fn put(
        &self,
        workspace: &WorkspaceId,
        connection: &ConnectionId,
        credential: Credential,
    ) -> Result<(), VaultError> {
        let account = match self.account(workspace, connection) {
            // What can't be opened is not lost by being replaced.
            Err(VaultError::Unsealable { .. } | VaultError::BadKey(_)) => {
                self.0.store.remove(workspace, connection)?;
                self.account(workspace, connection)?
            }
            other => other?,
        };
        account.put(&self.0, credential).await
    }

    /// Forgets a connection's credential.
    pub async fn remove(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<(), VaultError> {
        match self.account(workspace, connection) {
            Ok(account) => account.remove(&self.0).await,
            Err(VaultError::Unsealable { .. } | VaultError::BadKey(_)) => {
                Ok(self.0.store.remove(workspace, connection)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Seals every credential of every workspace with another key, all or none; gives how many there are. Durable when it
    /// returns; from then on the old key opens nothing.
    ///
    /// # Errors
    /// `Unsealable` names the first that the old key does not open: nothing is changed then.
    pub fn rotate(&self, new: SealingKey) -> Result<usize, VaultError> {
        let mut key = self.0.key.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.0.store.all()?;
        for Sealed { workspace, connection, bytes } in &mut all {
            let broken = |Unsealable| VaultError::Unsealable { connection: connection.clone() };
            let plain = seal::unseal(&key, workspace, connection, bytes).map_err(broken)?;
            *bytes = seal::seal(&new, workspace, connection, &plain).map_err(broken)?;
        }
        self.0.store.save_all(&all)?;
        *key = new;
        Ok(all.len())
    }

    /// What can be told of a connection's credential; none where it has none.
    pub fn summary(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Option<Summary>, VaultError> {
        let Some(current) = self.account(workspace, connection)?.current() else { return Ok(None) };
        let credential = &current.credential;
        let keys = &credential.keys;
        let scopes = match keys {
            Keys::OAuth2(keys) => keys.scopes.clone(),
            _ => Vec::new(),
        };
        Ok(Some(Summary {
            kind: keys.way(),
            instance: keys.instance().cloned(),
            // Before the first token there is nothing that could run out.
            expires_at: keys.expires_at().filter(|at| *at > Instant(0)),
            scopes,
            refused: Account::refusal(&current).map(str::to_owned),
            has_signing_secret: credential.signs_webhooks().is_some(),
        }))
    }

    /// What signs webhooks under this name, for those that are signed here and not only checked.
    pub fn signing_secret(
        &self,
        workspace: &WorkspaceId,
        connection: &ConnectionId,
    ) -> Result<Option<Secret>, VaultError> {
        let current = self.account(workspace, connection)?.current();
        Ok(current.and_then(|current| current.credential.signs_webhooks().cloned()))
    }

    /// What signs a connection's requests in.
    pub fn signer(
        &self,
        workspace: &WorkspaceId,
        connection: &ConnectionId,
        place: Place,
    ) -> Result<Signer, VaultError> {
        let account = self.account(workspace, connection)?;
        Ok(Signer { vault: Arc::clone(&self.0), account, place: Arc::new(place) })
    }

    /// Begins to sign in with OAuth 2: the address to open in a browser, and what to keep until it comes back.
    ///
    /// # Errors
    /// `Manifest`, where the plugin's addresses are unusable.
    pub fn begin(&self, place: &Place, application: Application) -> Result<(Url, Pending), TokenError> {
        oauth::begin(place, application)
    }

    /// Turns what the browser brought back, `code` and `state`, into keys. They are not kept yet: see `put`.
    ///
    /// # Errors
    /// `Refused` and `StateMismatch` need a new beginning; `Trouble` too, since a code is good once.
    pub async fn finish(
        &self,
        place: &Place,
        pending: Pending,
        code: Secret,
        state: &str,
    ) -> Result<OAuth2Keys, TokenError> {
        oauth::finish(&self.0.egress, place, pending, code, state).await
    }

    fn account(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Arc<Account>, VaultError> {
        let name = (workspace.clone(), connection.clone());
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(&name) {
            return Ok(Arc::clone(account));
        }
        let account = Arc::new(Account::load(&self.0, workspace, connection)?);
        accounts.insert(name, Arc::clone(&account));
        Ok(account)
    }
}
