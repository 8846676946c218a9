//! Plugins: installed under a grant, looked into, removed. Their bytes lie beside the store, under their digest.

pub mod accounts;
pub mod difference;
pub mod error;
mod fetching;
mod files;
pub mod lock;
mod origins;
mod quarantine;
pub mod source;
mod trust;
mod versions;

use std::path::PathBuf;
use std::{fs, io};

use url::Url;

use self::difference::Change;
use self::error::InstallError;
use self::files::write_durably;
pub use self::files::{inspect, new_signing_key, pack, public_half, sign, unpack};
use self::lock::LockFile;
pub use self::origins::{is_loopback, loopback_origin, open_origin};
pub use self::quarantine::Ailment;
pub(super) use self::quarantine::{Ailing, Quarantine, Watched};
pub use self::trust::Publisher;
pub use self::versions::Placed;
use super::error::{AppError, Thing};
use super::{App, Tenant, settings};
use crate::model::grant::{Digest, Grant};
use crate::model::id::{ConnectionId, PluginId};
use crate::model::manifest::{Manifest, PluginKind};
use crate::model::origin_pattern::OriginPattern;
use crate::model::sync::{Connection, InstalledPlugin, OtherVersion, Sync};
use crate::plugin::package::{self, Inspection, Package};
use crate::plugin::{LoadError, LoadedPlugin};
use crate::store::Changes;

/// What an admin says of an installation, beside the file.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Origins to be granted too: on this machine, for development, or of a server of the customer's own.
    pub named: Vec<Url>,
    /// Origins in the customer's own network to be granted too.
    pub private: Vec<Url>,
    /// Take an older version, or other bytes under the same version.
    pub any_version: bool,
    /// Take only what it holds.
    pub lock: Option<LockFile>,
    /// Whoever signed it is to be trusted for this plugin from now on.
    pub trust: bool,
}

/// What an installation would change: for the person who is to agree to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub publisher: Publisher,
    /// The version that is installed now.
    pub installed: Option<semver::Version>,
    /// These very bytes are installed.
    pub same: bool,
    /// Origins beyond those that are granted now.
    pub new_hosts: Vec<Url>,
    /// Families of origins beyond those that are granted now.
    pub new_accounts: Vec<OriginPattern>,
    /// Its limits are above the granted ones, or above the usual where nothing is granted yet.
    pub more_limits: bool,
    /// What is different from the installed version.
    pub changes: Vec<Change>,
    /// Origins that an admin named for the installed version, and that the new one goes on to reach.
    pub kept: Vec<Url>,
    /// Connections whose settings the new version does not take: they would stay with the installed one.
    pub left_behind: Vec<ConnectionId>,
}

impl Review {
    /// Whether it asks for nothing that a person has not agreed to before.
    pub fn asks_nothing(&self) -> bool {
        let more = self.changes.iter().any(|change| change.asks_more);
        self.new_hosts.is_empty() && self.new_accounts.is_empty() && !self.more_limits && !more
    }
}

/// The origins of a grant that its manifest does not ask for.
fn named_beside(plugin: &InstalledPlugin) -> Vec<Url> {
    let asked = plugin.manifest.network.as_ref().map(|network| network.hosts.as_slice()).unwrap_or_default();
    plugin.grant.hosts.iter().filter(|host| !asked.contains(host)).cloned().collect()
}

fn add(origins: &mut Vec<Url>, more: &[Url]) {
    for origin in more {
        if !origins.contains(origin) {
            origins.push(origin.clone());
        }
    }
}

impl Tenant {
    pub fn plugins(&self) -> Result<Vec<InstalledPlugin>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub fn plugin(&self, id: &PluginId) -> Result<InstalledPlugin, AppError> {
        if let Some(plugin) = self.store().get::<InstalledPlugin>(id)? {
            return Ok(plugin);
        }
        let known = self.plugins()?;
        let names = known.iter().map(|plugin| plugin.manifest.plugin.id.as_str());
        Err(AppError::not_found(Thing::Plugin, id.as_str(), names))
    }

