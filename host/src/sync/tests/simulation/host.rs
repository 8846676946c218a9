//! Our side of the simulation: the engine on its store, and what people and the platform do with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;

use super::crm::{Crm, Time};
use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeName, Contact};
use crate::model::failure::Fault;
use crate::model::id::{ContactId, OutboxId, SyncId, WorkspaceId};
use crate::model::mapping::{Column, Direction, Kind, Mapped, Mapper, Mapping, MappingError};
use crate::model::outcome::{Delivery, OutboxEntry, Outcome, OutcomeKind, ReceiptState};
use crate::model::policy::Policy;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::schema::Abilities;
use crate::model::sync::{MappingSpec, MappingVersion, MatchKey, OutboundSpec, Remap, Run, Sync, SyncState};
use crate::model::time::Instant;
use crate::model::value::{Problem, Value};
use crate::store::{Changes, Store, StoreError};
use crate::sync::{Ports, Silent, StopSignal, SyncError, run_remap, set_by_hand, unsent};

pub(super) const FIELDS: [&str; 3] = ["first_name", "email", "phone"];

/// Passes values on: inbound all but the name `refuse me`, outbound the text of a note, or the fields of a contact. A name with a
/// `!` gives its values one as well.
struct Straight;

struct Passing {
    places: Vec<usize>,
    output: Vec<Column>,
    is_marked: Vec<bool>,
}

/// The two mappings of contacts, between which people change.
const MAPPINGS: [&str; 2] = ["first_name email phone", "first_name! email phone"];

/// What the second mapping makes of a value.
pub(super) fn marked(value: &str) -> String {
    if value.is_empty() || value.ends_with('!') { value.to_owned() } else { format!("{value}!") }
}

#[async_trait]
impl Mapper for Straight {
    async fn reads(&self, _: &str, _: Direction) -> Result<Vec<String>, MappingError> {
        Ok(FIELDS.map(String::from).to_vec())
    }

    async fn open(&self, wanted: &str, _: Direction, input: &[Column]) -> Result<Box<dyn Mapping>, MappingError> {
        let mut passing = Passing { places: Vec::new(), output: Vec::new(), is_marked: Vec::new() };
        for word in wanted.split(' ') {
            let name = word.trim_end_matches('!');
            let Some(at) = input.iter().position(|column| column.name == name) else { continue };
            let name = name.strip_prefix("contact_").unwrap_or(name).to_owned();
            passing.places.push(at);
            passing.is_marked.push(word.ends_with('!'));
            passing.output.push(Column { name, kind: Kind::Text });
        }
        Ok(Box::new(passing))
    }
}

#[async_trait]
impl Mapping for Passing {
    fn output(&self) -> &[Column] {
        &self.output
    }

    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault> {
        let map = |row: Vec<Value>| {
            let values: Vec<Value> = self.places.iter().map(|at| row[*at].clone()).collect();
            if self.output.len() == FIELDS.len() && values[0] == Value::Text("refuse me".into()) {
                Mapped::Refused(vec![Problem { field: Some("first_name".into()), message: "is not a name".into() }])
            } else {
                let marks = self.is_marked.iter().zip(values);
                Mapped::Values(marks.map(|(is_marked, value)| mark(*is_marked, value)).collect())
            }
        };
        Ok(rows.into_iter().map(map).collect())
    }
}

fn mark(is_marked: bool, value: Value) -> Value {
    match value {
        Value::Text(text) if is_marked => Value::Text(marked(&text)),
        value => value,
    }
}

/// The host, alive.
pub(super) struct Host {
    pub(super) ports: Ports,
    pub(super) sync: Sync,
    /// The sync of leads, who may be people that the other one knows.
    pub(super) leads: Option<Sync>,
    pub(super) id: WorkspaceId,
    next_change: u64,
}

impl Host {
    pub(super) fn new(
        store: &Arc<Store>,
        id: WorkspaceId,
        (sync, leads): (Sync, Option<Sync>),
        crm: Arc<Crm>,
        time: Arc<Time>,
    ) -> Self {
        let mapper = ("straight".parse().unwrap(), Arc::new(Straight) as Arc<dyn Mapper>);
        let workspace = store.reopen(&id, false).unwrap();
        let (store, mappers) = (store.clone(), HashMap::from([mapper]));
        let ports = Ports { store, workspace, connector: crm, mappers, clock: time };
        let host = Self { ports, sync, leads, id, next_change: 0 };
        let mut changes = Changes::default();
        host.syncs().for_each(|sync| changes.put(&sync.id, sync).unwrap());
        host.ports.workspace.commit(changes).unwrap();
        host.ports.store.flush().unwrap();
        host
    }

