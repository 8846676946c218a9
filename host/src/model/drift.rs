//! What has become of an object's fields since they were last looked at. Pure.

use serde::{Deserialize, Serialize};

use super::id::{RunId, SyncId};
use super::schema::{Field, FieldKind};
use super::time::Instant;

/// Changes that are remembered of one sync.
const MOST_DRIFTS: usize = 200;

/// As much of a field as a mapping depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldShape {
    pub name: String,
    pub kind: FieldKind,
    /// The values of its options.
    pub choices: Vec<String>,
}

impl From<Field> for FieldShape {
    fn from(field: Field) -> Self {
        let choices = field.choices.into_iter().map(|choice| choice.value).collect();
        Self { name: field.name, kind: field.kind, choices }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Appeared,
    Vanished,
    Kind { was: FieldKind, is: FieldKind },
    Choices { added: Vec<String>, removed: Vec<String> },
}

/// A change of one field, and the run that noticed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    pub field: String,
    pub change: Change,
    /// Whether the sync reads the field.
    pub is_read: bool,
    pub run: RunId,
    pub at: Instant,
}

/// The fields of a sync's object as its last run saw them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFields {
    pub sync: SyncId,
    pub fields: Vec<FieldShape>,
    /// Oldest first.
    pub drifts: Vec<Drift>,
}

impl SeenFields {
    /// Notes what the fields are now. Says whether anything has changed.
    pub fn look(&mut self, now: Vec<FieldShape>, is_read: impl Fn(&str) -> bool, run: RunId, at: Instant) -> bool {
        let changes = compare(&self.fields, &now);
        if changes.is_empty() {
            return false;
        }
        self.drifts.extend(changes.into_iter().map(|(field, change)| {
            let is_read = is_read(&field);
            Drift { field, change, is_read, run, at }
        }));
        let too_many = self.drifts.len().saturating_sub(MOST_DRIFTS);
        self.drifts.drain(..too_many);
        self.fields = now;
        true
    }
}

fn compare(before: &[FieldShape], now: &[FieldShape]) -> Vec<(String, Change)> {
    let find = |fields: &[FieldShape], name: &str| fields.iter().position(|field| field.name == name);
    let mut changes = Vec::new();
    for was in before {
        let Some(is) = find(now, &was.name).map(|at| &now[at]) else {
            changes.push((was.name.clone(), Change::Vanished));
            continue;
        };
        if was.kind != is.kind {
            changes.push((was.name.clone(), Change::Kind { was: was.kind, is: is.kind }));
        }
        let missing = |from: &[String], of: &[String]| -> Vec<String> {
            from.iter().filter(|choice| !of.contains(choice)).cloned().collect()
        };
        let (added, removed) = (missing(&is.choices, &was.choices), missing(&was.choices, &is.choices));
        if !added.is_empty() || !removed.is_empty() {
            changes.push((was.name.clone(), Change::Choices { added, removed }));
        }
    }
    let appeared = now.iter().filter(|field| find(before, &field.name).is_none());
    changes.extend(appeared.map(|field| (field.name.clone(), Change::Appeared)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: FieldKind, choices: &[&str]) -> FieldShape {
        FieldShape { name: name.into(), kind, choices: choices.iter().map(|choice| (*choice).into()).collect() }
    }

    #[test]
    fn what_appears_vanishes_and_changes_is_noticed_once() {
        use FieldKind::{Choice, Integer, Text};
        let before = vec![field("a", Text, &[]), field("b", Choice, &["x", "y"]), field("c", Text, &[])];
        let now = vec![field("b", Choice, &["y", "z"]), field("c", Integer, &[]), field("d", Text, &[])];
        let mut seen = SeenFields { sync: "in".parse().unwrap(), fields: before, drifts: vec![] };
        assert!(seen.look(now.clone(), |name| name == "c", RunId(2), Instant(5)));
        let drift = |field: &str, change, is_read| Drift {
            field: field.into(),
            change,
            is_read,
            run: RunId(2),
            at: Instant(5),
        };
        let expected = [
            drift("a", Change::Vanished, false),
            drift("b", Change::Choices { added: vec!["z".into()], removed: vec!["x".into()] }, false),
            drift("c", Change::Kind { was: Text, is: Integer }, true),
            drift("d", Change::Appeared, false),
        ];
        assert_eq!(seen.drifts, expected);
        assert!(!seen.look(now, |_| true, RunId(3), Instant(6)));
        assert_eq!(seen.drifts, expected);
    }
}
