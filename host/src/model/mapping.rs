//! The port to a mapper: columns, mistakes, and the traits that the sandboxed mapper and its tests answer.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::failure::Fault;
use super::schema::FieldKind;
use super::value::{Problem, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// The type of a column's or an attribute's values. Null is allowed in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Boolean,
    Integer,
    Decimal,
    Text,
    Email,
    Phone,
    Url,
    Choice,
    Choices,
    Instant,
    Date,
    Opaque,
}

impl From<FieldKind> for Kind {
    /// What a CRM's field looks like to a mapping.
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Boolean => Self::Boolean,
            FieldKind::Integer => Self::Integer,
            FieldKind::Decimal => Self::Decimal,
            FieldKind::Text | FieldKind::LongText | FieldKind::Reference => Self::Text,
            // A CRM's e-mails, phones and addresses are what people typed: texts until a mapping has read them.
            FieldKind::Email | FieldKind::Phone | FieldKind::Url => Self::Text,
            FieldKind::Instant => Self::Instant,
            FieldKind::Date => Self::Date,
            FieldKind::Choice => Self::Choice,
            FieldKind::Choices => Self::Choices,
            FieldKind::Opaque => Self::Opaque,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// A mistake in a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// Counted from 1.
    pub line: Option<u32>,
    pub path: String,
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mapped {
    /// In the order of the output columns.
    Values(Vec<Value>),
    Skipped(String),
    Refused(Vec<Problem>),
}

/// Why a mapping could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("the mapping has {} mistake(s)", .0.len())]
    Mistakes(Vec<Mistake>),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A mapper plugin, ready to open mappings.
#[async_trait]
pub trait Mapper: Send + Sync {
    /// The input columns that a configuration reads, each once.
    async fn reads(&self, configuration: &str, direction: Direction) -> Result<Vec<String>, MappingError>;

    /// Opens a mapping in an instance of its own, which lives as long as the mapping: one run of one sync.
    async fn open(
        &self,
        configuration: &str,
        direction: Direction,
        input: &[Column],
    ) -> Result<Box<dyn Mapping>, MappingError>;
}

/// An open mapping. After a fault it is dead and has to be opened again.
#[async_trait]
pub trait Mapping: Send {
    fn output(&self) -> &[Column];

    /// As many results as rows, in order.
    async fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<Vec<Mapped>, Fault>;
}
