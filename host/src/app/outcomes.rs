//! Outcomes on their way to a CRM: recorded once, kept in the outbox, sent by runs, retried by people.

use std::collections::HashSet;

use super::Tenant;
use super::error::{AppError, Thing};
use crate::model::contact::Contact;
use crate::model::id::{ContactId, OutboxId, SyncId};
use crate::model::mapping::Kind;
use crate::model::outcome::{Delivery, OutboxEntry, Outcome, OutcomeField, OutcomeKind, ReceiptState};
use crate::model::sync::Sync;
use crate::model::time::{Instant, NotAnInstant};
use crate::model::value::{Problem, Value};
use crate::store::Changes;
use crate::sync::check_value;

/// The longest id of an outcome: it becomes part of a key in the store.
const MAX_ID: usize = 200;

/// Entries that are changed in one commit, where all that are dead are: a million may be.
const AT_ONCE: usize = 1_000;

/// What a platform tells of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutcome {
    /// The platform's own id; recording the same id twice records it once. Made up where there is none.
    pub id: Option<String>,
    pub contact: ContactId,
    pub kind: OutcomeKind,
    /// Now, where none is given.
    pub at: Option<Instant>,
    /// As people write them; read by the types of the kind's fields.
    pub values: Vec<(String, String)>,
}

/// Which entries of the outbox are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    These(Vec<OutboxId>),
    /// The dead ones, of one sync or of all.
    Dead(Option<SyncId>),
}

/// What became of an outcome that was to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub outcome_id: String,
    /// The outbox entries that were made, one per sync that sends such outcomes for the contact.
    pub entries: Vec<OutboxId>,
    /// It had been recorded before: nothing was done.
    pub already: bool,
}

impl Tenant {
    /// Puts an outcome into the outbox of every sync that sends its kind and holds a living link of the contact. On disk when
    /// this returns.
    ///
    /// # Errors
    /// For an unknown or suppressed contact, values that are not of the kind, and where no sync would send it.
    pub fn record_outcome(&self, new: NewOutcome) -> Result<Recorded, AppError> {
        let mut recorded = self.record_outcomes(vec![new])?;
        // Also where it was there already: whoever recorded it may not have come to its end yet.
        self.outcomes_are_recorded()?;
        recorded.swap_remove(0)
    }

    /// As [`Tenant::record_outcome`], in one commit and each with an answer of its own; not on disk before
    /// [`Tenant::outcomes_are_recorded`] has returned.
    ///
    /// # Errors
    /// Where nothing could be recorded.
    pub fn record_outcomes(&self, new: Vec<NewOutcome>) -> Result<Vec<Result<Recorded, AppError>>, AppError> {
        let _recording = self.store().recording();
        let syncs = self.syncs()?;
        let (mut changes, mut queued) = (Changes::default(), HashSet::new());
        let mut recorded = Vec::new();
        for new in new {
            match self.queue(new, &syncs, &mut queued, &mut changes) {
                // Of this one, some entries may be in the changes already.
                Err(error @ AppError::Store(_)) => return Err(error),
                settled => recorded.push(settled),
            }
        }
        if !queued.is_empty() {
            self.workspace.commit_audited(changes, Vec::new(), &self.actor, self.clock().now())?;
        }
        Ok(recorded)
    }

    /// Returns when every outcome that was recorded before is on disk.
    pub fn outcomes_are_recorded(&self) -> Result<(), AppError> {
        Ok(self.app.store.flush()?)
    }

    /// Makes the entries that are neither there nor `queued` yet.
    fn queue(
        &self,
        new: NewOutcome,
        syncs: &[Sync],
        queued: &mut HashSet<(SyncId, String)>,
        changes: &mut Changes,
    ) -> Result<Recorded, AppError> {
        let contact = self.contact(new.contact)?;
        if let Some(suppression) = self.suppression_of(&contact)? {
            return Err(AppError::Suppressed { contact: contact.id, by: suppression.who.parts().0 });
        }
        let outcome = self.outcome(new)?;
        let targets = targets(syncs, &contact, outcome.kind);
        if targets.is_empty() {
            return Err(AppError::NoTarget { contact: contact.id, kind: outcome.kind.as_str() });
        }
        let mut entries = Vec::new();
        for (sync, record) in targets {
            if !queued.contains(&(sync.clone(), outcome.id.clone()))
                && let Some(entry) = self.queue_for(&sync, &record, &outcome, changes)?
            {
                queued.insert((sync, outcome.id.clone()));
                entries.push(entry);
            }
        }
        Ok(Recorded { outcome_id: outcome.id, already: entries.is_empty(), entries })
    }

