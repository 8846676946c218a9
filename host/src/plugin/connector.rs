//! A connector in the sandbox: each verb in a fresh instance, which is gone when the answer is there.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::bindings::connector::exports::ferry::crm::{bulk, connector as wit};
use super::bindings::types;
use super::budget::{self, Budget, Budgeted};
use super::convert::{self, Broken, PageRules};
use super::imports::{ConnectorState, Ports};
use super::sandbox::{Sandbox, guarded};
use super::starting;
use crate::capability::log::{Line, LogSink};
use crate::model::connector::{
    Collected, Connector, Hint, Page, PullRequest, Webhook, Window, Write, WriteOutcome, Written,
};
use crate::model::failure::{CallError, Fault, FaultKind};
use crate::model::health::Gate;
use crate::model::http::Outbound;
use crate::model::id::{ConnectionId, PluginId};
use crate::model::manifest::Limits;
use crate::model::probe::Watch;
use crate::model::schema::{Account, Field, Object, Segment};
use crate::model::share::Holder;
use crate::model::time::Clock;

/// What the calls of one connection are given.
pub struct ConnectorContext {
    pub connection: ConnectionId,
    /// The admin's settings, JSON that satisfies the manifest's schema.
    pub settings: String,
    pub clock: Arc<dyn Clock>,
    /// The way out, already bound to the connection, its sign-in and its grant.
    pub outbound: Arc<dyn Outbound>,
    /// Asked when a call has waited for its place, in which time the plugin may have failed others; none lets everything in.
    pub gate: Option<Arc<dyn Gate>>,
    /// Watches the calls; none in everyday work.
    pub watch: Option<Watch>,
}

/// One connection's connector. Calls stand alone, so they can run side by side.
pub struct SandboxedConnector {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) linked: LinkedConnector,
    pub(super) plugin: PluginId,
    pub(super) limits: Limits,
    pub(super) holder: Holder,
    pub(super) context: ConnectorContext,
    pub(super) log: Arc<LogSink>,
}

/// The interface that a connector may lack.
const BULK: &str = "ferry:crm/bulk@0.1.0";

/// A connector's machine code, linked, and where its exports are.
#[derive(Clone)]
pub(super) struct LinkedConnector {
    pre: InstancePre<ConnectorState>,
    connector: wit::GuestIndices,
    bulk: Option<bulk::GuestIndices>,
}

impl LinkedConnector {
    pub(super) fn new(pre: InstancePre<ConnectorState>) -> wasmtime::Result<Self> {
        let connector = wit::GuestIndices::new(&pre)?;
        let has_bulk = pre.component().get_export_index(None, BULK).is_some();
        let bulk = has_bulk.then(|| bulk::GuestIndices::new(&pre)).transpose()?;
        Ok(Self { pre, connector, bulk })
    }
}

/// What a verb needs to call its export.
struct Visit<'a> {
    guest: &'a wit::Guest,
    bulk: Option<&'a bulk::Guest>,
    store: &'a mut Store<ConnectorState>,
    connection: &'a wit::Connection,
}

type Answer<R> = wasmtime::Result<Result<R, types::Failure>>;

impl SandboxedConnector {
    /// The last lines that the connector wrote for this connection, oldest first: to be shown beside a failure.
    pub fn recent_lines(&self) -> Vec<Line> {
        self.log.recent()
    }

    /// Calls `ask` in a fresh instance, and `check` on what it answers.
    async fn call<R, T>(
        &self,
        verb: &'static str,
        ask: impl for<'a> FnOnce(Visit<'a>) -> BoxFuture<'a, Answer<R>> + Send + 'static,
        check: impl FnOnce(R) -> Result<T, Broken> + Send,
    ) -> Result<T, CallError>
    where
        R: Send + 'static,
    {
        let fault = |kind| Fault { plugin: self.plugin.clone(), verb, kind };
        let answer = self.visit(verb, ask).await.map_err(fault)?.map_err(convert::failure)?;
        Ok(check(answer).map_err(|Broken(why)| fault(FaultKind::BadAnswer(why)))?)
    }

    async fn visit<R: Send + 'static>(
        &self,
        verb: &'static str,
        ask: impl for<'a> FnOnce(Visit<'a>) -> BoxFuture<'a, Answer<R>> + Send + 'static,
    ) -> Result<Result<R, types::Failure>, FaultKind> {
        let ConnectorContext { settings, clock, outbound, gate, watch, .. } = &self.context;
        let admit = || gate.as_ref().map_or(Ok(()), |gate| gate.admit());
        // Who rests waits for no place; who waited may rest by now.
        admit()?;
        let place = self.sandbox.call_place(&self.holder, &self.plugin).await?;
        admit()?;
        let connection = wit::Connection { settings: settings.clone(), now: clock.now().0 };
        let (log, outbound, clock) = (self.log.call(verb), Arc::clone(outbound), Arc::clone(clock));
        let seed = watch.as_ref().map(|watch| watch.seed);
        let state = ConnectorState::new(Budget::new(self.limits), Ports { outbound, log, clock, seed });
        let LinkedConnector { pre, connector, bulk } = self.linked.clone();
        let called = guarded(&self.sandbox, &place, budget::store(self.sandbox.engine(), state), move |store| {
            async move {
                let instance = pre.instantiate_async(&mut *store).await.map_err(starting)?;
                let guest = connector.load(&mut *store, &instance).map_err(starting)?;
                let bulk = bulk.map(|bulk| bulk.load(&mut *store, &instance)).transpose().map_err(starting)?;
                ask(Visit { guest: &guest, bulk: bulk.as_ref(), store, connection: &connection }).await
            }
            .boxed()
        });
        let (usage, answer) = match called.await {
            Ok((mut store, answer)) => (store.data_mut().budget().usage(), Ok(answer)),
            Err(stopped) => (stopped.usage, Err(stopped.kind)),
        };
        if let Some(watch) = watch {
            watch.probe.used(usage);
        }
        answer
    }
}

