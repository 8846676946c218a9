//! Plugins: installed under a grant, looked into, removed. Their bytes lie beside the store, under their digest.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use url::{Host, Url};

use super::error::{AppError, Thing};
use super::{App, Tenant};
use crate::model::grant::{Digest, Grant};
use crate::model::id::PluginId;
use crate::model::manifest::{Manifest, PluginKind};
use crate::model::origin_pattern::OriginPattern;
use crate::model::sync::{Connection, InstalledPlugin, Sync};
use crate::plugin::LoadedPlugin;
use crate::plugin::package::{self, Inspection, Package};
use crate::store::Changes;

/// What an installation would change: for the person who is to agree to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
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
}

impl Review {
    /// Whether it asks for nothing that a person has not agreed to before.
    pub fn asks_nothing(&self) -> bool {
        self.new_hosts.is_empty() && self.new_accounts.is_empty() && !self.more_limits
    }
}

/// Checks the bytes of a packed plugin.
pub fn unpack(bytes: Vec<u8>) -> Result<Package, AppError> {
    Ok(package::read(bytes)?)
}

/// Looks into any component, packed or not.
pub fn inspect(path: &Path) -> Result<Inspection, AppError> {
    let bytes = fs::read(path).map_err(|source| AppError::file(path, "read", source))?;
    Ok(package::inspect(&bytes)?)
}

/// Packs the component at `component` with the manifest at `manifest` and what that names beside it. Writes `to`, or
/// `<id>.wasm` in the current directory.
pub fn pack(component: &Path, manifest: &Path, to: Option<&Path>) -> Result<(Package, PathBuf), AppError> {
    let bytes = fs::read(component).map_err(|source| AppError::file(component, "read", source))?;
    let text = fs::read_to_string(manifest).map_err(|source| AppError::file(manifest, "read", source))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let package = package::read(package::pack(&bytes, &text, folder)?)?;
    let path = to.map_or_else(|| PathBuf::from(format!("{}.wasm", package.manifest.plugin.id)), Path::to_owned);
    write_durably(&path, &package.bytes).map_err(|source| AppError::file(&path, "written", source))?;
    Ok((package, path))
}

/// Whether `text` names a server's origin that is not on this machine: https, a host, nothing behind it.
pub fn open_origin(text: &str) -> Result<Url, AppError> {
    let refused = || AppError::NotOrigin { given: text.to_owned() };
    let url = Url::parse(text).map_err(|_| refused())?;
    if is_bare(&url) && url.scheme() == "https" && !is_loopback(&url) { Ok(url) } else { Err(refused()) }
}

fn is_bare(url: &Url) -> bool {
    url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
}

