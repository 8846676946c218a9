//! The simulator as a Rust test holds it: start it, move its clock, break it, act as a CRM user, read what it accepted.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tempfile::TempDir;

use super::changes::ChangeEvent;
use super::control::{self, RecordDump};
use super::dispatch;
use super::jwt::KeyPair;
use super::org::{Org, Switches};
use super::sign_in::{SignIn, USERNAME};
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
    /// Seed of records and tokens.
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
    /// `http://127.0.0.1:port`, in place of `https://login.salesforce.com`.
    pub base_url: String,
    /// The control interface.
    pub control_url: String,
    /// As sign-in returns it.
    pub instance_url: String,
    /// A session of two hours of the simulator's clock, from its last use.
    pub access_token: String,
    /// Gives new sessions.
    pub refresh_token: String,
    /// The connected app's id.
    pub client_id: String,
    /// The connected app's secret.
    pub client_secret: String,
    /// The integration user's name.
    pub username: String,
    /// The integration user's password.
    pub password: String,
    /// What stands behind the password where an address is not trusted.
    pub security_token: String,
    /// The private key for JWT bearer, PEM, readable by its owner only; gone when the simulator is.
    pub jwt_key_file: PathBuf,
}

/// What both listeners share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) org: Mutex<Org>,
    pub(crate) clock: Arc<Clock>,
    options: Options,
    key: KeyPair,
}

impl Shared {
    fn new(options: Options) -> io::Result<Self> {
        let clock = Arc::new(Clock::start(options.clock));
        let key = KeyPair::of_process().map_err(io::Error::other)?;
        let org = Self::org(&options, &clock, &key);
        Ok(Self { org: Mutex::new(org), clock, options, key })
    }

    fn org(options: &Options, clock: &Arc<Clock>, key: &KeyPair) -> Org {
        let sign_in = SignIn::new(options.seed, key.clone());
        Org::new(options.seed, options.contacts, Arc::clone(clock), options.switches.clone(), sign_in)
    }

    /// Everything as it was at the start, but for the clock. Old tokens end; gives a session and a refresh token.
    pub(crate) fn reset(&self) -> [String; 2] {
        let mut org = lock(&self.org);
        let instance_url = std::mem::take(&mut org.sign_in.instance_url);
        let old = org.sign_in.issued();
        *org = Self::org(&self.options, &self.clock, &self.key);
        org.sign_in.instance_url = instance_url;
        org.sign_in.issue_after(old);
        issue(&mut org)
    }
}

