//! The simulator as a Rust test holds it: start it, move its clock, break it, act as a CRM user, read what it accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Value, json};

use super::account::{APP_ID, Account, PORTAL_ID, Switches};
use super::auth::SCOPES;
use super::control;
use super::dispatch;
use super::events::{self, Post};
use crate::sim::clock::{Clock, DEFAULT_START_MS, Start};
use crate::sim::control::Problem;
use crate::sim::faults::{Active, Fault, Rule};
use crate::sim::journal::Entry;
use crate::sim::server::{Reply, Request, Server, dated, lock};

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// How many seeded contacts.
    pub contacts: u64,
    /// Seed of contacts and tokens.
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
    /// `http://127.0.0.1:port`, in place of `https://api.hubapi.com`.
    pub base_url: String,
    /// The control interface.
    pub control_url: String,
    /// Good for 30 minutes of the simulator's clock, with all scopes.
    pub access_token: String,
    /// Gives new access tokens.
    pub refresh_token: String,
    /// A key that does not expire.
    pub service_key: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret; webhooks are signed with it.
    pub client_secret: String,
    /// The app's number, as webhooks name it.
    pub app_id: u64,
    /// The account's number.
    pub portal_id: u64,
}

/// A record as it is stored: all properties that have a value, id and stamps among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordDump {
    /// The record's id.
    pub id: String,
    /// By name.
    pub properties: BTreeMap<String, String>,
    /// Whether it is in the recycle bin.
    pub archived: bool,
}

/// What both listeners share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) account: Mutex<Account>,
    pub(crate) clock: Arc<Clock>,
    options: Options,
}

impl Shared {
    fn new(options: Options) -> Self {
        let clock = Arc::new(Clock::start(options.clock));
        let account = Account::new(options.seed, options.contacts, Arc::clone(&clock), options.switches.clone());
        Self { account: Mutex::new(account), clock, options }
    }

    /// Everything as it was at the start, but for the clock: records, journal, counters, faults, switches. Old tokens end.
    pub(crate) fn reset(&self) -> [String; 3] {
        let options = &self.options;
        let mut account = lock(&self.account);
        *account = Account::new(options.seed, options.contacts, Arc::clone(&self.clock), options.switches.clone());
        issue(&mut account)
    }
}

