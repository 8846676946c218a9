//! Hooks: addresses of the platform that events are posted to, each with a secret of its own; and the events themselves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::Tenant;
use super::error::{AppError, Thing};
use super::plugins::is_loopback;
use crate::model::event::{Event, Hook, Posting};
use crate::model::id::{AudienceId, ConnectionId, EventId, HookId};
use crate::store::Changes;
use crate::vault::{Credential, Keys, Secret};

/// Begins every secret, as Standard Webhooks has it.
const SECRET_PREFIX: &str = "whsec_";

/// What an admin says of a hook.
#[derive(Debug, Clone)]
pub struct NewHook {
    pub id: HookId,
    pub url: Url,
    pub audience: Option<AudienceId>,
    /// The address is on this machine, for development.
    pub allow_loopback: bool,
}

impl Tenant {
    /// Makes a hook for the events from now on, and gives the secret that its posts are signed with: it is shown once.
    pub async fn add_hook(&self, new: NewHook) -> Result<(Hook, Secret), AppError> {
        if self.store().get::<Hook>(&new.id)?.is_some() {
            return Err(AppError::Exists { what: Thing::Hook, name: new.id.to_string() });
        }
        if let Some(audience) = &new.audience {
            self.audience(audience)?;
        }
        check_address(&new.url, new.allow_loopback)?;
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let secret = Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(key)));
        let credential = Credential { keys: Keys::None, signing_secret: Some(secret.clone()) };
        self.app.vault()?.put(&self.id, &place(&new.id)?, credential).await?;
        let hook = Hook {
            id: new.id,
            url: new.url,
            audience: new.audience,
            loopback: new.allow_loopback,
            created: self.clock().now(),
            ended: None,
        };
        let mut changes = Changes::default();
        changes.put(&hook.id, &hook)?;
        self.commit(changes)?;
        Ok((hook, secret))
    }

    pub fn hooks(&self) -> Result<Vec<Hook>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub fn hook(&self, id: &HookId) -> Result<Hook, AppError> {
        if let Some(hook) = self.store().get::<Hook>(id)? {
            return Ok(hook);
        }
        let known = self.hooks()?;
        Err(AppError::not_found(Thing::Hook, id.as_str(), known.iter().map(|hook| hook.id.as_str())))
    }

    /// Removes a hook with what waits for it.
    pub async fn remove_hook(&self, id: &HookId) -> Result<(), AppError> {
        let _following = self.store().following().await;
        self.hook(id)?;
        let mut changes = Changes::default();
        changes.remove::<Hook>(id);
        for posting in self.store().scan_under::<Posting>(&[id.as_str()]) {
            changes.remove::<Posting>((id, posting?.event));
        }
        self.commit(changes)?;
        Ok(self.app.vault()?.remove(&self.id, &place(id)?).await?)
    }

    /// Posts again what was given up for a hook, and everything that waits at once; also where its receiver had said that it
    /// is gone. Gives how many.
    pub async fn retry_hook(&self, id: &HookId) -> Result<usize, AppError> {
        let _following = self.store().following().await;
        let (hook, now) = (self.hook(id)?, self.clock().now());
        let mut changes = Changes::default();
        changes.put(id, &Hook { ended: None, ..hook })?;
        let mut retried = 0;
        for posting in self.store().scan_under::<Posting>(&[id.as_str()]) {
            let posting = posting?;
            changes.put((id, posting.event), &Posting { attempts: 0, not_before: Some(now), ..posting })?;
            retried += 1;
        }
        self.commit(changes)?;
        Ok(retried)
    }

    /// Events from `from` on, oldest first.
    pub fn events(&self, from: EventId) -> impl Iterator<Item = Result<Event, AppError>> + use<> {
        self.store().scan_from::<Event>(from).map(|event| event.map_err(AppError::from))
    }

    /// What waits for a hook: how many events, and how the last try ended where one failed.
    pub fn backlog(&self, id: &HookId) -> Result<(usize, Option<String>), AppError> {
        let (mut waiting, mut failure) = (0, None);
        for posting in self.store().scan_under::<Posting>(&[id.as_str()]) {
            let posting = posting?;
            waiting += 1;
            failure = failure.or(posting.failure);
        }
        Ok((waiting, failure))
    }
}

/// Where the vault keeps a hook's secret, among the connections' and sealed as they are: under a name that no person thinks of.
pub(super) fn place(hook: &HookId) -> Result<ConnectionId, AppError> {
    let digest: String = Sha256::digest(hook.as_str()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("whsec-{digest}").parse::<ConnectionId>()?)
}

/// The bytes that a secret stands for.
pub(super) fn key_of(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let text = secret.expose().strip_prefix(SECRET_PREFIX).unwrap_or_default();
    Zeroizing::new(STANDARD.decode(text).unwrap_or_default())
}

fn check_address(url: &Url, allow_loopback: bool) -> Result<(), AppError> {
    let refused = |why| AppError::HookAddress { given: url.to_string(), why };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(refused("it holds a user name or a fragment"));
    }
    match (allow_loopback, url.scheme()) {
        (true, "http" | "https") if is_loopback(url) => Ok(()),
        (true, _) => Err(refused("it is not on this machine, as --allow-loopback says")),
        (false, "https") => Ok(()),
        (false, _) => Err(refused("it does not begin with https://")),
    }
}
