//! Syncs: made, looked at, tried, run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Tenant;
use super::error::{AppError, Thing};
use super::kept::Keeper;
use crate::model::allowance::DailyState;
use crate::model::audit::Actor;
use crate::model::connector::{Condition, Connector};
use crate::model::contact::AttributeDefinition;
use crate::model::drift::{Drift, SeenFields};
use crate::model::http::Lane;
use crate::model::id::{ConnectionId, PluginId, SyncId};
use crate::model::mapping::{Column, Direction, Mapper};
use crate::model::outcome::OutcomeKind;
use crate::model::policy::Policy;
use crate::model::schedule::Timetable;
use crate::model::schema::{Field, Object};
use crate::model::sync::{MappingSpec, MatchKey, OutboundSpec, Run, Sync, SyncState};
use crate::model::time::Instant;
use crate::store::Changes;
use crate::sync::{self, Observer, Ports, Stopper, SyncError, TrialReport};

/// What an admin says of a sync; the rest is asked of the CRM.
#[derive(Debug, Clone)]
pub struct NewSync {
    pub id: SyncId,
    pub connection: ConnectionId,
    pub object: String,
    pub segment: Option<String>,
    pub filter: Vec<Condition>,
    pub mapping: MappingSpec,
    pub match_keys: Vec<MatchKey>,
    /// By attribute; the rest is the CRM's.
    pub policies: BTreeMap<String, Policy>,
    pub outbound: BTreeMap<OutcomeKind, NewOutbound>,
}

/// Where outcomes of one kind are to go.
#[derive(Debug, Clone)]
pub struct NewOutbound {
    pub object: String,
    pub mapping: MappingSpec,
    pub expires_s: Option<u64>,
}

