//! Whom a workspace takes a plugin from. While it believes somebody, it takes it from nobody else.

use super::Terms;
use super::error::InstallError;
use crate::app::Tenant;
use crate::app::error::{AppError, Thing};
use crate::model::id::PluginId;
use crate::model::publisher::{Admission, PublisherKey, TrustedPublisher};
use crate::model::sync::InstalledPlugin;
use crate::plugin::package::Package;
use crate::store::Changes;

/// Where a package comes from, as far as that can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publisher {
    /// Signed by somebody whom the workspace believes for this plugin.
    Trusted(TrustedPublisher),
    /// Signed, and the workspace has said of nobody yet that it believes them for this plugin.
    Unknown(PublisherKey),
    Unsigned,
}

impl Publisher {
    pub fn key(&self) -> Option<PublisherKey> {
        match self {
            Self::Trusted(publisher) => Some(publisher.key),
            Self::Unknown(key) => Some(*key),
            Self::Unsigned => None,
        }
    }
}

impl Tenant {
    /// All that this workspace believes, by plugin.
    pub fn publishers(&self) -> Result<Vec<TrustedPublisher>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub fn publishers_of(&self, plugin: &PluginId) -> Result<Vec<TrustedPublisher>, AppError> {
        Ok(self.store().scan_under(&[plugin.as_str()]).collect::<Result<_, _>>()?)
    }

    /// From now on the plugin is taken from this publisher, and from others only where they were named too.
    pub fn trust(&self, plugin: PluginId, key: PublisherKey, name: String) -> Result<TrustedPublisher, AppError> {
        let publisher = TrustedPublisher { plugin, key, name, since: self.clock().now() };
        let mut changes = Changes::default();
        changes.put((&publisher.plugin, &publisher.key), &publisher)?;
        self.commit(changes)?;
        Ok(publisher)
    }

    /// Believes a key no longer. What is installed stays; tells whether it was signed with that key.
    pub fn distrust(&self, plugin: &PluginId, key: PublisherKey) -> Result<bool, AppError> {
        if self.store().get::<TrustedPublisher>((plugin, &key))?.is_none() {
            let known = self.publishers_of(plugin)?;
            let keys: Vec<String> = known.iter().map(|publisher| publisher.key.to_string()).collect();
            return Err(AppError::not_found(Thing::Publisher, &key.to_string(), keys.iter().map(String::as_str)));
        }
        let mut changes = Changes::default();
        changes.remove::<TrustedPublisher>((plugin, &key));
        self.commit(changes)?;
        let installed = self.store().get::<InstalledPlugin>(plugin)?;
        Ok(installed.is_some_and(|installed| installed.publisher == Some(key)))
    }

    /// What this workspace wants of every plugin.
    pub fn admission(&self) -> Result<Admission, AppError> {
        Ok(self.store().get::<Admission>(())?.unwrap_or_default())
    }

    /// Says what is wanted of every plugin from now on; gives those that are installed and would not be taken any more.
    pub fn set_admission(&self, admission: Admission) -> Result<Vec<PluginId>, AppError> {
        let mut changes = Changes::default();
        changes.put((), &admission)?;
        self.commit(changes)?;
        let mut others = Vec::new();
        for plugin in self.plugins()? {
            if !self.is_believed(&plugin)? {
                others.push(plugin.manifest.plugin.id);
            }
        }
        Ok(others)
    }

    /// Whether an installed plugin could be installed now, as far as its publisher goes.
    pub(in crate::app) fn is_believed(&self, plugin: &InstalledPlugin) -> Result<bool, AppError> {
        let trusted = self.publishers_of(&plugin.manifest.plugin.id)?;
        let anybody = trusted.is_empty() && !self.admission()?.signed_only;
        Ok(anybody || trusted.iter().any(|publisher| Some(publisher.key) == plugin.publisher))
    }

    /// Who the package is from.
    ///
    /// # Errors
    /// Where the workspace takes the plugin from others only.
    pub(super) fn publisher(&self, package: &Package, terms: &Terms) -> Result<Publisher, AppError> {
        self.judge(&package.manifest.plugin.id, package.signed.as_ref().map(|signed| signed.key), terms.trust)
    }

    /// As [`Tenant::publisher`], for a version that was checked when it came in.
    pub(super) fn publisher_of_installed(&self, plugin: &InstalledPlugin) -> Result<Publisher, AppError> {
        self.judge(&plugin.manifest.plugin.id, plugin.publisher, false)
    }

    /// `trust` says that whoever signed it is to be trusted from now on.
    fn judge(&self, plugin: &PluginId, key: Option<PublisherKey>, trust: bool) -> Result<Publisher, AppError> {
        let trusted = self.publishers_of(plugin)?;
        if trusted.is_empty() {
            let signed = key.is_some();
            if self.admission()?.signed_only && !(signed && trust) {
                return Err(InstallError::SignedOnly { plugin: plugin.clone(), signed }.into());
            }
            return Ok(key.map_or(Publisher::Unsigned, Publisher::Unknown));
        }
        let plugin = plugin.clone();
        let names = || trusted.iter().map(|publisher| format!("{} ({})", publisher.name, publisher.key)).collect();
        let Some(key) = key else { return Err(InstallError::Unsigned { plugin, publishers: names() }.into()) };
        match trusted.iter().find(|publisher| publisher.key == key) {
            Some(publisher) => Ok(Publisher::Trusted(publisher.clone())),
            None => Err(InstallError::OtherPublisher { plugin, key, publishers: names() }.into()),
        }
    }
}
