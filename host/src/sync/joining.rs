//! Who is who, as a person says: two contacts are one, or a record is somebody else's. Links move with what they last agreed.

use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeName, Contact, Link, MergedInto};
use crate::model::id::{ContactId, SyncId};
use crate::model::ledger::{Entry, Origin, Replaced, Retention, SetAside};
use crate::model::policy::Policy;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::sync::{Sync, SyncState};
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::store::{Changes, LookupKey, StoreError, Workspace};

use super::inbound::Inbound;
use super::{Ports, Silent, SyncError, matching, remap};

/// Whose a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    Contact(ContactId),
    /// A contact of its own.
    New,
}

/// Why people can't have it so.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("both contacts stand for a record of `{sync}`: {kept} and {other}")]
    SameSync { sync: SyncId, kept: String, other: String },
    #[error("that is one contact")]
    Itself,
    #[error("{contact} has no other record than the one of `{sync}`")]
    OnlyRecord { contact: ContactId, sync: SyncId },
    #[error("{contact} has no record of `{sync}`")]
    NoRecord { contact: ContactId, sync: SyncId },
    #[error("record {record} of `{sync}` waits for nobody")]
    NotHeld { sync: SyncId, record: String },
    #[error("record {record} of `{sync}` can't be a contact: {why}")]
    Refused { sync: SyncId, record: String, why: String },
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<StoreError> for JoinError {
    fn from(error: StoreError) -> Self {
        Self::Sync(error.into())
    }
}

impl JoinError {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SameSync { .. } => "same-sync",
            Self::Itself => "same-contact",
            Self::OnlyRecord { .. } => "only-record",
            Self::NoRecord { .. } => "record-not-linked",
            Self::NotHeld { .. } => "record-not-held",
            Self::Refused { .. } => "record-refused",
            Self::Sync(error) => error.code(),
        }
    }

    pub fn remedy(&self) -> String {
        match self {
            Self::SameSync { .. } => {
                "merge the two records in the CRM, and the next run follows; or split one of them off first".to_owned()
            }
            Self::Itself => "name two contacts".to_owned(),
            Self::OnlyRecord { .. } => "a contact with one record is what a split makes".to_owned(),
            Self::NoRecord { contact, .. } => format!("`ferry contacts show {contact}` tells which records it has"),
            Self::NotHeld { sync, .. } => format!("`ferry contacts list --sync {sync} --refused` shows what waits"),
            Self::Refused { .. } => "mend the record in the CRM or the mapping, and run the sync".to_owned(),
            Self::Sync(error) => error.remedy(),
        }
    }
}

/// Makes one contact of two, as a person says: `keep` has the other's records from now on, and its values where it had none.
///
/// Whoever commits the changes must hold the workspace's writing lock since before the contacts were read.
pub fn merge_contacts(
    workspace: &Workspace,
    keep: Contact,
    other: &Contact,
    now: Instant,
    changes: &mut Changes,
) -> Result<Contact, JoinError> {
    join(workspace, keep, other, Join { origin: Origin::Person, now, fills: &|_| true, survivor: None }, changes)
}

/// On whose word two contacts become one.
pub(super) struct Join<'a> {
    pub(super) origin: Origin,
    pub(super) now: Instant,
    /// Attributes that the other's value fills where there is none.
    pub(super) fills: &'a dyn Fn(&str) -> bool,
    /// The record that both stand for: one link to it is enough.
    pub(super) survivor: Option<&'a str>,
}

/// As [`merge_contacts`].
pub(super) fn join(
    workspace: &Workspace,
    mut keep: Contact,
    other: &Contact,
    by: Join<'_>,
    changes: &mut Changes,
) -> Result<Contact, JoinError> {
    let now = by.now;
    if keep.id == other.id {
        return Err(JoinError::Itself);
    }
    let before = keep.clone();
    let is_filled = |name: &str| keep.get(name).is_none() && (by.fills)(name);
    let filled: Vec<_> = other.attributes.iter().filter(|(name, _)| is_filled(name)).cloned().collect();
    for (name, value) in &filled {
        keep.set(name, value.clone());
    }
    let mut new_keys: Vec<_> =
        matching::hashes(workspace, &keep, |key| before.get(key.attribute()).is_none()).collect();
    let mut provenance = workspace.provenance(keep.id)?.unwrap_or_default();
    let rows = workspace.provenance(other.id)?.unwrap_or_default().rows;
    for link in &other.links {
        if keep.link(&link.sync).is_some() {
            // One of the two is no more.
            let mut state = workspace.get::<SyncState>(&link.sync)?.unwrap_or_default();
            state.linked = state.linked.saturating_sub(1);
            changes.put(&link.sync, &state)?;
        }
        let is_kept = match keep.link(&link.sync).map(|known| (known, known.gone, link.gone)) {
            None => true,
            Some((known, None, None)) if known.record == link.record && by.survivor == Some(&link.record) => false,
            Some((known, None, None)) => {
                let (sync, kept, other) = (link.sync.clone(), known.record.clone(), link.record.clone());
                return Err(JoinError::SameSync { sync, kept, other });
            }
            Some((_, _, Some(_))) => false,
            Some((_, Some(_), None)) => true,
        };
        for conflict in workspace.conflicts_of(&link.sync, other.id) {
            let conflict = Conflict { contact: keep.id, ..conflict? };
            changes.remove::<Conflict>((&link.sync, other.id, &conflict.attribute));
            if is_kept {
                changes.put((&link.sync, keep.id, &*conflict.attribute), &conflict)?;
            }
        }
        if is_kept {
            keep.links.retain(|known| known.sync != link.sync);
            new_keys.push(workspace.hash(LookupKey::Record { source: &link.source, id: &link.record }));
            provenance.rows.retain(|row| row.sync != link.sync);
            provenance.rows.extend(rows.iter().filter(|row| row.sync == link.sync).cloned());
            keep.links.push(moved(link, other, &keep));
        }
    }
    keep.changed = now;
    let replaced = |(attribute, _): (AttributeName, _)| Replaced {
        attribute,
        policy: Policy::default(),
        value: Some(Value::Null),
    };
    let entry = Entry { origin: by.origin, at: now, replaced: filled.into_iter().map(replaced).collect() };
    let retention = workspace.get::<Retention>(())?.unwrap_or_default();
    provenance.write(entry, retention.horizon(now));
    changes.provenance(keep.id, provenance);
    changes.contact(keep.clone(), &new_keys);
    changes.remove_contact(other.id);
    changes.put(other.id, &MergedInto { contact: other.id, into: keep.id })?;
    Ok(keep)
}

