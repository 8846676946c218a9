//! What comes back of our own changes before the CRM has acknowledged them: it is no news, and replaces nothing that was changed
//! here meanwhile.

use crate::model::connector::{Operation, Write};
use crate::model::ledger::PackedValues;
use crate::model::outcome::{Delivery, OutboxEntry, OutcomeKind};
use crate::model::sync::Sync;
use crate::model::value::Value;
use crate::store::{SentChange, StoreError, Workspace};

use super::outbound::Sending;

/// Notes what leaves now, once it is on disk that it may have left.
pub(super) fn note<'s>(workspace: &Workspace, sync: &Sync, leaving: impl Iterator<Item = &'s Sending>) {
    let changes = leaving.filter_map(|one| Some((one.entry.id, sent_change(&one.write, &one.sent)?)));
    workspace.sent_changes().note(&sync.id, changes);
}

/// Of a write, what is to be remembered while it may be under way; none where it is no change of attributes.
fn sent_change(write: &Write, sent: &[(String, Value)]) -> Option<SentChange> {
    let Operation::Update { id } = &write.operation else { return None };
    let attributes: Vec<String> = sent.iter().map(|(name, _)| name.clone()).collect();
    (!attributes.is_empty()).then(|| SentChange { record: id.clone(), fields: write.values.clone(), attributes })
}

/// Notes what earlier processes have left under way; once per process and sync.
pub(super) fn recall(workspace: &Workspace, sync: &Sync) -> Result<(), StoreError> {
    let sent = workspace.sent_changes();
    if !sync.outbound.contains_key(&OutcomeKind::Change) || sent.knows(&sync.id) {
        return Ok(());
    }
    let mut found = Vec::new();
    for entry in workspace.scan::<OutboxEntry>() {
        let entry = entry?;
        if let Delivery::Unknown { write, sent, .. } = &entry.delivery
            && entry.sync == sync.id
            && let Some(change) = sent_change(write, sent)
        {
            found.push((entry.id, change));
        }
    }
    sent.note(&sync.id, found);
    Ok(())
}

/// The attributes in which a row has what we wrote ourselves, and nobody has acknowledged yet.
pub(super) fn echoed(
    workspace: &Workspace,
    sync: &Sync,
    record: &str,
    row: &PackedValues,
) -> Result<Vec<String>, StoreError> {
    let changes = workspace.sent_changes().of(&sync.id, record);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let values = row.unpack().ok_or(StoreError::Corrupt { what: "a row" })?;
    let came = |(field, value): &(String, Value)| {
        let place = sync.columns.iter().position(|column| column.name == *field)?;
        Some(values.get(place) == Some(value))
    };
    let has_come = |change: &SentChange| {
        let seen: Vec<bool> = change.fields.iter().filter_map(came).collect();
        !seen.is_empty() && seen.into_iter().all(|came| came)
    };
    let mut echoed = Vec::new();
    for (id, change) in changes.into_iter().filter(|(_, change)| has_come(change)) {
        // It may have been settled since.
        match workspace.get::<OutboxEntry>(id)?.map(|entry| entry.delivery) {
            Some(Delivery::Unknown { .. }) => echoed.extend(change.attributes),
            _ => workspace.sent_changes().forget(&sync.id, id),
        }
    }
    Ok(echoed)
}
