//! What it means for a contact that the CRM has taken a change: from then on both agree about what it carried, and the row that is
//! kept is as it was written. Where ours has changed again meanwhile, that follows.

use std::collections::BTreeMap;

use crate::model::conflict::Conflict;
use crate::model::connector::{Operation, Write};
use crate::model::contact::Contact;
use crate::model::id::ContactId;
use crate::model::ledger::{PackedValues, Provenance};
use crate::model::outcome::{OutboxEntry, Outcome, OutcomeKind};
use crate::model::sync::Sync;
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::store::{Changes, Workspace};

use super::SyncError;
use super::fingerprint::Fingerprints;

/// The fingerprint that no row has: whatever comes is looked at.
const UNKNOWN_ROW: u64 = 0;

/// The contacts whose changes were taken, as they will be once that is committed. Whoever commits it holds the workspace's
/// writing lock since before this was made.
pub(super) struct Acknowledged<'a> {
    workspace: &'a Workspace,
    sync: &'a Sync,
    now: Instant,
    contacts: BTreeMap<ContactId, (Contact, Provenance)>,
}

impl<'a> Acknowledged<'a> {
    pub(super) fn new(workspace: &'a Workspace, sync: &'a Sync, now: Instant) -> Self {
        Self { workspace, sync, now, contacts: BTreeMap::new() }
    }

    /// `sent` are the attributes that the write carried. An entry for what has changed since is put into `changes`.
    pub(super) fn take(
        &mut self,
        entry: &OutboxEntry,
        write: &Write,
        sent: &[(String, Value)],
        changes: &mut Changes,
    ) -> Result<(), SyncError> {
        let Operation::Update { id: record } = &write.operation else { return Ok(()) };
        if sent.is_empty() {
            return Ok(());
        }
        let Some(contact) = self.workspace.contact_or_heir(entry.outcome.contact)? else { return Ok(()) };
        let id = contact.id;
        let (mut contact, mut provenance) = match self.contacts.remove(&id) {
            Some(known) => known,
            None => (contact, self.workspace.provenance(id)?.unwrap_or_default()),
        };
        let mut rest = Vec::new();
        let found = contact.links.iter().position(|link| link.sync == self.sync.id && link.record == *record);
        // What lives on in another record is read afresh there.
        if let Some(at) = found {
            let mut is_overtaken = false;
            for (name, value) in sent {
                let ours = contact.get(name).unwrap_or(&Value::Null).clone();
                // A row of this very record replaced ours while the change was under way. Which of the two the CRM has now, the next
                // row tells: it is no change of ours that would have to follow.
                if ours != *value && provenance.is_from(name, &self.sync.id, record) {
                    is_overtaken = true;
                    continue;
                }
                contact.links[at].agree(&name.as_str().into(), value.clone(), &ours);
                // It had left before the two were seen to differ: the CRM has ours, and nobody has to decide.
                changes.remove::<Conflict>((&self.sync.id, id, name.as_str()));
                if ours != *value {
                    rest.push((name.clone(), ours));
                }
            }
            contact.links[at].fingerprint = match is_overtaken {
                true => UNKNOWN_ROW,
                false => self.written_row(&mut provenance, record, write),
            };
        }
        self.contacts.insert(id, (contact, provenance));
        if rest.is_empty() { Ok(()) } else { self.follow_up(entry, rest, changes) }
    }

    /// Puts what was written into the row that is kept of the record. Gives its fingerprint, or that of no row where the one that is
    /// kept is of another version of the mapping.
    fn written_row(&self, provenance: &mut Provenance, record: &str, write: &Write) -> u64 {
        let of_record = |row: &&mut crate::model::ledger::RawRow| {
            row.sync == self.sync.id && row.record == record && row.version == self.sync.version
        };
        let Some(row) = provenance.rows.iter_mut().find(of_record) else { return UNKNOWN_ROW };
        let Some(mut values) = row.values.unpack() else { return UNKNOWN_ROW };
        for (field, value) in &write.values {
            let place = self.sync.columns.iter().position(|column| column.name == *field);
            if let Some(place) = place.and_then(|at| values.get_mut(at)) {
                place.clone_from(value);
            }
        }
        row.values = PackedValues::of(&values);
        Fingerprints::of(self.sync).row(&values)
    }

    fn follow_up(
        &self,
        entry: &OutboxEntry,
        values: Vec<(String, Value)>,
        changes: &mut Changes,
    ) -> Result<(), SyncError> {
        let id = self.workspace.new_outbox_id();
        let first = entry.outcome.id.split('+').next().unwrap_or_default();
        let outcome_id = format!("{first}+{}", id.0);
        let outcome = Outcome { id: outcome_id, values, at: self.now, kind: OutcomeKind::Change, ..entry.outcome };
        let follow_up = OutboxEntry::new(id, entry.sync.clone(), entry.record.clone(), outcome, self.now);
        Ok(changes.queue(self.workspace, &follow_up)?)
    }

    pub(super) fn finish(self, changes: &mut Changes) {
        for (id, (contact, provenance)) in self.contacts {
            changes.contact(contact, &[]);
            changes.provenance(id, provenance);
        }
    }
}
