//! What the host can do, for whoever embeds it: the command line today, a server tomorrow. Prints nothing and never reads
//! the environment.
//!
//! Opening is cheap: the sandbox and the way to the network are made when they are first needed.

pub mod advice;
mod allowances;
pub mod audiences;
pub mod audit;
mod census;
mod composed;
pub mod connections;
pub mod contacts;
pub mod decisions;
pub mod doctor;
pub mod error;
pub mod hooks;
pub mod imports;
mod joining;
pub mod kept;
pub mod kit;
pub mod ledger;
pub mod mappings;
pub mod metrics;
pub mod outcomes;
pub mod plugins;
mod postings;
pub mod project;
mod removal;
mod repeats;
pub mod retention;
pub mod runs;
pub mod schedules;
mod sealing;
pub mod sending;
pub mod settings;
pub mod sheet;
pub mod sign_in;
pub mod suggest;
mod suppressions;
mod sync_health;
pub mod syncs;
mod thing;
pub mod tokens;
pub mod webhooks;
mod witness;
pub mod words;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::egress::{Bounds, Egress, EgressOptions, SystemResolver};
use crate::model::audit::{Actor, Deed};
use crate::model::contact::AttributeDefinition;
use crate::model::id::WorkspaceId;
use crate::model::time::Clock;
use crate::plugin::{Options, Plugins};
use crate::store::{Changes, Store, Workspace};
use crate::vault::{Secret, Vault, VaultOptions};
use error::AppError;
use runs::Turns;
use webhooks::Proofs;

/// Where the key comes from that seals credentials.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file for its owner's eyes only; made when it is first needed.
    File(PathBuf),
    /// 64 hexadecimal digits.
    Text(Secret),
    /// The name under which it lies in the kernel's keyring of this user.
    Keyring(String),
}

/// What an application is opened with.
pub struct AppOptions {
    /// Holds the store, the plugins and their compiled form. Made where it is missing.
    pub state_dir: PathBuf,
    /// Said to another process that finds the state in use.
    pub command: String,
    /// Where the key comes from that seals credentials.
    pub key: KeySource,
    /// The program that compiles plugins in a process of its own; see [`Options::compiler`].
    pub compiler: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
}

/// The host over one state directory, which it holds until it is dropped.
pub struct App {
    options: AppOptions,
    store: Arc<Store>,
    plugins: OnceLock<Plugins>,
    egress: OnceLock<Egress>,
    vault: OnceLock<Vault>,
    turns: Turns,
    ailing: plugins::Ailing,
    counters: metrics::Counters,
    proofs: Proofs,
}

impl App {
    /// For tests: an app whose state lies in `dir`, with its key.
    #[cfg(test)]
    fn in_folder(dir: &Path, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (state_dir, key) = (dir.to_owned(), KeySource::File(dir.join("key")));
        Self::open(AppOptions { state_dir, command: "test".into(), key, compiler: None, clock }).unwrap()
    }

    /// # Errors
    /// When another process holds the state, or it can't be read.
    pub fn open(options: AppOptions) -> Result<Arc<Self>, AppError> {
        make_private(&options.state_dir);
        let store = Store::open(&options.state_dir, &options.command)?;
        let app = Self {
            options,
            store,
            plugins: OnceLock::new(),
            egress: OnceLock::new(),
            vault: OnceLock::new(),
            turns: Turns::default(),
            ailing: plugins::Ailing::default(),
            counters: metrics::Counters::default(),
            proofs: Proofs::default(),
        };
        Ok(Arc::new(app))
    }

    /// A tenant's part of it; made when it is asked for the first time.
    pub fn tenant(self: &Arc<Self>, id: &WorkspaceId) -> Result<Tenant, AppError> {
        let (app, workspace) = (Arc::clone(self), self.store.workspace(id)?);
        Ok(Tenant { app, id: id.clone(), workspace, actor: Actor::Host })
    }

