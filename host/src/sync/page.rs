//! Turns one page of rows into changes: what is unchanged is seen first, the rest is mapped, typed, matched and merged.

use std::collections::HashMap;

use crate::model::conflict::Conflict;
use crate::model::connector::Page;
use crate::model::contact::{AttributeName, Contact, Link, Source};
use crate::model::id::{ContactId, RunId};
use crate::model::ledger::{Entry, Origin, PackedValues, RawRow, Replaced, SetAside};
use crate::model::mapping::{Column, Mapped, Mapping};
use crate::model::policy::Policy;
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::sync::{MatchKey, Sync};
use crate::model::time::Instant;
use crate::model::value::{Row, Value};
use crate::store::{LookupKey, Workspace};

use super::attributes::Attributes;
use super::draft::{Draft, PageChanges, Tell, Waiting};
use super::fingerprint::Fingerprints;
use super::joining::Whom;
use super::matching::{self, Candidate, Match};
use super::merge::{self, Change, Held, Incoming, Merged};
use super::{SyncError, echo};

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Created(ContactId),
    /// Its contact was found by a match key and is linked with it from now on.
    Linked(ContactId, Vec<Change>),
    Changed(ContactId, Vec<Change>),
    Unchanged(ContactId),
    Skipped(String),
    Refused(RefusalReason),
}

/// What holds for every page of a run.
pub(super) struct Pages<'a> {
    pub(super) sync: &'a Sync,
    pub(super) source: Source,
    pub(super) workspace: &'a Workspace,
    pub(super) mapping: Box<dyn Mapping>,
    pub(super) attributes: Attributes,
    /// In the order of the attributes.
    pub(super) policies: Vec<Policy>,
    pub(super) fingerprints: Fingerprints,
    pub(super) waiting: Waiting,
    pub(super) run: RunId,
    /// What each version of the mapping fills.
    pub(super) filled: HashMap<u32, Vec<Column>>,
    /// A record, and whose it is, as a person has said.
    pub(super) decided: Option<(String, Whom)>,
    /// Pages so far.
    pub(super) page: u64,
    /// As [`crate::store::RecentWrites`] stood when the page at hand was asked for; none for rows that are stored.
    pub(super) asked: Option<u64>,
    /// What is older in ledgers is forgotten.
    pub(super) horizon: Instant,
}

/// A row on its way through a page.
struct Arrival {
    record: String,
    modified: Option<Instant>,
    fingerprint: u64,
    values: PackedValues,
    /// The contact that stood for it before the page.
    stored: Option<Contact>,
}

enum Arrived {
    Settled { record: String, verdict: Verdict },
    ToMap(Arrival, Vec<Value>),
}