/// Which ways a run goes, and how.
#[derive(Clone)]
pub struct RunOptions {
    pub inbound: bool,
    pub outbound: bool,
    /// Partitions of a backfill that are pulled side by side, at least one.
    pub partitions: u32,
    /// Where the traces of failed calls go, if they are wanted: they hold customers' records, and no credentials.
    pub keeper: Option<Arc<dyn Keeper>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { inbound: true, outbound: true, partitions: sync::PARTITIONS, keeper: None }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunReport {
    pub inbound: Option<Run>,
    pub outbound: Option<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStatus {
    pub sync: Sync,
    pub state: SyncState,
    pub last_run: Option<Run>,
    /// Values about which a person has to decide.
    pub conflicts: usize,
    /// Outbox entries that wait, and that a person must look at.
    pub waiting: u64,
    pub dead: u64,
    pub timetable: Timetable,
    /// When it runs next by itself.
    pub next: Option<Instant>,
    /// Of its connection's account.
    pub allowance: Option<DailyState>,
}

/// What a sync has in the outbox.
#[derive(Clone, Copy, Default)]
struct InOutbox {
    waiting: u64,
    dead: u64,
}

impl Tenant {
    /// Makes a sync: asks the CRM for the object and its fields, opens the mappings against them, settles attribute types.
    ///
    /// # Errors
    /// Whatever would keep the sync from running is an error here, with what was probably meant.
    pub async fn create_sync(&self, new: NewSync) -> Result<Sync, AppError> {
        if self.store().get::<Sync>(&new.id)?.is_some() {
            return Err(AppError::Exists { what: Thing::Sync, name: new.id.to_string() });
        }
        // What is left of another one must not become this one's.
        self.finish_removal(&new.id)?;
        let connector = self.connector(&new.connection).await?;
        let call = |verb, source| AppError::call(&new.connection, verb, source);
        let objects = connector.objects().await.map_err(|source| call("objects", source))?;
        let object = find_object(&objects, &new.object)?;
        let fields = connector.fields(&new.object).await.map_err(|source| call("fields", source))?;
        check_filter(&fields, &new.filter)?;
        self.check_segment(&*connector, &new).await?;
        let (columns, output) = self.open_inbound(&new.mapping, &fields).await?;
        check_policies(&new.policies, &output)?;
        let outbound = self.open_outbound(&*connector, &objects, &output, &new).await?;
        let sync = Sync {
            id: new.id,
            connection: new.connection,
            object: new.object,
            segment: new.segment,
            filter: new.filter,
            mapping: new.mapping,
            version: 1,
            abilities: object.abilities,
            lateness_ms: object.lateness_ms,
            columns,
            match_keys: new.match_keys,
            policies: new.policies,
            outbound,
            created: self.clock().now(),
        };
        let mut changes = Changes::default();
        sync::define(self.store(), &output, &mut changes).map_err(SyncError::from)?;
        changes.put(&sync.id, &sync)?;
        changes.put((&sync.id, sync.version), &sync.mapping_version(output, sync.created))?;
        self.commit(changes)?;
        Ok(sync)
    }

    async fn check_segment(&self, connector: &dyn Connector, new: &NewSync) -> Result<(), AppError> {
        let Some(id) = &new.segment else { return Ok(()) };
        let segments = connector
            .segments(&new.object)
            .await
            .map_err(|source| AppError::call(&new.connection, "segments", source))?;
        if segments.iter().any(|segment| &segment.id == id) {
            return Ok(());
        }
        Err(AppError::not_found(Thing::Segment, id, segments.iter().map(|segment| segment.id.as_str())))
    }

    /// The columns that a mapping reads, with the CRM's types, and what it gives.
    pub(super) async fn open_inbound(
        &self,
        spec: &MappingSpec,
        fields: &[Field],
    ) -> Result<(Vec<Column>, Vec<Column>), AppError> {
        let mapper = self.mapper(&spec.mapper).await?;
        let mistakes = |error| AppError::mapping(&spec.mapper, error);
        let reads = mapper.reads(&spec.configuration, Direction::Inbound).await.map_err(mistakes)?;
        let column = |field: &Field| Column { name: field.name.clone(), kind: field.kind.into() };
        // Opened against everything that the object has, so that a name that is not there is the mapping's own mistake,
        // with its line and the name that was probably meant; then against what it reads, as each run will.
        let all: Vec<Column> = fields.iter().map(column).collect();
        mapper.open(&spec.configuration, Direction::Inbound, &all).await.map_err(mistakes)?;
        let columns: Vec<Column> = fields.iter().filter(|field| reads.contains(&field.name)).map(column).collect();
        let mapping = mapper.open(&spec.configuration, Direction::Inbound, &columns).await.map_err(mistakes)?;
        Ok((columns, mapping.output().to_vec()))
    }

    async fn open_outbound(
        &self,
        connector: &dyn Connector,
        objects: &[Object],
        inbound: &[Column],
        new: &NewSync,
    ) -> Result<BTreeMap<OutcomeKind, OutboundSpec>, AppError> {
        let mut attributes = self.attributes()?;
        // What the sync itself will bring in can be sent back by it, though no attribute is defined yet.
        for Column { name, kind } in inbound {
            if !attributes.iter().any(|attribute| &attribute.name == name) {
                attributes.push(AttributeDefinition { name: name.clone(), kind: *kind });
            }
        }
        let mut specs = BTreeMap::new();
        for (kind, NewOutbound { object, mapping, expires_s }) in &new.outbound {
            let abilities = find_object(objects, object)?.abilities;
            let fields =
                connector.fields(object).await.map_err(|source| AppError::call(&new.connection, "fields", source))?;
            let input = sync::outcome_columns(*kind, &attributes);
            let opened =
                self.mapper(&mapping.mapper).await?.open(&mapping.configuration, Direction::Outbound, &input).await;
            let opened = opened.map_err(|error| AppError::outbound_mapping(*kind, &mapping.mapper, error))?;
            for column in opened.output() {
                check_writable(&fields, &column.name)?;
            }
            let (object, mapping) = (object.clone(), mapping.clone());
            specs.insert(*kind, OutboundSpec { object, abilities, mapping, expires_s: *expires_s });
        }
        Ok(specs)
    }

    pub fn syncs(&self) -> Result<Vec<Sync>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub fn sync(&self, id: &SyncId) -> Result<Sync, AppError> {
        if let Some(sync) = self.store().get::<Sync>(id)? {
            return Ok(sync);
        }
        let known = self.syncs()?;
        Err(AppError::not_found(Thing::Sync, id.as_str(), known.iter().map(|sync| sync.id.as_str())))
    }

    /// What has become of the CRM's fields since the sync's first run, newest first.
    pub fn drifts(&self, id: &SyncId) -> Result<Vec<Drift>, AppError> {
        self.sync(id)?;
        let seen = self.store().get::<SeenFields>(id)?;
        Ok(seen.into_iter().flat_map(|seen| seen.drifts.into_iter().rev()).collect())
    }

    pub fn sync_status(&self, id: &SyncId) -> Result<SyncStatus, AppError> {
        self.status_of(self.sync(id)?, &self.in_outbox()?)
    }

    /// As [`Tenant::sync_status`], of all syncs.
    pub fn sync_statuses(&self) -> Result<Vec<SyncStatus>, AppError> {
        let in_outbox = self.in_outbox()?;
        self.syncs()?.into_iter().map(|sync| self.status_of(sync, &in_outbox)).collect()
    }

    /// Of each sync, how many entries wait and how many are dead. Reads the whole outbox.
    fn in_outbox(&self) -> Result<BTreeMap<SyncId, InOutbox>, AppError> {
        let mut found: BTreeMap<SyncId, InOutbox> = BTreeMap::new();
        for entry in self.outbox() {
            let entry = entry?;
            let (of, is_dead) = (found.entry(entry.sync.clone()).or_default(), entry.is_dead());
            *(if is_dead { &mut of.dead } else { &mut of.waiting }) += 1;
        }
        Ok(found)
    }

    fn status_of(&self, sync: Sync, in_outbox: &BTreeMap<SyncId, InOutbox>) -> Result<SyncStatus, AppError> {
        let id = &sync.id;
        let state = self.store().get::<SyncState>(id)?.unwrap_or_default();
        let last_run = match state.last_run {
            Some(run) => self.store().get::<Run>(run)?.map(|run| self.as_it_is(run)),
            None => None,
        };
        let InOutbox { waiting, dead } = in_outbox.get(id).copied().unwrap_or_default();
        let conflicts = self.conflicts(Some(id)).count();
        let (timetable, next) = (self.timetable(id)?, self.next_run(id)?);
        // A file has no allowance.
        let allowance = if sync.is_import() { None } else { self.allowance(&sync.connection)? };
        Ok(SyncStatus { sync, state, last_run, conflicts, waiting, dead, timetable, next, allowance })
    }

    /// Tries a sync on a sample; writes nothing.
    pub async fn test_sync(&self, id: &SyncId, sample: u32) -> Result<TrialReport, AppError> {
        let sync = self.sync(id)?;
        Ok(sync::try_sync(&self.ports(&sync, Lane::Outcome, None).await?, &sync, sample).await?)
    }

    /// Runs a sync, inbound first; outbound also when that failed.
    pub async fn run_sync(
        &self,
        id: &SyncId,
        options: RunOptions,
        observer: &dyn Observer,
        stopper: &Stopper,
    ) -> Result<RunReport, AppError> {
        self.sync(id)?;
        // What the host does by itself is in the runs.
        if self.actor != Actor::Host {
            self.check_may_begin(id, if options.inbound { Direction::Inbound } else { Direction::Outbound })?;
            self.note("run", "sync", id)?;
        }
        let stop = stopper.signal();
        let (mut inbound, mut outbound) = (None, None);
        if options.inbound {
            let _turn = self.take_turn(id, Direction::Inbound, stopper)?;
            let sync = self.sync(id)?;
            let backfill = self.store().get::<SyncState>(id)?.is_none_or(|state| state.high_water.is_none());
            let lane = if backfill { Lane::Backfill } else { Lane::Increment };
            let ports = self.ports(&sync, lane, options.keeper.clone()).await?;
            inbound = Some(sync::run_inbound(&ports, &sync, options.partitions, observer, &stop).await);
        }
        // What happened with contacts does not wait for what is wrong on the way in.
        if options.outbound && !self.sync(id)?.outbound.is_empty() {
            let _turn = self.take_turn(id, Direction::Outbound, stopper)?;
            // As it is now: it may have been changed, or removed, by whoever had the turn before.
            let sync = self.sync(id)?;
            let ports = self.ports(&sync, Lane::Outcome, options.keeper.clone()).await?;
            outbound = Some(sync::run_outbound(&ports, &sync, observer, &stop).await);
        }
        let report = RunReport { inbound: inbound.transpose()?, outbound: outbound.transpose()? };
        match self.follow_contacts().await {
            // The next one goes on from there.
            Ok(()) | Err(AppError::Stopping) => Ok(report),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn ports(
        &self,
        sync: &Sync,
        lane: Lane,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Result<Ports, AppError> {
        let specs = sync.outbound.values().map(|spec| &spec.mapping);
        let names: BTreeSet<&PluginId> = specs.chain([&sync.mapping]).map(|mapping| &mapping.mapper).collect();
        let mut mappers: HashMap<PluginId, Arc<dyn Mapper>> = HashMap::new();
        for name in names {
            mappers.insert(name.clone(), self.mapper(name).await?);
        }
        Ok(Ports {
            store: self.whole_store(),
            workspace: self.store().clone(),
            connector: match keeper {
                Some(keeper) => self.kept_connector(&sync.connection, lane, keeper).await?,
                None => self.connector_in(&sync.connection, lane).await?,
            },
            mappers,
            clock: self.clock(),
        })
    }
}

fn find_object<'a>(objects: &'a [Object], name: &str) -> Result<&'a Object, AppError> {
    objects
        .iter()
        .find(|object| object.name == name)
        .ok_or_else(|| AppError::not_found(Thing::Object, name, objects.iter().map(|object| object.name.as_str())))
}

fn find_field<'a>(fields: &'a [Field], name: &str) -> Result<&'a Field, AppError> {
    fields
        .iter()
        .find(|field| field.name == name)
        .ok_or_else(|| AppError::not_found(Thing::Field, name, fields.iter().map(|field| field.name.as_str())))
}

fn check_filter(fields: &[Field], filter: &[Condition]) -> Result<(), AppError> {
    filter.iter().try_for_each(|condition| find_field(fields, &condition.field).map(|_| ()))
}

pub(super) fn check_policies(policies: &BTreeMap<String, Policy>, output: &[Column]) -> Result<(), AppError> {
    let known = || output.iter().map(|column| column.name.as_str());
    let unknown = policies.keys().find(|name| !known().any(|known| known == *name));
    unknown.map_or(Ok(()), |name| Err(AppError::not_found(Thing::Attribute, name, known())))
}

fn check_writable(fields: &[Field], name: &str) -> Result<(), AppError> {
    match find_field(fields, name)? {
        field if field.writable => Ok(()),
        field => Err(AppError::ReadOnly { field: field.name.clone() }),
    }
}
