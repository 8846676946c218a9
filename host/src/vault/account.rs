//! The credential of one connection while the process runs, and its only way to change: one refresh at a time, kept
//! before it is used.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::credential::{BadKey, Credential, Keys};
use super::kept::Kept;
use super::key::SealingKey;
use super::place::{Place, TokenError};
use super::renewal;
use super::scrub;
use super::seal::{self, Unsealable};
use super::secret::Secret;
use super::{Shared, SignInError, VaultError};
use crate::egress::SignInHeader;
use crate::model::id::{ConnectionId, WorkspaceId};
use crate::model::time::Instant;

/// A token is renewed this long before it expires: longer than a request and its waits take.
const MARGIN: Duration = Duration::from_secs(120);
/// After trouble with renewing nobody tries for this long, so that a hundred waiting requests are one attempt.
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);
/// A token that is refused when it is younger than this is not renewed: the next one would be refused as well.
const FRESH: Duration = Duration::from_secs(10);

/// One state of a connection's credential. It never changes; the next one takes its place.
pub(super) struct Current {
    pub(super) credential: Credential,
    pub(super) header: Option<SignInHeader>,
    pub(super) needles: Vec<Secret>,
    /// Why the CRM refused it for good.
    refused: Option<String>,
    /// When it came from the CRM in this process.
    renewed: Option<Instant>,
}

impl Current {
    fn new(credential: Credential, refused: Option<String>, renewed: Option<Instant>) -> Result<Self, BadKey> {
        let (header, needles) = (credential.header()?, scrub::in_every_form(credential.needles()));
        Ok(Self { credential, header, needles, refused, renewed })
    }

    /// Whether it can be renewed at all, and expires within `margin`.
    fn expires_within(&self, margin: Duration, now: Instant) -> bool {
        let keys = &self.credential.keys;
        // Before the first request there is no session; its end shows in the CRM's answer.
        let is_unopened = matches!(keys, Keys::Session(session) if session.open.is_none());
        is_unopened || keys.can_be_renewed() && keys.expires_at().is_some_and(|at| at <= now.plus(margin))
    }
}

/// What came of asking for a newer credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// There is a newer one.
    Renewed,
    /// There is no way to a newer one, or this one is as new as can be.
    AsItWas,
}

/// The turn that whoever changes the credential holds, and what the next one should know.
#[derive(Default)]
struct Turn {
    trouble: Option<(Instant, String)>,
    /// A new credential that could not be kept yet. The old refresh token may be dead, so it must not be lost; it is
    /// not used before it is kept, or a crash would lose it.
    unkept: Option<Credential>,
}

pub(super) struct Account {
    workspace: WorkspaceId,
    connection: ConnectionId,
    current: Mutex<Option<Arc<Current>>>,
    turn: tokio::sync::Mutex<Turn>,
}

