//! Changes to records: create, update, archive, restore, erase, merge. The one way in, for the public interface and for the
//! control interface alike, so that journal, events, histories and stamps always agree.

use serde_json::json;

use super::account::{Account, At, CONTACTS, Source, Write};
use super::catalog::LIFECYCLE;
use super::errors::ApiError;
use super::events::Change;
use super::record::Record;
use super::values::{Values, invalid_properties};
use crate::sim::stamp;

/// How a write came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) source: Source,
    pub(crate) trace_id: Option<&'a str>,
    /// What the journal calls it.
    pub(crate) operation: &'a str,
}

/// Creates a record from checked values.
pub(crate) fn create(account: &mut Account, at: At, values: &Values, origin: Origin<'_>) -> Result<u64, ApiError> {
    check(account, at, None, values)?;
    let (now_ms, lag_ms) = (account.write_stamp_ms(), account.switches.search_lag_ms);
    let table = &mut account.objects[at].table;
    let id = table.new_id();
    let mut record = Record::new(id, now_ms);
    apply(&mut record, values, now_ms, origin.source);
    table.insert(record, lag_ms);
    account.tell(at, id, Change::Created, origin.source);
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        account.tell(at, id, Change::Property(name, value), origin.source);
    }
    note(account, at, id, values, origin);
    Ok(id)
}

/// What only the tables know of a write: required properties of a new record (`own` is none) and unique values.
pub(crate) fn check(account: &Account, at: At, own: Option<u64>, values: &Values) -> Result<(), ApiError> {
    let kind = account.kind(at);
    let is_set = |name: &String| values.iter().any(|(set, value)| set == name && !value.is_empty());
    if own.is_none() && !kind.required.iter().all(is_set) {
        let message = format!("Error creating {}. Some required properties were not set.", kind.shout());
        return Err(ApiError::invalid(message).with_context(json!({"properties": kind.required})));
    }
    check_unique(account, at, own, values)
}

/// Updates a record, which must be shown, from checked values.
pub(crate) fn update(
    account: &mut Account,
    at: At,
    id: u64,
    values: &Values,
    origin: Origin<'_>,
) -> Result<(), ApiError> {
    if account.table(at).shown_view(id).is_none() {
        return Err(ApiError::not_found(format!("Object not found. objectId is {id}"))
            .with_context(json!({"id": [id.to_string()]})));
    }
    check_unique(account, at, Some(id), values)?;
    let (now_ms, lag_ms) = (account.write_stamp_ms(), account.switches.search_lag_ms);
    let values = forward_only(account, at, id, values);
    account.objects[at].table.change(id, account.clock.now_ms(), lag_ms, |record| {
        apply(record, &values, now_ms, origin.source);
        record.updated_ms = now_ms;
    });
    for (name, value) in &values {
        account.tell(at, id, Change::Property(name, value), origin.source);
    }
    note(account, at, id, &values, origin);
    Ok(())
}

fn apply(record: &mut Record, values: &Values, now_ms: i64, source: Source) {
    for (name, value) in values {
        record.set(name, value, now_ms, source.history_name());
    }
}

fn note(account: &mut Account, at: At, id: u64, values: &Values, origin: Origin<'_>) {
    let object = account.kind(at).name.clone();
    account.note(Write {
        object: &object,
        id: &id,
        operation: origin.operation,
        properties: values,
        trace_id: origin.trace_id,
        by: origin.source,
    });
}

/// Leaves out a move of `lifecyclestage` to an earlier stage, where that is switched on.
fn forward_only(account: &Account, at: At, id: u64, values: &Values) -> Values {
    let stage = |value: &str| LIFECYCLE.iter().position(|stage| *stage == value);
    let current =
        account.table(at).view(id).and_then(|view| view.get("lifecyclestage")).and_then(|value| stage(&value));
    let is_back = |name: &str, value: &str| name == "lifecyclestage" && !value.is_empty() && stage(value) < current;
    let kept = values.iter().filter(|(name, value)| !(account.switches.lifecycle_forward_only && is_back(name, value)));
    kept.cloned().collect()
}

/// Refuses a value that another record has in a unique property.
fn check_unique(account: &Account, at: At, own: Option<u64>, values: &Values) -> Result<(), ApiError> {
    let table = account.table(at);
    for (name, value) in values.iter().filter(|(name, value)| !value.is_empty() && table.unique_names.contains(name)) {
        let Some(other) = table.find_unique(name, value).filter(|other| Some(*other) != own) else { continue };
        if at == CONTACTS && name == "email" {
            return Err(ApiError::conflict(format!("Contact already exists. Existing ID: {other}")));
        }
        let message = format!(
            "Cannot set PropertyValueCoordinates{{portalId={}, objectTypeId={}, objectId={}, propertyName={name}, value={value}}}. \
             {other} already has that value.",
            super::account::PORTAL_ID,
            table.kind.type_id,
            own.map_or_else(|| "unknown".to_owned(), |id| id.to_string()),
        );
        return Err(invalid_properties(&[
            json!({"isValid": false, "message": message, "error": "CONFLICTING_UNIQUE_VALUE",
            "name": name, "localizedErrorMessage": message}),
        ]));
    }
    Ok(())
}