/// A link of `from`, as `to` has to keep it: with the same values last agreed.
fn moved(link: &Link, from: &Contact, to: &Contact) -> Link {
    let null = Value::Null;
    let mut moved = Link { base: Vec::new(), ..link.clone() };
    let names = from.attributes.iter().chain(&to.attributes).chain(&link.base).map(|(name, _)| name);
    for name in names {
        let agreed = link.agreed(name, from.get(name).unwrap_or(&null)).clone();
        moved.agree(name, agreed, to.get(name).unwrap_or(&null));
    }
    moved
}

/// Gives a record that waits to the contact that a person names. Gives the contact.
pub async fn decide_record(ports: &Ports, sync: &Sync, record: &str, whom: Whom) -> Result<ContactId, JoinError> {
    let (workspace, name) = (&ports.workspace, || (sync.id.clone(), record.to_owned()));
    let Some(aside) = workspace.get::<SetAside>((&sync.id, record))? else {
        let (sync, record) = name();
        return Err(JoinError::NotHeld { sync, record });
    };
    if let Whom::Contact(id) = whom
        && let Some(link) = workspace.contact(id)?.as_ref().and_then(|contact| contact.living(&sync.id))
    {
        let (sync, other) = name();
        return Err(JoinError::SameSync { sync, kept: link.record.clone(), other });
    }
    let page = remap::page_of(workspace, sync, aside)?;
    let mut inbound = Inbound::open(ports, sync, 1).await?;
    inbound.decide(record, whom);
    let done = inbound.commit(page, &Silent, |_| {}).await;
    inbound.end(done).await?;
    let source = sync.source();
    let found = workspace.find(LookupKey::Record { source: &source, id: record })?;
    match found.iter().find(|contact| contact.link(&sync.id).is_some_and(|link| link.record == record)) {
        Some(contact) => Ok(contact.id),
        None => {
            let refusal = workspace.get::<Refusal>((&sync.id, record))?;
            let why = refusal.map_or("the mapping leaves it out".to_owned(), |refusal| refusal.reason.describe());
            let (sync, record) = name();
            Err(JoinError::Refused { sync, record, why })
        }
    }
}

/// Takes the record of a sync from a contact; it waits, until [`decide_record`] says whose it is. Gives the record.
///
/// Whoever commits the changes must hold the workspace's writing lock since before the contact was read.
pub fn take_record(
    workspace: &Workspace,
    mut contact: Contact,
    sync: &Sync,
    now: Instant,
    changes: &mut Changes,
) -> Result<String, JoinError> {
    let name = || (contact.id, sync.id.clone());
    let Some(at) = contact.links.iter().position(|link| link.sync == sync.id && link.gone.is_none()) else {
        let (contact, sync) = name();
        return Err(JoinError::NoRecord { contact, sync });
    };
    let mut provenance = workspace.provenance(contact.id)?.unwrap_or_default();
    let row = provenance.rows.iter().position(|row| row.sync == sync.id);
    let (Some(row), true) = (row, contact.links.len() > 1) else {
        let (contact, sync) = name();
        return Err(JoinError::OnlyRecord { contact, sync });
    };
    let row = provenance.rows.remove(row);
    let values = row.values.unpack().ok_or(StoreError::Corrupt { what: "a stored row" })?;
    let link = contact.links.remove(at);
    let record = link.record;
    let aside = SetAside {
        sync: sync.id.clone(),
        record: record.clone(),
        modified: row.modified,
        version: row.version,
        values,
    };
    let mut state = workspace.get::<SyncState>(&sync.id)?.unwrap_or_default();
    let refusal = Refusal {
        sync: sync.id.clone(),
        record: record.clone(),
        reason: RefusalReason::Held { by: "split".to_owned(), candidates: vec![contact.id] },
        fingerprint: link.fingerprint,
        run: state.last_run.unwrap_or_default(),
        at: now,
    };
    (state.linked, state.refused) = (state.linked.saturating_sub(1), state.refused + 1);
    for conflict in workspace.conflicts_of(&sync.id, contact.id) {
        changes.remove::<Conflict>((&sync.id, contact.id, &conflict?.attribute));
    }
    contact.changed = now;
    changes.put((&sync.id, record.as_str()), &aside)?;
    changes.put((&sync.id, record.as_str()), &refusal)?;
    changes.put(&sync.id, &state)?;
    changes.provenance(contact.id, provenance);
    changes.contact(contact, &[]);
    Ok(record)
}
