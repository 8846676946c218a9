//! The whole state of one simulated account, and the small questions that every endpoint asks it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::associations::Links;
use super::auth::Auth;
use super::catalog::{Catalog, catalog_of};
use super::errors::ApiError;
use super::events::Events;
use super::kinds::{Kind, standard_kinds};
use super::limits::Limits;
use super::lists::Lists;
use super::seed::Seed;
use super::table::Table;
use crate::sim::clock::Clock;
use crate::sim::faults::Faults;
use crate::sim::journal::{Entry, Journal};

/// The account's id, as webhooks and account details name it.
pub(crate) const PORTAL_ID: u64 = 62_515;

/// The id of the app that the simulator's client credentials belong to.
pub(crate) const APP_ID: u64 = 1_160_452;

/// Behaviours that a test switches, other than faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Each refresh gives a new refresh token and ends the old one.
    pub rotate_refresh_tokens: bool,
    /// How long the search index lags behind writes, milliseconds.
    pub search_lag_ms: i64,
    /// Whether the rate limits are kept.
    pub limits: bool,
    /// How long every answer is held back, milliseconds.
    pub latency_ms: u64,
    /// `lifecyclestage` moves forward only unless it is cleared first; a move back is ignored.
    pub lifecycle_forward_only: bool,
    /// All writes get this modified stamp, milliseconds since 1970.
    pub equal_stamps_ms: Option<i64>,
    /// The most inputs that one association batch may create.
    pub association_create_max: usize,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            rotate_refresh_tokens: false,
            search_lag_ms: 0,
            limits: false,
            latency_ms: 0,
            lifecycle_forward_only: false,
            equal_stamps_ms: None,
            association_create_max: 2_000,
        }
    }
}

/// One object: its records and its properties.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) table: Table,
    pub(crate) catalog: Catalog,
    /// The schema of a custom object as it was created.
    pub(crate) schema: Option<serde_json::Value>,
}

/// The state of one account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) clock: Arc<Clock>,
    pub(crate) switches: Switches,
    pub(crate) objects: Vec<Object>,
    pub(crate) links: Links,
    pub(crate) lists: Lists,
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) events: Events,
    pub(crate) started_ms: i64,
    correlations: u64,
}

/// The place of an object in the account.
pub(crate) type At = usize;

/// Contacts always come first.
pub(crate) const CONTACTS: At = 0;
/// Companies always come second.
pub(crate) const COMPANIES: At = 1;

impl Account {
    /// An account with `contacts` seeded contacts, their companies and deals.
    pub(crate) fn new(seed: u64, contacts: u64, clock: Arc<Clock>, switches: Switches) -> Self {
        let started_ms = clock.now_ms();
        let contact_seed = (contacts > 0).then(|| Seed::new(seed, contacts, started_ms));
        let mut account = Self {
            clock,
            switches,
            objects: Vec::new(),
            links: Links::default(),
            lists: Lists::default(),
            auth: Auth::new(seed),
            limits: Limits::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            events: Events::default(),
            started_ms,
            correlations: 0,
        };
        for kind in standard_kinds() {
            let seed = contact_seed.clone().filter(|_| kind.type_id == "0-1");
            account.add_object(kind, seed, None);
        }
        super::population::fill(&mut account);
        account
    }

    /// Adds an object with its standard properties.
    pub(crate) fn add_object(&mut self, kind: Kind, seed: Option<Seed>, schema: Option<serde_json::Value>) -> At {
        let catalog = catalog_of(&kind, self.started_ms - 800 * 86_400_000);
        let mut table = Table::new(kind, seed);
        let unique: Vec<_> =
            catalog.values().filter(|property| property.unique).map(|property| &property.name).collect();
        unique.into_iter().for_each(|name| table.add_unique(name));
        self.objects.push(Object { table, catalog, schema });
        self.objects.len() - 1
    }

    /// The object that a path segment names.
    pub(crate) fn at(&self, name: &str) -> Result<At, ApiError> {
        let found = self.objects.iter().position(|object| object.table.kind.answers_to(name));
        found.ok_or_else(|| ApiError::invalid(format!("Unable to infer object type from: {name}")))
    }

    pub(crate) fn kind(&self, at: At) -> &Kind {
        &self.objects[at].table.kind
    }

    pub(crate) fn table(&self, at: At) -> &Table {
        &self.objects[at].table
    }

    /// The clock's time.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The stamp that a write made now gets.
    pub(crate) fn write_stamp_ms(&self) -> i64 {
        self.switches.equal_stamps_ms.unwrap_or_else(|| self.now_ms())
    }

    /// A number for the next correlation id.
    pub(crate) fn next_correlation(&mut self) -> u64 {
        self.correlations += 1;
        self.correlations
    }

    /// Notes an accepted write.
    pub(crate) fn note(&mut self, write: Write<'_>) {
        let at_ms = self.now_ms();
        let properties = write.properties.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.journal.record(Entry {
            sequence: 0,
            at_ms,
            object: write.object.to_owned(),
            id: write.id.to_string(),
            operation: write.operation.to_owned(),
            properties,
            trace_id: write.trace_id.map(str::to_owned),
            by: write.by.journal_name(),
        });
    }
}

/// An accepted write, on its way to the journal.
pub(crate) struct Write<'a> {
    pub(crate) object: &'a str,
    pub(crate) id: &'a dyn std::fmt::Display,
    pub(crate) operation: &'a str,
    pub(crate) properties: &'a [(String, String)],
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) by: Source,
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The public interface.
    Api,
    /// A person in the CRM, played by the control interface.
    User,
}

impl Source {
    pub(crate) fn journal_name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::User => "user",
        }
    }

    /// As property histories name it.
    pub(crate) fn history_name(self) -> &'static str {
        match self {
            Self::Api => "INTEGRATION",
            Self::User => "CRM_UI",
        }
    }

    /// As webhooks name it.
    pub(crate) fn change_source(self) -> &'static str {
        match self {
            Self::Api => "INTEGRATION",
            Self::User => "CRM_UI",
        }
    }
}
