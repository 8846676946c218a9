//! The simulated CRM behind the port that connectors stand behind.

use std::time::Duration;

use async_trait::async_trait;
use rand::RngExt;

use super::crm::{Activity, Crm, SECOND, State, Version, object_of};
use crate::model::connector::{
    Connector, Hint, Operation, Page, PullRequest, Slice, Webhook, Window, Write, WriteOutcome, Written,
};
use crate::model::failure::{CallError, Failure, Fault, FaultKind};
use crate::model::schema::{Account, Field, Object, Segment};
use crate::model::time::Instant;
use crate::model::value::{Problem, Row, Successor, Tombstone, Value};

use super::host::FIELDS;

impl Crm {
    /// What every call meets: time passes, others get their turn, people work, and some calls go wrong.
    async fn call(&self) -> Result<(), CallError> {
        let turns = self.state().rng.random_range(0..4);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let mut state = self.state();
        let micros = state.rng.random_range(10_000..800_000);
        state.time.pass(micros);
        state.answered = Some(state.now());
        let bustle = state.nature.bustle;
        if state.is_troubled && state.chance(bustle) {
            state.bustle();
        }
        state.trouble().map_or(Ok(()), |failure| Err(failure.into()))
    }
}

fn row(id: u64, version: &Version) -> Row {
    let value = |text: &String| if text.is_empty() { Value::Null } else { Value::Text(text.clone()) };
    let (modified, values) = (Some(Instant(version.modified)), version.values.iter().map(value).collect());
    Row { id: id.to_string(), modified, version: None, values }
}

/// A page of what comes after a key, by stamp and id in windows, by id elsewhere.
fn page(mut rows: Vec<((i64, u64), Row)>, until: u64, token: Option<(i64, u64)>, size: usize) -> Page {
    rows.sort_by_key(|(key, _)| *key);
    rows.retain(|(key, _)| token.is_none_or(|token| *key > token));
    let next = rows
        .get(size.saturating_sub(1))
        .filter(|_| rows.len() > size)
        .map(|((stamp, id), _)| format!("{stamp}:{id}:{until}"));
    rows.truncate(size);
    Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next, ..Page::default() }
}

fn read(token: Option<&str>) -> (Option<(i64, u64)>, u64) {
    let Some(token) = token else { return (None, u64::MAX) };
    let parts: Vec<&str> = token.split(':').collect();
    (Some((parts[0].parse().unwrap(), parts[1].parse().unwrap())), parts[2].parse().unwrap())
}

fn pull(state: &mut State, request: &PullRequest) -> Result<Page, Failure> {
    if request.token.is_some() && state.is_troubled && state.chance(2) {
        return Err(Failure::TokenExpired);
    }
    let (token, until) = read(request.token.as_deref());
    let unlisted = &state.unlisted;
    let is_asked = |id: u64| object_of(id) == request.object && (request.segment.is_none() || !unlisted.contains(&id));
    let rows: Vec<_> = match &request.slice {
        Slice::Window(Window { since, before }) => {
            let within = |version: &Version| (since.0..before.0).contains(&version.modified);
            let found = state.index().filter(|(id, version)| is_asked(*id) && within(version));
            let rows: Vec<_> = found.map(|(id, version)| ((version.modified, id), row(id, version))).collect();
            // As connectors do, one instant is paged by id, however much it holds.
            if before.since(*since) > Duration::from_millis(1) && rows.len() > state.nature.window_cap {
                return Err(Failure::WindowTooLarge(Some(rows.len() as u64)));
            }
            rows
        }
        Slice::Ids(ids) => {
            let ids = ids.iter().map(|id| id.parse().unwrap()).filter(|id| is_asked(*id));
            ids.filter_map(|id| Some(((0, id), row(id, state.record(id)?)))).collect()
        }
        Slice::All => {
            let found = state.index().filter(|(id, _)| *id < until && is_asked(*id));
            found.map(|(id, version)| ((0, id), row(id, version))).collect()
        }
    };
    Ok(page(rows, until, token, state.nature.page.min(request.limit as usize)))
}

fn written(id: String, created: bool, stamp: Option<i64>) -> Written {
    Written { id, created, modified: stamp.map(Instant), version: None }
}

fn text(value: &Value) -> String {
    value.to_cell()
}

/// Takes one write, or says why not.
fn take(state: &mut State, write: &Write) -> WriteOutcome {
    let no = |message: &str| WriteOutcome::Rejected(vec![Problem { field: None, message: message.into() }]);
    match &write.operation {
        Operation::Create => {
            let record: u64 = write.links[0].id.parse().unwrap();
            if state.record(record).is_none() {
                return no("the record is not there");
            }
            let text = text(&write.values[0].1);
            state.activities.push(Activity { key: write.key.clone(), record, text });
            WriteOutcome::Written(written(format!("a{}", state.activities.len()), true, None))
        }
        Operation::Update { id } => {
            let number: u64 = id.parse().unwrap();
            let Some(record) = state.record(number) else { return no("the record is not there") };
            let values = merged(&record.values, write);
            let was_changed = state.write(number, values);
            let stamp = state.record(number).map(|record| record.modified).filter(|_| state.nature.tells_stamps);
            let written = written(id.clone(), false, stamp);
            if was_changed { WriteOutcome::Written(written) } else { WriteOutcome::Unchanged(written) }
        }
        Operation::Upsert { .. } | Operation::Delete { .. } => no("not asked for here"),
    }
}

