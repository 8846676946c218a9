//! One record and the way it is looked at: a stored one, or a seeded one that nobody changed yet.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::kinds::Kind;
use super::seed::Seed;
use crate::sim::stamp;

/// A value that a property had from some instant on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Version {
    /// Empty when it was cleared.
    pub(crate) value: String,
    pub(crate) at_ms: i64,
    /// `API`, `CRM_UI`, `IMPORT`, ….
    pub(crate) source: &'static str,
}

/// A stored record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) archived_ms: Option<i64>,
    /// Gone for good: erased, or merged into another. Never shown again under its own id.
    pub(crate) erased: bool,
    /// Oldest version first.
    pub(crate) values: BTreeMap<String, Vec<Version>>,
}

impl Record {
    pub(crate) fn new(id: u64, now_ms: i64) -> Self {
        Self { id, created_ms: now_ms, updated_ms: now_ms, archived_ms: None, erased: false, values: BTreeMap::new() }
    }

    /// Sets a value; an empty one clears.
    pub(crate) fn set(&mut self, name: &str, value: &str, at_ms: i64, source: &'static str) {
        let version = Version { value: value.to_owned(), at_ms, source };
        match self.values.get_mut(name) {
            Some(versions) => versions.push(version),
            None => {
                self.values.insert(name.to_owned(), vec![version]);
            }
        }
    }

    /// The newest value, none when cleared.
    pub(crate) fn current(&self, name: &str) -> Option<&str> {
        let version = self.values.get(name)?.last()?;
        (!version.value.is_empty()).then_some(version.value.as_str())
    }

    /// Whether lists, reads and searches show it.
    pub(crate) fn is_shown(&self) -> bool {
        self.archived_ms.is_none() && !self.erased
    }
}

/// A record to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'a> {
    Stored(&'a Kind, &'a Record),
    Seeded(&'a Kind, &'a Seed, u64),
}

impl<'a> View<'a> {
    pub(crate) fn kind(&self) -> &'a Kind {
        match self {
            Self::Stored(kind, _) | Self::Seeded(kind, ..) => kind,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Stored(_, record) => record.id,
            Self::Seeded(_, seed, index) => seed.id(*index),
        }
    }

    pub(crate) fn created_ms(&self) -> i64 {
        match self {
            Self::Stored(_, record) => record.created_ms,
            Self::Seeded(_, seed, index) => seed.created_ms(*index),
        }
    }

    pub(crate) fn updated_ms(&self) -> i64 {
        match self {
            Self::Stored(_, record) => record.updated_ms,
            Self::Seeded(_, seed, index) => seed.updated_ms(*index),
        }
    }

    pub(crate) fn archived_ms(&self) -> Option<i64> {
        match self {
            Self::Stored(_, record) => record.archived_ms,
            Self::Seeded(..) => None,
        }
    }

    /// A property's value, ids and stamps included.
    pub(crate) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let kind = self.kind();
        if name == "hs_object_id" {
            return Some(self.id().to_string().into());
        }
        if name == kind.modified_property {
            return Some(stamp::iso(self.updated_ms()).into());
        }
        if name == kind.created_property || name == "hs_createdate" {
            return Some(stamp::iso(self.created_ms()).into());
        }
        match self {
            Self::Stored(_, record) => record.current(name).map(Cow::Borrowed),
            Self::Seeded(_, seed, index) => seed.value(*index, name),
        }
    }

    /// All versions of a property, newest first.
    pub(crate) fn history(&self, name: &str) -> Vec<Version> {
        match self {
            Self::Stored(_, record) => record.values.get(name).into_iter().flatten().rev().cloned().collect(),
            Self::Seeded(_, seed, index) => {
                let value = seed.value(*index, name).map(Cow::into_owned);
                value
                    .map(|value| Version { value, at_ms: seed.created_ms(*index), source: "IMPORT" })
                    .into_iter()
                    .collect()
            }
        }
    }

    /// The names of all properties that have a value, ids and stamps left out.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Stored(_, record) => {
                record.values.keys().filter(|name| record.current(name).is_some()).cloned().collect()
            }
            Self::Seeded(_, seed, index) => {
                let present = Seed::PROPERTIES.into_iter().filter(|name| seed.value(*index, name).is_some());
                present.map(str::to_owned).collect()
            }
        }
    }

    /// A copy that can be changed.
    pub(crate) fn to_record(self) -> Record {
        match self {
            Self::Stored(_, record) => record.clone(),
            Self::Seeded(_, seed, index) => {
                let mut record = Record::new(seed.id(index), seed.created_ms(index));
                record.updated_ms = seed.updated_ms(index);
                for name in Seed::PROPERTIES {
                    if let Some(value) = seed.value(index, name) {
                        record.set(name, &value, record.created_ms, "IMPORT");
                    }
                }
                record
            }
        }
    }
}
