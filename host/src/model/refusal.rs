//! Rows that could not become contacts, kept with the reason.

use serde::{Deserialize, Serialize};

use super::id::{ContactId, RunId, SyncId};
use super::time::Instant;
use super::value::Problem;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// The mapping or the attribute types refuse its values.
    Problems(Vec<Problem>),
    /// More than one contact could be meant, or one that another record already stands for; a person decides.
    Held { by: String, candidates: Vec<ContactId> },
}

/// A CRM record that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub sync: SyncId,
    pub record: String,
    pub reason: RefusalReason,
    /// As in `Link`: an equal one means that it would be refused again.
    pub fingerprint: u64,
    pub run: RunId,
    pub at: Instant,
}

impl RefusalReason {
    /// One line for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Problems(problems) => {
                let lines: Vec<String> = problems
                    .iter()
                    .map(|problem| match &problem.field {
                        Some(field) => format!("{field}: {}", problem.message),
                        None => problem.message.clone(),
                    })
                    .collect();
                lines.join("; ")
            }
            Self::Held { by, candidates } => {
                let names: Vec<String> = candidates.iter().map(ToString::to_string).collect();
                format!("held: its {by} is also that of {}", names.join(", "))
            }
        }
    }
}
