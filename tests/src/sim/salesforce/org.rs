//! The whole state of one simulated org, and the small questions that every endpoint asks it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bulk::Jobs;
use super::cell::Cell;
use super::changes::Changes;
use super::cursors::Cursors;
use super::errors::ApiError;
use super::id::Id;
use super::limits::Limits;
use super::schema::{FieldType, Kind, Source};
use super::sign_in::SignIn;
use super::standard;
use super::table::{Record, Table};
use crate::sim::clock::Clock;
use crate::sim::faults::Faults;
use crate::sim::journal::Journal;

/// The user whom the tokens stand for.
pub(crate) const INTEGRATION_USER: Id = Id { prefix: *b"005", number: 1 };
/// The user who gets the leads that the assignment rule gives away.
pub(crate) const LEAD_QUEUE_USER: Id = Id { prefix: *b"005", number: 2 };
/// A person who works in the CRM, played by the control interface.
pub(crate) const SALES_USER: Id = Id { prefix: *b"005", number: 3 };
/// The org itself.
pub(crate) const ORG: Id = Id { prefix: *b"00D", number: 1 };

/// What the duplicate rule does when a new lead or contact has the e-mail of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DuplicateRule {
    /// Nothing.
    Off,
    /// Refuses, unless the request says `allowSave=true`.
    Alert,
    /// Refuses.
    Block,
}

/// Behaviours that a test switches, other than faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Each refresh gives a new refresh token and ends the old one.
    pub rotate_refresh_tokens: bool,
    /// Whether the daily limit is kept.
    pub limits: bool,
    /// What the org may ask in 24 hours.
    pub daily_requests_max: u64,
    /// How long every answer is held back, milliseconds.
    pub latency_ms: u64,
    /// How long a session lives without being used, milliseconds.
    pub session_ms: i64,
    /// All writes get this system stamp, milliseconds since 1970.
    pub equal_stamps_ms: Option<i64>,
    /// How far the stamp of a write lies before its commit, milliseconds: the transaction began so long ago, and its rows
    /// appear below the highest stamp that was seen already.
    pub commit_lag_ms: i64,
    /// How far queries, bulk queries and list views lag behind writes, milliseconds. Reads by id do not.
    pub search_lag_ms: i64,
    /// Whether system stamps are whole seconds.
    pub whole_seconds: bool,
    /// `Object.Field`: hidden from the integration user by field-level security; omitted from describe, unknown to SOQL.
    pub hidden_fields: BTreeSet<String>,
    /// `Object.Field`: shown to the integration user, not to be written.
    pub read_only_fields: BTreeSet<String>,
    /// Whether new leads are given to somebody else unless the request says not to.
    pub lead_assignment: bool,
    /// What happens to new duplicates.
    pub duplicate_rule: DuplicateRule,
    /// Whether the validation rules are active: an opportunity's amount is not negative, a customer number begins with `C-`.
    pub validation_rules: bool,
    /// How many result cursors one user may hold; the oldest goes.
    pub cursors_max: usize,
    /// How long a result cursor lives, milliseconds.
    pub cursor_ms: i64,
    /// How often a bulk job is looked at before it is done.
    pub bulk_looks: u32,
    /// What a bulk query's page of results holds at most.
    pub bulk_page_max: usize,
    /// Bulk queries of 24 hours.
    pub daily_bulk_queries_max: u64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            rotate_refresh_tokens: false,
            limits: false,
            daily_requests_max: 100_000,
            latency_ms: 0,
            session_ms: 7_200_000,
            equal_stamps_ms: None,
            commit_lag_ms: 0,
            search_lag_ms: 0,
            whole_seconds: true,
            hidden_fields: BTreeSet::new(),
            read_only_fields: BTreeSet::new(),
            lead_assignment: true,
            duplicate_rule: DuplicateRule::Off,
            validation_rules: true,
            cursors_max: 10,
            cursor_ms: 2 * 86_400_000,
            bulk_looks: 1,
            bulk_page_max: 50_000,
            daily_bulk_queries_max: 10_000,
        }
    }
}

/// The place of an object in the org.
pub(crate) type At = usize;

/// One object: what it is, and its records.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) table: Table,
}