impl Account {
    /// As the store has it.
    pub(super) fn load(vault: &Shared, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Self, VaultError> {
        let key = vault.key();
        let current = match vault.store.load(workspace, connection)? {
            Some(bytes) => Some(Arc::new(open(&key, workspace, connection, &bytes)?)),
            None => None,
        };
        Ok(Self {
            workspace: workspace.clone(),
            connection: connection.clone(),
            current: Mutex::new(current),
            turn: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn current(&self) -> Option<Arc<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it signs in by a session.
    pub(super) fn is_session(&self) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_some_and(|current| matches!(current.credential.keys, Keys::Session(_)))
    }

    fn set(&self, current: Option<Current>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current.map(Arc::new);
    }

    /// A new credential from a person: all trouble with the old one is forgotten.
    pub(super) async fn put(&self, vault: &Arc<Shared>, credential: Credential) -> Result<(), VaultError> {
        credential.keys.check()?;
        let current = Current::new(credential, None, None)?;
        let mut turn = self.turn.lock().await;
        self.keep(vault, &current.credential, None).await?;
        self.set(Some(current));
        *turn = Turn::default();
        Ok(())
    }

    pub(super) async fn remove(&self, vault: &Arc<Shared>) -> Result<(), VaultError> {
        let mut turn = self.turn.lock().await;
        let (shared, workspace, connection) = (Arc::clone(vault), self.workspace.clone(), self.connection.clone());
        blocking(move || {
            let _key = shared.key();
            Ok(shared.store.remove(&workspace, &connection)?)
        })
        .await?;
        self.set(None);
        *turn = Turn::default();
        Ok(())
    }

    /// Why this connection can't be signed in, as far as is known without asking the CRM.
    pub(super) fn refusal(current: &Current) -> Option<&str> {
        current.refused.as_deref()
    }

    /// The credential to sign in with now: renewed first where it is about to expire.
    pub(super) async fn ready(
        self: &Arc<Self>,
        vault: &Arc<Shared>,
        place: &Arc<Place>,
    ) -> Result<Arc<Current>, SignInError> {
        let current = self.present()?;
        let now = vault.clock().now();
        if !current.expires_within(MARGIN, now) {
            return Ok(current);
        }
        match self.renew(vault, place, &current).await {
            Ok(_) => self.present(),
            // It still works for a moment; a later request has better luck.
            Err(SignInError::Temporary(_)) if !current.expires_within(Duration::ZERO, now) => Ok(current),
            Err(error) => Err(error),
        }
    }

    fn present(&self) -> Result<Arc<Current>, SignInError> {
        let current = self.current().ok_or_else(|| SignInError::Reconnect("it has no credential".to_owned()))?;
        match &current.refused {
            Some(why) => Err(SignInError::Reconnect(why.clone())),
            None => Ok(current),
        }
    }

    /// Replaces `stale`, unless that has happened already. Runs on its own: a caller that gives up in the middle must
    /// not lose a refresh token that the CRM has just exchanged.
    pub(super) async fn renew(
        self: &Arc<Self>,
        vault: &Arc<Shared>,
        place: &Arc<Place>,
        stale: &Arc<Current>,
    ) -> Result<Renewal, SignInError> {
        let (account, vault, place, stale) =
            (Arc::clone(self), Arc::clone(vault), Arc::clone(place), Arc::clone(stale));
        let task = tokio::spawn(async move { account.renew_in_turn(&vault, &place, &stale).await });
        task.await.unwrap_or_else(|_| Err(SignInError::Temporary("renewing the token broke off".to_owned())))
    }

    async fn renew_in_turn(
        &self,
        vault: &Arc<Shared>,
        place: &Place,
        stale: &Arc<Current>,
    ) -> Result<Renewal, SignInError> {
        let mut turn = self.turn.lock().await;
        let current = self.present()?;
        if !Arc::ptr_eq(&current, stale) {
            return Ok(Renewal::Renewed);
        }
        let now = vault.clock().now();
        let old = &current.credential.keys;
        if !old.can_be_renewed() {
            return Ok(Renewal::AsItWas);
        }
        if current.renewed.is_some_and(|at| now.since(at) < FRESH) {
            return Ok(Renewal::AsItWas);
        }
        match &turn.trouble {
            Some((until, why)) if *until > now => return Err(SignInError::Temporary(why.clone())),
            _ => turn.trouble = None,
        }
        let result = match turn.unkept.take() {
            Some(credential) => Ok(credential),
            None => renewal::renew(&vault.egress, place, old)
                .await
                .map(|keys| Credential { keys, ..current.credential.clone() }),
        };
        self.conclude(vault, &mut turn, &current, result).await
    }

    async fn conclude(
        &self,
        vault: &Arc<Shared>,
        turn: &mut Turn,
        current: &Current,
        result: Result<Credential, TokenError>,
    ) -> Result<Renewal, SignInError> {
        let now = vault.clock().now();
        let why = match result {
            Ok(credential) => match self.keep(vault, &credential, None).await {
                Ok(()) => match Current::new(credential, None, Some(now)) {
                    Ok(renewed) => {
                        self.set(Some(renewed));
                        return Ok(Renewal::Renewed);
                    }
                    Err(error) => error.to_string(),
                },
                Err(error) => {
                    turn.unkept = Some(credential);
                    format!("the new token could not be kept: {error}")
                }
            },
            Err(TokenError::Trouble(why)) => why,
            Err(error) => return Err(self.refused(vault, current, error.to_string()).await),
        };
        turn.trouble = Some((now.plus(TROUBLE_PAUSE), why.clone()));
        Err(SignInError::Temporary(why))
    }

    /// Remembers that these keys are dead, also for the next process, so that nobody asks with them again.
    async fn refused(&self, vault: &Arc<Shared>, current: &Current, why: String) -> SignInError {
        if let Err(error) = self.keep(vault, &current.credential, Some(why.clone())).await {
            tracing::warn!(connection = %self.connection, %error, "that the sign-in was refused could not be kept");
        }
        let needles = current.needles.clone();
        self.set(Some(Current {
            credential: current.credential.clone(),
            header: current.header.clone(),
            needles,
            refused: Some(why.clone()),
            renewed: current.renewed,
        }));
        SignInError::Reconnect(why)
    }

    /// Durable when it returns.
    async fn keep(
        &self,
        vault: &Arc<Shared>,
        credential: &Credential,
        refused: Option<String>,
    ) -> Result<(), VaultError> {
        let kept = Kept::new(credential, refused.as_deref());
        let (vault, workspace, connection) = (Arc::clone(vault), self.workspace.clone(), self.connection.clone());
        blocking(move || {
            let broken = || VaultError::Unsealable { connection: connection.clone() };
            let plain = serde_json::to_vec(&kept).map(zeroize::Zeroizing::new).map_err(|_| broken())?;
            let key = vault.key();
            let sealed = seal::seal(&key, &workspace, &connection, &plain).map_err(|_| broken())?;
            Ok(vault.store.save(&workspace, &connection, &sealed)?)
        })
        .await
    }
}

fn open(
    key: &SealingKey,
    workspace: &WorkspaceId,
    connection: &ConnectionId,
    bytes: &[u8],
) -> Result<Current, VaultError> {
    let broken = || VaultError::Unsealable { connection: connection.clone() };
    let plain = seal::unseal(key, workspace, connection, bytes).map_err(|Unsealable| broken())?;
    let kept: Kept = serde_json::from_slice(&plain).map_err(|_| broken())?;
    let (credential, refused) = kept.open();
    Ok(Current::new(credential, refused, None)?)
}

/// The store waits for the disk, which must not hold up the others.
async fn blocking(work: impl FnOnce() -> Result<(), VaultError> + Send + 'static) -> Result<(), VaultError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(VaultError::BrokenOff))
}
