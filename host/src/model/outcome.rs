//! What happened with a contact on our side, and its way to the CRM.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::connector::Write;
use super::id::{ContactId, OutboxId, SyncId};
use super::mapping::{Column, Kind};
use super::time::Instant;
use super::value::{Problem, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    Call,
    Qualification,
    Appointment,
    Note,
    Task,
    /// Attributes were changed on our side.
    Change,
}

/// A value that an outcome of some kind may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeField {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

const fn field(name: &'static str, kind: Kind, required: bool, meaning: &'static str) -> OutcomeField {
    OutcomeField { name, kind, required, meaning }
}

impl OutcomeKind {
    pub const ALL: [Self; 6] =
        [Self::Call, Self::Qualification, Self::Appointment, Self::Note, Self::Task, Self::Change];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Qualification => "qualification",
            Self::Appointment => "appointment",
            Self::Note => "note",
            Self::Task => "task",
            Self::Change => "change",
        }
    }

    /// The values of this kind, in the order in which a mapping gets them; before them come `outcome_id` and `at`,
    /// after them the contact's attributes as `contact_<name>`.
    pub fn fields(self) -> &'static [OutcomeField] {
        use Kind::{Choice, Instant, Integer, Phone, Text, Url};
        match self {
            Self::Call => {
                const FIELDS: [OutcomeField; 8] = [
                    field(
                        "disposition",
                        Choice,
                        true,
                        "how the call ended, as in connected, no-answer, busy, voicemail",
                    ),
                    field("duration_s", Integer, false, "length of the talk in seconds"),
                    field("summary", Text, false, "what was said"),
                    field("direction", Choice, false, "inbound or outbound"),
                    field("from_number", Phone, false, "the caller's number"),
                    field("to_number", Phone, false, "the called number"),
                    field("recording_url", Url, false, "where the recording can be heard"),
                    field("agent", Text, false, "who spoke for our side"),
                ];
                &FIELDS
            }
            Self::Qualification => {
                const FIELDS: [OutcomeField; 3] = [
                    field("result", Choice, true, "the verdict, as in qualified, unqualified, later"),
                    field("score", Integer, false, "0 to 100"),
                    field("reason", Text, false, "why"),
                ];
                &FIELDS
            }
            Self::Appointment => {
                const FIELDS: [OutcomeField; 5] = [
                    field("title", Text, true, "what it is about"),
                    field("starts_at", Instant, true, "when it begins"),
                    field("ends_at", Instant, false, "when it ends"),
                    field("location", Text, false, "where, or the address of the online meeting"),
                    field("notes", Text, false, "what to know before it"),
                ];
                &FIELDS
            }
            Self::Note => {
                const FIELDS: [OutcomeField; 1] = [field("text", Text, true, "the note")];
                &FIELDS
            }
            Self::Task => {
                const FIELDS: [OutcomeField; 3] = [
                    field("title", Text, true, "what is to be done"),
                    field("due_at", Instant, false, "until when"),
                    field("notes", Text, false, "more about it"),
                ];
                &FIELDS
            }
            // What has changed is among the contact's attributes.
            Self::Change => &[],
        }
    }

    /// The columns that a mapping of this kind can count on.
    pub fn columns(self) -> Vec<Column> {
        let own = self.fields().iter().map(|field| Column { name: field.name.to_owned(), kind: field.kind });
        let always = [("outcome_id", Kind::Text), ("at", Kind::Instant)];
        always.into_iter().map(|(name, kind)| Column { name: name.to_owned(), kind }).chain(own).collect()
    }
}

impl std::str::FromStr for OutcomeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            format!("`{text}` is no kind of outcome: use call, qualification, appointment, note, task or change")
        })
    }
}

/// What happened with a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The platform's own id of it: recording the same id twice records it once.
    pub id: String,
    pub contact: ContactId,
    pub kind: OutcomeKind,
    pub at: Instant,
    /// Checked against the kind's fields. Of a change, the attributes as they were set; sent is what they are by then.
    pub values: Vec<(String, Value)>,
}

