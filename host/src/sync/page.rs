//! Turns one page of rows into changes: what is unchanged is seen first, the rest is mapped, typed, matched and merged.

use crate::model::connector::Page;
use crate::model::contact::{AttributeName, Contact, Link, Source};
use crate::model::id::{ContactId, RunId};
use crate::model::mapping::{Mapped, Mapping};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::model::sync::{Counts, MatchKey, Sync};
use crate::model::time::Instant;
use crate::model::value::{Row, Value};
use crate::store::{Changes, LookupKey, Workspace};

use super::SyncError;
use super::attributes::Attributes;
use super::fingerprint::Fingerprints;
use super::matching::{self, Candidate, Match};
use super::overlay::Overlay;

/// An attribute that gets another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub attribute: AttributeName,
    pub before: Value,
    pub after: Value,
}

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

/// Gets each row's record, verdict and, where it has any, mapped values.
pub(super) type Tell<'a> = dyn FnMut(&str, &Verdict, &[(AttributeName, Value)]) + Send + 'a;

/// What holds for every page of a run.
pub(super) struct Pages<'a> {
    pub(super) sync: &'a Sync,
    pub(super) source: Source,
    pub(super) workspace: &'a Workspace,
    pub(super) mapping: Box<dyn Mapping>,
    pub(super) attributes: Attributes,
    pub(super) fingerprints: Fingerprints,
    pub(super) run: RunId,
}

/// A row on its way through a page.
struct Arrival {
    record: String,
    modified: Option<Instant>,
    fingerprint: u64,
}

/// The changes of a page, not yet committed.
pub(super) struct PageChanges {
    pub(super) changes: Changes,
    pub(super) counts: Counts,
    /// How many more, or fewer, links and refused rows the sync has.
    pub(super) linked: i64,
    pub(super) refused: i64,
}

