//! Test ground: sealed bytes in memory, which can fail, and a vault over a server of scripts.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use url::Url;

use super::*;
use crate::egress::testing::{JumpingClock, Script, Server, Table, answer, egress, grant, short};
use crate::model::manifest::{JwtBearer, OAuth2, SignIn};

/// Made for these tests; it opens nothing.
pub(crate) const RSA_KEY: &str = include_str!("testing_key.pem");

pub(super) const OLD: &str = "authorization: Bearer old-access";
pub(super) const NEW: &str = "authorization: Bearer new-access";

type Sealed = HashMap<(WorkspaceId, ConnectionId), Vec<u8>>;

#[derive(Default)]
pub(crate) struct MemoryStore {
    pub(crate) sealed: Mutex<Sealed>,
    pub(crate) fails: AtomicBool,
    pub(crate) saved: Notify,
    /// Asked of the server at each save.
    pub(crate) asked_at_save: Mutex<Vec<usize>>,
    asked: Mutex<Option<Arc<Mutex<Vec<String>>>>>,
}

impl SealedStore for MemoryStore {
    fn load(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Option<Vec<u8>>, SealedStoreError> {
        Ok(self.sealed.lock().unwrap().get(&(workspace.clone(), connection.clone())).cloned())
    }

    fn save(&self, workspace: &WorkspaceId, connection: &ConnectionId, sealed: &[u8]) -> Result<(), SealedStoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(SealedStoreError("the disk is full".into()));
        }
        if let Some(asked) = &*self.asked.lock().unwrap() {
            self.asked_at_save.lock().unwrap().push(asked.lock().unwrap().len());
        }
        self.sealed.lock().unwrap().insert((workspace.clone(), connection.clone()), sealed.to_vec());
        self.saved.notify_one();
        Ok(())
    }

    fn all(&self) -> Result<Vec<crate::model::secret::Sealed>, SealedStoreError> {
        let one =
            |((workspace, connection), bytes): (&(WorkspaceId, ConnectionId), &Vec<u8>)| crate::model::secret::Sealed {
                workspace: workspace.clone(),
                connection: connection.clone(),
                bytes: bytes.clone(),
            };
        Ok(self.sealed.lock().unwrap().iter().map(one).collect())
    }

    fn save_all(&self, all: &[crate::model::secret::Sealed]) -> Result<(), SealedStoreError> {
        all.iter().try_for_each(|one| self.save(&one.workspace, &one.connection, &one.bytes))
    }

    fn remove(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<(), SealedStoreError> {
        self.sealed.lock().unwrap().remove(&(workspace.clone(), connection.clone()));
        Ok(())
    }
}

pub(crate) struct Ground {
    pub(crate) clock: Arc<JumpingClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) egress: Egress,
    pub(crate) server: Server,
    pub(crate) vault: Vault,
}

pub(crate) fn names() -> (WorkspaceId, ConnectionId) {
    ("main".parse().unwrap(), "hub".parse().unwrap())
}

impl Ground {
    pub(crate) async fn new(scripts: Vec<Script>) -> Self {
        let server = Server::start(scripts).await;
        let clock = Arc::new(JumpingClock::default());
        let store = Arc::new(MemoryStore::default());
        *store.asked.lock().unwrap() = Some(Arc::clone(&server.asked));
        let egress = egress(&clock, short(), Table::default());
        let vault = vault(&store, &egress, "a");
        Self { clock, store, egress, server, vault }
    }

    /// A connection that signed in with OAuth 2: tokens `old-access` and `old-refresh`, which expire at `expires_at`.
    pub(crate) async fn signed_in(scripts: Vec<Script>, expires_at: Option<Instant>) -> (Self, Signer) {
        let ground = Self::new(scripts).await;
        ground.put(Keys::OAuth2(oauth2_keys(expires_at))).await;
        let signer = ground.signer();
        (ground, signer)
    }

    pub(crate) async fn put(&self, keys: Keys) {
        let (workspace, connection) = names();
        self.vault.put(&workspace, &connection, Credential { keys, signing_secret: None }).await.unwrap();
    }

    pub(crate) fn place(&self) -> Place {
        let base = self.server.base();
        Place {
            grant: Arc::new(grant(&[], &[base.as_str()])),
            base,
            sign_in: SignIn { oauth2: Some(oauth2()), ..SignIn::default() },
        }
    }

    pub(crate) fn signer(&self) -> Signer {
        let (workspace, connection) = names();
        self.vault.signer(&workspace, &connection, self.place()).unwrap()
    }

    pub(crate) fn summary(&self) -> Summary {
        let (workspace, connection) = names();
        self.vault.summary(&workspace, &connection).unwrap().unwrap()
    }

    /// As another process would see it.
    pub(crate) fn reopened(&self) -> Vault {
        vault(&self.store, &self.egress, "a")
    }
}

pub(crate) fn vault(store: &Arc<MemoryStore>, egress: &Egress, key: &str) -> Vault {
    let key = SealingKey::from_text(&key.repeat(64)).unwrap();
    let store: Arc<dyn SealedStore> = Arc::<MemoryStore>::clone(store);
    Vault::new(VaultOptions { key, store, egress: egress.clone() })
}

pub(crate) fn oauth2() -> OAuth2 {
    OAuth2 {
        authorize: Some("https://app.example.com/oauth/authorize".into()),
        token: "/oauth/token".into(),
        scopes: vec!["read".into(), "write".into()],
        optional_scopes: vec!["extra".into()],
        pkce: true,
        session_seconds: None,
        instance: None,
        client_credentials: true,
        jwt_bearer: Some(JwtBearer { audience: "https://login.example.com".into(), lifetime_seconds: 180 }),
    }
}

pub(crate) fn oauth2_keys(expires_at: Option<Instant>) -> OAuth2Keys {
    OAuth2Keys {
        client_id: "client-id".into(),
        client_secret: Some("client-secret".into()),
        access: "old-access".into(),
        source: TokenSource::Person { refresh: Some("old-refresh".into()) },
        expires_at,
        scopes: vec!["read".into()],
        instance: None,
        token_url: None,
    }
}

pub(crate) fn token(json: &str) -> Script {
    answer("200 OK", &["content-type: application/json"], json.as_bytes())
}

pub(crate) fn new_tokens() -> Script {
    token(r#"{"access_token":"new-access","refresh_token":"new-refresh","expires_in":1800,"token_type":"bearer"}"#)
}

/// What a request is signed in with.
pub(crate) async fn shown(signer: &Signer) -> Result<String, SignInError> {
    let authorization = signer.authorization().await?;
    Ok(authorization.header().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).unwrap_or_default())
}

pub(crate) fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

pub(super) fn secs(seconds: u64) -> Instant {
    Instant(0).plus(Duration::from_secs(seconds))
}

/// The form that a request carried.
pub(super) fn form(request: &str) -> BTreeMap<String, String> {
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

pub(super) fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Keys of an application that has not signed in yet.
pub(super) fn unsigned(source: TokenSource) -> Keys {
    Keys::OAuth2(OAuth2Keys::unsigned("client-id".into(), Some("client-secret".into()), source))
}
