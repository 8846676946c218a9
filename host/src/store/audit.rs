//! Commits that somebody answers for: what they change is written down in the same batch, chained to what was written before.

use std::sync::PoisonError;

use serde_json::Value as Json;

use super::StoreError;
use super::changes::Changes;
use super::table::{self, Document};
use super::workspace::Workspace;
use crate::model::audit::{Actor, AuditEntry, Deed, nothing_before};
use crate::model::id::AuditId;
use crate::model::outcome::OutboxEntry;
use crate::model::time::Instant;

/// Parts of documents that no log shows: hashes of secrets, and settings, which may hold some.
const HIDDEN: [&str; 2] = ["hash", "settings"];

/// Of outcomes, also what is about people.
const HIDDEN_OF_OUTCOMES: [&str; 2] = ["values", "write"];

/// The end of the log: who adds to it goes on from here.
#[derive(Debug, Clone)]
pub(super) struct End {
    id: AuditId,
    hash: String,
}

impl Workspace {
    /// As [`Workspace::commit`], with an entry in the log for each document that is changed, and for `deeds`.
    pub fn commit_audited(
        &self,
        mut changes: Changes,
        deeds: Vec<Deed>,
        who: &Actor,
        at: Instant,
    ) -> Result<(), StoreError> {
        let mut auditing = self.auditing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut end = match &*auditing {
            Some(end) => end.clone(),
            None => self.end_of_log()?,
        };
        let mut entries = deeds;
        entries.extend(self.deeds(&changes)?);
        for deed in entries {
            let entry = AuditEntry::new(AuditId(end.id.0 + 1), at, who.clone(), deed, end.hash);
            changes.put(entry.id, &entry)?;
            end = End { id: entry.id, hash: entry.hash };
        }
        self.commit(changes)?;
        *auditing = Some(end);
        Ok(())
    }

    fn end_of_log(&self) -> Result<End, StoreError> {
        match self.scan::<AuditEntry>().next_back().transpose()? {
            Some(last) => Ok(End { id: last.id, hash: last.hash }),
            None => Ok(End { id: AuditId(0), hash: nothing_before() }),
        }
    }

    fn deeds(&self, changes: &Changes) -> Result<Vec<Deed>, StoreError> {
        // What a contact has is in the contact; the log only tells that somebody changed it.
        let mut deeds: Vec<Deed> = changes.contact_ids().map(|id| Deed::done("changed", "contact", id)).collect();
        for (key, after) in changes.documents() {
            let Some((what, subject)) = key.split_first().and_then(|(table, key)| table::audited(*table, key)) else {
                continue;
            };
            let before = self.raw(key)?;
            if before.as_deref() == after {
                continue;
            }
            let read = |bytes: &[u8]| serde_json::from_slice::<Json>(bytes).map_err(|_| StoreError::Corrupt { what });
            let (before, after) = (before.as_deref().map(read).transpose()?, after.map(read).transpose()?);
            let hidden = if what == OutboxEntry::NAME { &HIDDEN_OF_OUTCOMES[..] } else { &HIDDEN[..] };
            deeds.push(Deed::of(what, subject, before, after, hidden));
        }
        Ok(deeds)
    }
}

/// A key as people write it. Names begin with a letter or a digit, numbers that are ever reached with a zero byte.
pub(super) fn subject(key: &[u8]) -> String {
    match <[u8; 8]>::try_from(key) {
        Ok(number) if number[0] == 0 => u64::from_be_bytes(number).to_string(),
        _ => {
            let parts = key.split(|byte| *byte == 0).filter(|part| !part.is_empty());
            parts.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key;
    use super::*;

    #[test]
    fn a_subject_is_the_name_or_the_number_of_the_key() {
        assert_eq!(subject(&key::text(&["people"])), "people");
        assert_eq!(subject(&key::text(&["calling"])), "calling");
        assert_eq!(subject(&key::text(&["email", "ada@example.com"])), "email ada@example.com");
        assert_eq!(subject(&17_u64.to_be_bytes()), "17");
    }
}
