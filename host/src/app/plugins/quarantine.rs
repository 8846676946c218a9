//! What of a plugin keeps failing is not called for a while: a version of a connector, or of a mapper under one configuration. Faults
//! are counted over all connections and syncs of a workspace, and kept, so that a restart forgets none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::error::InstallError;
use crate::app::error::AppError;
use crate::app::{App, Tenant};
use crate::model::failure::{Fault, FaultKind};
use crate::model::grant::Digest;
use crate::model::health::{Callee, Gate, PluginHealth};
use crate::model::id::{PluginId, SyncId, WorkspaceId};
use crate::model::mapping::{Column, Direction, Mapped, Mapper, Mapping, MappingError};
use crate::model::sync::{InstalledPlugin, Sync};
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::plugin::{SandboxedMapper, package};
use crate::store::Changes;

/// Configurations of one mapper whose faults are remembered: more than anybody mends at once. Of more, the oldest are forgotten.
const MOST_CONFIGURATIONS: usize = 100;

type Known = HashMap<(WorkspaceId, Callee), PluginHealth>;

/// What has failed lately, of all workspaces, as far as this process has met it. The lock is held until a change is kept, so that
/// nobody reads what is just being forgotten.
#[derive(Default)]
pub(in crate::app) struct Ailing(Mutex<Known>);

impl Ailing {
    /// How many are not called now.
    pub(in crate::app) fn resting(&self, now: Instant) -> u64 {
        self.lock().values().filter(|health| health.rest(now).is_some()).count() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a plugin has failed lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ailment {
    pub health: PluginHealth,
    /// Those that map by it, where it is a mapper's.
    pub syncs: Vec<SyncId>,
    /// The version, where it is not the installed one but one that a connection stays with.
    pub pinned: Option<semver::Version>,
}

/// The eye on what is called, in one workspace.
#[derive(Clone)]
pub(in crate::app) struct Quarantine {
    tenant: Tenant,
    callee: Callee,
}

impl Tenant {
    /// The eye on a plugin, under this configuration where it is a mapper.
    pub(in crate::app) fn quarantine(
        &self,
        plugin: &InstalledPlugin,
        configuration: Option<&str>,
    ) -> Result<Quarantine, AppError> {
        let callee = Callee {
            plugin: plugin.manifest.plugin.id.clone(),
            digest: plugin.digest.clone(),
            configuration: configuration.map(|text| package::digest(text.as_bytes())),
        };
        let mut ailing = self.app.ailing.lock();
        let key = (self.id.clone(), callee);
        if !ailing.contains_key(&key)
            && let Some(health) = self.store().get::<PluginHealth>(&key.1)?
        {
            ailing.insert(key.clone(), health);
        }
        Ok(Quarantine { tenant: self.clone(), callee: key.1 })
    }

    /// What of an installed plugin has failed lately: of a connector one at most for each version that connections have, of a
    /// mapper one for each configuration that a sync has.
    pub fn ailments(&self, plugin: &InstalledPlugin) -> Result<Vec<Ailment>, AppError> {
        let mut ailments = Vec::new();
        for (digest, pinned) in self.called(plugin)? {
            for health in self.health_of(&plugin.manifest.plugin.id, &digest)? {
                let syncs = self.mapped_by(&health.callee)?;
                if health.callee.configuration.is_none() || !syncs.is_empty() {
                    ailments.push(Ailment { health, syncs, pinned: pinned.clone() });
                }
            }
        }
        Ok(ailments)
    }

    /// The bytes of a plugin that are called: the installed version's, and with their version those that connections stay with.
    fn called(&self, plugin: &InstalledPlugin) -> Result<Vec<(Digest, Option<semver::Version>)>, AppError> {
        let id = &plugin.manifest.plugin.id;
        let connections = self.connections_of(id)?;
        let is_pinned = |digest: &Digest| connections.iter().any(|it| it.pinned.as_ref() == Some(digest));
        let others = self.other_versions(id)?.into_iter().map(|other| other.plugin);
        let pinned = others.filter(|other| is_pinned(&other.digest));
        let pinned = pinned.map(|other| (other.digest, Some(other.manifest.plugin.version)));
        Ok(std::iter::once((plugin.digest.clone(), None)).chain(pinned).collect())
    }

    fn health_of(&self, plugin: &PluginId, digest: &Digest) -> Result<Vec<PluginHealth>, AppError> {
        let kept = self.store().scan_under::<PluginHealth>(&[plugin.as_str(), &digest.0]);
        Ok(kept.collect::<Result<_, _>>()?)
    }

    /// The syncs that map by what is called here.
    fn mapped_by(&self, callee: &Callee) -> Result<Vec<SyncId>, AppError> {
        let uses = |sync: &Sync| {
            let mut mappings = sync.outbound.values().map(|spec| &spec.mapping).chain([&sync.mapping]);
            mappings.any(|mapping| {
                let digest = || package::digest(mapping.configuration.as_bytes());
                mapping.mapper == callee.plugin && callee.configuration.as_ref().is_some_and(|it| *it == digest())
            })
        };
        Ok(self.syncs()?.into_iter().filter(uses).map(|sync| sync.id).collect())
    }

    /// Forgets the faults of a plugin, so that it is called again. Gives what had kept it from that.
    pub fn release(&self, id: &PluginId) -> Result<Vec<PluginHealth>, AppError> {
        let mut released = Vec::new();
        for (digest, _) in self.called(&self.plugin(id)?)? {
            released.extend(self.health_of(id, &digest)?);
        }
        released.retain(PluginHealth::is_quarantined);
        if released.is_empty() {
            return Err(InstallError::NotQuarantined { plugin: id.clone() }.into());
        }
        self.forget_health(released.iter().map(|health| &health.callee), Changes::default())?;
        Ok(released)
    }

    /// Commits `changes`, and with them that nothing is known of the faults of these versions of a plugin.
    pub(super) fn forget_faults<'a>(
        &self,
        plugin: &PluginId,
        digests: impl IntoIterator<Item = &'a Digest>,
        changes: Changes,
    ) -> Result<(), AppError> {
        let mut known = Vec::new();
        for digest in digests {
            known.extend(self.health_of(plugin, digest)?);
        }
        self.forget_health(known.iter().map(|health| &health.callee), changes)
    }

    fn forget_health<'a>(
        &self,
        callees: impl Iterator<Item = &'a Callee>,
        mut changes: Changes,
    ) -> Result<(), AppError> {
        let mut ailing = self.app.ailing.lock();
        for callee in callees {
            ailing.remove(&(self.id.clone(), callee.clone()));
            changes.remove::<PluginHealth>(callee);
        }
        self.commit(changes)
    }
}

