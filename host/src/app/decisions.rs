//! What people decide about contacts: attributes set by hand, conflicts. What the CRM is to know of it goes into the outbox.

use std::collections::BTreeMap;

use super::Tenant;
use super::error::AppError;
use super::outcomes::targets;
use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeDefinition, AttributeName, Contact};
use crate::model::id::{ContactId, OutboxId, SyncId};
use crate::model::outcome::{Outcome, OutcomeKind};
use crate::model::policy::Policy;
use crate::model::sync::Sync;
use crate::model::value::{Problem, Value};
use crate::store::Changes;
use crate::sync;

/// How a conflict is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The CRM's value.
    Theirs,
    /// The value that the contact has.
    Ours,
    /// Another one, as people write it.
    Value(String),
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub contact: Contact,
    /// What goes to CRMs by it.
    pub entries: Vec<OutboxId>,
}

impl Tenant {
    /// Sets attributes of a contact, as people write them; empty takes a value away. Conflicts about them are settled by it,
    /// and each sync that sends changes sends them. On disk when this returns.
    ///
    /// # Errors
    /// For unknown contacts and attributes, and values that are not of the attribute's type; then nothing is set.
    pub async fn set_attributes(&self, id: ContactId, given: &[(String, String)]) -> Result<Decided, AppError> {
        let values = self.read_attributes(given)?;
        self.set(id, values).await
    }

    fn read_attributes(&self, given: &[(String, String)]) -> Result<Vec<(AttributeName, Value)>, AppError> {
        let known = self.attributes()?;
        let (mut values, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, text) in given {
            let read = match known.iter().find(|known| known.name == *name) {
                Some(AttributeDefinition { kind, .. }) => sync::read_value(*kind, text).map_err(str::to_owned),
                None => Err(unknown(name, &known)),
            };
            match read {
                Ok(value) => {
                    values.insert(AttributeName::from(name.as_str()), value);
                }
                Err(message) => problems.push(Problem { field: Some(name.clone()), message }),
            }
        }
        if problems.is_empty() { Ok(values.into_iter().collect()) } else { Err(AppError::Attributes { problems }) }
    }

    async fn set(&self, id: ContactId, values: Vec<(AttributeName, Value)>) -> Result<Decided, AppError> {
        let _writing = self.store().writing().await;
        let contact = self.contact(id)?;
        let mut changes = Changes::default();
        let contact = sync::set_by_hand(self.store(), contact, &values, self.clock().now(), &mut changes)?;
        let names: Vec<AttributeName> = values.into_iter().map(|(name, _)| name).collect();
        let _recording = self.store().recording();
        let entries = self.queue_change(&contact, &names, &mut changes)?;
        self.commit(changes)?;
        Ok(Decided { contact, entries })
    }

    /// What the contact has and its records have not, for each sync that sends changes.
    fn queue_change(
        &self,
        contact: &Contact,
        attributes: &[AttributeName],
        changes: &mut Changes,
    ) -> Result<Vec<OutboxId>, AppError> {
        // It stays with us, as everything about them does.
        if self.suppression_of(contact)?.is_some() {
            return Ok(Vec::new());
        }
        let now = self.clock().now();
        let mut entries = Vec::new();
        for (sync, record) in targets(&self.syncs()?, contact, OutcomeKind::Change) {
            let Some(link) = contact.link(&sync) else { continue };
            let values = sync::unsent(contact, link, attributes);
            if values.is_empty() {
                continue;
            }
            let id = format!("change-{:016x}", rand::random::<u64>());
            let outcome = Outcome { id, contact: contact.id, kind: OutcomeKind::Change, at: now, values };
            entries.extend(self.queue_for(&sync, &record, &outcome, changes)?);
        }
        Ok(entries)
    }

    /// The conflicts that wait, of one sync or of all.
    pub fn conflicts(&self, sync: Option<&SyncId>) -> impl Iterator<Item = Result<Conflict, AppError>> + use<> {
        let under: Vec<&str> = sync.iter().map(|sync| sync.as_str()).collect();
        self.store().scan_under::<Conflict>(&under).map(|conflict| conflict.map_err(AppError::from))
    }

    /// The conflicts of one contact, by attribute.
    pub fn conflicts_of(&self, contact: &Contact) -> Result<Vec<Conflict>, AppError> {
        let mut found = Vec::new();
        for link in &contact.links {
            for conflict in self.store().conflicts_of(&link.sync, contact.id) {
                found.push(conflict?);
            }
        }
        found.sort_by(|a, b| (&a.attribute, &a.sync).cmp(&(&b.attribute, &b.sync)));
        Ok(found)
    }

    /// Decides the conflict about an attribute; `sync` says which of several.
    ///
    /// # Errors
    /// Where there is no such conflict, or several and none is named.
    pub async fn decide(
        &self,
        id: ContactId,
        attribute: &str,
        sync: Option<&SyncId>,
        choice: Choice,
    ) -> Result<Decided, AppError> {
        let contact = self.contact(id)?;
        let mut found = self.conflicts_of(&contact)?;
        found.retain(|conflict| conflict.attribute == attribute && sync.is_none_or(|sync| conflict.sync == *sync));
        let conflict = match found.len() {
            0 => return Err(AppError::NoConflict { contact: id, attribute: attribute.to_owned() }),
            1 => found.remove(0),
            _ if choice != Choice::Theirs => found.remove(0),
            _ => {
                let syncs = found.into_iter().map(|conflict| conflict.sync).collect();
                return Err(AppError::SeveralConflicts { attribute: attribute.to_owned(), syncs });
            }
        };
        let value = match choice {
            Choice::Theirs => conflict.theirs,
            Choice::Ours => contact.get(attribute).cloned().unwrap_or(Value::Null),
            Choice::Value(text) => return self.set_attributes(id, &[(attribute.to_owned(), text)]).await,
        };
        self.set(id, vec![(attribute.into(), value)]).await
    }

    /// Says whose value stands, attribute by attribute; the rest of the sync stays as it is.
    ///
    /// # Errors
    /// For an attribute that the workspace does not know.
    pub fn set_policies(&self, id: &SyncId, policies: &BTreeMap<String, Policy>) -> Result<Sync, AppError> {
        let mut sync = self.sync(id)?;
        let known = self.attributes()?;
        let problems: Vec<Problem> = policies
            .keys()
            .filter(|name| !known.iter().any(|known| known.name == **name))
            .map(|name| Problem { field: Some(name.clone()), message: unknown(name, &known) })
            .collect();
        if !problems.is_empty() {
            return Err(AppError::Attributes { problems });
        }
        sync.policies.extend(policies.iter().map(|(name, policy)| (name.clone(), *policy)));
        sync.policies.retain(|_, policy| *policy != Policy::default());
        let mut changes = Changes::default();
        changes.put(id, &sync)?;
        self.commit(changes)?;
        Ok(sync)
    }
}

fn unknown(name: &str, known: &[AttributeDefinition]) -> String {
    match super::suggest::nearest(name, known.iter().map(|known| known.name.as_str())) {
        Some(near) => format!("there is no such attribute; did you mean `{near}`?"),
        None => "there is no such attribute: a mapping brings attributes in".to_owned(),
    }
}