impl Pages<'_> {
    /// What a page changes.
    ///
    /// Whoever commits the changes must hold the workspace's writing lock since before this call.
    pub(super) async fn changes(
        &mut self,
        page: Page,
        now: Instant,
        has_refusals: bool,
        tell: &mut Tell<'_>,
    ) -> Result<PageChanges, SyncError> {
        let mut draft = Draft::new(self.workspace, has_refusals);
        draft.result.counts.pages = 1;
        draft.result.counts.rows = page.rows.len() as u64;
        let (mut arrivals, mut rows) = (Vec::new(), Vec::new());
        for row in page.rows {
            match self.arrive(&mut draft, row)? {
                Arrived::Settled { record, verdict } => draft.count(&record, &verdict, &[], tell),
                Arrived::ToMap(arrival, values) => {
                    arrivals.push(arrival);
                    rows.push(values);
                }
            }
        }
        let mapped = if rows.is_empty() { Vec::new() } else { self.mapping.rows(rows).await? };
        for (arrival, mapped) in arrivals.into_iter().zip(mapped) {
            self.settle(&mut draft, arrival, mapped, now, tell)?;
        }
        Ok(draft.finish())
    }

    /// Recognises what has been seen before.
    fn arrive(&self, draft: &mut Draft<'_>, row: Row) -> Result<Arrived, SyncError> {
        let fingerprint = self.fingerprints.row(&row.values);
        let record = LookupKey::Record { source: &self.source, id: &row.id };
        let contact = draft.overlay.find(record)?.into_iter().next();
        let link = contact.as_ref().and_then(|contact| contact.link(&self.sync.id));
        if let (Some(contact), Some(link)) = (&contact, link)
            && link.fingerprint == fingerprint
            && link.gone.is_none()
        {
            return Ok(Arrived::Settled { verdict: Verdict::Unchanged(contact.id), record: row.id });
        }
        if let Some(refusal) = draft.known_refusal(self.sync, &row.id)?
            && refusal.fingerprint == fingerprint
            // Who held it may have changed since.
            && matches!(refusal.reason, RefusalReason::Problems(_))
        {
            return Ok(Arrived::Settled { verdict: Verdict::Refused(refusal.reason), record: row.id });
        }
        Ok(Arrived::ToMap(Arrival { record: row.id, modified: row.modified, fingerprint }, row.values))
    }

    fn settle(
        &self,
        draft: &mut Draft<'_>,
        arrival: Arrival,
        mapped: Mapped,
        now: Instant,
        tell: &mut Tell<'_>,
    ) -> Result<(), SyncError> {
        let record = arrival.record.clone();
        let typed = match mapped {
            Mapped::Values(values) => self.attributes.typed(values),
            Mapped::Skipped(reason) => {
                draft.forget_refusal(self.sync, &record)?;
                draft.count(&record, &Verdict::Skipped(reason), &[], tell);
                return Ok(());
            }
            Mapped::Refused(problems) => Err(problems),
        };
        let (verdict, values) = match typed {
            Ok(values) => (self.merge(draft, arrival, &values, now)?, values),
            Err(problems) => {
                let reason = RefusalReason::Problems(problems);
                (self.refuse(draft, &record, arrival.fingerprint, reason, now)?, Vec::new())
            }
        };
        draft.count(&record, &verdict, &values, tell);
        Ok(())
    }

    fn refuse(
        &self,
        draft: &mut Draft<'_>,
        record: &str,
        fingerprint: u64,
        reason: RefusalReason,
        now: Instant,
    ) -> Result<Verdict, SyncError> {
        let (sync, run) = (self.sync.id.clone(), self.run);
        let refusal = Refusal { sync, record: record.to_owned(), reason: reason.clone(), fingerprint, run, at: now };
        draft.remember_refusal(self.sync, refusal)?;
        Ok(Verdict::Refused(reason))
    }

    fn merge(
        &self,
        draft: &mut Draft<'_>,
        arrival: Arrival,
        values: &[(AttributeName, Value)],
        now: Instant,
    ) -> Result<Verdict, SyncError> {
        // A row of the same page may have made or changed the contact since this one arrived.
        let record = LookupKey::Record { source: &self.source, id: &arrival.record };
        let linked = draft.overlay.find(record)?.into_iter().next();
        let (contact, is_new, was_linked) = match linked {
            Some(contact) => (contact, false, true),
            None => match self.match_contact(draft, &arrival.record, values)? {
                Match::One(contact) => (*contact, false, false),
                Match::New => (self.blank(now), true, false),
                Match::Ambiguous { by, contacts } => {
                    let candidates = contacts.iter().map(|contact| contact.id).collect();
                    let reason = RefusalReason::Held { by: by.attribute().to_owned(), candidates };
                    return self.refuse(draft, &arrival.record, arrival.fingerprint, reason, now);
                }
            },
        };
        draft.forget_refusal(self.sync, &arrival.record)?;
        let id = contact.id;
        let changes = self.apply(draft, contact, &arrival, values, now);
        Ok(match (is_new, was_linked, changes.is_empty()) {
            (true, _, _) => Verdict::Created(id),
            (_, false, _) => Verdict::Linked(id, changes),
            (_, _, true) => Verdict::Unchanged(id),
            (_, _, false) => Verdict::Changed(id, changes),
        })
    }

    fn match_contact(
        &self,
        draft: &Draft<'_>,
        record: &str,
        values: &[(AttributeName, Value)],
    ) -> Result<Match, SyncError> {
        let candidate = Candidate { sync: &self.sync.id, source: &self.source, record, values };
        Ok(matching::find(&draft.overlay, &self.sync.match_keys, &candidate)?)
    }

    fn blank(&self, now: Instant) -> Contact {
        let id = self.workspace.new_contact_id();
        Contact { id, created: now, changed: now, attributes: Vec::new(), links: Vec::new() }
    }

    /// Sets the values, renews the link, and puts the contact into the draft. The CRM's values win.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        mut contact: Contact,
        arrival: &Arrival,
        values: &[(AttributeName, Value)],
        now: Instant,
    ) -> Vec<Change> {
        let is_new = contact.links.is_empty() && contact.attributes.is_empty();
        let mut changes = Vec::new();
        for (attribute, after) in values {
            if let Some(before) = contact.set(attribute, after.clone())
                && !is_new
            {
                changes.push(Change { attribute: attribute.clone(), before, after: after.clone() });
            }
        }
        if !changes.is_empty() {
            contact.changed = now;
        }
        let known_record = contact.links.iter().any(|link| link.record == arrival.record && link.source == self.source);
        if self.renew_link(&mut contact, arrival) {
            draft.result.linked += 1;
        }
        let mut new_keys = Vec::with_capacity(3);
        if !known_record {
            new_keys.push(LookupKey::Record { source: &self.source, id: &arrival.record });
        }
        for key in MatchKey::ALL {
            let fresh = is_new || changes.iter().any(|change| &*change.attribute == key.attribute());
            let text = values.iter().find_map(|(name, value)| match value {
                Value::Text(text) if fresh && &**name == key.attribute() => Some(text),
                _ => None,
            });
            new_keys.extend(text.map(|text| matching::lookup(key, text)));
        }
        draft.overlay.put(contact, &new_keys);
        changes
    }

    /// Whether the link is new.
    fn renew_link(&self, contact: &mut Contact, arrival: &Arrival) -> bool {
        let link = Link {
            sync: self.sync.id.clone(),
            source: self.source.clone(),
            record: arrival.record.clone(),
            fingerprint: arrival.fingerprint,
            modified: arrival.modified,
            gone: None,
            base: Vec::new(),
        };
        match contact.links.iter_mut().find(|link| link.sync == self.sync.id) {
            Some(known) => {
                *known = link;
                false
            }
            None => {
                contact.links.push(link);
                true
            }
        }
    }
}