    /// What installing `package` would change.
    ///
    /// # Errors
    /// Where it is refused whatever a person says: by its publisher, its version or the lock file.
    pub fn review(&self, package: &Package, terms: &Terms) -> Result<Review, AppError> {
        let installed = self.store().get::<InstalledPlugin>(&package.manifest.plugin.id)?;
        let publisher = self.admit(package, installed.as_ref(), terms)?;
        let network = package.manifest.network.as_ref();
        let asked = network.map(|network| network.hosts.clone()).unwrap_or_default();
        let accounts = network.map(|network| network.accounts.clone()).unwrap_or_default();
        Ok(match installed {
            Some(plugin) => Review {
                publisher,
                same: plugin.digest == package.digest,
                new_hosts: asked.into_iter().filter(|host| !plugin.grant.hosts.contains(host)).collect(),
                new_accounts: accounts.into_iter().filter(|family| !plugin.grant.accounts.contains(family)).collect(),
                more_limits: !package.manifest.limits.within(&plugin.grant.limits),
                changes: difference::between(&plugin.manifest, &package.manifest),
                left_behind: self.unsuited(&package.manifest)?,
                kept: named_beside(&plugin).into_iter().chain(plugin.grant.private.clone()).collect(),
                installed: Some(plugin.manifest.plugin.version),
            },
            None => Review {
                publisher,
                installed: None,
                same: false,
                new_hosts: asked,
                new_accounts: accounts,
                more_limits: !package.manifest.limits.within(&Default::default()),
                changes: Vec::new(),
                left_behind: Vec::new(),
                kept: Vec::new(),
            },
        })
    }

    /// Whether a package may be put in the place of what is installed; gives who it is from.
    fn admit(
        &self,
        package: &Package,
        installed: Option<&InstalledPlugin>,
        terms: &Terms,
    ) -> Result<Publisher, AppError> {
        if let Some(lock) = &terms.lock {
            lock.allows(package)?;
        }
        let publisher = self.publisher(package, terms)?;
        let Some(installed) = installed else { return Ok(publisher) };
        self.same_kind(&package.manifest, installed)?;
        let (plugin, given) = (&package.manifest.plugin.id, &package.manifest.plugin.version);
        let there = &installed.manifest.plugin.version;
        // While a plugin is being written, its version stands still.
        let in_development = terms.named.iter().any(is_loopback) || !installed.grant.loopback.is_empty();
        if terms.any_version || installed.digest == package.digest {
            return Ok(publisher);
        }
        if given < there {
            return Err(InstallError::Downgrade {
                plugin: plugin.clone(),
                given: given.clone(),
                installed: there.clone(),
            }
            .into());
        }
        if given == there && !in_development {
            return Err(InstallError::Switched { plugin: plugin.clone(), version: given.clone() }.into());
        }
        Ok(publisher)
    }

    /// Installs a plugin with everything it asks for, and with the origins that the admin names beside. The version that was
    /// installed stays beside it, to go back to.
    ///
    /// # Errors
    /// As [`Tenant::review`]; where it does not fit the contract, or can't be compiled.
    pub async fn install(&self, package: Package, terms: Terms) -> Result<Placed, AppError> {
        let plugin = self.prepare(package, terms).await?;
        self.put_in_place(plugin)
    }

    /// Keeps the bytes and compiles them, so that the first call does not have to. What the admin named beside the manifest
    /// stays named.
    async fn prepare(&self, package: Package, terms: Terms) -> Result<InstalledPlugin, AppError> {
        let before = self.store().get::<InstalledPlugin>(&package.manifest.plugin.id)?;
        let publisher = self.admit(&package, before.as_ref(), &terms)?.key();
        let Package { manifest, digest, bytes, .. } = package;
        let (loopback, hosts) = terms.named.into_iter().partition(is_loopback);
        let mut grant = Grant::as_asked(&manifest, digest.clone(), loopback, self.clock().now());
        add(&mut grant.hosts, &hosts);
        add(&mut grant.private, &terms.private);
        if let Some(before) = &before {
            // What the admin named beside the manifest was named for the plugin, and is no more than it has.
            add(&mut grant.loopback, &before.grant.loopback);
            add(&mut grant.private, &before.grant.private);
            add(&mut grant.hosts, &named_beside(before));
        }
        let size = bytes.len() as u64;
        let path = self.app.plugin_path(&digest);
        // Not before it loads: what does not is not kept.
        self.app.plugins()?.load(bytes.clone(), &grant).await?;
        write_durably(&path, &bytes).map_err(|source| AppError::file(&path, "written", source))?;
        Ok(InstalledPlugin { manifest, digest, size, grant, publisher })
    }