    /// The entry for one sync, if it is not there yet. Whoever commits it holds the lock on recording.
    pub(super) fn queue_for(
        &self,
        sync: &SyncId,
        record: &str,
        outcome: &Outcome,
        changes: &mut Changes,
    ) -> Result<Option<OutboxId>, AppError> {
        if self.store().is_recorded(sync, &outcome.id)? {
            return Ok(None);
        }
        let (id, now) = (self.store().new_outbox_id(), self.clock().now());
        let entry = OutboxEntry::new(id, sync.clone(), record.to_owned(), outcome.clone(), now);
        changes.queue(self.store(), &entry)?;
        Ok(Some(entry.id))
    }

    fn outcome(&self, new: NewOutcome) -> Result<Outcome, AppError> {
        let id = new.id.unwrap_or_else(made_up_id);
        let mut problems = Vec::new();
        if new.kind == OutcomeKind::Change {
            problems.push(problem("kind", "changes are made by `ferry contacts set`, and recorded by it"));
        }
        if !is_id(&id) {
            problems.push(problem("id", "is empty, longer than 200 bytes or has control characters"));
        }
        let mut values = Vec::new();
        for (name, text) in &new.values {
            match value(new.kind, name, text) {
                Ok(value) => values.push((name.clone(), value)),
                Err(found) => problems.push(found),
            }
        }
        let missing = |field: &&OutcomeField| field.required && !values.iter().any(|(name, _)| name == field.name);
        problems.extend(new.kind.fields().iter().filter(missing).map(|field| problem(field.name, "is missing")));
        if !problems.is_empty() {
            return Err(AppError::Outcome { kind: new.kind.as_str(), problems });
        }
        let at = new.at.unwrap_or_else(|| self.clock().now());
        Ok(Outcome { id, contact: new.contact, kind: new.kind, at, values })
    }

    /// Everything in the outbox, in the order in which it was recorded.
    pub fn outbox(&self) -> impl Iterator<Item = Result<OutboxEntry, AppError>> + use<> {
        self.store().scan::<OutboxEntry>().map(|entry| entry.map_err(AppError::from))
    }

    /// One entry of the outbox.
    pub fn outbox_entry(&self, id: OutboxId) -> Result<OutboxEntry, AppError> {
        let entry = self.store().get::<OutboxEntry>(id)?;
        entry.ok_or_else(|| AppError::not_found(Thing::OutboxEntry, &id.to_string(), []))
    }

    /// As [`Tenant::outbox`], from an entry on.
    pub fn outbox_from(&self, from: OutboxId) -> impl Iterator<Item = Result<OutboxEntry, AppError>> + use<> {
        self.store().scan_from::<OutboxEntry>(from).map(|entry| entry.map_err(AppError::from))
    }

    /// Sends entries again at the next run; gives how many.
    pub async fn retry(&self, wanted: &Wanted) -> Result<usize, AppError> {
        let now = self.clock().now();
        self.change_entries(wanted, |entry, changes| {
            // What may have left is not a person's to repeat: the next run finds out about it.
            if matches!(entry.delivery, Delivery::Unknown { .. }) || !self.may_send(entry, wanted)? {
                return Ok(false);
            }
            entry.delivery = Delivery::Waiting { attempts: 0, not_before: now };
            entry.retried = Some(now);
            changes.put(entry.id, entry)?;
            Ok(true)
        })
        .await
    }

    /// Gives dead entries up; gives how many. Receipts stay, so that their outcomes are never sent.
    pub async fn discard(&self, wanted: &Wanted) -> Result<usize, AppError> {
        let at = self.clock().now();
        self.change_entries(wanted, |entry, changes| {
            if !entry.is_dead() {
                return Ok(false);
            }
            let state = ReceiptState::LeftOut { reason: "a person gave it up".to_owned() };
            changes.settle(entry, state, at)?;
            Ok(true)
        })
        .await
    }

