//! The state of one simulated database, and the small questions that every call asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::errors::ApiError;
use super::models::{self, Model};
use super::{seed, values};
use crate::sim::clock::Clock;
use crate::sim::faults::Faults;
use crate::sim::journal::Journal;

/// Behaviours that a test switches, other than faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// How long every answer is held back, milliseconds.
    pub latency_ms: u64,
    /// Models that the key's user may not access.
    pub closed: BTreeSet<String>,
    /// The apps for CRM are not installed: their models are not there.
    pub without_crm: bool,
}

type Records = BTreeMap<i64, Map<String, Value>>;

/// The state of one database.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) clock: Arc<Clock>,
    pub(crate) switches: Switches,
    pub(crate) key: String,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    tables: BTreeMap<&'static str, Records>,
    /// Ids are never given twice.
    last: BTreeMap<&'static str, i64>,
}

impl Database {
    pub(crate) fn new(seed: u64, partners: u64, clock: Arc<Clock>, switches: Switches) -> Self {
        let mut database = Self {
            clock,
            switches,
            key: format!("{:016x}{:016x}", crate::sim::mix(seed, 1), crate::sim::mix(seed, 2)),
            faults: Faults::default(),
            journal: Journal::default(),
            tables: models::ALL.iter().map(|model| (model.name, Records::new())).collect(),
            last: BTreeMap::new(),
        };
        seed::fill(&mut database, seed, partners);
        database
    }

    /// A model that is installed.
    pub(crate) fn model(&self, name: &str) -> Option<&'static Model> {
        Model::of(name).filter(|model| !(self.switches.without_crm && model.name.starts_with("crm.")))
    }

    pub(crate) fn table(&self, model: &str) -> &Records {
        static NONE: Records = Records::new();
        self.tables.get(model).unwrap_or(&NONE)
    }

    /// Adds a record as it is, at an instant; gives its id.
    pub(crate) fn insert(&mut self, model: &'static Model, mut record: Map<String, Value>, at_ms: i64) -> i64 {
        let last = self.last.entry(model.name).or_default();
        *last += 1;
        let id = *last;
        if model.has_archive() {
            record.entry("active").or_insert(json!(true));
        }
        record.insert("create_date".to_owned(), json!(values::datetime(at_ms)));
        record.insert("write_date".to_owned(), json!(values::datetime(at_ms)));
        self.tables.entry(model.name).or_default().insert(id, record);
        id
    }

    /// Checks values as `create` and `write` take them; gives them as they are kept.
    pub(crate) fn checked(
        &self,
        model: &'static Model,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ApiError> {
        let mut kept = Map::new();
        for (name, value) in given {
            let unknown = || ApiError::value(format!("Invalid field '{name}' in '{}'", model.name));
            let field = model.field(name).filter(|field| !field.readonly).ok_or_else(unknown)?;
            kept.insert(name.clone(), values::kept(self, model, field, value)?);
        }
        Ok(kept)
    }

    /// What must hold of a whole record.
    fn constrain(model: &'static Model, record: &Map<String, Value>) -> Result<(), ApiError> {
        let empty = |name: &str| record.get(name).is_none_or(|value| *value == json!(false));
        if let Some(field) = model.fields().find(|field| field.required && empty(field.name)) {
            let message = format!("Missing required value for the field '{}' ({})", field.label, field.name);
            return Err(ApiError::validation(message));
        }
        if model.name == "calendar.event" && record["stop"].as_str() < record["start"].as_str() {
            return Err(ApiError::validation(
                "The ending date and time cannot be earlier than the starting date and time.",
            ));
        }
        Ok(())
    }

    pub(crate) fn create(&mut self, model: &'static Model, given: &Map<String, Value>) -> Result<i64, ApiError> {
        let kept = self.checked(model, given)?;
        Self::constrain(model, &kept)?;
        let now_ms = self.clock.now_ms();
        Ok(self.insert(model, kept, now_ms))
    }

    pub(crate) fn write(&mut self, model: &'static Model, id: i64, given: &Map<String, Value>) -> Result<(), ApiError> {
        let kept = self.checked(model, given)?;
        let mut record = self.table(model.name).get(&id).cloned().ok_or_else(|| ApiError::missing(model.name, id))?;
        record.extend(kept);
        Self::constrain(model, &record)?;
        record.insert("write_date".to_owned(), json!(values::datetime(self.clock.now_ms())));
        self.tables.entry(model.name).or_default().insert(id, record);
        Ok(())
    }

    /// Deletes a record and its external ids; nothing else is left of it.
    pub(crate) fn delete(&mut self, model: &'static Model, id: i64) -> Result<(), ApiError> {
        let removed = self.tables.entry(model.name).or_default().remove(&id);
        removed.ok_or_else(|| ApiError::missing(model.name, id))?;
        let of_it = |record: &Map<String, Value>| record["model"] == model.name && record["res_id"] == id;
        self.tables.entry("ir.model.data").or_default().retain(|_, record| !of_it(record));
        Ok(())
    }

    /// The record behind an external id, `module.name`, if it is of this model.
    pub(crate) fn known(&self, model: &str, external: &str) -> Option<i64> {
        let (module, name) = external.split_once('.')?;
        let is_it = |record: &&Map<String, Value>| {
            record["module"] == module && record["name"] == name && record["model"] == model
        };
        self.table("ir.model.data").values().find(is_it)?["res_id"].as_i64()
    }

    /// Takes back what a failed call has done.
    pub(crate) fn saved(&self) -> (BTreeMap<&'static str, Records>, BTreeMap<&'static str, i64>) {
        (self.tables.clone(), self.last.clone())
    }

    pub(crate) fn restore(&mut self, (tables, last): (BTreeMap<&'static str, Records>, BTreeMap<&'static str, i64>)) {
        (self.tables, self.last) = (tables, last);
    }
}
