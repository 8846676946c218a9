//! Our side's person: attributes, and the links to the CRM records that feed it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::{ConnectionId, ContactId, SyncId};
use super::mapping::Kind;
use super::time::Instant;
use super::value::Value;

/// The name of an attribute: a lower-case word with digits and `_`, shared because every contact carries it.
pub type AttributeName = Arc<str>;

/// A named, typed attribute of a workspace's contacts. The first sync that fills it settles its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeDefinition {
    pub name: String,
    pub kind: Kind,
}

/// Whether `name` can name an attribute: 1 to 64 of a-z, 0-9 and `_`, beginning with a letter.
pub fn is_attribute_name(name: &str) -> bool {
    const MAX: usize = 64;
    name.len() <= MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// An object of a connection: where CRM records come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    pub connection: ConnectionId,
    pub object: Arc<str>,
}

/// The pair (CRM record, contact), with what was last agreed between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub sync: SyncId,
    pub source: Source,
    /// The CRM's id of the record.
    pub record: String,
    /// Of the raw row and the mapping that it went through: an equal one means that nothing has to be done.
    pub fingerprint: u64,
    /// When the CRM says that the record last changed.
    pub modified: Option<Instant>,
    /// When the CRM said that the record is gone.
    pub gone: Option<Instant>,
    /// Since when the record, though it is there, is not in the sync's list or does not pass its filter.
    pub left: Option<Instant>,
    /// The values last agreed with the CRM where they differ from the contact's own: the base of a three-way merge.
    pub base: Vec<(AttributeName, Value)>,
}

impl Link {
    /// The value of an attribute that was last agreed, where the contact has `ours` now.
    pub fn agreed<'a>(&'a self, attribute: &str, ours: &'a Value) -> &'a Value {
        self.base.iter().find(|(name, _)| &**name == attribute).map_or(ours, |(_, value)| value)
    }

    /// From now on `agreed` is the base, where the contact has `ours`.
    pub fn agree(&mut self, attribute: &AttributeName, agreed: Value, ours: &Value) {
        self.base.retain(|(name, _)| name != attribute);
        if agreed != *ours {
            self.base.push((attribute.clone(), agreed));
        }
    }
}

/// A person on our side. Attributes that are null are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub id: ContactId,
    pub created: Instant,
    pub changed: Instant,
    pub attributes: Vec<(AttributeName, Value)>,
    pub links: Vec<Link>,
}

/// Where a contact went that a person made part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedInto {
    pub contact: ContactId,
    pub into: ContactId,
}

impl Contact {
    pub fn get(&self, attribute: &str) -> Option<&Value> {
        self.attributes.iter().find(|(name, _)| &**name == attribute).map(|(_, value)| value)
    }

    /// The text of an attribute that holds text.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        match self.get(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Sets or, with null, takes away; says what stood there before if that was different. What the links last agreed stays.
    pub fn set(&mut self, attribute: &AttributeName, value: Value) -> Option<Value> {
        let now = value.clone();
        let before = self.put(attribute, value)?;
        for link in &mut self.links {
            match link.base.iter().position(|(name, _)| name == attribute) {
                Some(at) if link.base[at].1 == now => {
                    link.base.swap_remove(at);
                }
                Some(_) => {}
                None => link.base.push((attribute.clone(), before.clone())),
            }
        }
        Some(before)
    }

    fn put(&mut self, attribute: &AttributeName, value: Value) -> Option<Value> {
        let place = self.attributes.iter().position(|(name, _)| name == attribute);
        match (place, value) {
            (None, Value::Null) => None,
            (None, value) => {
                self.attributes.push((attribute.clone(), value));
                Some(Value::Null)
            }
            (Some(at), Value::Null) => Some(self.attributes.remove(at).1),
            (Some(at), value) if self.attributes[at].1 != value => {
                Some(std::mem::replace(&mut self.attributes[at].1, value))
            }
            (Some(_), _) => None,
        }
    }

    pub fn link(&self, sync: &SyncId) -> Option<&Link> {
        self.links.iter().find(|link| &link.sync == sync)
    }

    /// The link of a sync whose record is not gone.
    pub fn living(&self, sync: &SyncId) -> Option<&Link> {
        self.link(sync).filter(|link| link.gone.is_none())
    }

    /// Whether this record of a sync stands for the contact, and is not gone.
    pub fn stands_for(&self, sync: &SyncId, record: &str) -> bool {
        self.living(sync).is_some_and(|link| link.record == record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact() -> Contact {
        Contact { id: ContactId(1), created: Instant(0), changed: Instant(0), attributes: vec![], links: vec![] }
    }

    #[test]
    fn setting_tells_what_it_replaced() {
        let name: AttributeName = "first_name".into();
        let mut contact = contact();
        assert_eq!(contact.set(&name, Value::Null), None);
        assert_eq!(contact.set(&name, Value::Text("Ada".into())), Some(Value::Null));
        assert_eq!(contact.set(&name, Value::Text("Ada".into())), None);
        assert_eq!(contact.set(&name, Value::Text("Eva".into())), Some(Value::Text("Ada".into())));
        assert_eq!(contact.set(&name, Value::Null), Some(Value::Text("Eva".into())));
        assert_eq!(contact.attributes, vec![]);
    }

    #[test]
    fn what_a_link_last_agreed_stays_when_ours_is_changed() {
        let name: AttributeName = "city".into();
        let source = Source { connection: "crm".parse().unwrap(), object: "contacts".into() };
        let (sync, record) = ("in".parse().unwrap(), "1".to_owned());
        let link = Link { sync, source, record, fingerprint: 0, modified: None, gone: None, left: None, base: vec![] };
        let mut contact = contact();
        contact.set(&name, Value::Text("Ulm".into()));
        contact.links.push(link);
        for city in ["Bonn", "Köln"] {
            contact.set(&name, Value::Text(city.into()));
            assert_eq!(contact.links[0].base, [(name.clone(), Value::Text("Ulm".into()))]);
        }
        contact.set(&name, Value::Text("Ulm".into()));
        assert_eq!(contact.links[0].base, []);
    }

    #[test]
    fn attribute_names_are_plain_words() {
        for good in ["a", "first_name", "x2"] {
            assert!(is_attribute_name(good), "{good}");
        }
        for bad in ["", "First", "2x", "_x", "a-b", "a b", &"a".repeat(65)] {
            assert!(!is_attribute_name(bad), "{bad}");
        }
    }
}
