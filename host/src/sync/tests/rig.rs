//! A workspace, a clock, a CRM, a mapper that passes values on, and what tests ask of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;

use super::crm::Crm;
use crate::model::failure::Fault;
use crate::model::mapping::{Column, Direction, Kind, Mapped, Mapper, Mapping, MappingError};
use crate::model::outcome::{OutboxEntry, Outcome, OutcomeKind};
use crate::model::refusal::Refusal;
use crate::model::schema::Abilities;
use crate::model::sync::{MappingSpec, MatchKey, OutboundSpec, Run, Sync, SyncState};
use crate::model::time::{Clock, Instant};
use crate::model::value::{Problem, Value};
use crate::model::{
    contact::{AttributeDefinition, Contact},
    id::ContactId,
};
use crate::store::{Changes, Store};
use crate::sync::{Ports, Silent, SyncError, run_inbound, run_outbound, set_by_hand, stop_signal, unsent};

pub(super) const COLUMNS: [&str; 3] = ["first_name", "email", "phone"];

/// A clock that stands still but for sleeps, which pass at once; and it may be wrong.
pub(super) struct StillClock {
    real: AtomicI64,
    skew: AtomicI64,
}

impl StillClock {
    pub(super) fn at(micros: i64) -> Self {
        Self { real: AtomicI64::new(micros), skew: AtomicI64::new(0) }
    }

