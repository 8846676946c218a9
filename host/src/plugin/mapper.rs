//! A mapper in the sandbox. Its linker is empty: it computes, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::mapper::{MapperPlugin, MapperPluginPre};
use super::budget::{self, Budget, Budgeted};
use super::convert::{self, Broken};
use super::sandbox::{Sandbox, guarded};
use super::starting;
use crate::model::failure::{Fault, FaultKind};
use crate::model::id::PluginId;
use crate::model::manifest::Limits;
use crate::model::mapping::{Column, Direction, Mapped, Mapper, Mapping, MappingError};
use crate::model::share::{Holder, Share};
use crate::model::value::Value;

/// The data of a store in which a mapper runs.
pub(super) struct MapperState {
    budget: Budget,
}

impl Budgeted for MapperState {
    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

/// A mapper, ready to open mappings.
pub struct SandboxedMapper {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) pre: MapperPluginPre<MapperState>,
    pub(super) plugin: PluginId,
    pub(super) limits: Limits,
    pub(super) holder: Holder,
}

impl SandboxedMapper {
    fn fault(&self, verb: &'static str, kind: FaultKind) -> Fault {
        Fault { plugin: self.plugin.clone(), verb, kind }
    }

    fn store(&self) -> Store<MapperState> {
        budget::store(self.sandbox.engine(), MapperState { budget: Budget::new(self.limits) })
    }
}

#[async_trait]
impl Mapper for SandboxedMapper {
    async fn reads(&self, configuration: &str, direction: Direction) -> Result<Vec<String>, MappingError> {
        let fault = |kind| self.fault("reads", kind);
        let _place = self.sandbox.mapping_place(&self.holder).await.map_err(fault)?;
        let mut store = self.store();
        let call = async {
            let plugin = self.pre.instantiate_async(&mut store).await.map_err(starting)?;
            let guest = plugin.ferry_crm_mapper();
            guest.call_reads(&mut store, configuration, convert::wit_direction(direction)).await
        };
        let answer = guarded(&self.sandbox, budget::time(&self.limits), call).await;
        let answer = answer.map_err(|stopped| fault(store.data().budget.fault(&stopped)))?;
        let bad = |Broken(why)| self.fault("reads", FaultKind::BadAnswer(why));
        match answer {
            Ok(names) => Ok(convert::reads(names).map_err(bad)?),
            Err(list) => Err(MappingError::Mistakes(convert::mistakes(list).map_err(bad)?)),
        }
    }

    async fn open(
        &self,
        configuration: &str,
        direction: Direction,
        input: &[Column],
    ) -> Result<Box<dyn Mapping>, MappingError> {
        let fault = |kind| self.fault("open", kind);
        let place = self.sandbox.mapping_place(&self.holder).await.map_err(fault)?;
        let mut store = self.store();
        let (columns, direction) = (convert::wit_columns(input), convert::wit_direction(direction));
        let call = async {
            let guest = self.pre.instantiate_async(&mut store).await.map_err(starting)?;
            let mapping = guest.ferry_crm_mapper().mapping();
            let opened = match mapping.call_open(&mut store, configuration, direction, &columns).await? {
                Ok(resource) => Ok((resource, mapping.call_output(&mut store, resource).await?)),
                Err(mistakes) => Err(mistakes),
            };
            Ok((guest, opened))
        };
        let answer = guarded(&self.sandbox, budget::time(&self.limits), call).await;
        let (guest, opened) = answer.map_err(|stopped| fault(store.data().budget.fault(&stopped)))?;
        let bad = |Broken(why)| self.fault("open", FaultKind::BadAnswer(why));
        let (resource, output) = opened
            .map_err(|list| convert::mistakes(list).map_or_else(|broken| bad(broken).into(), MappingError::Mistakes))?;
        Ok(Box::new(OpenMapping {
            sandbox: Arc::clone(&self.sandbox),
            plugin: self.plugin.clone(),
            store,
            guest,
            resource,
            output: convert::columns(output).map_err(bad)?,
            time: budget::time(&self.limits),
            dead: None,
            _place: place,
        }))
    }
}

/// A mapping with an instance of its own.
struct OpenMapping {
    sandbox: Arc<Sandbox>,
    plugin: PluginId,
    store: Store<MapperState>,
    guest: MapperPlugin,
    resource: ResourceAny,
    output: Vec<Column>,
    /// The most that one batch of rows may take.
    time: Duration,
    /// What ended it. An instance that was stopped in the middle of a call can't be called again.
    dead: Option<Fault>,
    _place: Share,
}

#[async_trait]
impl Mapping for OpenMapping {
    fn output(&self) -> &[Column] {
        &self.output
    }

    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault> {
        if let Some(fault) = &self.dead {
            return Err(fault.clone());
        }
        // Stands if this call is given up half way, when its future is dropped.
        self.dead = Some(self.fault(FaultKind::Trap("a call before this one was given up".into())));
        match self.map(rows).await {
            Ok(mapped) => {
                self.dead = None;
                Ok(mapped)
            }
            Err(kind) => {
                let fault = self.fault(kind);
                self.dead = Some(fault.clone());
                Err(fault)
            }
        }
    }
}

impl OpenMapping {
    fn fault(&self, kind: FaultKind) -> Fault {
        Fault { plugin: self.plugin.clone(), verb: "rows", kind }
    }

    async fn map(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, FaultKind> {
        let number = rows.len();
        let too_much = || FaultKind::BadAnswer("it was given more than 4 GiB of text at once".into());
        let rows = convert::wit_table(&rows).ok_or_else(too_much)?;
        let (guest, resource) = (&self.guest, self.resource);
        self.store.data_mut().budget.rearm();
        self.store.set_epoch_deadline(1);
        let mapping = guest.ferry_crm_mapper();
        let call = async { mapping.mapping().call_rows(&mut self.store, resource, &rows).await };
        let answer = guarded(&self.sandbox, self.time, call).await;
        let answer = answer.map_err(|stopped| self.store.data().budget.fault(&stopped))?;
        convert::mapped(answer, number, &self.output).map_err(|Broken(why)| FaultKind::BadAnswer(why))
    }
}