    /// A connector can't become a mapper under the feet of those who use it.
    fn same_kind(&self, manifest: &Manifest, before: &InstalledPlugin) -> Result<(), AppError> {
        let (is, wanted) = (manifest.plugin.kind, before.manifest.plugin.kind);
        if is == wanted { Ok(()) } else { Err(AppError::WrongKind { plugin: manifest.plugin.id.clone(), is, wanted }) }
    }

    /// # Errors
    /// [`AppError::InUse`] names the connections and syncs that use it.
    pub fn remove_plugin(&self, id: &PluginId) -> Result<(), AppError> {
        let plugin = self.plugin(id)?;
        let by = self.users(id)?;
        if !by.is_empty() {
            return Err(AppError::InUse { what: Thing::Plugin, name: id.to_string(), by });
        }
        let others = self.other_versions(id)?;
        let mut changes = Changes::default();
        changes.remove::<InstalledPlugin>(id);
        self.forget_faults(id, [&plugin.digest], changes)?;
        self.forget_versions(id, others)?;
        self.app.forget_bytes(&plugin.digest)
    }

    fn users(&self, id: &PluginId) -> Result<Vec<String>, AppError> {
        let mut users = Vec::new();
        for connection in self.store().scan::<Connection>() {
            let connection = connection?;
            if &connection.plugin == id {
                users.push(format!("connection `{}`", connection.id));
            }
        }
        for sync in self.store().scan::<Sync>() {
            let sync = sync?;
            let mut mappings = sync.outbound.values().map(|spec| &spec.mapping).chain([&sync.mapping]);
            if mappings.any(|mapping| &mapping.mapper == id) {
                users.push(format!("sync `{}`", sync.id));
            }
        }
        Ok(users)
    }

    /// The X-ray of an installed plugin.
    ///
    /// # Errors
    /// Where its bytes are not those that were granted: what they say of themselves is nothing to go by.
    pub fn inspect_plugin(&self, id: &PluginId) -> Result<Inspection, AppError> {
        let granted = self.plugin(id)?.digest;
        let path = self.app.plugin_path(&granted);
        let bytes = fs::read(&path).map_err(|source| AppError::file(&path, "read", source))?;
        let found = package::digest(&bytes);
        if found != granted {
            return Err(LoadError::NotGranted { granted, found }.into());
        }
        Ok(package::inspect(&bytes)?)
    }

    /// The text of a mapping that a plugin brings along.
    pub fn preset(&self, plugin: &PluginId, name: &str) -> Result<String, AppError> {
        let presets = self.plugin(plugin)?.manifest.presets;
        let found = presets.get(name).cloned();
        found.ok_or_else(|| AppError::not_found(Thing::Preset, name, presets.keys().map(String::as_str)))
    }

    /// The mappings that a plugin brings along, by name.
    pub fn presets(&self, plugin: &PluginId) -> Result<std::collections::BTreeMap<String, String>, AppError> {
        Ok(self.plugin(plugin)?.manifest.presets)
    }

    /// The plugin, compiled and under its grant.
    pub(super) async fn load(
        &self,
        plugin: InstalledPlugin,
        wanted: PluginKind,
    ) -> Result<(InstalledPlugin, LoadedPlugin), AppError> {
        let is = plugin.manifest.plugin.kind;
        if is != wanted {
            return Err(AppError::WrongKind { plugin: plugin.manifest.plugin.id, is, wanted });
        }
        let path = self.app.plugin_path(&plugin.digest);
        let loaded = self.app.plugins()?.load_file(&path, &plugin.grant).await?;
        Ok((plugin, loaded.held_by(&self.id)))
    }
}

impl App {
    pub(super) fn plugin_path(&self, digest: &Digest) -> PathBuf {
        self.state_dir().join("plugins").join(format!("{digest}.wasm"))
    }

    /// Removes a package that no workspace has installed any more.
    fn forget_bytes(&self, digest: &Digest) -> Result<(), AppError> {
        for id in self.store.workspaces()? {
            let workspace = self.store.workspace(&id)?;
            for plugin in workspace.scan::<InstalledPlugin>() {
                if &plugin?.digest == digest {
                    return Ok(());
                }
            }
            for version in workspace.scan::<OtherVersion>() {
                if &version?.plugin.digest == digest {
                    return Ok(());
                }
            }
        }
        let path = self.plugin_path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(AppError::file(&path, "removed", error)),
            _ => Ok(()),
        }
    }
}
