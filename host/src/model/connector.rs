//! The port to a CRM: requests, answers, and the trait that the sandboxed connector and a test's CRM both answer.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::failure::{CallError, Failure};
use super::schema::{Account, Field, Object, Segment};
use super::time::Instant;
use super::value::{Problem, Row, Tombstone, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    OneOf,
    NoneOf,
    Contains,
    Present,
    Absent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    pub field: String,
    pub comparison: Comparison,
    /// None for `present` and `absent`, any number for `one-of` and `none-of`, else exactly one.
    pub values: Vec<Value>,
}

/// Modified at or after `since` and before `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub since: Instant,
    pub before: Instant,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slice {
    #[default]
    All,
    Window(Window),
    /// At most 1,000 ids.
    Ids(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequest {
    pub object: String,
    pub columns: Vec<String>,
    #[serde(default)]
    pub filter: Vec<Condition>,
    pub segment: Option<String>,
    #[serde(default)]
    pub slice: Slice,
    pub token: Option<String>,
    /// 1 to 2,000.
    pub limit: u32,
}

/// One unit of progress. Checked: ids are not empty, every row has a value for each column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub rows: Vec<Row>,
    pub gone: Vec<Tombstone>,
    pub next: Option<String>,
    /// The CRM is still at work: pull again after so long.
    pub wait: Option<Duration>,
    pub total: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Create,
    Update { id: String },
    Upsert { field: String, value: Value },
    Delete { id: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLink {
    pub label: Option<String>,
    pub object: String,
    pub id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The same effect always has the same key.
    pub key: String,
    pub operation: Operation,
    pub values: Vec<(String, Value)>,
    pub links: Vec<RecordLink>,
    pub version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub id: String,
    pub created: bool,
    pub modified: Option<Instant>,
    pub version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteOutcome {
    Written(Written),
    Unchanged(Written),
    Conflict,
    Rejected(Vec<Problem>),
    Later(Option<Duration>),
    Unknown(String),
}

/// What became of a set of writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collected {
    /// The CRM is still at work: collect again after so long.
    Wait(Duration),
    /// As many as writes, in order.
    Outcomes(Vec<WriteOutcome>),
    /// None took effect, and none will.
    Void,
}

/// One HTTP request that reached the host's address for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    pub object: String,
    pub ids: Vec<String>,
    pub gone: bool,
}

fn no_sets() -> CallError {
    Failure::Unsupported("it takes no sets of writes".to_owned()).into()
}

/// One CRM account, as the sync engine sees it. Every call stands alone.
#[async_trait]
pub trait Connector: Send + Sync {
    async fn check(&self) -> Result<Account, CallError>;
    async fn objects(&self) -> Result<Vec<Object>, CallError>;
    async fn fields(&self, object: &str) -> Result<Vec<Field>, CallError>;
    async fn segments(&self, object: &str) -> Result<Vec<Segment>, CallError>;
    async fn pull(&self, request: PullRequest) -> Result<Page, CallError>;
    /// At most `most` tokens whose pages together are those of the slice.
    async fn partition(&self, request: PullRequest, most: u32) -> Result<Vec<String>, CallError>;
    async fn gone(&self, object: &str, window: Window, token: Option<String>) -> Result<Page, CallError>;
    /// As many outcomes as writes, in order. An error means that no write took effect, except a fault: then none is known.
    async fn push(&self, object: &str, writes: &[Write]) -> Result<Vec<WriteOutcome>, CallError>;
    /// As many answers as writes, in order; none where there is no trace of the write.
    async fn resolve(&self, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, CallError>;
    async fn receive(&self, webhook: Webhook) -> Result<Vec<Hint>, CallError>;

    /// What time it was at the CRM, by its own clock, when it last answered; none where no answer has told.
    fn told_time(&self) -> Option<Instant> {
        None
    }

    /// From how many writes on a set serves the object better; none where it never does.
    async fn least(&self, _object: &str) -> Result<Option<u32>, CallError> {
        Ok(None)
    }

    /// Opens a set; gives its name. Nothing takes effect yet.
    async fn open_set(&self, _object: &str, _writes: &[Write]) -> Result<String, CallError> {
        Err(no_sets())
    }

    /// Hands the writes over.
    async fn submit_set(&self, _object: &str, _name: &str, _writes: &[Write]) -> Result<(), CallError> {
        Err(no_sets())
    }

    async fn collect_set(&self, _object: &str, _name: &str, _writes: &[Write]) -> Result<Collected, CallError> {
        Err(no_sets())
    }
}