/// Where a waiting write stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// To be sent at `not_before` or later.
    Waiting { attempts: u32, not_before: Instant },
    /// Sent, or about to be: whether it took effect has to be found out before it is sent again.
    Unknown {
        attempts: u32,
        write: Write,
        object: String,
        not_before: Instant,
        /// Of a change of the record itself, the attributes that the write carries.
        #[serde(default)]
        sent: Vec<(String, Value)>,
        /// The set that it is handed over in: what became of it is collected with the set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<String>,
    },
    /// A person must look at it.
    Dead { problems: Vec<Problem>, remedy: String, at: Instant },
}

/// The longest that a write is put off before it is tried again, whatever a CRM asks for: what keeps a whole account waiting for
/// longer ends the run instead.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// An outcome on its way to one CRM record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    pub id: OutboxId,
    pub sync: SyncId,
    pub outcome: Outcome,
    /// The CRM's id of the contact's record in this sync.
    pub record: String,
    pub delivery: Delivery,
    pub created: Instant,
    /// When a person last put it back.
    #[serde(default)]
    pub retried: Option<Instant>,
}

impl OutboxEntry {
    /// An outcome that waits to be sent for the first time.
    pub fn new(id: OutboxId, sync: SyncId, record: String, outcome: Outcome, now: Instant) -> Self {
        let delivery = Delivery::Waiting { attempts: 0, not_before: now };
        Self { id, sync, outcome, record, delivery, created: now, retried: None }
    }

    /// What stays of it once it leaves the outbox.
    pub fn receipt(&self, state: ReceiptState, at: Instant) -> Receipt {
        Receipt { id: self.id, sync: self.sync.clone(), outcome_id: self.outcome.id.clone(), state, at }
    }

    /// When it may leave; a dead one never does. What is put off for longer than anything ever is was put off by a clock that was
    /// wrong, and may leave now.
    pub fn due_at(&self, now: Instant) -> Option<Instant> {
        match &self.delivery {
            // Nothing has put it off yet.
            Delivery::Waiting { attempts: 0, not_before } => Some(now.min(*not_before)),
            Delivery::Waiting { not_before, .. } | Delivery::Unknown { not_before, .. } => {
                Some(if not_before.since(now) > LONGEST_WAIT { now } else { *not_before })
            }
            Delivery::Dead { .. } => None,
        }
    }

    /// How long it has waited, since it was recorded or put back.
    pub fn age(&self, now: Instant) -> Duration {
        now.since(self.retried.unwrap_or(self.created))
    }

    /// Whether it waits for a person.
    pub fn is_dead(&self) -> bool {
        matches!(self.delivery, Delivery::Dead { .. })
    }
}

/// What became of an outcome in a sync: the proof that it is not to be recorded or sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The outbox entry that it was.
    pub id: OutboxId,
    pub sync: SyncId,
    pub outcome_id: String,
    pub state: ReceiptState,
    pub at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptState {
    /// The CRM has it as this record.
    Delivered { object: String, record: String },
    /// The mapping left it out on purpose.
    LeftOut { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_wrong_puts_nothing_off_for_long() {
        let outcome =
            Outcome { id: "n".into(), contact: ContactId(1), kind: OutcomeKind::Note, at: Instant(0), values: vec![] };
        let mut entry = OutboxEntry::new(OutboxId(1), "in".parse().unwrap(), "7".into(), outcome, Instant(0));
        let now = Instant(5);
        for (not_before, due) in [
            (Instant(3), Some(Instant(3))),
            (now.plus(LONGEST_WAIT), Some(now.plus(LONGEST_WAIT))),
            (now.plus(2 * LONGEST_WAIT), Some(now)),
        ] {
            entry.delivery = Delivery::Waiting { attempts: 1, not_before };
            assert_eq!(entry.due_at(now), due, "{not_before}");
        }
        entry.delivery = Delivery::Waiting { attempts: 0, not_before: Instant(9) };
        assert_eq!(entry.due_at(now), Some(now));
        entry.delivery = Delivery::Dead { problems: vec![], remedy: String::new(), at: now };
        assert_eq!(entry.due_at(now), None);
    }
}
