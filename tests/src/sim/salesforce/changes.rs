//! What changed, as Salesforce's change events tell it: which records, which fields, by whose call. Served by the control
//! interface, so that tests can tell an echo from a user's edit. Bounded; the oldest go.

use std::collections::VecDeque;

use serde::Serialize;

/// More than any test makes; change events are kept for three days only in the real thing.
const EVENTS_MAX: usize = 100_000;

/// One change event.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEvent {
    /// Counts from 1.
    pub replay_id: u64,
    /// The object.
    pub entity_name: String,
    /// The records, 18 characters each.
    pub record_ids: Vec<String>,
    /// `CREATE`, `UPDATE`, `DELETE`, `UNDELETE`, or `GAP_…`.
    pub change_type: &'static str,
    /// `com/salesforce/api/rest/67.0;client=NAME` for a call, empty for a person.
    pub change_origin: String,
    /// Milliseconds since 1970.
    pub commit_timestamp: i64,
    /// Whose doing.
    pub commit_user: String,
    /// Names of the fields that were set.
    pub changed_fields: Vec<String>,
}

/// A place in the events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(u64);

/// The events that are kept.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    events: VecDeque<ChangeEvent>,
    last: u64,
}

impl Changes {
    /// Adds an event; its replay id is set here.
    pub(crate) fn add(&mut self, mut event: ChangeEvent) {
        self.last += 1;
        event.replay_id = self.last;
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// How far the events go.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.last)
    }

    /// Forgets the events after a mark.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.events.retain(|event| event.replay_id <= mark.0);
        self.last = mark.0;
    }

    /// Events after a replay id.
    pub(crate) fn after(&self, after: u64, limit: usize) -> Vec<ChangeEvent> {
        self.events.iter().filter(|event| event.replay_id > after).take(limit).cloned().collect()
    }
}
