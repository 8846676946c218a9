//! What a CRM has: accounts, objects, fields, segments. The host's own form of `connector.wit`.

use serde::{Deserialize, Serialize};

/// The account behind a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: String,
    pub name: String,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Permissions that the sign-in lacks.
    pub lacking: Vec<String>,
}

/// What can be done with the records of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    pub pull: bool,
    pub windows: bool,
    pub partitions: bool,
    pub gone: bool,
    pub create: bool,
    pub update: bool,
    pub upsert: bool,
    pub delete: bool,
    pub conditional: bool,
    pub links: bool,
    pub receive: bool,
    pub keyed: bool,
}

impl Abilities {
    /// The names of what is there, in the contract's order.
    pub fn names(self) -> Vec<&'static str> {
        [
            (self.pull, "pull"),
            (self.windows, "windows"),
            (self.partitions, "partitions"),
            (self.gone, "gone"),
            (self.create, "create"),
            (self.update, "update"),
            (self.upsert, "upsert"),
            (self.delete, "delete"),
            (self.conditional, "conditional"),
            (self.links, "links"),
            (self.receive, "receive"),
            (self.keyed, "keyed"),
        ]
        .into_iter()
        .filter_map(|(there, name)| there.then_some(name))
        .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub name: String,
    pub label: String,
    pub custom: bool,
    pub abilities: Abilities,
    /// How far behind the newest stamp a record may still appear, in milliseconds.
    pub lateness_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    Boolean,
    Integer,
    Decimal,
    Text,
    LongText,
    Email,
    Phone,
    Url,
    Instant,
    Date,
    Choice,
    Choices,
    Reference,
    Opaque,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub hidden: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub kind: FieldKind,
    pub choices: Vec<Choice>,
    pub refers_to: Vec<String>,
    pub required: bool,
    pub writable: bool,
    pub unique: bool,
    pub custom: bool,
    pub derived: bool,
    /// The most characters that it holds.
    pub length: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub id: String,
    pub name: String,
    pub size: Option<u64>,
    pub changes_by_itself: bool,
}