fn merged(values: &[String; 3], write: &Write) -> [String; 3] {
    let mut values = values.clone();
    for (name, value) in &write.values {
        values[FIELDS.iter().position(|field| field == name).unwrap()] = text(value);
    }
    values
}

fn resolve(state: &State, write: &Write) -> Option<Written> {
    match &write.operation {
        Operation::Update { id } => {
            let record = state.record(id.parse().unwrap())?;
            (merged(&record.values, write) == record.values).then(|| written(id.clone(), false, None))
        }
        _ => {
            let at = state.activities.iter().position(|activity| activity.key == write.key)?;
            Some(written(format!("a{}", at + 1), true, None))
        }
    }
}

#[async_trait]
impl Connector for Crm {
    async fn check(&self) -> Result<Account, CallError> {
        Ok(Account { id: "1".into(), name: "Simulated".into(), time_zone: None, lacking: vec![] })
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        Ok(vec![])
    }

    async fn fields(&self, _: &str) -> Result<Vec<Field>, CallError> {
        self.call().await?;
        Err(Failure::Unsupported("no schema".into()).into())
    }

    async fn segments(&self, _: &str) -> Result<Vec<Segment>, CallError> {
        Ok(vec![])
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        self.call().await?;
        Ok(pull(&mut self.state(), &request)?)
    }

    async fn partition(&self, request: PullRequest, most: u32) -> Result<Vec<String>, CallError> {
        self.call().await?;
        let living = self.state().living_of(&request.object);
        let first = living.first().copied().unwrap_or(1);
        let step = (living.last().copied().unwrap_or(first) - first) / u64::from(most) + 1;
        let begin = |n: u64| first + n * step;
        let until = |n: u64| if n + 1 == u64::from(most) { u64::MAX } else { begin(n + 1) };
        // A token is the key after which its part begins, and where it ends.
        let token = |n: u64| format!("0:{}:{}", if n == 0 { 0 } else { begin(n) - 1 }, until(n));
        Ok((0..u64::from(most)).map(token).collect())
    }

    async fn gone(&self, object: &str, window: Window, _: Option<String>) -> Result<Page, CallError> {
        self.call().await?;
        let state = self.state();
        let within = |(at, id, _): &&(i64, u64, Option<u64>)| {
            object_of(*id) == object && (window.since.0..window.before.0).contains(at)
        };
        let successor = |id: u64| Successor { object: object.into(), id: id.to_string() };
        let gone = state.tombstones.iter().filter(within).map(|(at, id, into)| Tombstone {
            id: id.to_string(),
            at: Some(Instant(*at)),
            into: into.map(successor),
        });
        Ok(Page { gone: gone.collect(), ..Page::default() })
    }

    async fn push(&self, _: &str, writes: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        self.call().await?;
        let mut state = self.state();
        let percent = state.nature.faults;
        let troubled = state.is_troubled;
        let lost = |state: &mut State| troubled && state.chance(percent);
        if lost(&mut state) {
            // Nothing arrives, or all does, and nobody hears of it.
            if state.chance(50) {
                writes.iter().for_each(|write| drop(take(&mut state, write)));
            }
            if state.chance(30) {
                let (plugin, kind) = ("crm".parse().unwrap(), FaultKind::Trap("unreachable".into()));
                return Err(Fault { plugin, verb: "push", kind }.into());
            }
            return Ok(writes.iter().map(|_| WriteOutcome::Unknown("the answer was lost".into())).collect());
        }
        let outcomes = writes.iter().map(|write| match state.rng.random_range(0..100) {
            _ if !troubled => take(&mut state, write),
            0..5 => {
                take(&mut state, write);
                WriteOutcome::Unknown("lost".into())
            }
            5..10 => WriteOutcome::Unknown("lost".into()),
            10..14 => WriteOutcome::Later(None),
            _ => take(&mut state, write),
        });
        Ok(outcomes.collect())
    }

    async fn resolve(&self, _: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        self.call().await?;
        let state = self.state();
        Ok(writes.iter().map(|write| resolve(&state, write)).collect())
    }

    async fn receive(&self, _: Webhook) -> Result<Vec<Hint>, CallError> {
        Ok(vec![])
    }

    fn told_time(&self) -> Option<Instant> {
        let state = self.state();
        // As `Date` does, to the second.
        state.answered.filter(|_| state.nature.tells_time).map(|at| Instant(at / SECOND * SECOND))
    }
}
