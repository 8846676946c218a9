//! Who is who, as a person says: two contacts are one, or a record is somebody else's. Links move with what they last agreed.

use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeName, Contact, Link, MergedInto};
use crate::model::id::{ContactId, SyncId};
use crate::model::ledger::{Entry, Origin, Provenance, Replaced, Retention, SetAside};
use crate::model::policy::Policy;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::sync::{MatchKey, Sync, SyncState};
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::store::{Changes, LookupKey, StoreError, Workspace};

use super::inbound::Inbound;
use super::precedence::{self, Party, Word};
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

/// As [`merge_contacts`]. Where people can't have it so, `changes` stay as they are.
pub(super) fn join(
    workspace: &Workspace,
    mut keep: Contact,
    other: &Contact,
    by: Join<'_>,
    changes: &mut Changes,
) -> Result<Contact, JoinError> {
    if keep.id == other.id {
        return Err(JoinError::Itself);
    }
    let before = keep.clone();
    let coming = coming_along(&keep, other, by.survivor)?;
    let mut provenance = workspace.provenance(keep.id)?.unwrap_or_default();
    let others = workspace.provenance(other.id)?.unwrap_or_default();
    let own: Vec<&Link> = before.links.iter().collect();
    let parties = [(&before, &provenance, &own[..]), (other, &others, &coming[..])];
    let [ours, theirs] = parties.map(|(contact, provenance, links)| Party { contact, provenance, links });
    let words = precedence::reckon(workspace, &ours, &theirs)?;
    let mut asked = Vec::new();
    let is_filled = |name: &str| before.get(name).is_none() && (by.fills)(name);
    let filled = other.attributes.iter().filter(|(name, _)| is_filled(name)).cloned();
    let mut taken: Vec<_> = filled.map(|(name, value)| (name, value, Policy::default())).collect();
    for word in words {
        match word {
            Word::Takes(name, value, policy) => {
                taken.retain(|(filled, ..)| *filled != name);
                taken.push((name, value, policy));
            }
            Word::Asks { attribute, theirs, link } => asked.push((attribute, theirs, link)),
        }
    }
    for (name, value, _) in &taken {
        keep.set(name, value.clone());
    }
    let is_changed = |key: &MatchKey| before.get(key.attribute()) != keep.get(key.attribute());
    let mut new_keys: Vec<_> = matching::hashes(workspace, &keep, is_changed).collect();
    drop_links(workspace, &keep, other, &coming, changes)?;
    for link in &coming {
        keep.links.retain(|known| known.sync != link.sync);
        new_keys.push(workspace.hash(LookupKey::Record { source: &link.source, id: &link.record }));
        provenance.rows.retain(|row| row.sync != link.sync);
        provenance.rows.extend(others.rows.iter().filter(|row| row.sync == link.sync).cloned());
        keep.links.push(moved(link, other, &keep));
    }
    let first = keep.links.len() - coming.len();
    for (attribute, theirs, at) in asked {
        ask(workspace, &mut keep, first + at, (&attribute, theirs), by.now, changes)?;
    }
    keep.changed = by.now;
    let retention = workspace.get::<Retention>(())?.unwrap_or_default();
    for entry in entries(&before, &others, taken, &by) {
        provenance.write(entry, retention.horizon(by.now));
    }
    changes.provenance(keep.id, provenance);
    changes.contact(keep.clone(), &new_keys);
    changes.remove_contact(other.id);
    changes.put(other.id, &MergedInto { contact: other.id, into: keep.id })?;
    Ok(keep)
}

/// The links of `other` that `keep` has from now on: all but those in whose sync it has one that counts as well or better.
fn coming_along<'a>(keep: &Contact, other: &'a Contact, survivor: Option<&str>) -> Result<Vec<&'a Link>, JoinError> {
    let mut coming = Vec::new();
    for link in &other.links {
        match keep.link(&link.sync).map(|known| (known, known.gone, link.gone)) {
            None | Some((_, Some(_), None)) => coming.push(link),
            Some((_, _, Some(_))) => {}
            Some((known, None, None)) if known.record == link.record && survivor == Some(&link.record) => {}
            Some((known, None, None)) => {
                let (sync, kept, other) = (link.sync.clone(), known.record.clone(), link.record.clone());
                return Err(JoinError::SameSync { sync, kept, other });
            }
        }
    }
    Ok(coming)
}

