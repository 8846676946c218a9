//! Where guests run: the engine, the places in it, and one guarded call. Knows no connector and no mapper.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use wasmtime::{Engine, Store};

use super::background::Background;
use super::budget::{self, Budgeted};
use super::engine::{PLACES, Running, TickingEngine};
use super::group::Group;
use crate::model::failure::FaultKind;
use crate::model::id::PluginId;
use crate::model::probe::Usage;
use crate::model::share::{Holder, Share, Shares};

/// How long a call waits for a place. Every call before it ends within its own deadline, which is no longer than this.
const CALL_WAIT: Duration = Duration::from_secs(600);

/// How long an opening mapping waits for a place: mappings are held for whole runs, so a longer wait promises nothing.
const MAPPING_WAIT: Duration = Duration::from_secs(60);

/// One per process, shared by all that is loaded.
pub(super) struct Sandbox {
    ticking: TickingEngine,
    background: Background,
    /// Calls of connectors and open mappings have places of their own, so that neither can starve the other: a run holds
    /// its mapping while it calls its connector.
    calls: Places,
    mappings: Places,
}

/// Places, shared among workspaces, and what one workspace may have among its plugins.
struct Places {
    all: Arc<Shares>,
    of: Mutex<HashMap<Holder, OfWorkspace>>,
}

/// The places of a workspace among its plugins, and the calls of each.
struct OfWorkspace {
    places: Arc<Shares<PluginId>>,
    groups: HashMap<PluginId, Arc<Group>>,
}

/// A place in the sandbox, free again when it is dropped.
pub(super) struct Place {
    _of_workspace: Share,
    _of_plugin: Share<PluginId>,
    group: Arc<Group>,
}

impl Sandbox {
    pub(super) fn new() -> wasmtime::Result<Self> {
        let (calls, mappings) = (Places::default(), Places::default());
        Ok(Self { ticking: TickingEngine::new()?, background: Background::default(), calls, mappings })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.ticking.engine()
    }

    pub(super) fn is_scarce(&self) -> bool {
        self.ticking.is_scarce()
    }

    pub(super) fn running(&self) -> Running {
        self.ticking.running()
    }

    pub(super) async fn call_place(&self, holder: &Holder, plugin: &PluginId) -> Result<Place, FaultKind> {
        self.calls.take(holder, plugin, CALL_WAIT, Group::places).await
    }

    pub(super) async fn mapping_place(&self, holder: &Holder, plugin: &PluginId) -> Result<Place, FaultKind> {
        self.mappings.take(holder, plugin, MAPPING_WAIT, Group::places_of_runs).await
    }

    /// Places of calls and of open mappings that are taken, each of how many.
    pub(super) fn taken(&self) -> [(usize, usize); 2] {
        [self.calls.all.taken(), self.mappings.all.taken()]
    }
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Shares::new(PLACES as usize), of: Mutex::default() }
    }
}

impl Default for OfWorkspace {
    fn default() -> Self {
        Self { places: Shares::new(PLACES as usize / 2), groups: HashMap::new() }
    }
}

impl Places {
    /// Waits among the plugins of its workspace first, so that none of them makes the others wait.
    async fn take(
        &self,
        holder: &Holder,
        plugin: &PluginId,
        wait: Duration,
        most: fn(&Group) -> usize,
    ) -> Result<Place, FaultKind> {
        let (of, group) = {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            let of = of.entry(holder.clone()).or_default();
            (Arc::clone(&of.places), Arc::clone(of.groups.entry(plugin.clone()).or_default()))
        };
        let places = async {
            let (of_plugin, of_workspace) =
                (of.take_within(plugin, || most(&group)).await, self.all.take(holder).await);
            Place { _of_plugin: of_plugin, _of_workspace: of_workspace, group: Arc::clone(&group) }
        };
        let full = |_| FaultKind::Start(format!("its share of the {PLACES} places in the sandbox is taken"));
        tokio::time::timeout(wait, places).await.map_err(full)
    }
}

/// What stopped a call, and what it had used by then; of one that overran its time while it waited, the time alone is known.
pub(super) struct Stopped {
    pub(super) kind: FaultKind,
    pub(super) usage: Usage,
}

/// Runs a call of a guest in its place and within its budget; gives the store back with the answer. Where it is stopped, the
/// instance is gone.
pub(super) async fn guarded<S: Budgeted, R: Send + 'static>(
    sandbox: &Sandbox,
    place: &Place,
    mut store: Store<S>,
    call: impl for<'a> FnOnce(&'a mut Store<S>) -> BoxFuture<'a, wasmtime::Result<R>> + Send + 'static,
) -> Result<(Store<S>, R), Stopped> {
    let time = store.data_mut().budget().time();
    let running = sandbox.running();
    let call = async move {
        let _running = running;
        let answer = call(&mut store).await;
        (store, answer)
    };
    // The epoch stops a guest that computes, this one that waits.
    let call = sandbox.background.run(&place.group, call, |(_, answer)| answer.is_ok());
    match tokio::time::timeout(time, call).await {
        Ok((store, Ok(answer))) => Ok((store, answer)),
        Ok((mut store, Err(error))) => {
            let budget = store.data_mut().budget();
            Err(Stopped { kind: budget.fault(&error), usage: budget.usage() })
        }
        Err(_) => Err(Stopped { kind: budget::late(time), usage: Usage { time, ..Usage::default() } }),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::group::{Guest, LEAST_PLACES};
    use super::*;

    fn take(places: &Places, plugin: &str, most: fn(&Group) -> usize) -> Option<Place> {
        let holder: Holder = "acme".parse().ok();
        places.take(&holder, &plugin.parse().unwrap(), CALL_WAIT, most).now_or_never()?.ok()
    }

    #[tokio::test]
    async fn a_greedy_plugin_leaves_places_to_the_others_of_its_workspace() {
        let places = Places::default();
        let take = |plugin| take(&places, plugin, Group::places_of_runs);
        let greedy: Vec<Place> = std::iter::from_fn(|| take("hostile")).collect();
        assert_eq!(greedy.len(), PLACES as usize / 4);
        let others: Vec<Place> = ["hubspot", "salesforce", "odoo"].into_iter().filter_map(take).collect();
        assert_eq!(others.len(), 3);
        drop(greedy);
        assert_eq!(places.all.taken(), (3, PLACES as usize));
        assert!(take("hostile").is_some());
    }

    #[tokio::test]
    async fn a_plugin_whose_calls_do_not_end_gets_few_places_until_they_do() {
        let places = Places::default();
        let take = || take(&places, "hostile", Group::places_of_runs);
        let first = take().unwrap();
        let endless = Guest::of(Arc::clone(&first.group));
        endless.has_computed(Duration::from_secs(1));
        let others: Vec<Place> = std::iter::from_fn(take).collect();
        assert_eq!(others.len() + 1, LEAST_PLACES);
        endless.ended_well();
        drop(endless);
        assert!(take().is_some());
    }

    #[tokio::test]
    async fn a_plugin_gets_more_places_as_its_calls_end_well() {
        let places = Places::default();
        let take = || take(&places, "hostile", Group::places);
        let first: Vec<Place> = std::iter::from_fn(take).collect();
        Guest::of(Arc::clone(&first[0].group)).ended_well();
        let second: Vec<Place> = std::iter::from_fn(take).collect();
        assert!(!first.is_empty() && second.len() == 1, "{} {}", first.len(), second.len());
    }
}
