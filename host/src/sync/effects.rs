//! Turns outcomes into writes: the mapping's values, on the contact's record or on a new one that is linked with it.

use std::collections::HashMap;

use crate::model::conflict::Conflict;
use crate::model::connector::{Operation, RecordLink, Write};
use crate::model::contact::{AttributeDefinition, Contact};
use crate::model::mapping::{Column, Direction, Mapped, Mapping};
use crate::model::outcome::{OutboxEntry, Outcome, OutcomeKind};
use crate::model::sync::{OutboundSpec, Sync};
use crate::model::value::{Problem, Value};

use super::delivery::{problem, write_key};
use super::{Ports, SyncError};

/// What an outcome comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// `sent` are the attributes that a change of the record itself carries.
    Write {
        object: String,
        write: Write,
        sent: Vec<(String, Value)>,
    },
    LeftOut(String),
    Refused(Vec<Problem>),
}

/// The open mappings of a run, one per kind of outcome.
pub(super) struct Effects<'a> {
    ports: &'a Ports,
    sync: &'a Sync,
    attributes: Vec<AttributeDefinition>,
    open: HashMap<OutcomeKind, Box<dyn Mapping>>,
}

impl<'a> Effects<'a> {
    pub(super) fn of(ports: &'a Ports, sync: &'a Sync) -> Result<Self, SyncError> {
        let attributes = ports.workspace.scan().collect::<Result<_, _>>()?;
        Ok(Self { ports, sync, attributes, open: HashMap::new() })
    }

    pub(super) async fn of_entry(&mut self, entry: &OutboxEntry) -> Result<Effect, SyncError> {
        let kind = entry.outcome.kind;
        let Some(spec) = self.sync.outbound.get(&kind) else {
            let message = format!("the sync no longer sends outcomes of kind `{}`", kind.as_str());
            return Ok(Effect::Refused(vec![problem(&message)]));
        };
        let Some(contact) = self.ports.workspace.contact_or_heir(entry.outcome.contact)? else {
            return Ok(Effect::Refused(vec![problem("the contact is no longer there")]));
        };
        let before = match kind {
            OutcomeKind::Change => match self.theirs(entry, &contact)? {
                Some(before) => Some(before),
                None => return Ok(Effect::LeftOut("the CRM has it already, or a person decides first".to_owned())),
            },
            _ => None,
        };
        let changed = before.as_ref().map_or_else(Vec::new, |before| differing(&contact, before));
        let without = changed.iter().map(|(name, _)| {
            let mut without = contact.clone();
            let theirs = before.as_ref().and_then(|before| before.get(name)).unwrap_or(&Value::Null);
            without.set(&name.as_str().into(), theirs.clone());
            without
        });
        let without: Vec<Contact> = without.collect();
        let states = std::iter::once(&contact).chain(&before).chain(&without);
        let rows = states.map(|contact| row(&entry.outcome, contact, &self.attributes)).collect();
        let mapping = self.mapping(kind, spec).await?;
        let names: Vec<String> = mapping.output().iter().map(|column| column.name.clone()).collect();
        let mut mapped = mapping.rows(rows).await?.into_iter();
        Ok(match mapped.next() {
            Some(Mapped::Values(values)) => {
                let whole = values.clone();
                let now = names.into_iter().zip(values);
                // A change of the record itself carries what it changes; what it empties, it empties there.
                let is_own = spec.object == self.sync.object;
                let values: Vec<_> = match before.as_ref().and_then(|_| mapped.next()) {
                    Some(Mapped::Values(before)) if is_own => {
                        let both = now.zip(before);
                        both.filter(|((_, value), before)| value != before).map(|(now, _)| now).collect()
                    }
                    _ => now.filter(|(_, value)| *value != Value::Null).collect(),
                };
                // An attribute that makes no difference to what the mapping gives is not sent.
                let carried = changed.into_iter().zip(mapped);
                let carried = carried.filter(|(_, without)| is_own && *without != Mapped::Values(whole.clone()));
                let sent = carried.map(|(attribute, _)| attribute).collect();
                if values.is_empty() && kind == OutcomeKind::Change {
                    return Ok(Effect::LeftOut("the mapping sends nothing of what has changed".to_owned()));
                }
                self.write(entry, spec, &contact, values, sent)
            }
            Some(Mapped::Skipped(reason)) => Effect::LeftOut(reason),
            Some(Mapped::Refused(problems)) => Effect::Refused(problems),
            None => Effect::Refused(vec![problem("the mapper gave no answer")]),
        })
    }

