//! The simulator as a Rust test holds it: start it, break it, act as somebody who works in Odoo, read what it keeps.

use std::io;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Map, Value};

use super::database::{Database, Switches};
use super::dispatch;
use super::models::Model;
use super::values;
use crate::sim::clock::{Clock, DEFAULT_START_MS, Start};
use crate::sim::faults::Rule;
use crate::sim::journal::Entry;
use crate::sim::server::{Reply, Request, Server, dated, lock};

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// How many seeded people; companies come on top.
    pub contacts: u64,
    /// Seed of people and key.
    pub seed: u64,
    /// The clock.
    pub clock: Start,
    /// Behaviours other than faults.
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Self {
        let clock = Start::Stopped(DEFAULT_START_MS);
        Self { port: 0, contacts: 0, seed: 1, clock, switches: Switches::default() }
    }
}

/// What a client needs to speak with the simulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// `http://127.0.0.1:port`.
    pub base_url: String,
    /// A user's key.
    pub api_key: String,
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Odoo {
    credentials: Credentials,
    database: Arc<Mutex<Database>>,
    clock: Arc<Clock>,
    _server: Server,
}

impl Odoo {
    /// Starts a simulator on 127.0.0.1. It has threads of its own, so it can be used with and without a runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let clock = Arc::new(Clock::start(options.clock));
        let database = Database::new(options.seed, options.contacts, Arc::clone(&clock), options.switches);
        let api_key = database.key.clone();
        let database = Arc::new(Mutex::new(database));
        let api = Arc::clone(&database);
        let answer = dated(&clock, move |request| dispatch::answer(&api, &request));
        let server = Server::start(vec![(options.port, answer)])?;
        let base_url = format!("http://{}", server.addresses()[0]);
        Ok(Self { credentials: Credentials { base_url, api_key }, database, clock, _server: server })
    }

    /// What a client needs.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// `http://127.0.0.1:port`.
    pub fn base_url(&self) -> &str {
        &self.credentials.base_url
    }

    /// The simulator's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Answers a request without a network, signed in and as JSON unless it says otherwise.
    pub fn ask(&self, mut request: Request) -> Reply {
        let key = format!("Bearer {}", self.credentials.api_key);
        for (name, value) in [("authorization", key.as_str()), ("content-type", "application/json")] {
            if let (false, Ok(value)) = (request.headers.contains_key(name), value.parse()) {
                request.headers.insert(hyper::header::HeaderName::from_static(name), value);
            }
        }
        dispatch::answer(&self.database, &request)
    }

    /// Changes behaviours other than faults.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.database).switches);
    }

    /// Switches a fault on.
    pub fn fault(&self, rule: Rule) {
        lock(&self.database).faults.add(rule);
    }

    /// All accepted writes that are kept, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.database).journal.after(0, usize::MAX)
    }

    /// All records of a model, archived ones too, in the order of their ids.
    ///
    /// # Panics
    /// Where there is no such model.
    pub fn records(&self, model: &str) -> Vec<Value> {
        let (database, model) = (lock(&self.database), of(model));
        let show = |(id, record): (&i64, &Map<String, Value>)| {
            let fields = model.fields();
            fields.map(|field| (field.name.to_owned(), values::shown(&database, model, field, *id, record))).collect()
        };
        database.table(model.name).iter().map(show).map(Value::Object).collect()
    }

    /// Changes a record as somebody who works in Odoo does.
    ///
    /// # Panics
    /// Where there is no such record, or Odoo would refuse the values.
    pub fn update(&self, model: &str, id: i64, values: &Value) {
        let values = values.as_object().cloned().unwrap_or_default();
        lock(&self.database).write(of(model), id, &values).expect("Odoo takes these values");
    }

    /// Deletes a record as somebody who works in Odoo does.
    ///
    /// # Panics
    /// Where there is no such record.
    pub fn delete(&self, model: &str, id: i64) {
        lock(&self.database).delete(of(model), id).expect("the record is there");
    }
}

fn of(model: &str) -> &'static Model {
    Model::of(model).expect("a model of the simulator")
}