    /// Changes the wanted entries, those that are named together and all dead ones part by part; counts those that `change` has
    /// changed.
    async fn change_entries(
        &self,
        wanted: &Wanted,
        change: impl Fn(&mut OutboxEntry, &mut Changes) -> Result<bool, AppError>,
    ) -> Result<usize, AppError> {
        // What a run is about to send must not be changed behind its back.
        let _sending = self.store().sending().await;
        let commit = |entries: Vec<OutboxEntry>| {
            let (mut changes, mut changed) = (Changes::default(), 0);
            for mut entry in entries {
                changed += usize::from(change(&mut entry, &mut changes)?);
            }
            self.commit(changes)?;
            Ok::<usize, AppError>(changed)
        };
        let of_sync = match wanted {
            Wanted::These(ids) => {
                return commit(ids.iter().map(|id| self.outbox_entry(*id)).collect::<Result<_, _>>()?);
            }
            Wanted::Dead(sync) => sync,
        };
        let is_wanted =
            |entry: &OutboxEntry| entry.is_dead() && of_sync.as_ref().is_none_or(|sync| sync == &entry.sync);
        let (mut from, mut changed) = (OutboxId(0), 0);
        loop {
            let rest = self.outbox_from(from).filter(|entry| entry.as_ref().map_or(true, is_wanted));
            let part: Vec<OutboxEntry> = rest.take(AT_ONCE).collect::<Result<_, _>>()?;
            let Some(last) = part.last() else { return Ok(changed) };
            from = OutboxId(last.id.0 + 1);
            changed += commit(part)?;
        }
    }

    /// Whoever is suppressed is passed over; who names their entry is told.
    fn may_send(&self, entry: &OutboxEntry, wanted: &Wanted) -> Result<bool, AppError> {
        let Some(contact) = self.store().contact(entry.outcome.contact)? else { return Ok(true) };
        match self.suppression_of(&contact)? {
            Some(suppression) if matches!(wanted, Wanted::These(_)) => {
                Err(AppError::Suppressed { contact: contact.id, by: suppression.who.parts().0 })
            }
            suppression => Ok(suppression.is_none()),
        }
    }
}

/// Whether it can name an outcome.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ID && !text.contains(char::is_control)
}

pub(super) fn made_up_id() -> String {
    format!("ferry-{:016x}", rand::random::<u64>())
}

/// The syncs that send such outcomes for the contact, with its record in each.
pub(super) fn targets(syncs: &[Sync], contact: &Contact, kind: OutcomeKind) -> Vec<(SyncId, String)> {
    let sending = syncs.iter().filter(|sync| sync.outbound.contains_key(&kind));
    sending.filter_map(|sync| Some((sync.id.clone(), contact.living(&sync.id)?.record.clone()))).collect()
}

fn problem(field: &str, message: &str) -> Problem {
    Problem { field: Some(field.to_owned()), message: message.to_owned() }
}

/// Reads what a person wrote as the type of the field.
fn value(kind: OutcomeKind, name: &str, text: &str) -> Result<Value, Problem> {
    let Some(field) = kind.fields().iter().find(|field| field.name == name) else {
        let known: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
        let message = format!("is no value of a {}; there are {}", kind.as_str(), known.join(", "));
        return Err(problem(name, &message));
    };
    let value = match field.kind {
        Kind::Integer => text.trim().parse().map(Value::Integer).map_err(|_| problem(name, "is not a whole number"))?,
        Kind::Instant => {
            Value::Instant(text.trim().parse().map_err(|error: NotAnInstant| problem(name, &error.to_string()))?)
        }
        _ => Value::Text(text.to_owned()),
    };
    check_value(field.kind, &value).map_err(|message| problem(name, message))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_the_type_of_their_field() {
        let call = OutcomeKind::Call;
        assert_eq!(value(call, "duration_s", " 83 "), Ok(Value::Integer(83)));
        assert_eq!(value(call, "summary", "Zoë called"), Ok(Value::Text("Zoë called".into())));
        assert_eq!(value(call, "duration_s", "1:23"), Err(problem("duration_s", "is not a whole number")));
        assert_eq!(value(call, "disposition", ""), Err(problem("disposition", "is an empty choice")));
        assert!(value(call, "nope", "x").unwrap_err().message.contains("there are disposition, duration_s"));
        let starts = value(OutcomeKind::Appointment, "starts_at", "1970-01-01T01:00:00+01:00");
        assert_eq!(starts, Ok(Value::Instant(Instant(0))));
        assert!(value(OutcomeKind::Appointment, "starts_at", "tomorrow").is_err());
    }
}
