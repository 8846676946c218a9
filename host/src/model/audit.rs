//! Who changed what and when: entries that are only ever added, each sealed with the hash of the one before.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::id::{AuditId, TokenId};
use super::time::Instant;

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Actor {
    /// Who has typed a command, by the name of the account on the machine.
    Person(String),
    /// Whoever holds this token for the API.
    Token(TokenId),
    /// The host by itself, as by a schedule.
    Host,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(name) => f.write_str(name),
            Self::Token(id) => write!(f, "token {id}"),
            Self::Host => f.write_str("the host"),
        }
    }
}

/// What was changed, with what stands there before and after: of a change only the parts that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// `created`, `changed`, `removed`, or what else was done.
    pub action: String,
    /// The kind of thing, as in `sync`.
    pub what: String,
    /// Its name.
    pub subject: String,
    pub before: Option<Json>,
    pub after: Option<Json>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Instant,
    pub who: Actor,
    #[serde(flatten)]
    pub deed: Deed,
    /// The hash of the entry before, in hex; of the first, zeros.
    pub previous: String,
    /// SHA-256 in hex of all of the above as JSON.
    pub hash: String,
}

/// Where a log ends that nothing stands in yet.
pub fn nothing_before() -> String {
    "0".repeat(64)
}

impl AuditEntry {
    pub fn new(id: AuditId, at: Instant, who: Actor, deed: Deed, previous: String) -> Self {
        let mut entry = Self { id, at, who, deed, previous, hash: String::new() };
        entry.hash = entry.reckoned();
        entry
    }

    /// The hash as it ought to be.
    pub fn reckoned(&self) -> String {
        let bare = Self { hash: String::new(), ..self.clone() };
        // The order of the parts is that of the type, and inside of documents that of their names.
        let text = serde_json::to_vec(&bare).unwrap_or_default();
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Deed {
    /// What changed between two states of a thing; `hidden` parts are never shown.
    pub fn of(what: &str, subject: String, before: Option<Json>, after: Option<Json>, hidden: &[&str]) -> Self {
        let action = match (&before, &after) {
            (None, _) => "created",
            (_, None) => "removed",
            _ => "changed",
        };
        let (mut before, mut after) = (before.map(|json| shown(json, hidden)), after.map(|json| shown(json, hidden)));
        if let (Some(Json::Object(old)), Some(Json::Object(new))) = (&mut before, &mut after) {
            differing(old, new);
        }
        Self { action: action.to_owned(), what: what.to_owned(), subject, before, after }
    }

    /// Something that changed no document.
    pub fn done(action: &str, what: &str, subject: impl ToString) -> Self {
        let (action, what, subject) = (action.to_owned(), what.to_owned(), subject.to_string());
        Self { action, what, subject, before: None, after: None }
    }
}

fn shown(mut json: Json, hidden: &[&str]) -> Json {
    match &mut json {
        Json::Object(parts) => {
            parts.retain(|name, _| !hidden.contains(&name.as_str()));
            for part in parts.values_mut() {
                *part = shown(part.take(), hidden);
            }
        }
        Json::Array(parts) => parts.iter_mut().for_each(|part| *part = shown(part.take(), hidden)),
        _ => {}
    }
    json
}

fn differing(old: &mut Map<String, Json>, new: &mut Map<String, Json>) {
    let same: Vec<String> =
        old.iter().filter(|(name, part)| new.get(*name) == Some(part)).map(|(name, _)| name.clone()).collect();
    for name in same {
        old.remove(&name);
        new.remove(&name);
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Entries are missing before this one.
    Gap(AuditId),
    /// The entry was changed, or does not follow the one before it.
    Changed(AuditId),
    /// The entry that somebody has noted is not there, or is another one.
    NotAsNoted(AuditId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(id: u64, previous: String) -> AuditEntry {
        let deed = Deed::of("sync", "people".into(), None, Some(json!({"a": 1})), &[]);
        AuditEntry::new(AuditId(id), Instant(0), Actor::Person("ada".into()), deed, previous)
    }

    #[test]
    fn the_hash_holds_over_writing_and_reading_and_over_nothing_else() {
        let first = entry(1, nothing_before());
        let read: AuditEntry = serde_json::from_slice(&serde_json::to_vec(&first).unwrap()).unwrap();
        assert_eq!((read.reckoned(), read.hash.clone()), (first.hash.clone(), first.hash.clone()));
        for changed in [
            AuditEntry { at: Instant(1), ..first.clone() },
            AuditEntry { who: Actor::Host, ..first.clone() },
            AuditEntry { deed: Deed { after: Some(json!({"a": 2})), ..first.deed.clone() }, ..first.clone() },
            AuditEntry { previous: first.hash.clone(), ..first.clone() },
        ] {
            assert_ne!(changed.reckoned(), first.hash);
        }
    }

    #[test]
    fn of_a_change_only_what_differs_is_told_and_never_what_is_hidden() {
        let (old, new) =
            (json!({"a": 1, "b": {"key": "k", "c": 1}}), json!({"a": 1, "b": {"key": "l", "c": 2}, "key": 1}));
        let deed = Deed::of("hook", "h".into(), Some(old), Some(new), &["key"]);
        assert_eq!(deed.action, "changed");
        assert_eq!((deed.before, deed.after), (Some(json!({"b": {"c": 1}})), Some(json!({"b": {"c": 2}}))));
    }
}
