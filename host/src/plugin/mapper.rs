//! A mapper in the sandbox. Its linker is empty: it computes, and nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::mapper::{MapperPlugin, MapperPluginPre};
use super::budget::{self, Budget, Budgeted};
use super::convert::{self, Broken};
use super::sandbox::{Place, Sandbox, guarded};
use super::starting;
use crate::model::failure::{Fault, FaultKind};
use crate::model::id::PluginId;
use crate::model::manifest::Limits;
use crate::model::mapping::{Column, Direction, Mapped, Mapper, Mapping, MappingError};
use crate::model::share::Holder;
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
        let place = self.sandbox.mapping_place(&self.holder, &self.plugin).await.map_err(fault)?;
        let (pre, configuration, direction) =
            (self.pre.clone(), configuration.to_owned(), convert::wit_direction(direction));
        let called = guarded(&self.sandbox, &place, self.store(), move |store| {
            async move {
                let plugin = pre.instantiate_async(&mut *store).await.map_err(starting)?;
                plugin.ferry_crm_mapper().call_reads(store, &configuration, direction).await
            }
            .boxed()
        });
        let (_, answer) = called.await.map_err(|stopped| fault(stopped.kind))?;
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
        let place = self.sandbox.mapping_place(&self.holder, &self.plugin).await.map_err(fault)?;
        let (pre, configuration) = (self.pre.clone(), configuration.to_owned());
        let (columns, direction) = (convert::wit_columns(input), convert::wit_direction(direction));
        let called = guarded(&self.sandbox, &place, self.store(), move |store| {
            async move {
                let guest = pre.instantiate_async(&mut *store).await.map_err(starting)?;
                let mapping = guest.ferry_crm_mapper().mapping();
                let opened = match mapping.call_open(&mut *store, &configuration, direction, &columns).await? {
                    Ok(resource) => Ok((resource, mapping.call_output(&mut *store, resource).await?)),
                    Err(mistakes) => Err(mistakes),
                };
                Ok((guest, opened))
            }
            .boxed()
        });
        let (store, (guest, opened)) = called.await.map_err(|stopped| fault(stopped.kind))?;
        let bad = |Broken(why)| self.fault("open", FaultKind::BadAnswer(why));
        let (resource, output) = opened
            .map_err(|list| convert::mistakes(list).map_or_else(|broken| bad(broken).into(), MappingError::Mistakes))?;
        Ok(Box::new(OpenMapping {
            sandbox: Arc::clone(&self.sandbox),
            plugin: self.plugin.clone(),
            store: Ok(store),
            guest: Arc::new(guest),
            resource,
            output: convert::columns(output).map_err(bad)?,
            place,
        }))
    }
}

/// A mapping with an instance of its own.
struct OpenMapping {
    sandbox: Arc<Sandbox>,
    plugin: PluginId,
    /// What ended it, where something did. An instance that was stopped in the middle of a call can't be called again.
    store: Result<Store<MapperState>, Fault>,
    guest: Arc<MapperPlugin>,
    resource: ResourceAny,
    output: Vec<Column>,
    place: Place,
}

#[async_trait]
impl Mapping for OpenMapping {
    fn output(&self) -> &[Column] {
        &self.output
    }

    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault> {
        // Stands if this call is given up half way, when its future is dropped.
        let given_up = self.fault(FaultKind::Trap("a call before this one was given up".into()));
        let mapped = match std::mem::replace(&mut self.store, Err(given_up)) {
            Ok(store) => self.map(store, rows).await,
            Err(ended) => Err(ended),
        };
        let (store, mapped) =
            mapped.map_or_else(|ended| (Err(ended.clone()), Err(ended)), |(store, mapped)| (Ok(store), Ok(mapped)));
        self.store = store;
        mapped
    }
}

impl OpenMapping {
    fn fault(&self, kind: FaultKind) -> Fault {
        Fault { plugin: self.plugin.clone(), verb: "rows", kind }
    }

    async fn map(
        &self,
        mut store: Store<MapperState>,
        rows: Vec<Vec<Value>>,
    ) -> Result<(Store<MapperState>, Vec<Mapped>), Fault> {
        let number = rows.len();
        let bad = |Broken(why)| self.fault(FaultKind::BadAnswer(why));
        let too_much = || bad(Broken("it was given more than 4 GiB of text at once".into()));
        let rows = convert::wit_table(&rows).ok_or_else(too_much)?;
        let (guest, resource) = (Arc::clone(&self.guest), self.resource);
        store.data_mut().budget.rearm();
        store.set_epoch_deadline(1);
        let called = guarded(&self.sandbox, &self.place, store, move |store| {
            async move { guest.ferry_crm_mapper().mapping().call_rows(store, resource, &rows).await }.boxed()
        });
        let (store, answer) = called.await.map_err(|stopped| self.fault(stopped.kind))?;
        Ok((store, convert::mapped(answer, number, &self.output).map_err(bad)?))
    }
}