/// Whether `text` names an origin on this machine: http or https, a loopback address or `localhost`, nothing behind it.
pub fn loopback_origin(text: &str) -> Result<Url, AppError> {
    let refused = || AppError::NotLoopback { given: text.to_owned() };
    let url = Url::parse(text).map_err(|_| refused())?;
    if is_loopback(&url) && is_bare(&url) && matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
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
    pub fn review(&self, package: &Package) -> Result<Review, AppError> {
        let installed = self.store().get::<InstalledPlugin>(&package.manifest.plugin.id)?;
        let network = package.manifest.network.as_ref();
        let asked = network.map(|network| network.hosts.clone()).unwrap_or_default();
        let accounts = network.map(|network| network.accounts.clone()).unwrap_or_default();
        Ok(match installed {
            Some(plugin) => Review {
                same: plugin.digest == package.digest,
                new_hosts: asked.into_iter().filter(|host| !plugin.grant.hosts.contains(host)).collect(),
                new_accounts: accounts.into_iter().filter(|family| !plugin.grant.accounts.contains(family)).collect(),
                more_limits: !package.manifest.limits.within(&plugin.grant.limits),
                installed: Some(plugin.manifest.plugin.version),
            },
            None => Review {
                installed: None,
                same: false,
                new_hosts: asked,
                new_accounts: accounts,
                more_limits: !package.manifest.limits.within(&Default::default()),
            },
        })
    }

    /// Installs a plugin with everything it asks for, and with the origins that the admin names beside: on this machine, for
    /// development, or of a server of the customer's own. Compiles it now, so that the first call does not have to. The same bytes keep the origins granted before.
    pub async fn install(&self, package: Package, named: Vec<Url>) -> Result<InstalledPlugin, AppError> {
        let Package { manifest, digest, bytes } = package;
        let id = manifest.plugin.id.clone();
        let before = self.store().get::<InstalledPlugin>(&id)?;
        self.same_kind(&manifest, before.as_ref())?;
        let (loopback, hosts) = named.into_iter().partition(is_loopback);
        let mut grant = Grant::as_asked(&manifest, digest.clone(), loopback, self.clock().now());
        add(&mut grant.hosts, &hosts);
        if let Some(same) = before.as_ref().filter(|plugin| plugin.digest == digest) {
            add(&mut grant.loopback, &same.grant.loopback);
            add(&mut grant.hosts, &same.grant.hosts);
        }
        let size = bytes.len() as u64;
        let path = self.app.plugin_path(&digest);
        write_durably(&path, &bytes).map_err(|source| AppError::file(&path, "written", source))?;
        self.app.plugins().load(bytes, &grant).await?;
        let plugin = InstalledPlugin { manifest, digest, size, grant };
        let mut changes = Changes::default();
        changes.put(&id, &plugin)?;
        self.commit(changes)?;
        if let Some(old) = before.filter(|old| old.digest != plugin.digest) {
            self.app.forget_bytes(&old.digest)?;
        }
        Ok(plugin)
    }

    /// A connector can't become a mapper under the feet of those who use it.
    fn same_kind(&self, manifest: &Manifest, before: Option<&InstalledPlugin>) -> Result<(), AppError> {
        match before.map(|plugin| plugin.manifest.plugin.kind) {
            Some(kind) if kind != manifest.plugin.kind => {
                Err(AppError::WrongKind { plugin: manifest.plugin.id.clone(), is: manifest.plugin.kind, wanted: kind })
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`AppError::InUse`] names the connections and syncs that use it.
    pub fn remove_plugin(&self, id: &PluginId) -> Result<(), AppError> {
        let plugin = self.plugin(id)?;
        let by = self.users(id)?;
        if !by.is_empty() {
            return Err(AppError::InUse { what: Thing::Plugin, name: id.to_string(), by });
        }
        let mut changes = Changes::default();
        changes.remove::<InstalledPlugin>(id);
        self.commit(changes)?;
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
    pub fn inspect_plugin(&self, id: &PluginId) -> Result<Inspection, AppError> {
        let plugin = self.plugin(id)?;
        inspect(&self.app.plugin_path(&plugin.digest))
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
        id: &PluginId,
        wanted: PluginKind,
    ) -> Result<(InstalledPlugin, LoadedPlugin), AppError> {
        let plugin = self.plugin(id)?;
        let is = plugin.manifest.plugin.kind;
        if is != wanted {
            return Err(AppError::WrongKind { plugin: id.clone(), is, wanted });
        }
        let path = self.app.plugin_path(&plugin.digest);
        let loaded = self.app.plugins().load_file(&path, &plugin.grant).await?;
        Ok((plugin, loaded))
    }
}

impl App {
    pub(super) fn plugin_path(&self, digest: &Digest) -> PathBuf {
        self.state_dir().join("plugins").join(format!("{digest}.wasm"))
    }

    /// Removes a package that no workspace has installed any more.
    fn forget_bytes(&self, digest: &Digest) -> Result<(), AppError> {
        for id in self.store.workspaces()? {
            for plugin in self.store.workspace(&id)?.scan::<InstalledPlugin>() {
                if &plugin?.digest == digest {
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

/// The whole file under its name, or none of it.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Renaming over a device or a pipe would destroy it.
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there, and it is not a file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".ferry-{:016x}.tmp", rand::random::<u64>()));
    let write = || {
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        // What is left of it is of no use to anyone.
        let _ = fs::remove_file(&temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_origin_is_an_https_server_elsewhere_and_nothing_else() {
        for good in ["https://crm.example.com", "https://crm.example.com:8443/", "https://203.0.113.7"] {
            assert!(open_origin(good).is_ok(), "{good}");
        }
        for bad in [
            "http://crm.example.com",
            "https://localhost",
            "https://crm.example.com/db",
            "https://u@crm.example.com",
            "x",
        ] {
            assert_eq!(open_origin(bad).unwrap_err().code(), "not-an-origin", "{bad}");
        }
    }

    #[test]
    fn a_loopback_origin_is_on_this_machine_and_nothing_else() {
        for good in ["http://127.0.0.1:8080", "http://localhost:1", "https://[::1]:9/", "http://127.1.2.3"] {
            assert!(loopback_origin(good).is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:8080",
            "http://10.0.0.1",
            "http://example.com",
            "http://127.0.0.1/path",
            "http://127.0.0.1?x",
            "ftp://127.0.0.1",
            "http://user@127.0.0.1",
            "http://localhost.example.com",
        ] {
            assert_eq!(loopback_origin(bad).unwrap_err().code(), "not-loopback", "{bad}");
        }
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plugins").join("a.wasm");
        write_durably(&path, b"one").unwrap();
        write_durably(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(write_durably(dir.path(), b"x").is_err());
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["plugins"]);
    }
}