#[async_trait]
impl Connector for SandboxedConnector {
    async fn check(&self) -> Result<Account, CallError> {
        self.call("check", |it| it.guest.call_check(it.store, it.connection).boxed(), convert::account).await
    }

    async fn objects(&self) -> Result<Vec<Object>, CallError> {
        self.call("objects", |it| it.guest.call_objects(it.store, it.connection).boxed(), convert::objects).await
    }

    async fn fields(&self, object: &str) -> Result<Vec<Field>, CallError> {
        let object = object.to_owned();
        self.call(
            "fields",
            |it| async move { it.guest.call_fields(it.store, it.connection, &object).await }.boxed(),
            convert::fields,
        )
        .await
    }

    async fn segments(&self, object: &str) -> Result<Vec<Segment>, CallError> {
        let object = object.to_owned();
        self.call(
            "segments",
            |it| async move { it.guest.call_segments(it.store, it.connection, &object).await }.boxed(),
            convert::segments,
        )
        .await
    }

    async fn pull(&self, request: PullRequest) -> Result<Page, CallError> {
        let (columns, limit) = (request.columns.len(), request.limit as usize);
        let rules = PageRules { object: request.object.clone(), columns, token: request.token.clone(), limit };
        let request = convert::wit_request(request);
        self.call(
            "pull",
            |it| async move { it.guest.call_pull(it.store, it.connection, &request).await }.boxed(),
            |page| convert::page(page, &rules),
        )
        .await
    }

    async fn partition(&self, request: PullRequest, most: u32) -> Result<Vec<String>, CallError> {
        let request = convert::wit_request(request);
        self.call(
            "partition",
            move |it| async move { it.guest.call_partition(it.store, it.connection, &request, most).await }.boxed(),
            |tokens| convert::partitions(tokens, most),
        )
        .await
    }

    async fn gone(&self, object: &str, window: Window, token: Option<String>) -> Result<Page, CallError> {
        // Tombstones only, so a row would be one too many.
        let rules = PageRules { object: object.to_owned(), columns: 0, token: token.clone(), limit: 0 };
        let (object, window) = (object.to_owned(), convert::wit_window(window));
        self.call(
            "gone",
            move |it| {
                async move { it.guest.call_gone(it.store, it.connection, &object, window, token.as_deref()).await }
                    .boxed()
            },
            |page| convert::page(page, &rules),
        )
        .await
    }

    async fn push(&self, object: &str, writes: &[Write]) -> Result<Vec<WriteOutcome>, CallError> {
        let (object, number, writes) = (object.to_owned(), writes.len(), convert::wit_writes(writes));
        self.call(
            "push",
            |it| async move { it.guest.call_push(it.store, it.connection, &object, &writes).await }.boxed(),
            |outcomes| convert::outcomes(outcomes, number),
        )
        .await
    }

    async fn resolve(&self, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, CallError> {
        let (object, number, writes) = (object.to_owned(), writes.len(), convert::wit_writes(writes));
        self.call(
            "resolve",
            |it| async move { it.guest.call_resolve(it.store, it.connection, &object, &writes).await }.boxed(),
            |found| convert::resolved(found, number),
        )
        .await
    }

    async fn receive(&self, webhook: Webhook) -> Result<Vec<Hint>, CallError> {
        let webhook = convert::wit_webhook(webhook);
        self.call(
            "receive",
            |it| async move { it.guest.call_receive(it.store, it.connection, &webhook).await }.boxed(),
            convert::hints,
        )
        .await
    }

    async fn least(&self, object: &str) -> Result<Option<u32>, CallError> {
        if self.linked.bulk.is_none() {
            return Ok(None);
        }
        let object = object.to_owned();
        self.call(
            "least",
            |it| async move { it.bulk()?.call_least(it.store, it.connection, &object).await }.boxed(),
            Ok,
        )
        .await
    }

    async fn open_set(&self, object: &str, writes: &[Write]) -> Result<String, CallError> {
        let (object, writes) = (object.to_owned(), convert::wit_writes(writes));
        self.call(
            "open",
            |it| async move { it.bulk()?.call_open(it.store, it.connection, &object, &writes).await }.boxed(),
            convert::set_name,
        )
        .await
    }

    async fn submit_set(&self, object: &str, name: &str, writes: &[Write]) -> Result<(), CallError> {
        let (object, name, writes) = (object.to_owned(), name.to_owned(), convert::wit_writes(writes));
        self.call(
            "submit",
            |it| async move { it.bulk()?.call_submit(it.store, it.connection, &object, &name, &writes).await }.boxed(),
            Ok,
        )
        .await
    }

    async fn collect_set(&self, object: &str, name: &str, writes: &[Write]) -> Result<Collected, CallError> {
        let number = writes.len();
        let (object, name, writes) = (object.to_owned(), name.to_owned(), convert::wit_writes(writes));
        self.call(
            "collect",
            |it| async move { it.bulk()?.call_collect(it.store, it.connection, &object, &name, &writes).await }.boxed(),
            |collected| convert::collected(collected, number),
        )
        .await
    }
}

impl<'a> Visit<'a> {
    /// Whoever asks knows that it is there.
    fn bulk(&self) -> wasmtime::Result<&'a bulk::Guest> {
        self.bulk.ok_or_else(|| wasmtime::Error::msg("it takes no sets of writes"))
    }
}
