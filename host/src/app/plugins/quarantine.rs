//! A version of a plugin that keeps failing is not called for a while: its faults are counted over all connections of a
//! workspace, and kept, so that a restart forgets none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::error::InstallError;
use crate::app::error::AppError;
use crate::app::{App, Tenant};
use crate::model::failure::{Fault, FaultKind};
use crate::model::grant::Digest;
use crate::model::health::PluginHealth;
use crate::model::id::{PluginId, WorkspaceId};
use crate::model::mapping::{Column, Direction, Mapped, Mapper, Mapping, MappingError};
use crate::model::sync::InstalledPlugin;
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::plugin::SandboxedMapper;
use crate::store::Changes;

/// The versions that have failed lately, of all workspaces; none means that a version is well.
#[derive(Default)]
pub(in crate::app) struct Ailing(Mutex<HashMap<(WorkspaceId, Digest), Option<PluginHealth>>>);

impl Ailing {
    /// How many versions are not called now.
    pub(in crate::app) fn resting(&self, now: Instant) -> u64 {
        self.lock().values().flatten().filter(|health| health.rest(now).is_some()).count() as u64
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(WorkspaceId, Digest), Option<PluginHealth>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The eye on one version of a plugin in one workspace.
#[derive(Clone)]
pub(in crate::app) struct Quarantine {
    tenant: Tenant,
    plugin: PluginId,
    digest: Digest,
}

impl Tenant {
    pub(in crate::app) fn quarantine(&self, plugin: &InstalledPlugin) -> Result<Quarantine, AppError> {
        let health = self.plugin_health(plugin)?;
        // What another call has found out in the meantime is newer.
        self.app.ailing.lock().entry((self.id.clone(), plugin.digest.clone())).or_insert(health);
        let (plugin, digest) = (plugin.manifest.plugin.id.clone(), plugin.digest.clone());
        Ok(Quarantine { tenant: self.clone(), plugin, digest })
    }

    /// How an installed plugin fares; none where its last call was good.
    pub fn plugin_health(&self, plugin: &InstalledPlugin) -> Result<Option<PluginHealth>, AppError> {
        let key = (self.id.clone(), plugin.digest.clone());
        if let Some(known) = self.app.ailing.lock().get(&key) {
            return Ok(known.clone());
        }
        Ok(self.store().get::<PluginHealth>((&plugin.manifest.plugin.id, &plugin.digest))?)
    }

    /// Forgets the faults of a plugin's installed version, so that it is called again.
    pub fn release(&self, id: &PluginId) -> Result<PluginHealth, AppError> {
        let plugin = self.plugin(id)?;
        let health = self.plugin_health(&plugin)?.filter(PluginHealth::is_quarantined);
        let health = health.ok_or_else(|| InstallError::NotQuarantined { plugin: id.clone() })?;
        self.app.ailing.lock().insert((self.id.clone(), plugin.digest.clone()), None);
        let mut changes = Changes::default();
        changes.remove::<PluginHealth>((id, &plugin.digest));
        self.commit(changes)?;
        Ok(health)
    }
}

impl Quarantine {
    fn key(&self) -> (WorkspaceId, Digest) {
        (self.tenant.id.clone(), self.digest.clone())
    }

    fn app(&self) -> &Arc<App> {
        &self.tenant.app
    }

    /// Whether the plugin may be called now.
    pub(in crate::app) fn admit(&self) -> Result<(), FaultKind> {
        let now = self.app().options.clock.now();
        let ailing = self.app().ailing.lock();
        let resting = ailing.get(&self.key()).and_then(Option::as_ref).and_then(|it| Some((it, it.rest(now)?)));
        match resting {
            Some((health, until)) => {
                Err(FaultKind::Quarantined { until, faults: health.faults, last: health.last.clone() })
            }
            None => Ok(()),
        }
    }

    /// As [`Quarantine::admit`], before there is a call.
    pub(in crate::app) fn check(&self) -> Result<(), AppError> {
        let fault = |kind| AppError::Fault(Fault { plugin: self.plugin.clone(), verb: "start", kind });
        self.admit().map_err(fault)
    }

    /// A call of a verb has ended, with this fault or without one.
    pub(in crate::app) fn note(&self, verb: &str, fault: Option<&FaultKind>) {
        self.app().counters.note(fault);
        let now = self.app().options.clock.now();
        let mut ailing = self.app().ailing.lock();
        let Some(known) = ailing.get_mut(&self.key()) else { return };
        let mut changes = Changes::default();
        let kept = match fault {
            // A plugin that can still say what it offers, and fails each time it is to do it, is not well.
            None if known.as_ref().is_none_or(|health| health.verb != verb) => return,
            None => {
                *known = None;
                changes.remove::<PluginHealth>((&self.plugin, &self.digest));
                Ok(())
            }
            // Not the plugin's doing: the machine is full, or it was not called at all.
            Some(FaultKind::Start(_) | FaultKind::Quarantined { .. }) => return,
            Some(kind) => {
                let health =
                    known.get_or_insert_with(|| PluginHealth::new(self.plugin.clone(), self.digest.clone(), now));
                let text = kind.to_string();
                health.failed(verb, kind.code(), &text, now);
                tracing::warn!(plugin = %self.plugin, code = kind.code(), faults = health.faults, "a plugin failed");
                changes.put((&self.plugin, &self.digest), health)
            }
        };
        drop(ailing);
        if let Err(error) = kept.map_err(AppError::from).and_then(|()| self.tenant.commit(changes)) {
            // In this process it counts all the same.
            tracing::warn!(%error, "how a plugin fares could not be kept");
        }
    }
}

/// A mapper whose faults count.
pub(in crate::app) struct Watched {
    pub(in crate::app) mapper: SandboxedMapper,
    pub(in crate::app) quarantine: Quarantine,
}

impl Watched {
    fn admit(&self, verb: &'static str) -> Result<(), Fault> {
        self.quarantine.admit().map_err(|kind| Fault { plugin: self.quarantine.plugin.clone(), verb, kind })
    }

    fn noted<T>(&self, verb: &'static str, answer: Result<T, MappingError>) -> Result<T, MappingError> {
        self.quarantine.note(
            verb,
            match &answer {
                Err(MappingError::Fault(fault)) => Some(&fault.kind),
                _ => None,
            },
        );
        answer
    }
}

#[async_trait]
impl Mapper for Watched {
    async fn reads(&self, configuration: &str, direction: Direction) -> Result<Vec<String>, MappingError> {
        self.admit("reads")?;
        self.noted("reads", self.mapper.reads(configuration, direction).await)
    }

    async fn open(
        &self,
        configuration: &str,
        direction: Direction,
        input: &[Column],
    ) -> Result<Box<dyn Mapping>, MappingError> {
        self.admit("open")?;
        let mapping = self.noted("open", self.mapper.open(configuration, direction, input).await)?;
        Ok(Box::new(WatchedMapping { mapping, quarantine: self.quarantine.clone() }))
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
