//! Versions of a plugin: one is installed, others stand beside it, to go back to, for connections that stay with them, or
//! waiting for somebody who grants what they ask.

use std::collections::BTreeMap;

use super::error::InstallError;
use super::{Terms, settings};
use crate::app::Tenant;
use crate::app::error::AppError;
use crate::model::grant::Digest;
use crate::model::id::{ConnectionId, PluginId};
use crate::model::manifest::Manifest;
use crate::model::sync::{Connection, InstalledPlugin, OtherVersion, Standing};
use crate::plugin::package::Package;
use crate::store::Changes;

/// Former versions that are kept to go back to, beside those that a connection stays with.
const KEPT: usize = 3;

/// What became of an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub plugin: InstalledPlugin,
    /// Connections whose settings the new version does not take: they stay with the version before.
    pub left_behind: Vec<ConnectionId>,
}

impl Tenant {
    /// The versions beside the installed one, newest first.
    pub fn other_versions(&self, id: &PluginId) -> Result<Vec<OtherVersion>, AppError> {
        let mut versions: Vec<OtherVersion> = self.store().scan_under(&[id.as_str()]).collect::<Result<_, _>>()?;
        versions.sort_by_key(|version| std::cmp::Reverse(version.standing.since()));
        Ok(versions)
    }

    /// The version of its plugin that a connection runs with.
    pub fn plugin_of(&self, connection: &Connection) -> Result<InstalledPlugin, AppError> {
        let installed = self.plugin(&connection.plugin)?;
        let Some(digest) = connection.pinned.as_ref().filter(|digest| **digest != installed.digest) else {
            return Ok(installed);
        };
        let pinned = self.store().get::<OtherVersion>((&connection.plugin, digest))?;
        match pinned.filter(|version| version.standing.was_granted()) {
            Some(version) => Ok(version.plugin),
            None => {
                Err(InstallError::NoVersion { plugin: connection.plugin.clone(), version: digest.short().to_owned() }
                    .into())
            }
        }
    }

    /// Puts a version in the place of the installed one, which is kept, with the settings that it leaves behind.
    pub(super) fn put_in_place(&self, plugin: InstalledPlugin) -> Result<Placed, AppError> {
        let id = plugin.manifest.plugin.id.clone();
        let mut changes = Changes::default();
        let mut left_behind = Vec::new();
        if let Some(before) = self.store().get::<InstalledPlugin>(&id)?.filter(|it| it.digest != plugin.digest) {
            let mut former = BTreeMap::new();
            for mut connection in self.connections_of(&id)? {
                if connection.pinned.is_some() {
                    continue;
                }
                match suited(&plugin.manifest, &connection)? {
                    Some(suited) if suited == connection.settings => continue,
                    Some(suited) => {
                        former.insert(connection.id.clone(), std::mem::replace(&mut connection.settings, suited));
                    }
                    None => {
                        connection.pinned = Some(before.digest.clone());
                        left_behind.push(connection.id.clone());
                    }
                }
                changes.put(&connection.id, &connection)?;
            }
            let digest = before.digest.clone();
            let standing = Standing::Former { until: self.clock().now(), settings: former };
            changes.put((&id, &digest), &OtherVersion { plugin: before, standing })?;
        }
        changes.remove::<OtherVersion>((&id, &plugin.digest));
        changes.put(&id, &plugin)?;
        self.commit(changes)?;
        self.drop_surplus(&id)?;
        Ok(Placed { plugin, left_behind })
    }

    /// Keeps a version until somebody grants what it asks; nothing else changes.
    ///
    /// # Errors
    /// As [`Tenant::install`], and for a version that was granted: connections may run with it.
    pub async fn propose(&self, package: Package, terms: Terms) -> Result<InstalledPlugin, AppError> {
        let id = package.manifest.plugin.id.clone();
        self.plugin(&id)?;
        let plugin = self.prepare(package, terms).await?;
        let others = self.other_versions(&id)?;
        if others.iter().any(|it| it.standing.was_granted() && it.plugin.digest == plugin.digest) {
            return Err(InstallError::Kept { plugin: id, version: plugin.manifest.plugin.version }.into());
        }
        let standing = Standing::Proposed { since: self.clock().now() };
        let replaced = |it: &OtherVersion| !it.standing.was_granted() && it.plugin.digest != plugin.digest;
        let replaced = others.into_iter().filter(replaced).collect();
        let mut changes = Changes::default();
        changes.put((&id, &plugin.digest.clone()), &OtherVersion { plugin: plugin.clone(), standing })?;
        self.commit(changes)?;
        self.forget_versions(&id, replaced)?;
        self.drop_surplus(&id)?;
        Ok(plugin)
    }

    /// The version that waits for somebody to grant it, or that an admin went back from.
    pub fn proposal(&self, id: &PluginId) -> Result<InstalledPlugin, AppError> {
        self.plugin(id)?;
        let waits = |version: &OtherVersion| !matches!(version.standing, Standing::Former { .. });
        let found = self.other_versions(id)?.into_iter().find(waits);
        found.map(|version| version.plugin).ok_or_else(|| InstallError::NoProposal { plugin: id.clone() }.into())
    }

