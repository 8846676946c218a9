//! The simulator as a Rust test holds it: start it, move its clock, break it, act as a CRM user, read what it accepted.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Map, Value};

use super::account::{Account, Switches, Table};
use super::errors::ApiError;
use super::{control, dispatch, write};
use crate::sim::clock::Start;
use crate::sim::clock::{Clock, DEFAULT_START_MS};
use crate::sim::faults::Rule;
use crate::sim::journal::Entry;
use crate::sim::server::{Reply, Request, Server, dated, lock};

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// How many seeded persons.
    pub contacts: u64,
    /// Seed of persons and tokens.
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
    /// `http://127.0.0.1:port`, in place of `https://api.pipedrive.com` and `https://oauth.pipedrive.com`.
    pub base_url: String,
    /// The control interface.
    pub control_url: String,
    /// Good for an hour of the simulator's clock.
    pub access_token: String,
    /// Gives new access tokens.
    pub refresh_token: String,
    /// A user's own token, for the header `x-api-token`.
    pub api_token: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Pipedrive {
    credentials: Credentials,
    account: Arc<Mutex<Account>>,
    clock: Arc<Clock>,
    _server: Server,
}

impl Pipedrive {
    /// Starts a simulator on 127.0.0.1. It has threads of its own, so it can be used with and without a runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let clock = Arc::new(Clock::start(options.clock));
        let account = Account::new(options.seed, options.contacts, Arc::clone(&clock), options.switches);
        let account = Arc::new(Mutex::new(account));
        let (api, controlled) = (Arc::clone(&account), Arc::clone(&account));
        let server = Server::start(vec![
            (options.port, dated(&clock, move |request| dispatch::answer(&api, &request))),
            (0, Arc::new(move |request: Request| control::answer(&controlled, &request))),
        ])?;
        let url = |at: usize| server.addresses().get(at).map(|address| format!("http://{address}")).unwrap_or_default();
        let (base_url, control_url) = (url(0), url(1));
        let mut held = lock(&account);
        let now_ms = held.now_ms();
        let credentials = Credentials {
            base_url,
            control_url,
            access_token: held.auth.issue_access(now_ms),
            refresh_token: held.auth.issue_refresh(),
            api_token: held.auth.api_token.clone(),
            client_id: held.auth.client_id.clone(),
            client_secret: held.auth.client_secret.clone(),
        };
        drop(held);
        Ok(Self { credentials, account, clock, _server: server })
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

    /// Answers a request without a network, with the user's token where it names none.
    pub fn ask(&self, mut request: Request) -> Reply {
        let signed = request.headers.contains_key("authorization");
        for (name, value) in
            [("x-api-token", self.credentials.api_token.as_str()), ("content-type", "application/json")]
        {
            let given = request.headers.contains_key(name) || signed && name == "x-api-token";
            if let (false, Ok(value)) = (given, value.parse()) {
                request.headers.insert(hyper::header::HeaderName::from_static(name), value);
            }
        }
        dispatch::answer(&self.account, &request)
    }

    /// Changes behaviours other than faults.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.account).switches);
    }

    /// Switches a fault on.
    pub fn fault(&self, rule: Rule) {
        lock(&self.account).faults.add(rule);
    }

    /// All accepted writes that are kept, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.account).journal.after(0, usize::MAX)
    }

    /// Requests per endpoint (`METHOD /path` with `{id}`).
    pub fn counters(&self) -> BTreeMap<String, u64> {
        lock(&self.account).journal.counters().clone()
    }

    /// Ends all access tokens.
    pub fn expire_tokens(&self) {
        let mut account = lock(&self.account);
        let now_ms = account.now_ms();
        account.auth.expire_all(now_ms);
    }

    /// Takes a scope from the app.
    pub fn remove_scope(&self, scope: &str) {
        lock(&self.account).auth.remove_scope(scope);
    }

    /// Uses the day's budget up but for so many tokens.
    pub fn leave_budget(&self, tokens: u64) {
        let mut account = lock(&self.account);
        let now_ms = account.now_ms();
        account.limits.leave(tokens, now_ms);
    }

    /// All records of an object that are not deleted, as their version shows them, in the order of ids.
    pub fn records(&self, object: &str) -> Vec<Value> {
        let account = lock(&self.account);
        let Some(table) = Table::of(object) else { return Vec::new() };
        account
            .table(table)
            .iter()
            .filter(|(_, record)| !record.deleted)
            .map(|(id, record)| table.show(*id, record))
            .collect()
    }

    /// Creates a record as a CRM user does; no value is checked. Gives its id.
    ///
    /// # Panics
    /// Where there is no such object.
    pub fn create(&self, object: &str, values: &Value) -> u64 {
        let table = Table::of(object).expect("an object of the simulator");
        write::insert(&mut lock(&self.account), table, map(values), "user")
    }

    /// Updates a record as a CRM user does; no value is checked.
    ///
    /// # Panics
    /// Where there is no such record.
    pub fn update(&self, object: &str, id: u64, values: &Value) {
        self.as_user(object, |account, table| write::change(account, table, id, map(values), "user"));
    }

    /// Deletes a record as a CRM user does.
    ///
    /// # Panics
    /// Where there is no such record.
    pub fn delete(&self, object: &str, id: u64) {
        self.as_user(object, |account, table| write::delete(account, table, id, "user").map(drop));
    }

    /// Merges `other` into `primary`, which keeps its id.
    ///
    /// # Panics
    /// Where there is no such record.
    pub fn merge(&self, object: &str, primary: u64, other: u64) {
        self.as_user(object, |account, table| write::merge(account, table, primary, other));
    }

    fn as_user(&self, object: &str, act: impl FnOnce(&mut Account, Table) -> Result<(), ApiError>) {
        let table = Table::of(object).expect("an object of the simulator");
        act(&mut lock(&self.account), table).expect("the record is there");
    }
}

fn map(values: &Value) -> Map<String, Value> {
    values.as_object().cloned().unwrap_or_default()
}