    /// The contact with what the CRM has, as far as we know, in the attributes of a change; none where it is to learn nothing:
    /// it may have won since, and about what is held a person decides first.
    fn theirs(&self, entry: &OutboxEntry, contact: &Contact) -> Result<Option<Contact>, SyncError> {
        let Some(link) = contact.link(&self.sync.id) else { return Ok(None) };
        let mut theirs = contact.clone();
        for (attribute, _) in &entry.outcome.values {
            let agreed = link.agreed(attribute, contact.get(attribute).unwrap_or(&Value::Null));
            let held = self.ports.workspace.get::<Conflict>((&self.sync.id, contact.id, attribute))?;
            if held.is_none() {
                theirs.set(&attribute.as_str().into(), agreed.clone());
            }
        }
        Ok((theirs.attributes != contact.attributes).then_some(theirs))
    }

    async fn mapping(&mut self, kind: OutcomeKind, spec: &OutboundSpec) -> Result<&mut Box<dyn Mapping>, SyncError> {
        if !self.open.contains_key(&kind) {
            let columns = columns(kind, &self.attributes);
            let mapper = self.ports.mapper(&spec.mapping.mapper)?;
            let mapping = mapper.open(&spec.mapping.configuration, Direction::Outbound, &columns).await?;
            self.open.insert(kind, mapping);
        }
        self.open.get_mut(&kind).ok_or(SyncError::Lost)
    }

    fn write(
        &self,
        entry: &OutboxEntry,
        spec: &OutboundSpec,
        contact: &Contact,
        values: Vec<(String, Value)>,
        sent: Vec<(String, Value)>,
    ) -> Effect {
        // A merge in the CRM may have moved the link since the outcome was recorded.
        let link = contact.link(&self.sync.id);
        if link.is_some_and(|link| link.gone.is_some()) {
            return Effect::Refused(vec![problem("the contact's record is gone from the CRM")]);
        }
        let record = link.map_or_else(|| entry.record.clone(), |link| link.record.clone());
        // A conversion may even have moved it to a record of another object.
        let object = link.map_or(&*self.sync.object, |link| &*link.source.object);
        let (operation, links) = if spec.object == object {
            (Operation::Update { id: record }, Vec::new())
        } else if spec.object == self.sync.object {
            let message = format!("the contact's record was converted, and lives on as a `{object}`");
            return Effect::Refused(vec![problem(&message)]);
        } else {
            let link = RecordLink { label: None, object: object.to_owned(), id: record };
            (Operation::Create, vec![link])
        };
        let write = Write { key: write_key(&self.sync.id, &entry.outcome), operation, values, links, version: None };
        Effect::Write { object: spec.object.clone(), write, sent }
    }
}

/// The attributes that are not the same in another state of a contact, as they are in this one.
fn differing(contact: &Contact, other: &Contact) -> Vec<(String, Value)> {
    let names = contact.attributes.iter().chain(&other.attributes).map(|(name, _)| name);
    let mut differing: Vec<(String, Value)> = Vec::new();
    for name in names.filter(|name| contact.get(name) != other.get(name)) {
        if !differing.iter().any(|(known, _)| **known == **name) {
            differing.push((name.to_string(), contact.get(name).cloned().unwrap_or(Value::Null)));
        }
    }
    differing
}

/// The columns that an outbound mapping gets: the outcome's, then the contact's as `contact_<attribute>`.
pub fn columns(kind: OutcomeKind, attributes: &[AttributeDefinition]) -> Vec<Column> {
    let of_contact =
        attributes.iter().map(|attribute| Column { name: format!("contact_{}", attribute.name), kind: attribute.kind });
    kind.columns().into_iter().chain(of_contact).collect()
}

fn row(outcome: &Outcome, contact: &Contact, attributes: &[AttributeDefinition]) -> Vec<Value> {
    let own = outcome.kind.fields().iter().map(|field| {
        let value = outcome.values.iter().find(|(name, _)| name == field.name);
        value.map_or(Value::Null, |(_, value)| value.clone())
    });
    let of_contact = attributes.iter().map(|attribute| contact.get(&attribute.name).cloned().unwrap_or(Value::Null));
    [Value::Text(outcome.id.clone()), Value::Instant(outcome.at)].into_iter().chain(own).chain(of_contact).collect()
}
