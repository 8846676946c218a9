//! A CRM in memory, with faults to switch on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use super::rig::StillClock;
use crate::model::connector::{
    Collected, Connector, Hint, Operation, Page, PullRequest, Slice, Webhook, Window, Write, WriteOutcome, Written,
};
use crate::model::failure::{CallError, Failure};
use crate::model::schema::{Account, Field, FieldKind, Object, Segment};
use crate::model::time::Instant;
use crate::model::value::{Problem, Row, Tombstone, Value};
use crate::sync::Stopper;

#[derive(Default)]
pub(super) struct State {
    /// By id: when modified, and the values in the order of the columns.
    pub(super) records: BTreeMap<u64, (Instant, Vec<Value>)>,
    /// The names of the fields that can be seen.
    pub(super) fields: Vec<&'static str>,
    /// The one that it works out, if any.
    pub(super) derived: Option<&'static str>,
    /// What no list has.
    pub(super) unlisted: Vec<u64>,
    pub(super) gone: Vec<Tombstone>,
    /// The windows that were asked about, and what to answer to the next.
    pub(super) gone_windows: Vec<Window>,
    pub(super) gone_failures: VecDeque<Failure>,
    pub(super) page: usize,
    /// The most records that a window may hold.
    pub(super) window_cap: usize,
    /// Answers to give instead of the next pulls.
    pub(super) pull_failures: VecDeque<Failure>,
    /// The pull of this number fails once.
    pub(super) fail_pull: Option<(u64, Failure)>,
    /// What the CRM took, in order.
    pub(super) journal: Vec<Write>,
    /// Faults of the next pushes.
    pub(super) push_faults: VecDeque<PushFault>,
    pub(super) resolve_unsupported: bool,
    /// The next pages that are not the last ask to wait so long.
    pub(super) waits: VecDeque<Duration>,
    pub(super) pulls: u64,
    pub(super) pushes: u64,
    /// From how many writes on it takes sets.
    pub(super) least: Option<u32>,
    /// By name: what was handed over, and how often it was looked at.
    pub(super) sets: BTreeMap<String, (Option<Vec<WriteOutcome>>, u32)>,
    /// What goes wrong with the next set.
    pub(super) set_fault: Option<SetFault>,
    /// Stops the run at its next look at a set.
    pub(super) stop_at_look: Option<Stopper>,
    /// Its answers do not say what time it is.
    pub(super) is_timeless: bool,
}

/// What can go wrong with a set.
pub(super) enum SetFault {
    NotOpened(Failure),
    /// It is not handed over, and nobody knows.
    LostBefore,
    LostAfter,
    /// It is done, and not there any more when it is to be collected.
    Forgotten,
}

#[derive(Debug, Clone)]
pub(super) enum PushFault {
    /// All writes take effect, and the answer is lost.
    LostAfter,
    /// None takes effect, and nobody knows.
    LostBefore,
    Fail(Failure),
    /// The batch is refused whole if it holds this outcome id.
    Poison(&'static str),
}

pub(super) struct Crm {
    state: Mutex<State>,
    clock: Arc<StillClock>,
}

impl Crm {
    pub(super) fn new(clock: Arc<StillClock>) -> Self {
        let state =
            State { fields: super::rig::COLUMNS.to_vec(), page: 10, window_cap: usize::MAX, ..State::default() };
        Self { state: Mutex::new(state), clock }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Puts a record with these values; null and text only.
    pub(super) fn put(&self, id: u64, modified: i64, values: &[&str]) {
        let values = values.iter().map(|text| match *text {
            "" => Value::Null,
            text => Value::Text(text.to_owned()),
        });
        self.state().records.insert(id, (Instant(modified), values.collect()));
    }
}

fn page_of(state: &State, ids: Vec<u64>, from: u64, until: u64, limit: usize) -> Page {
    let ids: Vec<u64> = ids.into_iter().filter(|id| (from..until).contains(id)).collect();
    let size = state.page.min(limit);
    let rows = ids.iter().take(size).map(|id| {
        let (modified, values) = &state.records[id];
        Row { id: id.to_string(), modified: Some(*modified), version: None, values: values.clone() }
    });
    let next = ids.get(size).map(|id| format!("{id}-{until}"));
    Page { rows: rows.collect(), next, total: Some(ids.len() as u64), ..Page::default() }
}

#[async_trait]
impl Connector for Crm {
    async fn check(&self) -> Result<Account, CallError> {
        Ok(Account { id: "1".into(), name: "Test".into(), time_zone: None, lacking: vec![] })
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        Ok(vec![])
    }