/// The state of one org.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) clock: Arc<Clock>,
    pub(crate) switches: Switches,
    pub(crate) objects: Vec<Object>,
    pub(crate) sign_in: SignIn,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) changes: Changes,
    pub(crate) cursors: Cursors,
    pub(crate) jobs: Jobs,
    pub(crate) started_ms: i64,
}

impl Org {
    /// An org with `contacts` seeded contacts and what belongs to them.
    pub(crate) fn new(seed: u64, contacts: u64, clock: Arc<Clock>, switches: Switches, sign_in: SignIn) -> Self {
        let started_ms = clock.now_ms();
        let mut org = Self {
            clock,
            switches,
            objects: Vec::new(),
            sign_in,
            limits: Limits::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            changes: Changes::default(),
            cursors: Cursors::default(),
            jobs: Jobs::default(),
            started_ms,
        };
        for kind in standard::kinds() {
            let looked_up = kind.fields.iter().enumerate();
            let looked_up = looked_up.filter(|(_, field)| field.external_id || field.kind == FieldType::Email);
            let looked_up = looked_up.map(|(place, _)| place).collect();
            org.objects.push(Object { kind, table: Table::new(looked_up) });
        }
        super::population::fill(&mut org, seed, contacts);
        org
    }

    /// The object with a name; names are not case-sensitive.
    pub(crate) fn object(&self, name: &str) -> Option<At> {
        self.objects.iter().position(|object| object.kind.name.eq_ignore_ascii_case(name))
    }

    /// The object that a path names.
    pub(crate) fn at(&self, name: &str) -> Result<At, ApiError> {
        self.object(name).ok_or_else(ApiError::not_found)
    }

    pub(crate) fn kind(&self, at: At) -> &Kind {
        &self.objects[at].kind
    }

    pub(crate) fn table(&self, at: At) -> &Table {
        &self.objects[at].table
    }

    /// The object whose ids begin with a prefix.
    pub(crate) fn at_prefix(&self, prefix: [u8; 3]) -> Option<At> {
        self.objects.iter().position(|object| object.kind.prefix == prefix)
    }

    /// The id of a record.
    pub(crate) fn id(&self, at: At, number: u64) -> Id {
        Id::new(self.kind(at).prefix, number)
    }