impl App {
    /// Reads what an earlier process has kept of all workspaces, so that [`Ailing::resting`] knows it.
    pub(crate) fn recall_faults(&self) -> Result<(), AppError> {
        for workspace in self.workspaces()? {
            for health in self.store.workspace(&workspace)?.scan::<PluginHealth>() {
                let health = health?;
                self.ailing.lock().entry((workspace.clone(), health.callee.clone())).or_insert(health);
            }
        }
        Ok(())
    }
}

impl Gate for Quarantine {
    fn admit(&self) -> Result<(), FaultKind> {
        let now = self.app().options.clock.now();
        let ailing = self.app().ailing.lock();
        let Some(health) = ailing.get(&self.key()) else { return Ok(()) };
        let Some(until) = health.rest(now) else { return Ok(()) };
        let mapping = self.callee.configuration.is_some();
        Err(FaultKind::Quarantined { mapping, until, faults: health.faults, last: health.last.clone() })
    }
}

impl Quarantine {
    fn key(&self) -> (WorkspaceId, Callee) {
        (self.tenant.id.clone(), self.callee.clone())
    }

    fn app(&self) -> &Arc<App> {
        &self.tenant.app
    }

    /// As [`Gate::admit`], before there is a call.
    pub(in crate::app) fn check(&self) -> Result<(), AppError> {
        self.admit().map_err(|kind| AppError::Fault(self.fault("start", kind)))
    }

    fn fault(&self, verb: &'static str, kind: FaultKind) -> Fault {
        Fault { plugin: self.callee.plugin.clone(), verb, kind }
    }

    /// A call of a verb has ended, with this fault or without one.
    pub(in crate::app) fn note(&self, verb: &str, fault: Option<&FaultKind>) {
        self.app().counters.note(fault);
        let mut ailing = self.app().ailing.lock();
        let kept = match fault {
            None => self.recovered(&mut ailing, verb),
            // Not its doing: the machine is full, or it was not called at all.
            Some(FaultKind::Start(_) | FaultKind::Quarantined { .. }) => Ok(()),
            Some(kind) => self.failed(&mut ailing, verb, kind),
        };
        if let Err(error) = kept {
            // In this process it counts all the same.
            tracing::warn!(%error, "how a plugin fares could not be kept");
        }
    }