    async fn fields(&self, _: &str) -> Result<Vec<Field>, CallError> {
        let state = self.state();
        let shown = |name: &&'static str| Field { derived: state.derived == Some(*name), ..field(name) };
        Ok(state.fields.iter().map(shown).collect())
    }

    async fn segments(&self, _: &str) -> Result<Vec<Segment>, CallError> {
        Ok(vec![])
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        let mut state = self.state();
        state.pulls += 1;
        if let Some(failure) = state.pull_failures.pop_front() {
            return Err(failure.into());
        }
        if let Some((at, failure)) = state.fail_pull.clone()
            && at == state.pulls
        {
            return Err(failure.into());
        }
        let (from, until) = match &request.token {
            Some(token) => {
                let (from, until) = token.split_once('-').unwrap();
                (from.parse().unwrap(), until.parse().unwrap())
            }
            None => (0, u64::MAX),
        };
        let ids: Vec<u64> = match &request.slice {
            Slice::Window(Window { since, before }) => {
                let within = |(_, (modified, _)): &(&u64, &(Instant, _))| modified >= since && modified < before;
                state.records.iter().filter(within).map(|(id, _)| *id).collect()
            }
            Slice::Ids(ids) => {
                let asked = |id: &&u64| ids.contains(&id.to_string());
                state.records.keys().filter(asked).copied().collect()
            }
            Slice::All => state.records.keys().copied().collect(),
        };
        let ids: Vec<u64> = match &request.segment {
            Some(_) => ids.into_iter().filter(|id| !state.unlisted.contains(id)).collect(),
            None => ids,
        };
        if matches!(request.slice, Slice::Window(_)) && ids.len() > state.window_cap {
            return Err(Failure::WindowTooLarge(Some(ids.len() as u64)).into());
        }
        let page = page_of(&state, ids, from, until, request.limit as usize);
        let wait = if page.next.is_some() { state.waits.pop_front() } else { None };
        Ok(Page { wait, ..page })
    }

    async fn partition(&self, _: PullRequest, most: u32) -> Result<Vec<String>, CallError> {
        let state = self.state();
        let last = state.records.keys().last().copied().unwrap_or(0);
        let step = last / u64::from(most) + 1;
        let token = |n: u64| {
            let until = if n + 1 == u64::from(most) { u64::MAX } else { (n + 1) * step };
            format!("{}-{until}", n * step)
        };
        Ok((0..u64::from(most)).map(token).collect())
    }

    async fn gone(&self, _: &str, window: Window, _: Option<String>) -> Result<Page, CallError> {
        let mut state = self.state();
        state.gone_windows.push(window);
        if let Some(failure) = state.gone_failures.pop_front() {
            return Err(failure.into());
        }
        drop(state);
        Ok(Page { gone: self.state().gone.clone(), ..Page::default() })
    }

