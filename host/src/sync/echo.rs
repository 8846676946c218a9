//! What comes back of our own changes before the CRM has acknowledged them: it is no news, and replaces nothing that was changed
//! here meanwhile.

use crate::model::connector::{Operation, Write};
use crate::model::ledger::PackedValues;
use crate::model::outcome::{Delivery, OutboxEntry, OutcomeKind};
use crate::model::sync::Sync;
use crate::model::value::Value;
use crate::store::{StoreError, Workspace};

use super::outbound::Sending;

/// Notes what leaves now, once it is on disk that it may have left.
pub(super) fn note<'s>(workspace: &Workspace, sync: &Sync, leaving: impl Iterator<Item = &'s Sending>) {
    let changes = leaving.filter_map(|one| Some((one.entry.id, changed_record(&one.write, &one.sent)?)));
    workspace.sent_changes().note(&sync.id, changes);
}

/// The record whose attributes a write changes, if it does.
fn changed_record<'w>(write: &'w Write, sent: &[(String, Value)]) -> Option<&'w str> {
    match &write.operation {
        Operation::Update { id } if !sent.is_empty() => Some(id),
        _ => None,
    }
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
            && let Some(record) = changed_record(write, sent)
        {
            found.push((entry.id, record.to_owned()));
        }
    }
    sent.note(&sync.id, found.iter().map(|(entry, record)| (*entry, record.as_str())));
    Ok(())
}

/// The attributes in which a row has what we wrote ourselves, and nobody has acknowledged yet.
pub(super) fn echoed(
    workspace: &Workspace,
    sync: &Sync,
    record: &str,
    row: &PackedValues,
) -> Result<Vec<String>, StoreError> {
    let entries = workspace.sent_changes().of(&sync.id, record);
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let values = row.unpack().ok_or(StoreError::Corrupt { what: "a row" })?;
    let came = |(field, value): &(String, Value)| {
        let place = sync.columns.iter().position(|column| column.name == *field)?;
        Some(values.get(place) == Some(value))
    };
    let has_come = |write: &Write| {
        let seen: Vec<bool> = write.values.iter().filter_map(came).collect();
        !seen.is_empty() && seen.into_iter().all(|came| came)
    };
    let mut echoed = Vec::new();
    for id in entries {
        match workspace.get::<OutboxEntry>(id)?.map(|entry| entry.delivery) {
            Some(Delivery::Unknown { write, sent, .. }) => {
                if changed_record(&write, &sent) == Some(record) && has_come(&write) {
                    echoed.extend(sent.into_iter().map(|(name, _)| name));
                }
            }
            // It was settled since.
            _ => workspace.sent_changes().forget(&sync.id, id),
        }
    }
    Ok(echoed)
}
