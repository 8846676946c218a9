//! The shapes that the API and `--json` give: named and stable, whatever form the store keeps. Times are RFC 3339, ids texts.

mod access;
mod audiences;
mod veil;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::app::syncs::SyncStatus;
use crate::model::allowance::DailyState;
use crate::model::id::{ConnectionId, ContactId, OutboxId, RunId, SyncId};
use crate::model::mapping::Direction;
use crate::model::outcome::{Delivery, OutcomeKind};
use crate::model::schedule::{Schedule, Sending, Timetable};
use crate::model::sync::{Checkpoint, Counts, RunEnd};
use crate::model::time::Instant;
use crate::model::value::{Problem, Value};
use crate::model::{contact, outcome, sync};

pub use access::{Audit, Token};
pub use audiences::{Audience, Event, Hook, Member, Suppression};
pub use veil::Values;

/// Shown as RFC 3339.
fn text(at: Instant) -> String {
    at.to_string()
}

/// A person, with the records of CRMs that stand for them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contact {
    #[schema(value_type = String, example = "c17")]
    id: ContactId,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    changed: String,
    /// By name; what is not known is left out.
    #[schema(value_type = Object)]
    attributes: BTreeMap<String, Json>,
    links: Vec<Link>,
}

/// A record of a CRM that stands for a contact.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    #[schema(value_type = String)]
    sync: SyncId,
    #[schema(value_type = String)]
    connection: ConnectionId,
    object: String,
    record: String,
    #[schema(format = DateTime)]
    modified: Option<String>,
    /// When the CRM said that the record is gone.
    #[schema(format = DateTime)]
    gone: Option<String>,
    /// Since when the record, though it is there, is not in the sync's list or does not pass its filter.
    #[schema(format = DateTime)]
    left: Option<String>,
}

impl From<&contact::Contact> for Contact {
    fn from(contact: &contact::Contact) -> Self {
        Self {
            id: contact.id,
            created: text(contact.created),
            changed: text(contact.changed),
            attributes: values(contact.attributes.iter().map(|(name, value)| (&**name, value))),
            links: contact.links.iter().map(Link::from).collect(),
        }
    }
}

impl From<&contact::Link> for Link {
    fn from(link: &contact::Link) -> Self {
        Self {
            sync: link.sync.clone(),
            connection: link.source.connection.clone(),
            object: link.source.object.to_string(),
            record: link.record.clone(),
            modified: link.modified.map(text),
            gone: link.gone.map(text),
            left: link.left.map(text),
        }
    }
}

/// By name, as JSON.
pub fn values<'a>(values: impl IntoIterator<Item = (&'a str, &'a Value)>) -> BTreeMap<String, Json> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect()
}

/// One execution of a sync in one direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    #[schema(value_type = String, example = "r3")]
    id: RunId,
    #[schema(value_type = String)]
    sync: SyncId,
    #[schema(value_type = String, example = "inbound")]
    direction: Direction,
    #[schema(format = DateTime)]
    started: String,
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// How many rows and writes met which fate.
    #[schema(value_type = Object)]
    counts: Counts,
    /// `running`, `done` or `failed`.
    end: &'static str,
    /// Why it ended early; the next run goes on from there.
    error: Option<RunError>,
}

/// Why a run ended early.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunError {
    code: String,
    message: String,
    remedy: String,
}

impl From<&sync::Run> for Run {
    fn from(run: &sync::Run) -> Self {
        let (end, error) = match &run.end {
            RunEnd::Running => ("running", None),
            RunEnd::Done => ("done", None),
            RunEnd::Failed { code, message, remedy } => {
                let (code, message, remedy) = (code.clone(), message.clone(), remedy.clone());
                ("failed", Some(RunError { code, message, remedy }))
            }
        };
        Self {
            id: run.id,
            sync: run.sync.clone(),
            direction: run.direction,
            started: text(run.started),
            ended: run.ended.map(text),
            counts: run.counts,
            end,
            error,
        }
    }
}

/// When a sync runs by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timing {
    /// In words, as in `every 15m`; none where it only runs when it is told to.
    schedule: Option<String>,
    paused: bool,
    #[schema(format = DateTime)]
    next: Option<String>,
    /// When outcomes leave for the CRM: `at-once` or `with-runs`.
    #[schema(value_type = String, example = "at-once")]
    outcomes: Sending,
    /// Runs by schedule that failed since the last that did not.
    failures: u32,
    /// How often ids are compared with the CRM by itself, in seconds.
    sweeps_every_s: Option<u64>,
    #[schema(format = DateTime)]
    next_sweep: Option<String>,
}

impl Timing {
    /// `tells_gone`: the CRM says which records are gone.
    pub fn of(table: &Timetable, next: Option<Instant>, tells_gone: bool) -> Self {
        Self {
            schedule: table.schedule.as_ref().map(Schedule::describe),
            paused: table.paused,
            next: next.map(text),
            outcomes: table.sending(),
            failures: table.failures,
            sweeps_every_s: table.sweeps_every(tells_gone).map(|every| every.as_secs()),
            next_sweep: table.sweep_due(tells_gone).map(text),
        }
    }

    /// When ids are compared, as the end of a sentence; empty where they are not by themselves.
    pub fn sweeps(&self) -> String {
        let every = self.sweeps_every_s.and_then(|seconds| i64::try_from(seconds).ok());
        every.map_or_else(String::new, |seconds| {
            format!("; ids are compared every {:#}", jiff::SignedDuration::from_secs(seconds))
        })
    }