    async fn push(&self, _: &str, writes: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        let mut state = self.state();
        state.pushes += 1;
        let unknown = || Ok(writes.iter().map(|_| WriteOutcome::Unknown("the answer was lost".into())).collect());
        match state.push_faults.pop_front() {
            Some(PushFault::LostBefore) => return unknown(),
            Some(PushFault::Fail(failure)) => return Err(failure.into()),
            Some(PushFault::Poison(id)) => {
                state.push_faults.push_front(PushFault::Poison(id));
                let poison = |write: &Write| write.values.iter().any(|(_, value)| *value == Value::Text(id.into()));
                if writes.iter().any(poison) {
                    return Err(Failure::Invalid(vec![Problem { field: None, message: "bad batch".into() }]).into());
                }
            }
            Some(PushFault::LostAfter) => {
                state.journal.extend(writes.iter().cloned());
                return unknown();
            }
            None => {}
        }
        let first = state.journal.len();
        state.journal.extend(writes.iter().cloned());
        Ok((first..).zip(writes).map(|(at, write)| WriteOutcome::Written(written(at, write))).collect())
    }

    async fn resolve(&self, _: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        let state = self.state();
        if state.resolve_unsupported {
            return Err(Failure::Unsupported("no keys here".into()).into());
        }
        let find = |write: &Write| {
            let at = state.journal.iter().position(|taken| taken.key == write.key)?;
            Some(written(at, write))
        };
        Ok(writes.iter().map(find).collect())
    }

    async fn receive(&self, _: Webhook) -> Result<Vec<Hint>, CallError> {
        Ok(vec![])
    }

    fn told_time(&self) -> Option<Instant> {
        (!self.state().is_timeless).then(|| self.clock.real())
    }

    async fn least(&self, _: &str) -> Result<Option<u32>, CallError> {
        Ok(self.state().least)
    }

    async fn open_set(&self, _: &str, _: &[Write]) -> Result<String, CallError> {
        let mut state = self.state();
        if let Some(SetFault::NotOpened(failure)) = state.set_fault.take_if(|it| matches!(it, SetFault::NotOpened(_))) {
            return Err(failure.into());
        }
        let name = format!("set-{}", state.sets.len());
        state.sets.insert(name.clone(), (None, 0));
        Ok(name)
    }

    async fn submit_set(&self, _: &str, name: &str, writes: &[Write]) -> Result<(), CallError> {
        let mut state = self.state();
        let lost = || Err(Failure::Temporary("the answer was lost".into()).into());
        if state.set_fault.take_if(|it| matches!(it, SetFault::LostBefore)).is_some() {
            return lost();
        }
        let first = state.journal.len();
        state.journal.extend(writes.iter().cloned());
        let outcomes = (first..).zip(writes).map(|(at, write)| WriteOutcome::Written(written(at, write))).collect();
        state.sets.get_mut(name).unwrap().0 = Some(outcomes);
        if state.set_fault.take_if(|it| matches!(it, SetFault::LostAfter)).is_some() { lost() } else { Ok(()) }
    }

    async fn collect_set(&self, _: &str, name: &str, _: &[Write]) -> Result<Collected, CallError> {
        let mut state = self.state();
        if let Some(stopper) = state.stop_at_look.take() {
            stopper.stop();
            return Ok(Collected::Wait(Duration::from_secs(1)));
        }
        if state.set_fault.take_if(|it| matches!(it, SetFault::Forgotten)).is_some() {
            return Err(Failure::Missing("the set".into()).into());
        }
        let (outcomes, looks) = state.sets.get_mut(name).unwrap();
        *looks += 1;
        Ok(match outcomes {
            None => Collected::Void,
            Some(_) if *looks < 3 => Collected::Wait(Duration::from_secs(1)),
            Some(outcomes) => Collected::Outcomes(outcomes.clone()),
        })
    }
}

fn field(name: &str) -> Field {
    Field {
        name: name.into(),
        label: name.into(),
        kind: FieldKind::Text,
        choices: vec![],
        refers_to: vec![],
        required: false,
        writable: true,
        unique: false,
        custom: false,
        derived: false,
        length: None,
    }
}

fn written(at: usize, write: &Write) -> Written {
    let created = matches!(write.operation, Operation::Create);
    Written { id: format!("a{at}"), created, modified: None, version: None }
}