    /// The record with an id, also a deleted one.
    pub(crate) fn record(&self, id: Id) -> Option<(At, &Record)> {
        let at = self.at_prefix(id.prefix)?;
        Some((at, self.table(at).get(id.number)?))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The stamp that a write made now gets.
    pub(crate) fn write_stamp_ms(&self) -> i64 {
        let ms = self.switches.equal_stamps_ms.unwrap_or_else(|| self.now_ms() - self.switches.commit_lag_ms);
        if self.switches.whole_seconds { ms - ms.rem_euclid(1_000) } else { ms }
    }

    /// Adds a record.
    pub(crate) fn insert(&mut self, at: At, record: Record) {
        self.lag(at, record.number);
        self.objects[at].table.insert(record);
    }

    /// Changes a record; nothing where there is none.
    pub(crate) fn change(&mut self, at: At, number: u64, change: impl FnOnce(&mut Record)) {
        self.lag(at, number);
        self.objects[at].table.change(number, change);
    }

    fn lag(&mut self, at: At, number: u64) {
        let now_ms = self.now_ms();
        self.objects[at].table.lag(number, now_ms, now_ms + self.switches.search_lag_ms);
    }

    /// Asks the org as queries see it, which may lag behind what was written.
    pub(crate) fn as_queries_see<T>(&mut self, ask: impl FnOnce(&mut Self) -> T) -> T {
        let now_ms = self.now_ms();
        let written: Vec<_> = self.objects.iter_mut().map(|object| object.table.step_back(now_ms)).collect();
        let answer = ask(self);
        for (object, written) in self.objects.iter_mut().zip(written) {
            object.table.exchange(written);
        }
        answer
    }

    /// Whether the integration user may see a field.
    pub(crate) fn is_visible(&self, at: At, place: usize) -> bool {
        self.switches.hidden_fields.is_empty() || !self.switches.hidden_fields.contains(&self.full_name(at, place))
    }

    /// Whether field-level security lets the integration user write a field.
    pub(crate) fn is_editable(&self, at: At, place: usize) -> bool {
        let closed = &self.switches.read_only_fields;
        self.is_visible(at, place) && (closed.is_empty() || !closed.contains(&self.full_name(at, place)))
    }

    fn full_name(&self, at: At, place: usize) -> String {
        let kind = self.kind(at);
        format!("{}.{}", kind.name, kind.fields[place].name)
    }

    /// The place of a visible field.
    pub(crate) fn place(&self, at: At, name: &str) -> Option<usize> {
        self.kind(at).place(name).filter(|place| self.is_visible(at, *place))
    }

    /// The value of a field.
    pub(crate) fn cell<'a>(&'a self, at: At, record: &'a Record, place: usize) -> Cow<'a, Cell> {
        let kind = self.kind(at);
        Cow::Owned(match kind.fields[place].source {
            Source::Stored => return Cow::Borrowed(record.value(place)),
            Source::Id => Cell::Id(Id::new(kind.prefix, record.number)),
            Source::IsDeleted => Cell::Bool(record.deleted_ms.is_some()),
            Source::Master => record.master.map_or(Cell::Null, Cell::Id),
            Source::Created => Cell::Instant(record.created_ms),
            Source::CreatedBy => Cell::Id(record.created_by),
            Source::Modified => Cell::Instant(record.modified_ms),
            Source::ModifiedBy => Cell::Id(record.modified_by),
            Source::Stamp => Cell::Instant(record.stamp_ms),
            Source::FullName => full_name(kind, record),
            Source::Address => address(kind, record, &kind.fields[place].name),
            Source::Closed => Cell::Bool(self.state(kind, record).is_some_and(is_closed)),
            Source::Won => Cell::Bool(self.state(kind, record) == Some("Closed Won")),
            Source::AccountIndustry => return self.industry(kind, record),
            Source::Members(field) => Cell::Int(self.members(Id::new(kind.prefix, record.number), field)),
        })
    }

    fn state<'a>(&self, kind: &Kind, record: &'a Record) -> Option<&'a str> {
        record.value(kind.place("StageName").or_else(|| kind.place("Status"))?).as_text()
    }

    fn members(&self, campaign: Id, field: &str) -> i64 {
        let Some(at) = self.object("CampaignMember") else { return 0 };
        let place = |name: &str| self.kind(at).place(name);
        let (Some(of), Some(who)) = (place("CampaignId"), place(field)) else { return 0 };
        let is_member = |record: &&Record| {
            record.deleted_ms.is_none() && record.value(of).as_id() == Some(campaign) && !record.value(who).is_null()
        };
        i64::try_from(self.table(at).walk(0..=u64::MAX).filter(is_member).count()).unwrap_or(i64::MAX)
    }

    fn industry<'a>(&'a self, kind: &Kind, record: &Record) -> Cow<'a, Cell> {
        let account = kind.place("AccountId").and_then(|place| record.value(place).as_id());
        let account = account.and_then(|id| self.record(id));
        let found = account.and_then(|(at, account)| Some(account.value(self.kind(at).place("Industry")?)));
        found.map_or(Cow::Owned(Cell::Null), Cow::Borrowed)
    }
}

fn is_closed(state: &str) -> bool {
    matches!(state, "Completed" | "Closed Won" | "Closed Lost")
}

fn full_name(kind: &Kind, record: &Record) -> Cell {
    let part = |name: &str| kind.place(name).and_then(|place| record.value(place).as_text()).unwrap_or("").trim();
    Cell::text(format!("{} {}", part("FirstName"), part("LastName")).trim())
}

fn address(kind: &Kind, record: &Record, name: &str) -> Cell {
    let prefix = name.trim_end_matches("Address");
    let part = |name: &str| kind.place(&format!("{prefix}{name}")).map_or(&Cell::Null, |place| record.value(place));
    let parts = [part("Street"), part("City"), part("State"), part("PostalCode"), part("Country")];
    if parts.iter().all(|part| part.is_null()) {
        return Cell::Null;
    }
    let [street, city, state, postal_code, country] = parts;
    Cell::Compound(Box::new(json!({"city": city, "country": country, "geocodeAccuracy": null, "latitude": null,
        "longitude": null, "postalCode": postal_code, "state": state, "street": street})))
}
