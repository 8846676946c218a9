//! The lock file: the plugins of a workspace to the byte, so that another machine gets the same.

use std::collections::BTreeMap;

use super::error::InstallError;
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::model::id::PluginId;
use crate::model::publisher::{LockedPlugin, PublisherKey};
use crate::model::sync::InstalledPlugin;
use crate::plugin::package::Package;

const HEAD: &str = "# Made by `ferry plugin lock`; held to by `ferry plugin install --locked`.\n\n";

/// What is locked, by plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile(BTreeMap<PluginId, LockedPlugin>);

impl LockFile {
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let plugins = toml::from_str(text);
        Ok(Self(plugins.map_err(|error| InstallError::LockFile(error.message().replace('\n', "; ")))?))
    }

    pub fn to_text(&self) -> Result<String, AppError> {
        let body = toml::to_string(&self.0).map_err(|error| InstallError::LockFile(error.to_string()))?;
        Ok(format!("{HEAD}{body}"))
    }

    pub fn plugins(&self) -> &BTreeMap<PluginId, LockedPlugin> {
        &self.0
    }

    /// Whether it allows a package.
    pub fn allows(&self, package: &Package) -> Result<(), InstallError> {
        let identity = &package.manifest.plugin;
        let found = LockedPlugin {
            version: identity.version.clone(),
            digest: package.digest.clone(),
            publisher: package.signed.as_ref().map(|signed| signed.key),
        };
        self.holds(&identity.id, &found)
    }

    fn holds(&self, plugin: &PluginId, found: &LockedPlugin) -> Result<(), InstallError> {
        let Some(locked) = self.0.get(plugin) else {
            return Err(InstallError::NotLocked { plugin: plugin.clone() });
        };
        let other = |what, locked: String, found: String| {
            if locked == found {
                Ok(())
            } else {
                Err(InstallError::LockedOther { plugin: plugin.clone(), what, locked, found })
            }
        };
        let key = |key: Option<PublisherKey>| key.map_or_else(|| "none".to_owned(), |key| key.to_string());
        other("version", locked.version.to_string(), found.version.to_string())?;
        other("publisher", key(locked.publisher), key(found.publisher))?;
        other("digest", locked.digest.to_string(), found.digest.to_string())
    }

    /// Whether exactly these plugins are installed.
    ///
    /// # Errors
    /// Every difference.
    pub fn compare(&self, installed: &Self) -> Result<(), InstallError> {
        let differs = installed.0.iter().filter_map(|(id, plugin)| self.holds(id, plugin).err());
        let absent = self.0.keys().filter(|id| !installed.0.contains_key(*id));
        let absent = absent.map(|id| format!("`{id}` is not installed"));
        let all: Vec<String> = differs.map(|error| error.to_string()).chain(absent).collect();
        if all.is_empty() { Ok(()) } else { Err(InstallError::LockBroken(all)) }
    }
}

impl Tenant {
    /// What is installed now.
    pub fn lock(&self) -> Result<LockFile, AppError> {
        let locked = |plugin: InstalledPlugin| {
            let identity = plugin.manifest.plugin;
            (
                identity.id,
                LockedPlugin { version: identity.version, digest: plugin.digest, publisher: plugin.publisher },
            )
        };
        Ok(LockFile(self.plugins()?.into_iter().map(locked).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grant::Digest;

    fn lock(plugins: &[(&str, &str, &str)]) -> LockFile {
        let entry = |(id, version, digest): &(&str, &str, &str)| {
            let locked =
                LockedPlugin { version: version.parse().unwrap(), digest: Digest((*digest).into()), publisher: None };
            (id.parse().unwrap(), locked)
        };
        LockFile(plugins.iter().map(entry).collect())
    }

    #[test]
    fn a_lock_file_reads_as_it_is_written() {
        let keyed = LockedPlugin {
            publisher: Some(PublisherKey([3; 32])),
            ..lock(&[("x", "1.0.0", "ab")]).0[&"x".parse().unwrap()].clone()
        };
        let whole = LockFile([("a-b".parse().unwrap(), keyed)].into());
        assert_eq!(LockFile::parse(&whole.to_text().unwrap()).unwrap(), whole);
        assert_eq!(LockFile::parse("[x]\nversion = 1").unwrap_err().code(), "lock-file");
        assert_eq!(
            LockFile::parse("[x]\nversion = \"1.0.0\"\ndigest = \"a\"\nmore = 1").unwrap_err().code(),
            "lock-file"
        );
    }

    #[test]
    fn every_difference_from_what_is_installed_is_told() {
        let locked = lock(&[("a", "1.0.0", "aa"), ("b", "1.0.0", "bb"), ("c", "1.0.0", "cc")]);
        assert!(locked.compare(&locked).is_ok());
        let installed = lock(&[("a", "1.1.0", "aa"), ("b", "1.0.0", "b2"), ("d", "1.0.0", "dd")]);
        let told = locked.compare(&installed).unwrap_err().to_string();
        for part in ["version 1.0.0", "digest bb", "does not name `d`", "`c` is not installed"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
