//! A connection at work: plugin, sign-in, grant and the way out put together, anew for each call.

use std::sync::Arc;

use async_trait::async_trait;

use super::allowances::KeptAllowance;
use super::witness::Witness;
use crate::capability::http::{HttpLine, HttpLineOptions};
use crate::egress::{Egress, Governor};
use crate::model::connector::{
    Collected, Connector, Hint, Page, PullRequest, Webhook, Window, Write, WriteOutcome, Written,
};
use crate::model::failure::{CallError, Fault, FaultKind};
use crate::model::health::Gate;
use crate::model::http::{Lane, Outbound};
use crate::model::id::{ConnectionId, PluginId};
use crate::model::probe::Watch;
use crate::model::schema::{Account, Field, Object, Segment};
use crate::model::time::{Clock, Instant};
use crate::plugin::{ConnectorContext, LoadedPlugin, SandboxedConnector};
use crate::trace::{Answer, Call, Recorded, Recorder, RecorderOptions, Trace};
use crate::vault::{Place, Signer};

use super::plugins::Quarantine;

/// What each call of a connection is made of.
pub(super) struct Composed {
    pub(super) connection: ConnectionId,
    pub(super) plugin: PluginId,
    pub(super) quarantine: Quarantine,
    pub(super) settings: String,
    pub(super) loaded: LoadedPlugin,
    pub(super) egress: Egress,
    pub(super) signer: Signer,
    pub(super) place: Place,
    pub(super) governor: Arc<Governor>,
    pub(super) allowance: KeptAllowance,
    pub(super) lane: Lane,
    pub(super) clock: Arc<dyn Clock>,
}

impl Composed {
    /// One call: limits on requests and time begin with it, and how it ends counts for its plugin.
    async fn call<T, F>(
        &self,
        verb: &'static str,
        ask: impl FnOnce(SandboxedConnector) -> F + Send,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        self.admit(verb)?;
        let context = self.context(Arc::clone(&self.clock), self.line(), None);
        let answer = ask(self.connector(verb, context)?).await;
        self.note(verb, &answer);
        answer
    }

    /// # Errors
    /// Where the plugin has failed so often that it is not called any more.
    pub(super) fn admit(&self, verb: &'static str) -> Result<(), CallError> {
        let fault = |kind| CallError::Fault(Fault { plugin: self.plugin.clone(), verb, kind });
        self.quarantine.admit().map_err(fault)
    }

    /// Counts how a call ended for its plugin, and keeps what it taught about the allowance.
    pub(super) fn note<T>(&self, verb: &'static str, answer: &Result<T, CallError>) {
        let kind = match answer {
            Err(CallError::Fault(fault)) => Some(&fault.kind),
            _ => None,
        };
        self.allowance.keep();
        self.quarantine.note(verb, kind);
    }

    /// Makes one call and writes down all that crosses its boundary.
    pub(super) async fn record(&self, plugin: Recorded, call: Call) -> (Result<Answer, CallError>, Trace) {
        let recorder = Recorder::new(RecorderOptions {
            plugin,
            connection: self.connection.clone(),
            settings: self.settings.clone(),
            call: call.clone(),
            seed: rand::random(),
            outbound: self.line(),
            clock: Arc::clone(&self.clock),
        });
        let (clock, outbound) = (Arc::<Recorder>::clone(&recorder), Arc::<Recorder>::clone(&recorder));
        let context = self.context(clock, outbound, Some(recorder.watch()));
        let result = match self.connector(call.verb(), context) {
            Ok(connector) => call.ask(&connector).await,
            Err(error) => Err(error),
        };
        let trace = recorder.trace(&result);
        (result, trace)
    }

    /// Lets the connector verify a webhook; gives what it names, and the signatures that were found good. How it ends does not
    /// count for the plugin: strangers can send anything, and must not bring it into quarantine.
    pub(super) async fn receive_proven(&self, webhook: Webhook) -> Result<(Vec<Hint>, Vec<Vec<u8>>), CallError> {
        self.admit("receive")?;
        let witness = Arc::new(Witness::new(self.line()));
        let context = self.context(Arc::clone(&self.clock), Arc::<Witness>::clone(&witness), None);
        let hints = self.connector("receive", context)?.receive(webhook).await?;
        Ok((hints, witness.proofs()))
    }

    /// What a call is given: its clock, its way out, and who watches it.
    fn context(&self, clock: Arc<dyn Clock>, outbound: Arc<dyn Outbound>, watch: Option<Watch>) -> ConnectorContext {
        let (connection, settings) = (self.connection.clone(), self.settings.clone());
        ConnectorContext { connection, settings, clock, outbound, gate: Some(Arc::new(self.quarantine.clone())), watch }
    }

    fn line(&self) -> Arc<HttpLine> {
        Arc::new(HttpLine::new(HttpLineOptions {
            egress: self.egress.clone(),
            signer: self.signer.clone(),
            grant: Arc::clone(&self.place.grant),
            governor: Arc::clone(&self.governor),
            lane: self.lane,
        }))
    }

    fn connector(&self, verb: &'static str, context: ConnectorContext) -> Result<SandboxedConnector, CallError> {
        self.loaded.connector(context).map_err(|error| {
            CallError::Fault(Fault { plugin: self.plugin.clone(), verb, kind: FaultKind::Start(error.to_string()) })
        })
    }
}

#[async_trait]
impl Connector for Composed {
    async fn check(&self) -> Result<Account, CallError> {
        self.call("check", |it| async move { it.check().await }).await
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        self.call("objects", |it| async move { it.objects().await }).await
    }

    async fn fields(&self, object: &str) -> Result<Vec<Field>, CallError> {
        self.call("fields", |it| async move { it.fields(object).await }).await
    }

    async fn segments(&self, object: &str) -> Result<Vec<Segment>, CallError> {
        self.call("segments", |it| async move { it.segments(object).await }).await
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        self.call("pull", |it| async move { it.pull(request).await }).await
    }

    async fn partition(&self, request: PullRequest, most: u32) -> Result<Vec<String>, CallError> {
        self.call("partition", |it| async move { it.partition(request, most).await }).await
    }

    async fn gone(&self, object: &str, window: Window, token: Option<String>) -> Result<Page, CallError> {
        self.call("gone", |it| async move { it.gone(object, window, token).await }).await
    }

    async fn push(&self, object: &str, writes: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        self.call("push", |it| async move { it.push(object, writes).await }).await
    }

    async fn resolve(&self, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        self.call("resolve", |it| async move { it.resolve(object, writes).await }).await
    }

    async fn receive(&self, webhook: Webhook) -> Result<Vec<Hint>, CallError> {
        self.call("receive", |it| async move { it.receive(webhook).await }).await
    }

    fn told_time(&self) -> Option<Instant> {
        self.governor.told_time()
    }

    async fn least(&self, object: &str) -> Result<Option<u32>, CallError> {
        self.call("least", |it| async move { it.least(object).await }).await
    }

    async fn open_set(&self, object: &str, writes: &[Write]) -> Result<String, CallError> {
        self.call("open", |it| async move { it.open_set(object, writes).await }).await
    }

    async fn submit_set(&self, object: &str, name: &str, writes: &[Write]) -> Result<(), CallError> {
        self.call("submit", |it| async move { it.submit_set(object, name, writes).await }).await
    }

    async fn collect_set(&self, object: &str, name: &str, writes: &[Write]) -> Result<Collected, CallError> {
        self.call("collect", |it| async move { it.collect_set(object, name, writes).await }).await
    }
}
