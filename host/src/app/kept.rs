//! A connection whose failed calls keep what crossed their boundary, so that an admin can send one file to a plugin's author.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::composed::Composed;
use crate::model::connector::{
    Collected, Connector, Hint, Page, PullRequest, Webhook, Window, Write, WriteOutcome, Written,
};
use crate::model::failure::{CallError, Fault, FaultKind};
use crate::model::schema::{Account, Field, Object, Segment};
use crate::model::time::Instant;
use crate::trace::{Answer, Call, Recorded, Trace};

/// Traces that one run keeps: the first failures say most, and each may hold a page of records.
const MOST_KEPT: usize = 20;

/// Advice that a run lives by: nobody has to look into it.
const USUAL: [&str; 5] = ["rate-limited", "quota-exhausted", "window-too-large", "token-expired", "unsupported"];

/// Where traces of failed calls go.
pub trait Keeper: Send + Sync {
    fn keep(&self, trace: &Trace);
}

pub(super) struct Kept {
    composed: Composed,
    plugin: Recorded,
    keeper: Arc<dyn Keeper>,
    kept: AtomicUsize,
}

impl Kept {
    pub(super) fn new(composed: Composed, plugin: Recorded, keeper: Arc<dyn Keeper>) -> Self {
        Self { composed, plugin, keeper, kept: AtomicUsize::new(0) }
    }

    async fn ask<T>(&self, call: Call, take: impl FnOnce(Answer) -> Option<T>) -> Result<T, CallError> {
        let verb = call.verb();
        self.composed.admit(verb)?;
        let (result, trace) = self.composed.record(self.plugin.clone(), call).await;
        self.composed.note(verb, &result);
        let is_usual = match &result {
            Ok(_) => true,
            Err(CallError::Advice(failure)) => USUAL.contains(&failure.kind()),
            Err(CallError::Fault(_)) => false,
        };
        if !is_usual && self.kept.fetch_add(1, Ordering::Relaxed) < MOST_KEPT {
            self.keeper.keep(&trace);
        }
        // Each verb has its own kind of answer, so there is always something to take.
        take(result?).ok_or_else(|| {
            let kind = FaultKind::BadAnswer("it is the answer of another verb".into());
            CallError::Fault(Fault { plugin: self.plugin.id.clone(), verb, kind })
        })
    }
}

/// What a verb's answer holds.
macro_rules! only {
    ($kind:ident) => {
        |answer| match answer {
            Answer::$kind(it) => Some(it),
            _ => None,
        }
    };
}

#[async_trait]
impl Connector for Kept {
    async fn check(&self) -> Result<Account, CallError> {
        self.ask(Call::Check, only!(Account)).await
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        self.ask(Call::Objects, only!(Objects)).await
    }

    async fn fields(&self, object: &str) -> Result<Vec<Field>, CallError> {
        self.ask(Call::Fields { object: object.to_owned() }, only!(Fields)).await
    }

    async fn segments(&self, object: &str) -> Result<Vec<Segment>, CallError> {
        self.ask(Call::Segments { object: object.to_owned() }, only!(Segments)).await
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        self.ask(Call::Pull(request), only!(Page)).await
    }

    async fn partition(&self, request: PullRequest, most: u32) -> Result<Vec<String>, CallError> {
        self.ask(Call::Partition { request, most }, only!(Tokens)).await
    }

    async fn gone(&self, object: &str, window: Window, token: Option<String>) -> Result<Page, CallError> {
        self.ask(Call::Gone { object: object.to_owned(), window, token }, only!(Page)).await
    }

    async fn push(&self, object: &str, writes: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        let (object, writes) = (object.to_owned(), writes.to_vec());
        self.ask(Call::Push { object, writes }, only!(Outcomes)).await
    }

    async fn resolve(&self, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        let (object, writes) = (object.to_owned(), writes.to_vec());
        self.ask(Call::Resolve { object, writes }, only!(Resolved)).await
    }

    async fn receive(&self, webhook: Webhook) -> Result<Vec<Hint>, CallError> {
        self.ask(Call::Receive(webhook.into()), only!(Hints)).await
    }

    fn told_time(&self) -> Option<Instant> {
        self.composed.told_time()
    }

    async fn least(&self, object: &str) -> Result<Option<u32>, CallError> {
        self.ask(Call::Least { object: object.to_owned() }, only!(Least)).await
    }

    async fn open_set(&self, object: &str, writes: &[Write]) -> Result<String, CallError> {
        let (object, writes) = (object.to_owned(), writes.to_vec());
        self.ask(Call::Open { object, writes }, only!(Name)).await
    }

    async fn submit_set(&self, object: &str, name: &str, writes: &[Write]) -> Result<(), CallError> {
        let (object, name, writes) = (object.to_owned(), name.to_owned(), writes.to_vec());
        self.ask(Call::Submit { object, name, writes }, only!(Submitted)).await
    }

    async fn collect_set(&self, object: &str, name: &str, writes: &[Write]) -> Result<Collected, CallError> {
        let (object, name, writes) = (object.to_owned(), name.to_owned(), writes.to_vec());
        self.ask(Call::Collect { object, name, writes }, only!(Collected)).await
    }
}
