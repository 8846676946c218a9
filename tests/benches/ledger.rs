//! What merge, ledger and raw rows cost beside the plain write: the same hundred thousand records in memory, once carried in by
//! the engine, and once written as contacts that can be found, with a checkpoint per page and nothing else. Prints one line of
//! JSON: CPU seconds of each.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use ferry::model::connector::{Connector, Hint, Page, PullRequest, Webhook, Window, Write, WriteOutcome, Written};
use ferry::model::contact::{Contact, Link, Source};
use ferry::model::failure::{CallError, Failure, Fault};
use ferry::model::mapping::{Column, Direction, Kind, Mapped, Mapper, Mapping, MappingError};
use ferry::model::schema::{Abilities, Account, Field, Object, Segment};
use ferry::model::sync::{MappingSpec, MatchKey, Sync, SyncState};
use ferry::model::time::{Clock, Instant, SystemClock};
use ferry::model::value::{Row, Value};
use ferry::store::{Changes, LookupKey, Store};
use ferry::sync::{Ports, Silent, run_inbound, stop_signal};

const CONTACTS: u64 = 100_000;
const PAGE: u64 = 100;

const COLUMNS: [&str; 10] = [
    "first_name",
    "last_name",
    "email",
    "phone",
    "lead_source",
    "lifecycle_stage",
    "company",
    "city",
    "job_title",
    "country",
];

fn row(number: u64) -> Row {
    let values = COLUMNS.map(|name| match name {
        "email" => Value::Text(format!("person{number}@example.com")),
        "phone" => Value::Text(format!("+4930{:07}", 1_000_000 + number)),
        name => Value::Text(format!("{name} {}", number % 977)),
    });
    Row { id: number.to_string(), modified: Some(Instant(1)), version: None, values: values.to_vec() }
}

/// Gives its records a page at a time.
struct Records;

#[async_trait]
impl Connector for Records {
    async fn check(&self) -> Result<Account, CallError> {
        Err(no())
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        Err(no())
    }

    async fn fields(&self, _: &str) -> Result<Vec<Field>, CallError> {
        Err(no())
    }

    async fn segments(&self, _: &str) -> Result<Vec<Segment>, CallError> {
        Err(no())
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        let from = request.token.and_then(|token| token.parse().ok()).unwrap_or(0);
        let rows = (from..from + PAGE).map(row).collect();
        let next = (from + PAGE < CONTACTS).then(|| (from + PAGE).to_string());
        Ok(Page { rows, next, ..Page::default() })
    }

    async fn partition(&self, _: PullRequest, _: u32) -> Result<Vec<String>, CallError> {
        Err(no())
    }

    async fn gone(&self, _: &str, _: Window, _: Option<String>) -> Result<Page, CallError> {
        Err(no())
    }

    async fn push(&self, _: &str, _: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        Err(no())
    }

    async fn resolve(&self, _: &str, _: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        Err(no())
    }

    async fn receive(&self, _: Webhook) -> Result<Vec<Hint>, CallError> {
        Err(no())
    }
}

fn no() -> CallError {
    Failure::Unsupported("nothing but records".into()).into()
}

/// Passes values on: what mapping costs is not asked here.
struct Straight(Vec<Column>);

#[async_trait]
impl Mapper for Straight {
    async fn reads(&self, _: &str, _: Direction) -> Result<Vec<String>, MappingError> {
        Ok(COLUMNS.map(String::from).to_vec())
    }

    async fn open(&self, _: &str, _: Direction, input: &[Column]) -> Result<Box<dyn Mapping>, MappingError> {
        Ok(Box::new(Self(input.to_vec())))
    }
}

#[async_trait]
impl Mapping for Straight {
    fn output(&self) -> &[Column] {
        &self.0
    }

    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault> {
        Ok(rows.into_iter().map(Mapped::Values).collect())
    }
}

fn sync() -> Result<Sync> {
    Ok(Sync {
        id: "people".parse()?,
        connection: "crm".parse()?,
        object: "contacts".into(),
        segment: None,
        filter: vec![],
        mapping: MappingSpec { mapper: "straight".parse()?, configuration: String::new() },
        version: 1,
        abilities: Abilities { pull: true, ..Abilities::default() },
        lateness_ms: 0,
        columns: COLUMNS.map(|name| Column { name: name.into(), kind: Kind::Text }).to_vec(),
        match_keys: MatchKey::ALL.to_vec(),
        policies: BTreeMap::new(),
        outbound: BTreeMap::new(),
        created: Instant(0),
    })
}

/// As the first crossing wrote them.
fn plain(folder: &Path) -> Result<()> {
    let store = Store::open(folder, "a bench")?;
    let (workspace, sync) = (store.workspace(&"main".parse()?)?, sync()?);
    let source = Source { connection: sync.connection.clone(), object: sync.object.as_str().into() };
    let names = COLUMNS.map(std::sync::Arc::<str>::from);
    for page in 0..CONTACTS / PAGE {
        let mut changes = Changes::default();
        for number in page * PAGE..(page + 1) * PAGE {
            let Row { id: record, values, .. } = row(number);
            let (id, now) = (workspace.new_contact_id(), SystemClock.now());
            let base = Vec::new();
            let (modified, gone, left, fingerprint) = (Some(Instant(1)), None, None, number);
            let link =
                Link { sync: sync.id.clone(), source: source.clone(), record, fingerprint, modified, gone, left, base };
            let attributes = names.iter().cloned().zip(values).collect();
            let contact = Contact { id, created: now, changed: now, attributes, links: vec![link] };
            let text = |name: &str| contact.text(name).unwrap_or_default().to_owned();
            let (email, phone) = (text("email"), text("phone"));
            let record = LookupKey::Record { source: &source, id: &contact.links[0].record };
            let keys = [record, LookupKey::Email(&email), LookupKey::Phone(&phone)].map(|key| workspace.hash(key));
            changes.contact(contact, &keys);
        }
        changes.put(&sync.id, &SyncState { linked: (page + 1) * PAGE, ..SyncState::default() })?;
        workspace.commit(changes)?;
        if page % 32 == 31 {
            store.flush()?;
        }
    }
    Ok(store.flush()?)
}

fn engine(folder: &Path) -> Result<()> {
    let store = Store::open(folder, "a bench")?;
    let sync = sync()?;
    let mapper = (sync.mapping.mapper.clone(), Arc::new(Straight(Vec::new())) as Arc<dyn Mapper>);
    let ports = Ports {
        workspace: store.workspace(&"main".parse()?)?,
        store,
        connector: Arc::new(Records),
        mappers: HashMap::from([mapper]),
        clock: Arc::new(SystemClock),
    };
    let (_stopper, stop) = stop_signal();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let run = runtime.block_on(run_inbound(&ports, &sync, 1, &Silent, &stop))?;
    ensure!(run.counts.created == CONTACTS, "{} contacts were made", run.counts.created);
    Ok(())
}

/// CPU seconds of this process so far.
fn cpu_s() -> Result<f64> {
    /// Clock ticks of `/proc` a second: fixed by Linux's interface.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name may hold blanks: count from the parenthesis behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no such form")?.1.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("too short")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

fn main() -> Result<()> {
    let folder = tempfile::TempDir::with_prefix("ferry-bench-")?;
    let start = cpu_s()?;
    plain(&folder.path().join("plain"))?;
    let between = cpu_s()?;
    engine(&folder.path().join("engine"))?;
    let end = cpu_s()?;
    println!("{{\"plain_s\": {}, \"engine_s\": {}}}", between - start, end - between);
    Ok(())
}