impl Pages<'_> {
    /// What a page changes; `tell`, if any, hears of each row.
    ///
    /// Whoever commits the changes must hold the workspace's writing lock since before this call.
    pub(super) async fn changes(
        &mut self,
        page: Page,
        now: Instant,
        mut tell: Option<&mut Tell<'_>>,
    ) -> Result<PageChanges, SyncError> {
        self.page += 1;
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut draft = Draft::new(self.workspace, &self.sync.id, &mut waiting);
        draft.counts().pages = 1;
        draft.counts().rows = page.rows.len() as u64;
        let (mut arrivals, mut rows) = (Vec::new(), Vec::new());
        for row in page.rows {
            match self.arrive(&draft, row)? {
                Arrived::Settled { record, verdict } => {
                    draft.count(&verdict);
                    if let Some(tell) = &mut tell {
                        tell(&record, &verdict, &[]);
                    }
                }
                Arrived::ToMap(arrival, values) => {
                    arrivals.push(arrival);
                    rows.push(values);
                }
            }
        }
        let mapped = if rows.is_empty() { Vec::new() } else { self.mapping.rows(rows).await? };
        for (arrival, mapped) in arrivals.into_iter().zip(mapped) {
            self.settle(&mut draft, arrival, mapped, now, tell.as_deref_mut())?;
        }
        let changes = draft.finish();
        self.waiting = waiting;
        Ok(changes)
    }

    /// Recognises what has been seen before.
    fn arrive(&self, draft: &Draft<'_>, row: Row) -> Result<Arrived, SyncError> {
        let fingerprint = self.fingerprints.row(&row.values);
        let record = LookupKey::Record { source: &self.source, id: &row.id };
        let stored = draft.overlay().find(record)?.into_iter().next();
        if let (Some(contact), Some(asked)) = (&stored, self.asked)
            && self.workspace.recent_writes().is_outdated(&self.sync.id, &row.id, asked)
        {
            return Ok(Arrived::Settled { verdict: Verdict::Unchanged(contact.id), record: row.id });
        }
        let link = stored.as_ref().and_then(|contact| contact.link(&self.sync.id));
        if let (Some(contact), Some(link)) = (&stored, link)
            && link.fingerprint == fingerprint
            && link.gone.or(link.left).is_none()
            // A row that was refused meanwhile may come back as it was before.
            && !draft.is_aside(&row.id)
        {
            return Ok(Arrived::Settled { verdict: Verdict::Unchanged(contact.id), record: row.id });
        }
        if let Some(refusal) = draft.known_refusal(&row.id)?
            && refusal.fingerprint == fingerprint
            // Who held it may have changed since.
            && matches!(refusal.reason, RefusalReason::Problems(_))
        {
            return Ok(Arrived::Settled { verdict: Verdict::Refused(refusal.reason), record: row.id });
        }
        let values = PackedValues::of(&row.values);
        let arrival = Arrival { record: row.id, modified: row.modified, fingerprint, values, stored };
        Ok(Arrived::ToMap(arrival, row.values))
    }

    fn settle(
        &self,
        draft: &mut Draft<'_>,
        arrival: Arrival,
        mapped: Mapped,
        now: Instant,
        tell: Option<&mut Tell<'_>>,
    ) -> Result<(), SyncError> {
        let typed = match mapped {
            Mapped::Values(values) => Ok(self.attributes.typed(values)),
            Mapped::Skipped(reason) => Err(reason),
            Mapped::Refused(problems) => Ok(Err(problems)),
        };
        let told = tell.map(|tell| {
            let values = typed.as_ref().ok().and_then(|typed| typed.as_ref().ok());
            (tell, arrival.record.clone(), values.cloned().unwrap_or_default())
        });
        let verdict = match typed {
            Ok(Ok(values)) => self.merge(draft, arrival, values, now)?,
            Ok(Err(problems)) => self.refuse(draft, arrival, RefusalReason::Problems(problems), now)?,
            Err(reason) => {
                draft.forget_refusal(&arrival.record)?;
                self.set_aside(draft, &arrival)?;
                Verdict::Skipped(reason)
            }
        };
        draft.count(&verdict);
        if let Some((tell, record, values)) = told {
            tell(&record, &verdict, &values);
        }
        Ok(())
    }

    fn refuse(
        &self,
        draft: &mut Draft<'_>,
        arrival: Arrival,
        reason: RefusalReason,
        now: Instant,
    ) -> Result<Verdict, SyncError> {
        self.set_aside(draft, &arrival)?;
        let Arrival { record, fingerprint, .. } = arrival;
        let refusal = Refusal { sync: self.sync.id.clone(), record, reason, fingerprint, run: self.run, at: now };
        draft.remember_refusal(&refusal)?;
        Ok(Verdict::Refused(refusal.reason))
    }

    fn set_aside(&self, draft: &mut Draft<'_>, arrival: &Arrival) -> Result<(), SyncError> {
        let values = arrival.values.unpack().unwrap_or_default();
        let (sync, record) = (self.sync.id.clone(), arrival.record.clone());
        draft.set_aside(&SetAside { sync, record, modified: arrival.modified, version: self.sync.version, values })
    }

    fn merge(
        &self,
        draft: &mut Draft<'_>,
        mut arrival: Arrival,
        values: Vec<(AttributeName, Value)>,
        now: Instant,
    ) -> Result<Verdict, SyncError> {
        // A row of the same page may have made or changed the contact since this one arrived.
        let record = LookupKey::Record { source: &self.source, id: &arrival.record };
        let linked = draft.overlay().renewed(arrival.stored.take(), record)?;
        let (contact, is_new, was_linked) = match linked {
            Some(contact) => (contact, false, true),
            None => match self.find_contact(draft, &arrival.record, &values)? {
                Match::One(contact) => (*contact, false, false),
                Match::New => (self.blank(now, values.len()), true, false),
                Match::Ambiguous { by, contacts } => {
                    let candidates = contacts.iter().map(|contact| contact.id).collect();
                    let reason = RefusalReason::Held { by: by.attribute().to_owned(), candidates };
                    return self.refuse(draft, arrival, reason, now);
                }
            },
        };
        draft.forget_refusal(&arrival.record)?;
        draft.take_in(&arrival.record);
        let id = contact.id;
        let changes = self.apply(draft, contact, arrival, values, now)?;
        Ok(match (is_new, was_linked, changes.is_empty()) {
            (true, _, _) => Verdict::Created(id),
            (_, false, _) => Verdict::Linked(id, changes),
            (_, _, true) => Verdict::Unchanged(id),
            (_, _, false) => Verdict::Changed(id, changes),
        })
    }

    fn find_contact(
        &self,
        draft: &Draft<'_>,
        record: &str,
        values: &[(AttributeName, Value)],
    ) -> Result<Match, SyncError> {
        if let Some((_, whom)) = self.decided.as_ref().filter(|(decided, _)| decided == record) {
            let decided = match whom {
                Whom::New => Some(Match::New),
                // Where the contact has gone meanwhile, the keys say who it is.
                Whom::Contact(id) => self.workspace.contact(*id)?.map(|contact| Match::One(Box::new(contact))),
            };
            if let Some(decided) = decided {
                return Ok(decided);
            }
        }
        let candidate = Candidate { sync: &self.sync.id, source: &self.source, record, values };
        Ok(matching::find(draft.overlay(), &self.sync.match_keys, &candidate)?)
    }

    fn blank(&self, now: Instant, attributes: usize) -> Contact {
        let (id, links) = (self.workspace.new_contact_id(), Vec::with_capacity(1));
        Contact { id, created: now, changed: now, attributes: Vec::with_capacity(attributes), links }
    }

    /// Merges the values, renews the link, and puts the contact into the draft.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        mut contact: Contact,
        mut arrival: Arrival,
        values: Vec<(AttributeName, Value)>,
        now: Instant,
    ) -> Result<Vec<Change>, SyncError> {
        let is_new = contact.links.is_empty() && contact.attributes.is_empty();
        let mut provenance = draft.take_provenance(contact.id, is_new)?;
        let Merged { changes, held, base } = if is_new {
            contact.attributes.extend(values.into_iter().filter(|(_, value)| *value != Value::Null));
            Merged::default()
        } else {
            let (modified, policies) = (arrival.modified.unwrap_or(now), &self.policies[..]);
            let (sync, record, id, created) = (&self.sync.id, arrival.record.as_str(), contact.id, contact.created);
            let ours_at = |attribute: &str| provenance.changed_at(attribute).unwrap_or(created);
            let version = provenance.rows.iter().find(|row| row.sync == *sync).map(|row| row.version);
            let former = version.filter(|version| *version != self.sync.version);
            let agreed = former.and_then(|it| self.filled.get(&it)).map(Vec::as_slice);
            let mut echoed = echo::echoed(self.workspace, self.sync, record, &arrival.values)?;
            // Where a row of this record has replaced ours since, there is nothing of ours to be kept.
            echoed.retain(|name| !provenance.is_from(name, sync, record));
            let swings =
                |name: &str, ours: &Value, theirs: &Value| provenance.swings(sync, (name, ours), theirs, now).cloned();
            let is_held = |name: &str| draft.may_be_held(id, name);
            let is_stored = self.asked.is_none().then_some(&is_held as &dyn Fn(&str) -> bool);
            let incoming =
                Incoming { sync, record, values, policies, modified, agreed, echoed, is_stored, swings: &swings };
            merge::merge(&mut contact, incoming, ours_at)
        };
        let replaced = if is_new { self.filled(&contact) } else { changes.iter().map(Change::replaced).collect() };
        provenance.write(Entry { origin: self.origin(&arrival), at: now, replaced }, self.horizon);
        provenance.keep_row(self.raw_row(&mut arrival));
        draft.put_provenance(contact.id, provenance);
        self.hold(draft, contact.id, &arrival.record, &held, now)?;
        if !changes.is_empty() {
            contact.changed = now;
        }
        let mut new_keys = Vec::with_capacity(3);
        if !contact.links.iter().any(|link| link.record == arrival.record && link.source == self.source) {
            new_keys.push(self.workspace.hash(LookupKey::Record { source: &self.source, id: &arrival.record }));
        }
        let is_changed = |key: &MatchKey| is_new || changes.iter().any(|change| &*change.attribute == key.attribute());
        new_keys.extend(matching::hashes(self.workspace, &contact, is_changed));
        if self.renew_link(&mut contact, arrival, base) {
            draft.add_link();
        }
        draft.put(contact, new_keys);
        Ok(changes)
    }

    /// What a new contact is made of, for its ledger.
    fn filled(&self, contact: &Contact) -> Vec<Replaced> {
        let mut policies = self.attributes.names().zip(&self.policies);
        let replaced = contact.attributes.iter().map(|(attribute, _)| {
            // Both are in the order of the mapping.
            let policy = policies.find(|(name, _)| *name == attribute).map_or(Policy::default(), |(_, policy)| *policy);
            Replaced { attribute: attribute.clone(), policy, value: Some(Value::Null) }
        });
        replaced.collect()
    }

    fn origin(&self, arrival: &Arrival) -> Origin {
        Origin::Record {
            sync: self.sync.id.clone(),
            record: arrival.record.clone(),
            run: self.run,
            page: self.page,
            version: self.sync.version,
            modified: arrival.modified,
        }
    }

    fn raw_row(&self, arrival: &mut Arrival) -> RawRow {
        let (sync, record) = (self.sync.id.clone(), arrival.record.clone());
        let values = std::mem::take(&mut arrival.values);
        RawRow { sync, record, modified: arrival.modified, version: self.sync.version, values }
    }

    /// What is held is written down; what was held before and is settled now is not.
    fn hold(
        &self,
        draft: &mut Draft<'_>,
        contact: ContactId,
        record: &str,
        held: &[Held],
        now: Instant,
    ) -> Result<(), SyncError> {
        for name in self.attributes.names() {
            match held.iter().find(|held| held.attribute == *name) {
                None => draft.release(contact, name),
                Some(Held { base, theirs, between, .. }) => draft.hold(&Conflict {
                    contact,
                    attribute: name.to_string(),
                    sync: self.sync.id.clone(),
                    record: record.to_owned(),
                    base: base.clone(),
                    theirs: theirs.clone(),
                    run: self.run,
                    at: now,
                    between: between.clone(),
                })?,
            }
        }
        Ok(())
    }

    /// Whether the link is new.
    fn renew_link(&self, contact: &mut Contact, arrival: Arrival, base: Vec<(AttributeName, Value)>) -> bool {
        let link = Link {
            sync: self.sync.id.clone(),
            source: self.source.clone(),
            record: arrival.record,
            fingerprint: arrival.fingerprint,
            modified: arrival.modified,
            gone: None,
            left: None,
            base,
        };
        match contact.links.iter_mut().find(|link| link.sync == self.sync.id) {
            Some(known) => {
                // A row that is stored says nothing of where its record is now.
                let left = known.left.filter(|_| self.asked.is_none());
                *known = Link { left, ..link };
                false
            }
            None => {
                contact.links.push(link);
                true
            }
        }
    }
}
