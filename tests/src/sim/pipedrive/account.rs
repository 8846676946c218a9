//! The state of one simulated company, and the small questions that every endpoint asks it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::auth::Auth;
use super::errors::ApiError;
use super::limits::Limits;
use super::{leads, seed};
use crate::sim::clock::Clock;
use crate::sim::faults::Faults;
use crate::sim::journal::{Entry, Journal};
use crate::sim::stamp;

pub(crate) const COMPANY_ID: u64 = 62_515;
pub(crate) const COMPANY_DOMAIN: &str = "simulated";

/// So many seeded records share one stamp: equal stamps are the rule after imports.
const STAMP_GROUP: u64 = 4;
const DAY_MS: i64 = 86_400_000;

/// The id of the first seeded organization, and of the first person.
pub(crate) const FIRST_ID: u64 = 101;

/// Behaviours that a test switches, other than faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Each refresh gives a new refresh token and ends the old one.
    pub rotate_refresh_tokens: bool,
    /// Whether the burst and the day's budget are kept.
    pub limits: bool,
    /// How long every answer is held back, milliseconds.
    pub latency_ms: u64,
    /// All writes get this stamp, milliseconds since 1970.
    pub equal_stamps_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Persons,
    Organizations,
    Deals,
    Activities,
    Leads,
}

impl Table {
    const ALL: [Self; 5] = [Self::Persons, Self::Organizations, Self::Deals, Self::Activities, Self::Leads];
    /// Those that version 2 has. Nothing tells of changes of the others.
    pub(crate) const SECOND: [Self; 4] = [Self::Persons, Self::Organizations, Self::Deals, Self::Activities];

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Persons => "persons",
            Self::Organizations => "organizations",
            Self::Deals => "deals",
            Self::Activities => "activities",
            Self::Leads => "leads",
        }
    }

    /// One record, as errors and recent changes call it.
    pub(crate) fn item(self) -> &'static str {
        match self {
            Self::Persons => "person",
            Self::Organizations => "organization",
            Self::Deals => "deal",
            Self::Activities => "activity",
            Self::Leads => "lead",
        }
    }

    /// As filters call it.
    pub(crate) fn filter_type(self) -> &'static str {
        match self {
            Self::Persons => "people",
            Self::Organizations => "org",
            Self::Deals => "deals",
            Self::Activities => "activity",
            Self::Leads => "leads",
        }
    }

    /// A record as the version that has it shows it.
    pub(crate) fn show(self, id: u64, record: &Record) -> Value {
        if self == Self::Leads { leads::show(id, record) } else { record.show(id) }
    }

    /// The scope that opens it.
    pub(crate) fn area(self) -> &'static str {
        match self {
            Self::Persons | Self::Organizations => "contacts",
            Self::Deals => "deals",
            Self::Activities => "activities",
            Self::Leads => "leads",
        }
    }
}

/// One record: its values without id and stamps.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) values: Map<String, Value>,
    pub(crate) added_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) deleted: bool,
    /// The record that was merged into this one last.
    pub(crate) merged: Option<u64>,
}

impl Record {
    /// As version 2 shows it.
    pub(crate) fn show(&self, id: u64) -> Value {
        let mut shown = self.values.clone();
        shown.insert("id".to_owned(), json!(id));
        shown.insert("add_time".to_owned(), json!(whole_second(self.added_ms)));
        shown.insert("update_time".to_owned(), json!(whole_second(self.updated_ms)));
        shown.insert("is_deleted".to_owned(), json!(self.deleted));
        shown.into()
    }
}

/// Pipedrive's stamps have whole seconds.
pub(crate) fn whole_second(ms: i64) -> String {
    stamp::iso(ms.div_euclid(1_000) * 1_000)
}

/// The state of one company.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) clock: Arc<Clock>,
    pub(crate) switches: Switches,
    pub(crate) tables: BTreeMap<Table, BTreeMap<u64, Record>>,
    next_id: u64,
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl Account {
    pub(crate) fn new(seed: u64, persons: u64, clock: Arc<Clock>, switches: Switches) -> Self {
        let mut account = Self {
            clock,
            switches,
            tables: Table::ALL.into_iter().map(|table| (table, BTreeMap::new())).collect(),
            next_id: FIRST_ID,
            auth: Auth::new(seed),
            limits: Limits::default(),
            faults: Faults::default(),
            journal: Journal::default(),
        };
        let now_ms = account.now_ms();
        let organizations = persons.div_ceil(seed::PER_ORGANIZATION);
        for index in 0..organizations {
            account.insert(Table::Organizations, seed::organization(seed, index), now_ms - 100 * DAY_MS);
        }
        let step_ms = 90 * DAY_MS / i64::try_from(persons / STAMP_GROUP + 1).unwrap_or(i64::MAX);
        for index in 0..persons {
            // The order of ids and the order of stamps have nothing to do with each other.
            let rank = crate::sim::mix(seed, index) % persons;
            let group = i64::try_from(rank / STAMP_GROUP).unwrap_or_default();
            let at_ms = now_ms - 91 * DAY_MS + group * step_ms;
            account.insert(Table::Persons, seed::person(seed, index, FIRST_ID), at_ms);
        }
        for index in 0..persons / seed::PER_LEAD {
            let group = i64::try_from(index / STAMP_GROUP).unwrap_or_default();
            let at_ms = now_ms - 80 * DAY_MS + group * step_ms;
            account.insert(Table::Leads, seed::lead(seed, index, FIRST_ID, FIRST_ID + organizations), at_ms);
        }
        account
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The stamp that a write made now gets.
    pub(crate) fn write_ms(&self) -> i64 {
        self.switches.equal_stamps_ms.unwrap_or_else(|| self.now_ms())
    }

    /// Adds a record; gives its id.
    pub(crate) fn insert(&mut self, table: Table, values: Map<String, Value>, at_ms: i64) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let record = Record { values, added_ms: at_ms, updated_ms: at_ms, deleted: false, merged: None };
        self.table_mut(table).insert(id, record);
        id
    }

    pub(crate) fn table(&self, table: Table) -> &BTreeMap<u64, Record> {
        &self.tables[&table]
    }

    pub(crate) fn table_mut(&mut self, table: Table) -> &mut BTreeMap<u64, Record> {
        self.tables.entry(table).or_default()
    }

    /// A record that is not deleted.
    pub(crate) fn live(&mut self, table: Table, id: u64) -> Result<&mut Record, ApiError> {
        let found = self.table_mut(table).get_mut(&id).filter(|record| !record.deleted);
        found.ok_or_else(|| ApiError::not_found(table.item()))
    }

    /// Notes an accepted write.
    pub(crate) fn note(
        &mut self,
        table: Table,
        id: u64,
        operation: &str,
        values: &Map<String, Value>,
        by: &'static str,
    ) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.journal.record(Entry {
            sequence: 0,
            at_ms: self.clock.now_ms(),
            object: table.name().to_owned(),
            id: id.to_string(),
            operation: operation.to_owned(),
            properties: values.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            trace_id: None,
            by,
        });
    }
}