/// Of each sync in which both have a link one is no more. What waits for a person goes where its link goes.
fn drop_links(
    workspace: &Workspace,
    keep: &Contact,
    other: &Contact,
    coming: &[&Link],
    changes: &mut Changes,
) -> Result<(), JoinError> {
    for link in &other.links {
        let is_coming = coming.iter().any(|coming| coming.sync == link.sync);
        if keep.link(&link.sync).is_some() {
            let mut state = changes.over::<SyncState>(workspace, &link.sync)?.unwrap_or_default();
            state.linked = state.linked.saturating_sub(1);
            changes.put(&link.sync, &state)?;
            for conflict in workspace.conflicts_of(&link.sync, keep.id).filter(|_| is_coming) {
                changes.remove::<Conflict>((&link.sync, keep.id, &conflict?.attribute));
            }
        }
        for conflict in workspace.conflicts_of(&link.sync, other.id) {
            let conflict = Conflict { contact: keep.id, ..conflict? };
            changes.remove::<Conflict>((&link.sync, other.id, &conflict.attribute));
            if is_coming {
                changes.put((&link.sync, keep.id, &*conflict.attribute), &conflict)?;
            }
        }
    }
    Ok(())
}

/// Lets a person decide between the contact's value and that of its link at `at`.
fn ask(
    workspace: &Workspace,
    keep: &mut Contact,
    at: usize,
    (attribute, theirs): (&AttributeName, Value),
    now: Instant,
    changes: &mut Changes,
) -> Result<(), JoinError> {
    let (contact, ours) = (keep.id, keep.get(attribute).cloned().unwrap_or(Value::Null));
    let link = &mut keep.links[at];
    // Nothing was ever agreed between the two.
    link.agree(attribute, Value::Null, &ours);
    let conflict = Conflict {
        contact,
        attribute: attribute.to_string(),
        sync: link.sync.clone(),
        record: link.record.clone(),
        base: Value::Null,
        theirs,
        run: workspace.get::<SyncState>(&link.sync)?.and_then(|state| state.last_run).unwrap_or_default(),
        at: now,
        between: None,
    };
    Ok(changes.put((&link.sync, contact, &**attribute), &conflict)?)
}

/// An attribute, what it is from now on, and by which policy.
type Taken = (AttributeName, Value, Policy);

/// What the ledger keeps of the values that were taken: where they came from to the other, as far as that is known.
fn entries(before: &Contact, others: &Provenance, taken: Vec<Taken>, by: &Join<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (attribute, _, policy) in taken {
        let origin = others.origin(&attribute).unwrap_or(&by.origin);
        let value = Some(before.get(&attribute).cloned().unwrap_or(Value::Null));
        let replaced = Replaced { attribute, policy, value };
        match entries.iter_mut().find(|entry| entry.origin == *origin) {
            Some(entry) => entry.replaced.push(replaced),
            None => entries.push(Entry { origin: origin.clone(), at: by.now, replaced: vec![replaced] }),
        }
    }
    entries
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
    let record = contact.links[at].record.clone();
    // What the CRM has of it now is not what is stored, and would be forgotten.
    if let Some(refusal) = workspace.get::<Refusal>((&sync.id, &record))? {
        return Err(JoinError::Refused { sync: sync.id.clone(), record, why: refusal.reason.describe() });
    }
    let mut provenance = workspace.provenance(contact.id)?.unwrap_or_default();
    let row = provenance.rows.iter().position(|row| row.sync == sync.id);
    let (Some(row), true) = (row, contact.links.len() > 1) else {
        let (contact, sync) = name();
        return Err(JoinError::OnlyRecord { contact, sync });
    };
    let row = provenance.rows.remove(row);
    let values = row.values.unpack().ok_or(StoreError::Corrupt { what: "a stored row" })?;
    let link = contact.links.remove(at);
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