    /// Another process on the same state.
    pub(super) fn restart(&mut self, power_was_lost: bool) {
        self.ports.workspace = self.ports.store.reopen(&self.id, power_was_lost).unwrap();
        self.sync = self.ports.workspace.get(&self.sync.id).unwrap().unwrap();
    }

    pub(super) fn syncs(&self) -> impl Iterator<Item = &Sync> {
        std::iter::once(&self.sync).chain(&self.leads)
    }

    /// The sync of an object's records.
    pub(super) fn sync_of(&self, object: &str) -> &Sync {
        self.syncs().find(|sync| sync.object == object).unwrap()
    }

    pub(super) fn is_marking(&self) -> bool {
        self.sync.mapping.configuration == MAPPINGS[1]
    }

    /// Changes from one mapping of contacts to the other and takes it to what is stored, as the application does it.
    pub(super) async fn change_mapping(&mut self, stop: &StopSignal) -> Result<Run, SyncError> {
        let workspace = self.ports.workspace.clone();
        let mut sync = self.sync.clone();
        let versions = workspace.scan_under::<MappingVersion>(&[sync.id.as_str()]);
        sync.version = 1 + versions.map(|version| version.unwrap().number).max().unwrap_or(sync.version);
        sync.mapping.configuration = MAPPINGS[usize::from(!self.is_marking())].to_owned();
        let mut version = sync.mapping_version(sync.columns.clone(), self.ports.clock.now());
        version.replaces = Some(self.sync.version);
        let mut state = workspace.get::<SyncState>(&sync.id)?.unwrap_or_default();
        state.remap = Some(Remap::start());
        let mut changes = Changes::default();
        changes.put(&sync.id, &sync)?;
        changes.put(&sync.id, &state)?;
        changes.put((&sync.id, sync.version), &version)?;
        workspace.commit(changes)?;
        self.ports.store.flush()?;
        self.sync = sync;
        run_remap(&self.ports, &self.sync, &Silent, stop).await
    }

    /// Records that wait for a person, and the contacts that they could be.
    pub(super) fn held(&self) -> Vec<(SyncId, String, Vec<ContactId>)> {
        let held = self.ports.workspace.scan::<Refusal>().filter_map(|refusal| match refusal.unwrap() {
            Refusal { sync, record, reason: RefusalReason::Held { candidates, .. }, .. } => {
                Some((sync, record, candidates))
            }
            _ => None,
        });
        held.collect()
    }

    pub(super) fn contacts(&self) -> Vec<Contact> {
        self.ports.workspace.contacts(ContactId(0)).collect::<Result<_, _>>().unwrap()
    }

    pub(super) fn outbox(&self) -> Vec<OutboxEntry> {
        self.ports.workspace.scan::<OutboxEntry>().collect::<Result<_, _>>().unwrap()
    }

    pub(super) fn is_recorded(&self, outcome: &str) -> bool {
        self.ports.workspace.is_recorded(&self.sync.id, outcome).unwrap()
    }

    pub(super) fn receipt(&self, outcome: &str) -> Option<ReceiptState> {
        self.ports.workspace.receipt(&self.sync.id, outcome).unwrap().map(|receipt| receipt.state)
    }