    fn recovered(&self, ailing: &mut Known, verb: &str) -> Result<(), AppError> {
        let key = self.key();
        let Some(health) = ailing.get_mut(&key) else { return Ok(()) };
        if !health.succeeded(verb) {
            return Ok(());
        }
        let mut changes = Changes::default();
        if health.is_well() {
            changes.remove::<PluginHealth>(&self.callee);
            ailing.remove(&key);
        } else {
            changes.put(&self.callee, health)?;
        }
        self.tenant.commit(changes)
    }

    fn failed(&self, ailing: &mut Known, verb: &str, kind: &FaultKind) -> Result<(), AppError> {
        let now = self.app().options.clock.now();
        let health = ailing.entry(self.key()).or_insert_with(|| PluginHealth::new(self.callee.clone(), now));
        let is_new = health.faults == 0;
        health.failed(verb, kind.code(), &kind.to_string(), now);
        tracing::warn!(plugin = %self.callee.plugin, code = kind.code(), faults = health.faults, "a plugin failed");
        let mut changes = Changes::default();
        changes.put(&self.callee, health)?;
        if is_new {
            self.forget_surplus(ailing, &mut changes)?;
        }
        self.tenant.commit(changes)
    }

    /// Lets go of the oldest, so that somebody who tries one broken mapping after another fills nothing.
    fn forget_surplus(&self, ailing: &mut Known, changes: &mut Changes) -> Result<(), AppError> {
        let mut kept = self.tenant.health_of(&self.callee.plugin, &self.callee.digest)?;
        let surplus = (kept.len() + 1).saturating_sub(MOST_CONFIGURATIONS);
        kept.sort_by_key(|health| health.since);
        for PluginHealth { callee, .. } in kept.into_iter().take(surplus) {
            changes.remove::<PluginHealth>(&callee);
            ailing.remove(&(self.tenant.id.clone(), callee));
        }
        Ok(())
    }
}

/// A mapper whose faults count, for each configuration by itself.
pub(in crate::app) struct Watched {
    pub(in crate::app) mapper: SandboxedMapper,
    pub(in crate::app) tenant: Tenant,
    pub(in crate::app) plugin: InstalledPlugin,
}

impl Watched {
    /// The eye on one configuration, where that may be called.
    fn admit(&self, verb: &'static str, configuration: &str) -> Result<Quarantine, Fault> {
        let plugin = self.plugin.manifest.plugin.id.clone();
        let quarantine = self.tenant.quarantine(&self.plugin, Some(configuration));
        let quarantine =
            quarantine.map_err(|error| Fault { plugin, verb, kind: FaultKind::Start(error.to_string()) })?;
        quarantine.admit().map_err(|kind| quarantine.fault(verb, kind))?;
        Ok(quarantine)
    }
}

fn noted<T>(quarantine: &Quarantine, verb: &'static str, answer: Result<T, MappingError>) -> Result<T, MappingError> {
    let fault = match &answer {
        Err(MappingError::Fault(fault)) => Some(&fault.kind),
        _ => None,
    };
    quarantine.note(verb, fault);
    answer
}

#[async_trait]
impl Mapper for Watched {
    async fn reads(&self, configuration: &str, direction: Direction) -> Result<Vec<String>, MappingError> {
        let quarantine = self.admit("reads", configuration)?;
        noted(&quarantine, "reads", self.mapper.reads(configuration, direction).await)
    }

    async fn open(
        &self,
        configuration: &str,
        direction: Direction,
        input: &[Column],
    ) -> Result<Box<dyn Mapping>, MappingError> {
        let quarantine = self.admit("open", configuration)?;
        let mapping = noted(&quarantine, "open", self.mapper.open(configuration, direction, input).await)?;
        Ok(Box::new(WatchedMapping { mapping, quarantine }))
    }
}

struct WatchedMapping {
    mapping: Box<dyn Mapping>,
    quarantine: Quarantine,
}

#[async_trait]
impl Mapping for WatchedMapping {
    fn output(&self) -> &[Column] {
        self.mapping.output()
    }

    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault> {
        let answer = self.mapping.rows(rows).await;
        self.quarantine.note("rows", answer.as_ref().err().map(|fault| &fault.kind));
        answer
    }
}