    /// For people, in a few words.
    pub fn words(&self) -> String {
        match (&self.schedule, &self.next) {
            (None, _) if self.paused => "by hand (paused)".to_owned(),
            (None, _) => "by hand".to_owned(),
            (Some(schedule), _) if self.paused => format!("paused ({schedule})"),
            (Some(schedule), Some(next)) => format!("{schedule}, next {next}"),
            (Some(schedule), None) => schedule.clone(),
        }
    }
}

/// How far a sync has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    #[schema(value_type = String)]
    name: SyncId,
    #[schema(value_type = String)]
    connection: ConnectionId,
    object: String,
    /// Contacts that it has linked.
    linked: u64,
    /// Rows that wait for a person.
    refused: u64,
    /// Values that wait for a person.
    conflicts: usize,
    /// Writes that wait for the CRM.
    waiting: u64,
    /// Writes that wait for a person.
    dead: u64,
    /// Everything that the CRM changed before has been seen.
    #[schema(format = DateTime)]
    seen_until: Option<String>,
    /// What is left of a run that ended early: `backfill` or `increment`.
    walking: Option<&'static str>,
    /// Whether a changed mapping is on its way through what is stored.
    remapping: bool,
    last_run: Option<Run>,
    /// What the CRM last said of the account's daily allowance.
    allowance: Option<Allowance>,
    #[serde(flatten)]
    timing: Timing,
}

impl From<&SyncStatus> for Status {
    fn from(status: &SyncStatus) -> Self {
        let (sync, state) = (&status.sync, &status.state);
        Self {
            name: sync.id.clone(),
            connection: sync.connection.clone(),
            object: sync.object.clone(),
            linked: state.linked,
            refused: state.refused,
            conflicts: status.conflicts,
            waiting: status.waiting,
            dead: status.dead,
            seen_until: state.high_water.map(text),
            walking: state.checkpoint.as_ref().map(walking),
            remapping: state.remap.is_some(),
            last_run: status.last_run.as_ref().map(Run::from),
            allowance: status.allowance.as_ref().map(Allowance::from),
            timing: Timing::of(&status.timetable, status.next, sync.abilities.gone),
        }
    }
}

/// Requests that a CRM account may make in a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Allowance {
    remaining: Option<u64>,
    limit: Option<u64>,
    /// When the CRM said so.
    #[schema(format = DateTime)]
    at: String,
    /// When it will be used up, if use goes on as in the last hour.
    #[schema(format = DateTime)]
    used_up_at: Option<String>,
    /// It is used up, and nothing is sent before.
    #[schema(format = DateTime)]
    blocked_until: Option<String>,
}

impl From<&DailyState> for Allowance {
    fn from(state: &DailyState) -> Self {
        let DailyState { remaining, limit, at, blocked_until, used_up_at } = *state;
        let (used_up_at, blocked_until) = (used_up_at.map(text), blocked_until.map(text));
        Self { remaining, limit, at: text(at), used_up_at, blocked_until }
    }
}

fn walking(checkpoint: &Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::Backfill { .. } => "backfill",
        Checkpoint::Increment { .. } => "increment",
    }
}

/// A write that waits for the CRM, or for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboxEntry {
    #[schema(value_type = String, example = "o5")]
    id: OutboxId,
    #[schema(value_type = String)]
    sync: SyncId,
    /// The CRM's id of the contact's record.
    record: String,
    #[schema(format = DateTime)]
    created: String,
    /// When a person last put it back.
    #[schema(format = DateTime)]
    retried: Option<String>,
    delivery: DeliveryState,
    outcome: Outcome,
}

/// Where a write stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum DeliveryState {
    Waiting {
        attempts: u32,
        #[schema(format = DateTime)]
        not_before: String,
    },
    /// It may have arrived: that is found out before it is sent again.
    Unknown {
        attempts: u32,
        #[schema(format = DateTime)]
        not_before: String,
    },
    /// A person must look at it.
    Dead {
        #[schema(value_type = Vec<FieldProblem>)]
        problems: Vec<Problem>,
        remedy: String,
        #[schema(format = DateTime)]
        at: String,
    },
}

/// What is wrong with one field, or with the whole.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes `Problem` in the OpenAPI document, and is never made")]
pub struct FieldProblem {
    field: Option<String>,
    message: String,
}

/// What happened with a contact.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcome {
    id: String,
    #[schema(value_type = String, example = "call")]
    kind: OutcomeKind,
    #[schema(value_type = String, example = "c17")]
    contact: ContactId,
    #[schema(format = DateTime)]
    at: String,
    #[schema(value_type = Object)]
    values: BTreeMap<String, Json>,
}

impl OutboxEntry {
    pub fn of(entry: &outcome::OutboxEntry, shown: Values) -> Self {
        let outcome = &entry.outcome;
        Self {
            id: entry.id,
            sync: entry.sync.clone(),
            record: entry.record.clone(),
            created: text(entry.created),
            retried: entry.retried.map(text),
            delivery: DeliveryState::from(&entry.delivery),
            outcome: Outcome {
                id: outcome.id.clone(),
                kind: outcome.kind,
                contact: outcome.contact,
                at: text(outcome.at),
                values: outcome.values.iter().map(|(name, value)| (name.clone(), shown.json(value))).collect(),
            },
        }
    }
}

impl From<&Delivery> for DeliveryState {
    fn from(delivery: &Delivery) -> Self {
        match delivery {
            Delivery::Waiting { attempts, not_before } => {
                Self::Waiting { attempts: *attempts, not_before: text(*not_before) }
            }
            Delivery::Unknown { attempts, not_before, .. } => {
                Self::Unknown { attempts: *attempts, not_before: text(*not_before) }
            }
            Delivery::Dead { problems, remedy, at } => {
                Self::Dead { problems: problems.clone(), remedy: remedy.clone(), at: text(*at) }
            }
        }
    }
}