/// A first access token, refresh token and service key, with all scopes.
fn issue(account: &mut Account) -> [String; 3] {
    let scopes: BTreeSet<String> = SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
    let now_ms = account.now_ms();
    let access = account.auth.issue_access(scopes.clone(), now_ms);
    [access, account.auth.issue_refresh(scopes.clone()), account.auth.issue_key(scopes)]
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct HubSpot {
    credentials: Credentials,
    shared: Arc<Shared>,
    _server: Server,
}

impl HubSpot {
    /// Starts a simulator on 127.0.0.1. It has threads of its own, so it can be used with and without a runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(options));
        let (api, control) = (Arc::clone(&shared), Arc::clone(&shared));
        let server = Server::start(vec![
            (shared.options.port, dated(&shared.clock, move |request| dispatch::answer(&api.account, &request))),
            (0, Arc::new(move |request: Request| control::answer(&control, &request))),
        ])?;
        let url = |at: usize| server.addresses().get(at).map(|address| format!("http://{address}")).unwrap_or_default();
        let (base_url, control_url) = (url(0), url(1));
        let mut account = lock(&shared.account);
        let [access_token, refresh_token, service_key] = issue(&mut account);
        let credentials = Credentials {
            base_url,
            control_url,
            access_token,
            refresh_token,
            service_key,
            client_id: account.auth.client_id.clone(),
            client_secret: account.auth.client_secret.clone(),
            app_id: APP_ID,
            portal_id: PORTAL_ID,
        };
        drop(account);
        Ok(Self { credentials, shared, _server: server })
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
        &self.shared.clock
    }

    /// Answers a request without a network, with the first access token where it names none.
    pub fn ask(&self, mut request: Request) -> Reply {
        let bearer = format!("Bearer {}", self.credentials.access_token);
        for (name, value) in [("authorization", bearer.as_str()), ("content-type", "application/json")] {
            if let (false, Ok(value)) = (request.headers.contains_key(name), value.parse()) {
                request.headers.insert(hyper::header::HeaderName::from_static(name), value);
            }
        }
        dispatch::answer(&self.shared.account, &request)
    }

    /// Changes behaviours other than faults.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.shared.account).switches);
    }

    /// Switches a fault on.
    pub fn fault(&self, rule: Rule) {
        lock(&self.shared.account).faults.add(rule);
    }

    /// Switches a fault off, or all of them.
    pub fn clear_faults(&self, fault: Option<Fault>) {
        lock(&self.shared.account).faults.clear(fault);
    }

    /// The faults that are on and how often they struck.
    pub fn faults(&self) -> Vec<Active> {
        lock(&self.shared.account).faults.active().to_vec()
    }

    /// All accepted writes that are kept, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.shared.account).journal.after(0, usize::MAX)
    }

    /// Requests per endpoint (`METHOD /path` in the classic form with `{id}`).
    pub fn counters(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.account).journal.counters().clone()
    }

    /// Ends all access tokens.
    pub fn expire_tokens(&self) {
        let mut account = lock(&self.shared.account);
        let now_ms = account.now_ms();
        account.auth.expire_all(now_ms);
    }

    /// Takes a scope from all tokens.
    pub fn remove_scope(&self, scope: &str) {
        lock(&self.shared.account).auth.remove_scope(scope);
    }

    /// The records of an object, archived ones included, in the order of ids: `limit` from the id `from` on.
    pub fn records(&self, object: &str, from: u64, limit: usize) -> Result<Vec<RecordDump>, Problem> {
        control::dump(&lock(&self.shared.account), object, from, limit)
    }

    /// Creates a record as a CRM user does; no value is checked, as with data of old. Gives its id.
    pub fn create(&self, object: &str, properties: &[(&str, &str)]) -> Result<u64, Problem> {
        control::create(&mut lock(&self.shared.account), object, &owned(properties))
    }

    /// Updates a record as a CRM user does; no value is checked.
    pub fn update(&self, object: &str, id: u64, properties: &[(&str, &str)]) -> Result<(), Problem> {
        control::update(&mut lock(&self.shared.account), object, id, &owned(properties))
    }

    /// The id of the record at a place, counted from 0 in the order of ids, archived ones left out.
    pub fn nth(&self, object: &str, place: usize) -> Result<u64, Problem> {
        control::nth(&lock(&self.shared.account), object, place)
    }

    /// Archives, restores or erases a record as a CRM user does.
    pub fn archive(&self, object: &str, id: u64) -> Result<(), Problem> {
        control::remove(&mut lock(&self.shared.account), object, id, control::Removal::Archive)
    }

    /// Brings an archived record back.
    pub fn restore(&self, object: &str, id: u64) -> Result<(), Problem> {
        control::remove(&mut lock(&self.shared.account), object, id, control::Removal::Restore)
    }

    /// Erases a record for good.
    pub fn erase(&self, object: &str, id: u64) -> Result<(), Problem> {
        control::remove(&mut lock(&self.shared.account), object, id, control::Removal::Erase)
    }

    /// Merges `other` into `primary`; gives the new id.
    pub fn merge(&self, object: &str, primary: u64, other: u64) -> Result<u64, Problem> {
        control::merge(&mut lock(&self.shared.account), object, primary, other)
    }

    /// Links two records, as primary ones where there is such a link; no stamp moves.
    pub fn link(&self, record: (&str, u64), other: (&str, u64)) -> Result<(), Problem> {
        control::relink(&mut lock(&self.shared.account), record, other, false)
    }

    /// Ends all links between two records; no stamp moves.
    pub fn unlink(&self, record: (&str, u64), other: (&str, u64)) -> Result<(), Problem> {
        control::relink(&mut lock(&self.shared.account), record, other, true)
    }

    /// Adds records to a list and takes others out; no stamp moves.
    pub fn change_list(&self, list: u64, add: &[u64], remove: &[u64]) -> Result<(), Problem> {
        control::change_list(&mut lock(&self.shared.account), list, add, remove).map(drop)
    }

    /// Gives all records of an object the same modified stamp, milliseconds since 1970, as a bulk edit does.
    pub fn stamp_all(&self, object: &str, stamp_ms: i64) -> Result<(), Problem> {
        control::stamp_all(&mut lock(&self.shared.account), object, stamp_ms)
    }

    /// Takes up to `max` waiting events as signed posts to `url`, without sending them.
    pub fn webhook_posts(&self, url: &str, max: usize) -> Vec<Post> {
        events::posts(&mut lock(&self.shared.account), url, max)
    }

    /// Sends up to `max` waiting events to `url`; gives the status of each post, 0 where no answer came.
    pub fn send_webhooks(&self, url: &str, max: usize) -> Vec<u16> {
        let posts = self.webhook_posts(url, max);
        events::send(&posts)
    }

    /// Starts over with the same options; the old tokens end and new ones are given.
    pub fn reset(&mut self) {
        let [access_token, refresh_token, service_key] = self.shared.reset();
        self.credentials = Credentials { access_token, refresh_token, service_key, ..self.credentials.clone() };
    }
}

fn owned(properties: &[(&str, &str)]) -> Vec<(String, String)> {
    properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The state of everything that is switched, for the control interface.
pub(crate) fn state(account: &Account) -> Value {
    json!({"now_ms": account.now_ms(), "now": crate::sim::stamp::iso(account.now_ms()), "switches": account.switches,
        "faults": account.faults.active(), "writes": account.journal.len(), "events_waiting": account.events.len()})
}