fn issue(org: &mut Org) -> [String; 2] {
    let ends_ms = org.now_ms() + org.switches.session_ms;
    [org.sign_in.open_session(ends_ms), org.sign_in.issue_refresh()]
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Salesforce {
    credentials: Credentials,
    shared: Arc<Shared>,
    _server: Server,
    _key_folder: TempDir,
}

impl Salesforce {
    /// Starts a simulator on 127.0.0.1. It has threads of its own, so it can be used with and without a runtime.
    pub fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(options)?);
        let (api, control) = (Arc::clone(&shared), Arc::clone(&shared));
        let server = Server::start(vec![
            (shared.options.port, dated(&shared.clock, move |request| dispatch::answer(&api.org, &request))),
            (0, Arc::new(move |request: Request| control::answer(&control, &request))),
        ])?;
        let url = |at: usize| server.addresses().get(at).map(|address| format!("http://{address}")).unwrap_or_default();
        let (base_url, control_url) = (url(0), url(1));
        let (key_folder, jwt_key_file) = key_file(&shared.key)?;
        let mut org = lock(&shared.org);
        org.sign_in.instance_url.clone_from(&base_url);
        let [access_token, refresh_token] = issue(&mut org);
        let credentials = Credentials {
            instance_url: base_url.clone(),
            base_url,
            control_url,
            access_token,
            refresh_token,
            client_id: org.sign_in.client_id.clone(),
            client_secret: org.sign_in.client_secret.clone(),
            username: USERNAME.to_owned(),
            password: org.sign_in.password.clone(),
            security_token: org.sign_in.security_token.clone(),
            jwt_key_file,
        };
        drop(org);
        Ok(Self { credentials, shared, _server: server, _key_folder: key_folder })
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

    /// Answers a request without a network, with the first session where it names none.
    pub fn ask(&self, mut request: Request) -> Reply {
        let bearer = format!("Bearer {}", self.credentials.access_token);
        for (name, value) in [("authorization", bearer.as_str()), ("content-type", "application/json")] {
            if let (false, Ok(value)) = (request.headers.contains_key(name), value.parse()) {
                request.headers.insert(hyper::header::HeaderName::from_static(name), value);
            }
        }
        dispatch::answer(&self.shared.org, &request)
    }

    /// Changes behaviours other than faults.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.shared.org).switches);
    }

    /// Switches a fault on.
    pub fn fault(&self, rule: Rule) {
        lock(&self.shared.org).faults.add(rule);
    }

    /// Switches a fault off, or all of them.
    pub fn clear_faults(&self, fault: Option<Fault>) {
        lock(&self.shared.org).faults.clear(fault);
    }

    /// The faults that are on and how often they struck.
    pub fn faults(&self) -> Vec<Active> {
        lock(&self.shared.org).faults.active().to_vec()
    }

    /// All accepted writes that are kept, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.shared.org).journal.after(0, usize::MAX)
    }

    /// Requests per endpoint (`METHOD /path` without the version, with `{id}` and `{key}`).
    pub fn counters(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.org).journal.counters().clone()
    }

    /// All change events that are kept, oldest first.
    pub fn changes(&self) -> Vec<ChangeEvent> {
        lock(&self.shared.org).changes.after(0, usize::MAX)
    }

    /// Ends all sessions.
    pub fn expire_tokens(&self) {
        lock(&self.shared.org).sign_in.end_sessions();
    }

    /// The records of an object, deleted ones included, in the order of ids, `limit` after the first `skip`.
    pub fn records(&self, object: &str, skip: usize, limit: usize) -> Result<Vec<RecordDump>, Problem> {
        control::dump(&lock(&self.shared.org), object, skip, limit)
    }

    /// Creates a record as a CRM user does; no rule applies. `stamp_ms` sets its system stamp. Gives its id.
    pub fn create(&self, object: &str, fields: &serde_json::Value, stamp_ms: Option<i64>) -> Result<String, Problem> {
        control::create(&mut lock(&self.shared.org), object, fields, stamp_ms)
    }

    /// Updates a record as a CRM user does. `stamp_ms` sets its system stamp.
    pub fn update(&self, id: &str, fields: &serde_json::Value, stamp_ms: Option<i64>) -> Result<(), Problem> {
        control::update(&mut lock(&self.shared.org), id, fields, stamp_ms)
    }

    /// Puts a record into the recycle bin as a CRM user does.
    pub fn delete(&self, id: &str) -> Result<(), Problem> {
        control::delete(&mut lock(&self.shared.org), id)
    }

    /// Merges `loser` into `winner`.
    pub fn merge(&self, winner: &str, loser: &str) -> Result<(), Problem> {
        control::merge(&mut lock(&self.shared.org), winner, loser)
    }

    /// Converts a lead; gives the ids of account and contact.
    pub fn convert(&self, lead: &str) -> Result<[String; 2], Problem> {
        control::convert(&mut lock(&self.shared.org), lead)
    }

    /// Gives all records of an object the same system stamp, milliseconds since 1970, as a bulk edit does.
    pub fn stamp_all(&self, object: &str, stamp_ms: i64) -> Result<(), Problem> {
        control::stamp_all(&mut lock(&self.shared.org), object, stamp_ms)
    }

    /// Starts over with the same options; the old tokens end and new ones are given.
    pub fn reset(&mut self) {
        let [access_token, refresh_token] = self.shared.reset();
        self.credentials = Credentials { access_token, refresh_token, ..self.credentials.clone() };
    }
}

/// A private folder with the private key in it.
fn key_file(key: &KeyPair) -> io::Result<(TempDir, PathBuf)> {
    let folder = TempDir::with_prefix("crm-sim-")?;
    let path = folder.path().join("jwt-key.pem");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
    io::Write::write_all(&mut file, key.private_pem.as_bytes())?;
    Ok((folder, path))
}
