//! One call of a connector as data: the verb with its arguments, and what came of it.

use serde::{Deserialize, Serialize};

use super::exchange::Body;
use crate::model::connector::{
    Collected, Connector, Hint, Page, PullRequest, Webhook, Window, Write, WriteOutcome, Written,
};
use crate::model::failure::{CallError, Failure};
use crate::model::schema::{Account, Field, Object, Segment};

/// A verb of the contract and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Call {
    Check,
    Objects,
    Fields { object: String },
    Segments { object: String },
    Pull(PullRequest),
    Partition { request: PullRequest, most: u32 },
    Gone { object: String, window: Window, token: Option<String> },
    Push { object: String, writes: Vec<Write> },
    Resolve { object: String, writes: Vec<Write> },
    Receive(Received),
    Least { object: String },
    Open { object: String, writes: Vec<Write> },
    Submit { object: String, name: String, writes: Vec<Write> },
    Collect { object: String, name: String, writes: Vec<Write> },
}

/// A webhook as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub method: String,
    pub target: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// What a call gave, in the form of its verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Account(Account),
    Objects(Vec<Object>),
    Fields(Vec<Field>),
    Segments(Vec<Segment>),
    Page(Page),
    Tokens(Vec<String>),
    Outcomes(Vec<WriteOutcome>),
    Resolved(Vec<Option<Written>>),
    Hints(Vec<Hint>),
    Least(Option<u32>),
    /// Of a set.
    Name(String),
    Submitted(()),
    Collected(Collected),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Answer(serde_json::Value),
    Failure(Failure),
    /// The plugin was stopped, or its answer broke the contract.
    Fault {
        code: String,
        message: String,
    },
}

impl Call {
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Objects => "objects",
            Self::Fields { .. } => "fields",
            Self::Segments { .. } => "segments",
            Self::Pull(_) => "pull",
            Self::Partition { .. } => "partition",
            Self::Gone { .. } => "gone",
            Self::Push { .. } => "push",
            Self::Resolve { .. } => "resolve",
            Self::Receive(_) => "receive",
            Self::Least { .. } => "least",
            Self::Open { .. } => "open",
            Self::Submit { .. } => "submit",
            Self::Collect { .. } => "collect",
        }
    }

    /// The object that it is about.
    pub fn object(&self) -> Option<&str> {
        match self {
            Self::Check | Self::Objects | Self::Receive(_) => None,
            Self::Pull(request) | Self::Partition { request, .. } => Some(&request.object),
            Self::Fields { object }
            | Self::Segments { object }
            | Self::Gone { object, .. }
            | Self::Push { object, .. }
            | Self::Resolve { object, .. }
            | Self::Least { object }
            | Self::Open { object, .. }
            | Self::Submit { object, .. }
            | Self::Collect { object, .. } => Some(object),
        }
    }

    /// Asks `connector`.
    pub async fn ask(&self, connector: &dyn Connector) -> Result<Answer, CallError> {
        Ok(match self.clone() {
            Self::Check => Answer::Account(connector.check().await?),
            Self::Objects => Answer::Objects(connector.objects().await?),
            Self::Fields { object } => Answer::Fields(connector.fields(&object).await?),
            Self::Segments { object } => Answer::Segments(connector.segments(&object).await?),
            Self::Pull(request) => Answer::Page(connector.pull(request).await?),
            Self::Partition { request, most } => Answer::Tokens(connector.partition(request, most).await?),
            Self::Gone { object, window, token } => Answer::Page(connector.gone(&object, window, token).await?),
            Self::Push { object, writes } => Answer::Outcomes(connector.push(&object, &writes).await?),
            Self::Resolve { object, writes } => Answer::Resolved(connector.resolve(&object, &writes).await?),
            Self::Receive(received) => Answer::Hints(connector.receive(received.into()).await?),
            Self::Least { object } => Answer::Least(connector.least(&object).await?),
            Self::Open { object, writes } => Answer::Name(connector.open_set(&object, &writes).await?),
            Self::Submit { object, name, writes } => {
                connector.submit_set(&object, &name, &writes).await?;
                Answer::Submitted(())
            }
            Self::Collect { object, name, writes } => {
                Answer::Collected(connector.collect_set(&object, &name, &writes).await?)
            }
        })
    }
}

impl From<Received> for Webhook {
    fn from(received: Received) -> Self {
        let Received { method, target, headers, body } = received;
        Self { method, target, headers, body: body.to_bytes() }
    }
}

impl From<Webhook> for Received {
    fn from(webhook: Webhook) -> Self {
        let Webhook { method, target, headers, body } = webhook;
        Self { method, target, headers, body: Body::exactly(&body) }
    }
}

impl Answer {
    /// As JSON, in the form that traces and cassettes have it.
    pub fn to_json(&self) -> serde_json::Value {
        // Every type here has texts for keys, so there is nothing that JSON could not say.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Ending {
    pub fn of(result: &Result<Answer, CallError>) -> Self {
        match result {
            Ok(answer) => Self::Answer(answer.to_json()),
            Err(CallError::Advice(failure)) => Self::Failure(failure.clone()),
            Err(CallError::Fault(fault)) => {
                Self::Fault { code: fault.kind.code().to_owned(), message: fault.to_string() }
            }
        }
    }
}