    /// The platform tells of a note; it tells again until it hears that it is on disk.
    pub(super) fn note(&mut self, id: &str, contact: &Contact) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        let values = vec![("text".to_owned(), Value::Text(id.to_owned()))];
        self.queue(OutcomeKind::Note, id, contact, values, &mut changes)?;
        self.ports.workspace.commit(changes)?;
        self.ports.store.flush()
    }

    /// A person on our side sets an attribute.
    pub(super) async fn set(&mut self, contact: Contact, attribute: &str, value: &str) -> Result<(), StoreError> {
        let workspace = self.ports.workspace.clone();
        let _writing = workspace.writing().await;
        let value = if value.is_empty() { Value::Null } else { Value::Text(value.to_owned()) };
        let (now, mut changes) = (self.ports.clock.now(), Changes::default());
        let name = AttributeName::from(attribute);
        let contact = set_by_hand(&workspace, contact, &[(name.clone(), value)], now, &mut changes)?;
        if let Some(link) = contact.living(&self.sync.id) {
            let values = unsent(&contact, link, &[name]);
            if !values.is_empty() {
                self.next_change += 1;
                let id = format!("change-{}", self.next_change);
                self.queue(OutcomeKind::Change, &id, &contact, values, &mut changes)?;
            }
        }
        workspace.commit(changes)?;
        self.ports.store.flush()
    }

    fn queue(
        &mut self,
        kind: OutcomeKind,
        id: &str,
        contact: &Contact,
        values: Vec<(String, Value)>,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let (sync, workspace, now) = (&self.sync.id, &self.ports.workspace, self.ports.clock.now());
        let Some(link) = contact.living(sync) else { return Ok(()) };
        if workspace.is_recorded(sync, id)? {
            return Ok(());
        }
        let outcome = Outcome { id: id.to_owned(), contact: contact.id, kind, at: now, values };
        let entry = OutboxEntry::new(workspace.new_outbox_id(), sync.clone(), link.record.clone(), outcome, now);
        changes.queue(workspace, &entry)
    }

    /// Entries that appeared since the last look must have numbers that none had before.
    pub(super) fn look_at_numbers(&self, seen: &mut BTreeMap<OutboxId, String>) {
        for entry in self.outbox() {
            let known = seen.entry(entry.id).or_insert_with(|| entry.outcome.id.clone());
            assert_eq!(*known, entry.outcome.id, "{} was given twice", entry.id);
        }
    }

    /// Conflicts that wait, as a person sees them.
    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        self.ports.workspace.scan::<Conflict>().collect::<Result<_, _>>().unwrap()
    }

    /// Puts dead letters back, as a person does after the cause is mended.
    pub(super) fn retry_dead(&self) -> usize {
        let (mut changes, now, mut count) = (Changes::default(), self.ports.clock.now(), 0);
        for mut entry in self.outbox().into_iter().filter(OutboxEntry::is_dead) {
            entry.delivery = Delivery::Waiting { attempts: 0, not_before: now };
            entry.retried = Some(now);
            changes.put(entry.id, &entry).unwrap();
            count += 1;
        }
        self.ports.workspace.commit(changes).unwrap();
        count
    }
}

/// The sync of leads: it has a say where contacts have none, in what is not empty anywhere else in the rest.
pub(super) fn leads(contacts: &Sync) -> Sync {
    let opposite = |policy: &Policy| if *policy == Policy::FillIfEmpty { Policy::Crm } else { Policy::FillIfEmpty };
    Sync {
        id: "leads".parse().unwrap(),
        object: "leads".into(),
        segment: None,
        policies: contacts.policies.iter().map(|(name, policy)| (name.clone(), opposite(policy))).collect(),
        outbound: BTreeMap::new(),
        ..contacts.clone()
    }
}

/// A sync of everything, with a note and a change going back.
pub(super) fn sync(abilities: Abilities, lateness: i64, policies: [Policy; 3]) -> Sync {
    let mapping = |configuration: &str| MappingSpec {
        mapper: "straight".parse().unwrap(),
        configuration: configuration.to_owned(),
    };
    let spec = |object: &str, configuration: &str| OutboundSpec {
        object: object.to_owned(),
        abilities,
        mapping: mapping(configuration),
        expires_s: None,
    };
    Sync {
        id: "in".parse().unwrap(),
        connection: "crm".parse().unwrap(),
        object: "contacts".into(),
        segment: None,
        filter: vec![],
        mapping: mapping(MAPPINGS[0]),
        version: 1,
        abilities,
        lateness_ms: u32::try_from(lateness / 1_000).unwrap(),
        columns: FIELDS.map(|name| Column { name: name.into(), kind: Kind::Text }).to_vec(),
        match_keys: MatchKey::ALL.to_vec(),
        policies: FIELDS.map(String::from).into_iter().zip(policies).collect(),
        outbound: BTreeMap::from([
            (OutcomeKind::Note, spec("notes", "text")),
            (OutcomeKind::Change, spec("contacts", "contact_first_name contact_email contact_phone")),
        ]),
        created: Instant(0),
    }
}