    /// Grants what [`Tenant::proposal`] asks, and puts it in place.
    pub fn approve(&self, id: &PluginId, digest: &Digest) -> Result<Placed, AppError> {
        let mut plugin = self.proposal(id)?;
        if &plugin.digest != digest {
            return Err(InstallError::NoProposal { plugin: id.clone() }.into());
        }
        // Whom the workspace takes it from may have changed since it was proposed.
        self.publisher_of_installed(&plugin)?;
        plugin.grant.at = self.clock().now();
        self.put_in_place(plugin)
    }

    /// Goes back to the version before, under its grant and with the settings that there were; gives it and the one that is
    /// left.
    pub fn roll_back(&self, id: &PluginId) -> Result<(InstalledPlugin, semver::Version), AppError> {
        let current = self.plugin(id)?;
        let former = self.other_versions(id)?.into_iter().find_map(|version| match version.standing {
            Standing::Former { settings, .. } => Some((version.plugin, settings)),
            _ => None,
        });
        let (plugin, settings) = former.ok_or_else(|| InstallError::NoFormer { plugin: id.clone() })?;
        let left = current.manifest.plugin.version.clone();
        let mut changes = Changes::default();
        for mut connection in self.connections_of(id)? {
            if connection.pinned.as_ref() == Some(&plugin.digest) {
                // Those that could not follow are met again.
                connection.pinned = None;
            } else if let (None, Some(text)) = (&connection.pinned, settings.get(&connection.id)) {
                connection.settings.clone_from(text);
            } else {
                continue;
            }
            changes.put(&connection.id, &connection)?;
        }
        let digest = current.digest.clone();
        let standing = Standing::Withdrawn { since: self.clock().now() };
        changes.put((id, &digest), &OtherVersion { plugin: current, standing })?;
        changes.remove::<OtherVersion>((id, &plugin.digest));
        changes.put(id, &plugin)?;
        self.commit(changes)?;
        Ok((plugin, left))
    }

    /// Lets a connection stay with a version, or follow what is installed again.
    pub fn pin(&self, id: &ConnectionId, version: Option<&semver::Version>) -> Result<InstalledPlugin, AppError> {
        let mut connection = self.connection(id)?;
        let plugin = match version {
            Some(version) => self.version(&connection.plugin, version)?,
            None => self.plugin(&connection.plugin)?,
        };
        let Some(settings) = suited(&plugin.manifest, &connection)? else {
            return Err(InstallError::SettingsUnsuited {
                connection: id.clone(),
                version: plugin.manifest.plugin.version,
            }
            .into());
        };
        connection.settings = settings;
        connection.pinned = version.map(|_| plugin.digest.clone());
        let mut changes = Changes::default();
        changes.put(id, &connection)?;
        self.commit(changes)?;
        self.drop_surplus(&connection.plugin)?;
        Ok(plugin)
    }

    fn version(&self, id: &PluginId, version: &semver::Version) -> Result<InstalledPlugin, AppError> {
        let installed = self.plugin(id)?;
        let others = self.other_versions(id)?.into_iter().filter(|it| it.standing.was_granted()).map(|it| it.plugin);
        let found = std::iter::once(installed).chain(others).find(|it| &it.manifest.plugin.version == version);
        found.ok_or_else(|| InstallError::NoVersion { plugin: id.clone(), version: version.to_string() }.into())
    }

    /// Connections that would not follow to a version with this manifest.
    pub(super) fn unsuited(&self, manifest: &Manifest) -> Result<Vec<ConnectionId>, AppError> {
        let mut unsuited = Vec::new();
        for connection in self.connections_of(&manifest.plugin.id)? {
            if connection.pinned.is_none() && suited(manifest, &connection)?.is_none() {
                unsuited.push(connection.id);
            }
        }
        Ok(unsuited)
    }

    pub(super) fn connections_of(&self, id: &PluginId) -> Result<Vec<Connection>, AppError> {
        Ok(self.connections()?.into_iter().filter(|connection| &connection.plugin == id).collect())
    }

    /// Lets go of former versions that nobody will miss, with their bytes.
    fn drop_surplus(&self, id: &PluginId) -> Result<(), AppError> {
        let pinned: Vec<Digest> =
            self.connections_of(id)?.into_iter().filter_map(|connection| connection.pinned).collect();
        let loose = |version: &OtherVersion| version.standing.was_granted() && !pinned.contains(&version.plugin.digest);
        let surplus: Vec<OtherVersion> = self.other_versions(id)?.into_iter().filter(loose).skip(KEPT).collect();
        self.forget_versions(id, surplus)
    }

    pub(super) fn forget_versions(&self, id: &PluginId, versions: Vec<OtherVersion>) -> Result<(), AppError> {
        let mut changes = Changes::default();
        for version in &versions {
            changes.remove::<OtherVersion>((id, &version.plugin.digest));
        }
        self.forget_faults(id, versions.iter().map(|version| &version.plugin.digest), changes)?;
        versions.iter().try_for_each(|version| self.app.forget_bytes(&version.plugin.digest))
    }
}

/// The settings of a connection as a version takes them; none where it does not.
fn suited(manifest: &Manifest, connection: &Connection) -> Result<Option<String>, AppError> {
    let given = serde_json::from_str(&connection.settings).map_err(AppError::SettingsText)?;
    match settings::complete(manifest, given) {
        Ok(settings) => Ok(Some(settings)),
        Err(AppError::Settings { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