/// Archives a record: no search shows it any more, and its modified stamp stays. False when there is none.
pub(crate) fn archive(account: &mut Account, at: At, id: u64, source: Source) -> bool {
    if account.table(at).shown_view(id).is_none() {
        return false;
    }
    let now_ms = account.now_ms();
    let lag_ms = account.switches.search_lag_ms;
    account.objects[at].table.change(id, now_ms, lag_ms, |record| record.archived_ms = Some(now_ms));
    account.tell(at, id, Change::Deleted, source);
    note(account, at, id, &Values::new(), Origin { source, trace_id: None, operation: "archive" });
    true
}

/// Brings an archived record back. False when there is none.
pub(crate) fn restore(account: &mut Account, at: At, id: u64, source: Source) -> bool {
    let archived = account.table(at).view(id).is_some_and(|view| view.archived_ms().is_some());
    if archived {
        let now_ms = account.now_ms();
        account.objects[at].table.change(id, now_ms, 0, |record| record.archived_ms = None);
        account.tell(at, id, Change::Restored, source);
        note(account, at, id, &Values::new(), Origin { source, trace_id: None, operation: "restore" });
    }
    archived
}

/// Erases a record for good, as the law asks. False when there is none.
pub(crate) fn erase(account: &mut Account, at: At, id: u64, source: Source) -> bool {
    if account.table(at).view(id).is_none() {
        return false;
    }
    let now_ms = account.now_ms();
    account.objects[at].table.change(id, now_ms, 0, |record| {
        record.erased = true;
        record.values.clear();
    });
    account.links.forget(at, id);
    account.tell(at, id, Change::Erased, source);
    note(account, at, id, &Values::new(), Origin { source, trace_id: None, operation: "erase" });
    true
}

/// Merges two records into one with a new id; where both have a value the primary's stays. Both old ids lead to the new one.
pub(crate) fn merge(account: &mut Account, at: At, primary: u64, other: u64, source: Source) -> Result<u64, ApiError> {
    let table = account.table(at);
    let (primary, other) = (table.resolve(primary), table.resolve(other));
    if primary == other {
        return Err(ApiError::invalid("Cannot merge an object with itself"));
    }
    let find = |id: u64| {
        let view = table.shown_view(id);
        view.ok_or_else(|| ApiError::not_found(format!("Object not found. objectId is {id}")))
    };
    let (winner, loser) = (find(primary)?.to_record(), find(other)?.to_record());
    let now_ms = account.write_stamp_ms();
    let merged_ids = merged_ids(account, at, &winner, &loser);
    let id = account.objects[at].table.new_id();
    let record = combine(id, winner, loser, &merged_ids, now_ms, source);
    let table = &mut account.objects[at].table;
    for old in [primary, other] {
        table.change(old, now_ms, 0, |record| record.erased = true);
        table.alias(old, id);
    }
    table.insert(record, account.switches.search_lag_ms);
    for old in [primary, other] {
        super::associations::move_links(account, at, old, id);
        account.lists.rename(at, old, id);
    }
    account.tell(at, id, Change::Merged { primary, others: &[primary, other] }, source);
    let described =
        vec![("primaryObjectId".to_owned(), primary.to_string()), ("objectIdToMerge".to_owned(), other.to_string())];
    note(account, at, id, &described, Origin { source, trace_id: None, operation: "merge" });
    Ok(id)
}

fn merged_ids(account: &Account, at: At, winner: &Record, loser: &Record) -> Vec<u64> {
    let table = account.table(at);
    let mut ids = vec![winner.id, loser.id];
    ids.extend([winner.id, loser.id].into_iter().flat_map(|id| table.old_ids(id)));
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn combine(id: u64, winner: Record, loser: Record, merged: &[u64], now_ms: i64, source: Source) -> Record {
    let mut record = Record { id, updated_ms: now_ms, created_ms: winner.created_ms.min(loser.created_ms), ..winner };
    for (name, versions) in loser.values {
        if record.current(&name).is_none() {
            record.values.insert(name, versions);
        }
    }
    let joined = |print: &dyn Fn(&u64) -> String| merged.iter().map(print).collect::<Vec<_>>().join(";");
    record.set("hs_merged_object_ids", &joined(&u64::to_string), now_ms, source.history_name());
    record.set("hs_calculated_merged_vids", &joined(&|old| format!("{old}:{now_ms}")), now_ms, source.history_name());
    record
}

/// Moves the modified stamp of a record on whose timeline something was logged.
pub(crate) fn touch(account: &mut Account, at: At, id: u64) {
    let (stamp_ms, lag_ms) = (account.write_stamp_ms(), account.switches.search_lag_ms);
    let now_ms = account.now_ms();
    account.objects[at].table.change(id, now_ms, lag_ms, |record| {
        record.updated_ms = stamp_ms;
        record.set("notes_last_contacted", &stamp::iso(now_ms), now_ms, "ENGAGEMENTS");
    });
}
