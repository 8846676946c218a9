//! A changed mapping over the rows that are stored: planned without a word to the CRM, or applied to every contact.

use std::collections::HashMap;

use crate::model::connector::Page;
use crate::model::id::{ContactId, RunId};
use crate::model::ledger::{PackedValues, SetAside};
use crate::model::sync::{Counts, MappingVersion, Remap, Sync};
use crate::model::value::{Row, Value};
use crate::store::{StoreError, Workspace};

use super::draft::Tell;
use super::inbound::{Inbound, open_pages};
use super::page::Verdict;
use super::{Observer, Ports, StopSignal, SyncError};

/// Rows that are mapped and committed together.
const BATCH: usize = 500;

/// What a mapping would make of the stored rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub counts: Counts,
    /// Contacts that would get another value, or none, in an attribute by which the sync finds contacts.
    pub rekeyed: u64,
}

/// Plans a sync, as it would be, over its stored rows. `tell` hears of each row. Writes nothing.
pub async fn plan(ports: &Ports, sync: &Sync, tell: &mut Tell<'_>) -> Result<Plan, SyncError> {
    let mut pages = open_pages(ports, sync, RunId(0)).await?;
    let mut rows = StoredRows::of(&ports.workspace, sync, Remap::start())?;
    let mut plan = Plan::default();
    loop {
        let batch = rows.next()?;
        if batch.is_empty() {
            return Ok(plan);
        }
        let mut rekeyed = 0;
        let mut watch = |record: &str, verdict: &Verdict, values: &[_]| {
            rekeyed += u64::from(is_rekeyed(sync, verdict));
            tell(record, verdict, values);
        };
        let page = Page { rows: batch, ..Page::default() };
        let changes = pages.changes(page, ports.clock.now(), Some(&mut watch)).await?;
        plan.counts.add(&changes.counts);
        plan.rekeyed += rekeyed;
    }
}

fn is_rekeyed(sync: &Sync, verdict: &Verdict) -> bool {
    let (Verdict::Changed(_, changes) | Verdict::Linked(_, changes)) = verdict else { return false };
    let is_key = |name: &str| sync.match_keys.iter().any(|key| key.attribute() == name);
    // A key that was empty makes nobody somebody else.
    changes.iter().any(|change| is_key(&change.attribute) && change.before != Value::Null)
}

impl Inbound<'_> {
    /// Takes the mapping that the sync has now to every stored row, from where that stands.
    pub(super) async fn remap(&mut self, observer: &dyn Observer, stop: &StopSignal) -> Result<(), SyncError> {
        let Some(from) = self.state.remap.clone() else { return Ok(()) };
        let workspace = self.ports.workspace.clone();
        let mut rows = StoredRows::of(&workspace, self.sync, from)?;
        loop {
            if stop.is_raised() {
                return Err(SyncError::Stopped);
            }
            let batch = rows.next()?;
            let at = (!batch.is_empty()).then(|| rows.at.clone());
            let is_done = at.is_none();
            let page = Page { rows: batch, ..Page::default() };
            self.commit(page, observer, |state| state.remap = at).await?;
            if is_done {
                return Ok(());
            }
        }
    }
}

/// A row that was set aside, as a page of its own.
pub(super) fn page_of(workspace: &Workspace, sync: &Sync, aside: SetAside) -> Result<Page, SyncError> {
    let SetAside { record, modified, version, values, .. } = aside;
    let row = StoredRows::of(workspace, sync, Remap::start())?.row(record, modified, version, values)?;
    Ok(Page { rows: vec![row], ..Page::default() })
}

/// The rows of a sync, in the columns that its mapping reads now.
struct StoredRows<'a> {
    workspace: &'a Workspace,
    sync: &'a Sync,
    /// By version, where each of today's columns stands in that version's rows.
    places: HashMap<u32, Vec<usize>>,
    at: Remap,
}

impl<'a> StoredRows<'a> {
    fn of(workspace: &'a Workspace, sync: &'a Sync, at: Remap) -> Result<Self, SyncError> {
        Ok(Self { workspace, sync, places: HashMap::new(), at })
    }

    /// The next rows; none at the end.
    fn next(&mut self) -> Result<Vec<Row>, SyncError> {
        let mut rows = Vec::new();
        if let Remap::Contacts { from } = self.at {
            rows = self.of_contacts(from)?;
            if !rows.is_empty() {
                return Ok(rows);
            }
            self.at = Remap::Aside { after: String::new() };
        }
        if let Remap::Aside { after } = self.at.clone() {
            rows = self.aside(&after)?;
        }
        Ok(rows)
    }

    fn of_contacts(&mut self, from: ContactId) -> Result<Vec<Row>, SyncError> {
        let mut rows = Vec::new();
        for entry in self.workspace.provenances(from) {
            let (id, provenance) = entry?;
            if let Some(raw) = provenance.rows.into_iter().find(|row| row.sync == self.sync.id)
                && let Some(contact) = self.workspace.contact(id)?
                && contact.stands_for(&self.sync.id, &raw.record)
                // What was refused since is kept aside, and newer.
                && self.workspace.get::<SetAside>((&self.sync.id, &raw.record))?.is_none()
            {
                let values = unpack(&raw.values)?;
                rows.push(self.row(raw.record, raw.modified, raw.version, values)?);
            }
            self.at = Remap::Contacts { from: ContactId(id.0 + 1) };
            if rows.len() == BATCH {
                break;
            }
        }
        Ok(rows)
    }

    fn aside(&mut self, after: &str) -> Result<Vec<Row>, SyncError> {
        let mut rows = Vec::new();
        for aside in self.workspace.scan_from::<SetAside>((&self.sync.id, after)) {
            let SetAside { sync, record, modified, version, values } = aside?;
            if sync != self.sync.id || rows.len() == BATCH {
                break;
            }
            if record != after {
                self.at = Remap::Aside { after: record.clone() };
                rows.push(self.row(record, modified, version, values)?);
            }
        }
        Ok(rows)
    }

    fn row(
        &mut self,
        id: String,
        modified: Option<crate::model::time::Instant>,
        version: u32,
        values: Vec<Value>,
    ) -> Result<Row, SyncError> {
        if !self.places.contains_key(&version) {
            let places = places(self.workspace, self.sync, version)?;
            self.places.insert(version, places);
        }
        let places = &self.places[&version];
        let values = places.iter().map(|place| values.get(*place).cloned().unwrap_or(Value::Null)).collect();
        Ok(Row { id, modified, version: None, values })
    }
}

fn unpack(values: &PackedValues) -> Result<Vec<Value>, SyncError> {
    Ok(values.unpack().ok_or(StoreError::Corrupt { what: "a stored row" })?)
}

/// Where each column that the sync reads stands in the rows of a version.
///
/// # Errors
/// [`SyncError::Unread`] names the columns that those rows do not have.
fn places(workspace: &Workspace, sync: &Sync, version: u32) -> Result<Vec<usize>, SyncError> {
    let columns = match workspace.get::<MappingVersion>((&sync.id, version))? {
        Some(known) => known.columns,
        None => return Err(StoreError::Corrupt { what: "the mapping version of a stored row" }.into()),
    };
    let place = |name: &str| columns.iter().position(|column| column.name == name);
    let missing: Vec<String> =
        sync.columns.iter().map(|column| column.name.clone()).filter(|name| place(name).is_none()).collect();
    if missing.is_empty() {
        Ok(sync.columns.iter().filter_map(|column| place(&column.name)).collect())
    } else {
        Err(SyncError::Unread(missing))
    }
}