enum Arrived {
    Settled { record: String, verdict: Verdict },
    ToMap(Arrival, Vec<Value>),
}

/// The page's changes as they grow.
struct Draft<'a> {
    workspace: &'a Workspace,
    overlay: Overlay<'a>,
    has_refusals: bool,
    result: PageChanges,
}

impl<'a> Draft<'a> {
    fn new(workspace: &'a Workspace, has_refusals: bool) -> Self {
        let result = PageChanges { changes: Changes::default(), counts: Counts::default(), linked: 0, refused: 0 };
        Self { workspace, overlay: Overlay::over(workspace), has_refusals, result }
    }

    fn known_refusal(&self, sync: &Sync, record: &str) -> Result<Option<Refusal>, SyncError> {
        // Most syncs have none, and asking costs as much as finding a contact.
        if !self.has_refusals {
            return Ok(None);
        }
        Ok(self.workspace.get::<Refusal>((&sync.id, record))?)
    }

    fn remember_refusal(&mut self, sync: &Sync, refusal: Refusal) -> Result<(), SyncError> {
        if self.known_refusal(sync, &refusal.record)?.is_none() {
            self.result.refused += 1;
        }
        Ok(self.result.changes.put((&sync.id, refusal.record.as_str()), &refusal)?)
    }

    fn forget_refusal(&mut self, sync: &Sync, record: &str) -> Result<(), SyncError> {
        if self.known_refusal(sync, record)?.is_some() {
            self.result.changes.remove::<Refusal>((&sync.id, record));
            self.result.refused -= 1;
        }
        Ok(())
    }

    fn count(&mut self, record: &str, verdict: &Verdict, values: &[(AttributeName, Value)], tell: &mut Tell<'_>) {
        let counts = &mut self.result.counts;
        match verdict {
            Verdict::Created(_) => counts.created += 1,
            Verdict::Linked(..) | Verdict::Changed(..) => counts.changed += 1,
            Verdict::Unchanged(_) => counts.unchanged += 1,
            Verdict::Skipped(_) => counts.skipped += 1,
            Verdict::Refused(_) => counts.refused += 1,
        }
        tell(record, verdict, values);
    }

    fn finish(mut self) -> PageChanges {
        self.overlay.into_changes(&mut self.result.changes);
        self.result
    }
}