    pub(super) fn advance(&self, span: Duration) {
        self.real.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::Relaxed);
    }

    /// From now on it is ahead by so many seconds, or behind.
    pub(super) fn set_skew(&self, seconds: i64) {
        self.skew.store(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// What time it is where the clock is right.
    pub(super) fn real(&self) -> Instant {
        Instant(self.real.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Instant {
        Instant(self.real().0 + self.skew.load(Ordering::Relaxed))
    }

    async fn sleep(&self, span: Duration) {
        self.advance(span);
        tokio::task::yield_now().await;
    }
}

/// Passes values on; refuses the name `refuse me`, skips `skip me`.
struct PassOn;

struct Passing(Vec<Column>);

#[async_trait]
impl Mapper for PassOn {
    async fn reads(&self, _: &str, _: Direction) -> Result<Vec<String>, MappingError> {
        Ok(COLUMNS.map(String::from).to_vec())
    }

    async fn open(&self, _: &str, _: Direction, input: &[Column]) -> Result<Box<dyn Mapping>, MappingError> {
        let name = |column: &Column| column.name.trim_start_matches("contact_").to_owned();
        Ok(Box::new(Passing(input.iter().map(|column| Column { name: name(column), kind: column.kind }).collect())))
    }
}

#[async_trait]
impl Mapping for Passing {
    fn output(&self) -> &[Column] {
        &self.0
    }

    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault> {
        let map = |row: Vec<Value>| {
            if row.contains(&Value::Text("refuse me".into())) {
                Mapped::Refused(vec![Problem { field: Some("first_name".into()), message: "is not a name".into() }])
            } else if row.contains(&Value::Text("skip me".into())) {
                Mapped::Skipped("asked to".into())
            } else {
                Mapped::Values(row)
            }
        };
        Ok(rows.into_iter().map(map).collect())
    }
}

pub(super) struct Rig {
    pub(super) crm: Arc<Crm>,
    pub(super) clock: Arc<StillClock>,
    pub(super) sync: Sync,
    pub(super) ports: Ports,
    dir: TempDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path(), "a test").unwrap();
        // An hour after the epoch, so that windows that look back stay in range.
        let clock = Arc::new(StillClock::at(3_600_000_000));
        let crm = Arc::new(Crm::new(clock.clone()));
        let mapper = MappingSpec { mapper: "pass-on".parse().unwrap(), configuration: String::new() };
        let ports = Ports {
            workspace: store.workspace(&"main".parse().unwrap()).unwrap(),
            store,
            connector: crm.clone(),
            mappers: HashMap::from([("pass-on".parse().unwrap(), Arc::new(PassOn) as Arc<dyn Mapper>)]),
            clock: clock.clone(),
        };
        let abilities = Abilities { pull: true, windows: true, partitions: true, gone: true, ..Abilities::default() };
        let outbound = OutboundSpec { object: "calls".into(), abilities, mapping: mapper.clone(), expires_s: None };
        let sync = Sync {
            id: "in".parse().unwrap(),
            connection: "crm".parse().unwrap(),
            object: "contacts".into(),
            segment: None,
            filter: vec![],
            mapping: mapper,
            version: 1,
            abilities,
            lateness_ms: 0,
            columns: COLUMNS.map(|name| Column { name: name.into(), kind: Kind::Text }).to_vec(),
            match_keys: MatchKey::ALL.to_vec(),
            policies: BTreeMap::new(),
            outbound: BTreeMap::from([(OutcomeKind::Note, outbound)]),
            created: Instant(0),
        };
        Self { crm, clock, sync, ports, dir }
    }

    /// As after a restart of the process: the same files, nothing else.
    pub(super) fn restart(self) -> Self {
        let Self { crm, clock, sync, ports, dir } = self;
        let Ports { store, workspace, connector, mappers, clock: any_clock } = ports;
        drop((store, workspace));
        let store = Store::open(dir.path(), "a test").unwrap();
        let workspace = store.workspace(&"main".parse().unwrap()).unwrap();
        let ports = Ports { store, workspace, connector, mappers, clock: any_clock };
        Self { crm, clock, sync, ports, dir }
    }

    pub(super) async fn inbound(&self) -> Result<Run, SyncError> {
        let (_stopper, stop) = stop_signal();
        run_inbound(&self.ports, &self.sync, 4, &Silent, &stop).await
    }

    pub(super) async fn outbound(&self) -> Result<Run, SyncError> {
        let (_stopper, stop) = stop_signal();
        run_outbound(&self.ports, &self.sync, &Silent, &stop).await
    }

    pub(super) fn contacts(&self) -> Vec<Contact> {
        self.ports.workspace.contacts(ContactId(0)).collect::<Result<_, _>>().unwrap()
    }

    /// The contacts' values in the order of the columns, null as empty text.
    pub(super) fn people(&self) -> Vec<[String; 3]> {
        let person = |contact: &Contact| COLUMNS.map(|name| contact.get(name).map_or(String::new(), Value::to_cell));
        self.contacts().iter().map(person).collect()
    }

    pub(super) fn refusals(&self) -> Vec<(String, String)> {
        let refusals = self.ports.workspace.scan::<Refusal>();
        refusals.map(|refusal| refusal.map(|one| (one.record, one.reason.describe())).unwrap()).collect()
    }

    pub(super) fn state(&self) -> SyncState {
        self.ports.workspace.get(&self.sync.id).unwrap().unwrap()
    }

    /// Puts a note on a contact's record into the outbox.
    pub(super) fn note(&self, id: &str, contact: u64, record: &str) {
        let outcome = Outcome {
            id: id.into(),
            contact: ContactId(contact),
            kind: OutcomeKind::Note,
            at: self.clock.now(),
            values: vec![("text".into(), Value::Text(format!("note {id}")))],
        };
        let (id, sync) = (self.ports.workspace.new_outbox_id(), self.sync.id.clone());
        let entry = OutboxEntry::new(id, sync, record.into(), outcome, self.clock.now());
        let mut changes = Changes::default();
        changes.queue(&self.ports.workspace, &entry).unwrap();
        self.ports.workspace.commit(changes).unwrap();
    }

    pub(super) fn attributes(&self) -> Vec<AttributeDefinition> {
        self.ports.workspace.scan().collect::<Result<_, _>>().unwrap()
    }

    /// Where outcomes go, mapped as everything here.
    pub(super) fn spec(&self, object: &str) -> OutboundSpec {
        let (mapping, abilities) = (self.sync.mapping.clone(), self.sync.abilities);
        OutboundSpec { object: object.into(), abilities, mapping, expires_s: None }
    }

    /// A person sets an attribute, and the sync is to send it.
    pub(super) async fn change(&self, contact: u64, attribute: &str, value: &str) {
        let workspace = &self.ports.workspace;
        let _writing = workspace.writing().await;
        let contact = workspace.contact(ContactId(contact)).unwrap().unwrap();
        let (mut changes, now, name) = (Changes::default(), self.clock.now(), attribute.into());
        let values = [(name, Value::Text(value.to_owned()))];
        let contact = set_by_hand(workspace, contact, &values, now, &mut changes).unwrap();
        let link = contact.links[0].clone();
        let values = unsent(&contact, &link, &[attribute.into()]);
        let id = workspace.new_outbox_id();
        let outcome =
            Outcome { id: format!("change-{}", id.0), contact: contact.id, kind: OutcomeKind::Change, at: now, values };
        let entry = OutboxEntry::new(id, self.sync.id.clone(), link.record, outcome, now);
        changes.queue(workspace, &entry).unwrap();
        workspace.commit(changes).unwrap();
    }

    pub(super) fn outbox(&self) -> Vec<OutboxEntry> {
        self.ports.workspace.scan::<OutboxEntry>().collect::<Result<_, _>>().unwrap()
    }
}

pub(super) fn fill(rig: &Rig, records: u64) {
    for id in 1..=records {
        rig.crm.put(id, 1_000_000, &[&format!("P{id}"), &format!("p{id}@example.com"), ""]);
    }
}

pub(super) fn person(first: &str, email: &str, phone: &str) -> [String; 3] {
    [first.into(), email.into(), phone.into()]
}