    /// A tenant's part of it, if there is such a tenant: what a stranger names must not be made.
    pub fn known_tenant(self: &Arc<Self>, id: &WorkspaceId) -> Result<Option<Tenant>, AppError> {
        if self.store.has_workspace(id)? { Ok(Some(self.tenant(id)?)) } else { Ok(None) }
    }

    /// The workspaces that there are.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceId>, AppError> {
        Ok(self.store.workspaces()?)
    }

    /// Where the host takes its time from.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.options.clock)
    }

    fn state_dir(&self) -> &Path {
        &self.options.state_dir
    }

    fn plugins(&self) -> Result<&Plugins, AppError> {
        if let Some(plugins) = self.plugins.get() {
            return Ok(plugins);
        }
        // Whoever can write in the state directory can name other plugins there, which run in the sandbox. Machine code does
        // not, so its seal needs a key that can lie elsewhere.
        let options = Options {
            cache_dir: self.state_dir().join("compiled"),
            cache_key: Some(self.sealing_key()?.derived("compiled plugins")),
            compiler: self.options.compiler.clone(),
        };
        Ok(self.plugins.get_or_init(|| Plugins::new(options)))
    }

    fn egress(&self) -> &Egress {
        self.egress.get_or_init(|| {
            let (clock, resolver) = (Arc::clone(&self.options.clock), Arc::new(SystemResolver));
            Egress::new(EgressOptions { clock, resolver, bounds: Bounds::default() })
        })
    }

    fn vault(&self) -> Result<&Vault, AppError> {
        if let Some(vault) = self.vault.get() {
            return Ok(vault);
        }
        let key = self.sealing_key()?;
        let store: Arc<Store> = Arc::clone(&self.store);
        let vault = Vault::new(VaultOptions { key, store, egress: self.egress().clone() });
        // Another thread may have been faster: then its vault is the one that is used.
        Ok(self.vault.get_or_init(|| vault))
    }
}

/// Makes the state's folder where it is missing, for the host's user alone: contacts and grants lie in it.
fn make_private(dir: &Path) {
    // What stands in the way is told by the store, which needs the folder next.
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(dir);
}

impl Drop for App {
    fn drop(&mut self) {
        // Whoever needs a commit on disk has flushed it; this spares the next start a look at the log's end.
        if let Err(error) = self.store.flush() {
            tracing::warn!(%error, "the state could not be flushed at the end");
        }
    }
}

/// What a tenant has: plugins, connections, syncs, contacts, outcomes.
#[derive(Clone)]
pub struct Tenant {
    app: Arc<App>,
    id: WorkspaceId,
    workspace: Arc<Workspace>,
    /// Who answers for what is changed.
    actor: Actor,
}

impl Tenant {
    pub fn id(&self) -> &WorkspaceId {
        &self.id
    }

    /// The attributes that contacts of this tenant may have, by name.
    pub fn attributes(&self) -> Result<Vec<AttributeDefinition>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub(crate) fn store(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    fn whole_store(&self) -> Arc<Store> {
        Arc::clone(&self.app.store)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.app.options.clock)
    }

    /// Writes all of it or nothing, and who answers for it; on disk when this returns.
    fn commit(&self, changes: Changes) -> Result<(), AppError> {
        self.commit_with(changes, Vec::new())
    }

    /// As [`Tenant::commit`], with deeds that no document shows.
    fn commit_with(&self, changes: Changes, deeds: Vec<Deed>) -> Result<(), AppError> {
        if !changes.is_empty() || !deeds.is_empty() {
            self.workspace.commit_audited(changes, deeds, &self.actor, self.clock().now())?;
            self.app.store.flush()?;
        }
        Ok(())
    }

    /// Writes down that something was done that changes no document.
    fn note(&self, action: &str, what: &str, subject: impl ToString) -> Result<(), AppError> {
        self.commit_with(Changes::default(), vec![Deed::done(action, what, subject)])
    }
}
