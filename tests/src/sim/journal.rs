//! What a simulated CRM accepted, in order, and how often each endpoint was asked. Bounded, so that a long run cannot
//! fill the memory; what was dropped is counted.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// A million accepted writes are more than any test makes; a bench that makes more reads the tail.
const ENTRIES_MAX: usize = 1_000_000;

/// One accepted write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Counts from 1 without gaps.
    pub sequence: u64,
    /// The CRM's clock when the write was accepted, milliseconds since 1970.
    pub at_ms: i64,
    /// The CRM's name of the object: `contacts`, `calls`, `lists`.
    pub object: String,
    /// The record's id as the CRM prints it.
    pub id: String,
    /// `create`, `update`, `upsert-create`, `upsert-update`, `archive`, `erase`, `merge`, `restore`, `associate`, ….
    pub operation: String,
    /// The properties as the request had them, or what else describes the write.
    pub properties: BTreeMap<String, String>,
    /// The key by which the writer tells its writes apart (HubSpot: `objectWriteTraceId`).
    pub trace_id: Option<String>,
    /// `api` for a write through the public interface, `user` for one through the control interface.
    pub by: &'static str,
}

/// The accepted writes and the request counters.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    last_sequence: u64,
    counters: BTreeMap<String, u64>,
}

impl Journal {
    /// Adds a write; its sequence is set here.
    pub fn record(&mut self, mut entry: Entry) {
        self.last_sequence += 1;
        entry.sequence = self.last_sequence;
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Forgets the writes after a sequence, for a CRM that undoes what it began.
    pub fn back_to(&mut self, sequence: u64) {
        self.entries.retain(|entry| entry.sequence <= sequence);
        self.last_sequence = sequence;
    }

    /// Counts one request to `endpoint`.
    pub fn count(&mut self, endpoint: &str) {
        match self.counters.get_mut(endpoint) {
            Some(count) => *count += 1,
            None => {
                self.counters.insert(endpoint.to_owned(), 1);
            }
        }
    }

    /// Writes after the sequence `after`, oldest first, at most `limit`.
    pub fn after(&self, after: u64, limit: usize) -> Vec<Entry> {
        let start = self.entries.partition_point(|entry| entry.sequence <= after);
        self.entries.iter().skip(start).take(limit).cloned().collect()
    }

    /// How many writes were accepted, those no longer kept included.
    pub fn len(&self) -> u64 {
        self.last_sequence
    }

    /// True when nothing was ever accepted.
    pub fn is_empty(&self) -> bool {
        self.last_sequence == 0
    }

    /// Requests per endpoint.
    pub fn counters(&self) -> &BTreeMap<String, u64> {
        &self.counters
    }

    /// Forgets the counters, not the writes.
    pub fn clear_counters(&mut self) {
        self.counters.clear();
    }
}
