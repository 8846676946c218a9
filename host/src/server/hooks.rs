//! `/hooks/{workspace}/{connection}`: what CRMs tell by themselves. A webhook is verified, queued and answered; what it names
//! is fetched a moment later, together with what others have named by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{MethodRouter, post};

use super::api::Api;
use super::api::problem::Problem;
use super::api::request::{Named, whole_body};
use super::listener::Caller;
use super::runs::Runs;
use crate::app::error::AppError;
use crate::app::runs::Stopper;
use crate::app::webhooks::Hinted;
use crate::app::{App, Tenant};
use crate::model::connector::{Hint, Webhook};
use crate::model::id::{ConnectionId, SyncId, WorkspaceId};
use crate::model::schedule;
use crate::model::share::Shares;
use crate::model::time::Instant;

/// The largest webhook: HubSpot's have up to 100 events of some 300 bytes, others send a whole record. Anybody may send one,
/// on every connection that there may be, so these times this is what strangers can make the host hold.
const BODY_BYTES: usize = 256 * 1024;

/// Webhooks that are verified at once, each in an instance of its plugin; of one workspace half as many.
const VERIFIED_AT_ONCE: usize = 16;

/// Ids that wait to be fetched, over all workspaces. A full queue makes CRMs send again later.
const MOST_IDS: usize = 20_000;

/// Of those, what one workspace may have waiting: its CRMs' webhooks don't keep out another's.
const MOST_IDS_OF_ONE: usize = MOST_IDS / 2;

/// How often the queue is looked at: what comes within one look is one run.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tries before what was named is left to the next increment.
const MOST_TRIES: u32 = 6;

/// What was named and is not fetched yet. A clone is the same queue.
#[derive(Clone)]
pub(super) struct Hooks {
    waiting: Arc<Mutex<HashMap<(WorkspaceId, SyncId), Waiting>>>,
    places: Arc<Shares>,
    /// The address that CRMs know this server by, without a slash at the end.
    public_url: Option<String>,
}

/// What waits for one sync.
#[derive(Debug, Clone, Default)]
struct Waiting {
    hinted: Hinted,
    failures: u32,
    /// Not before this after a failure.
    again: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, other: Self) {
        self.hinted.changed.extend(other.hinted.changed);
        self.hinted.gone.extend(other.hinted.gone);
        self.failures = self.failures.max(other.failures);
        self.again = self.again.max(other.again);
    }
}

impl Hooks {
    pub(super) fn new(public_url: Option<String>) -> Self {
        let places = Shares::new(VERIFIED_AT_ONCE);
        Self { waiting: Arc::default(), places, public_url }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(WorkspaceId, SyncId), Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was named for each sync that follows it; false where there is no room.
    fn queue(&self, tenant: &Tenant, connection: &ConnectionId, hints: Vec<Hint>) -> Result<bool, AppError> {
        let mut new: Vec<(SyncId, Waiting)> = Vec::new();
        for Hint { object, ids, gone } in hints {
            for sync in tenant.hinted_syncs(connection, &object)? {
                let mut waiting = Waiting::default();
                let named = if gone { &mut waiting.hinted.gone } else { &mut waiting.hinted.changed };
                named.extend(ids.iter().cloned());
                new.push((sync, waiting));
            }
        }
        let mut all = self.lock();
        let held: usize = all.values().map(|waiting| waiting.hinted.len()).sum();
        let ours = all.iter().filter(|((workspace, _), _)| workspace == tenant.id());
        let ours: usize = ours.map(|(_, waiting)| waiting.hinted.len()).sum();
        let more: usize = new.iter().map(|(_, waiting)| waiting.hinted.len()).sum();
        if held + more > MOST_IDS || ours + more > MOST_IDS_OF_ONE {
            return Ok(false);
        }
        for (sync, waiting) in new {
            all.entry((tenant.id().clone(), sync)).or_default().add(waiting);
        }
        Ok(true)
    }

    /// Takes what can be fetched now.
    fn due(&self, now: Instant) -> Vec<(WorkspaceId, SyncId, Waiting)> {
        let mut all = self.lock();
        let due = |waiting: &Waiting| waiting.again.is_none_or(|again| again <= now);
        let keys: Vec<_> = all.iter().filter(|(_, waiting)| due(waiting)).map(|(key, _)| key.clone()).collect();
        let taken = keys.into_iter().filter_map(|key| all.remove(&key).map(|waiting| (key.0, key.1, waiting)));
        taken.collect()
    }

    fn put_back(&self, workspace: WorkspaceId, sync: SyncId, waiting: Waiting) {
        self.lock().entry((workspace, sync)).or_default().add(waiting);
    }
}

/// Fetches what was named until [`App::stop_runs`]. What waits then is found by the next increments.
pub(super) async fn follow_hints(app: Arc<App>, runs: Runs, hooks: Hooks) {
    let clock = app.clock();
    while !app.is_stopping() {
        for (workspace, sync, waiting) in hooks.due(clock.now()) {
            let (app, of, left) = (Arc::clone(&app), hooks.clone(), waiting.clone());
            let (name, id) = (workspace.clone(), sync.clone());
            if !runs.begin(&workspace, async move || fetch(&app, &of, name, id, waiting).await) {
                hooks.put_back(workspace, sync, left);
            }
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

async fn fetch(app: &Arc<App>, hooks: &Hooks, workspace: WorkspaceId, sync: SyncId, mut waiting: Waiting) {
    let ended = match app.tenant(&workspace) {
        Ok(tenant) => tenant.run_hinted(&sync, &waiting.hinted, &Stopper::default()).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(_) => {}
        // Its turn comes when the other run has ended.
        Err(AppError::Running { .. }) => hooks.put_back(workspace, sync, waiting),
        Err(error) if error.is_hopeless() || waiting.failures + 1 == MOST_TRIES => {
            tracing::warn!(%error, %workspace, %sync, "what a webhook named is left to the next run");
        }
        Err(_) => {
            waiting.failures += 1;
            waiting.again =
                Some(app.clock().now().plus(schedule::pause_after(schedule::PAUSE_FIRST, waiting.failures)));
            hooks.put_back(workspace, sync, waiting);
        }
    }
}

/// The route of all webhooks.
pub(super) fn route() -> MethodRouter<Api> {
    post(receive).layer(DefaultBodyLimit::max(BODY_BYTES))
}

async fn receive(
    State(api): State<Api>,
    Named((workspace, connection)): Named<(WorkspaceId, ConnectionId)>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (method, headers) = (request.method().to_string(), request.headers().clone());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let target = target(api.hooks.public_url.as_deref(), &headers, &path);
    let caller = Caller::of(request.extensions()).cloned().ok_or_else(Problem::internal)?;
    let body = whole_body(request, &api).await?.to_vec();
    let tenant = match api.app.known_tenant(&workspace)? {
        Some(tenant) if tenant.connection(&connection).is_ok() => tenant,
        _ => return Err(refused()),
    };
    // Not before the body is there: who lets it trickle in holds nobody up.
    let place = api.hooks.places.try_take(&Some(workspace.clone()));
    caller.hold(place.ok_or(AppError::Busy)?);
    let webhook = Webhook { method, target, headers: texts(&headers), body };
    let queue = |hints: Vec<Hint>| {
        api.hooks.queue(&tenant, &connection, hints).unwrap_or_else(|error| {
            tracing::error!(%error, "a webhook could not be queued");
            false
        })
    };
    tenant.receive(&connection, webhook, queue).await.map_err(|error| match error {
        AppError::Webhook { .. } => {
            tracing::info!(%error, "a webhook was refused");
            refused()
        }
        error => error.into(),
    })?;
    Ok(StatusCode::ACCEPTED)
}

/// Strangers may send anything to any address. They are told the same whether a name is wrong or the signature, so that nobody learns
/// here who has what connected.
fn refused() -> Problem {
    let detail = "there is no such connection, or the webhook is not its CRM's";
    let remedy = "if the CRM did send it, look at the address, which ends in the names of the workspace and of the connection, at \
                  the clock, `ferry serve --public-url` and the signing secret; `ferry serve --verbose` logs which it is";
    Problem::of_request(StatusCode::UNAUTHORIZED, "webhook-refused", detail, remedy)
}

/// The address as the CRM knows it, which some sign.
fn target(public_url: Option<&str>, headers: &HeaderMap, path: &str) -> String {
    match (public_url, headers.get(header::HOST).and_then(|host| host.to_str().ok())) {
        (Some(url), _) => format!("{url}{path}"),
        (None, Some(host)) => format!("http://{host}{path}"),
        (None, None) => path.to_owned(),
    }
}

/// Names are in lower case already; what is no text is nothing that a connector reads.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(changed: &[&str], again: Option<Instant>) -> Waiting {
        let changed = changed.iter().map(|id| (*id).to_owned()).collect();
        Waiting { hinted: Hinted { changed, ..Hinted::default() }, failures: 0, again }
    }

    #[test]
    fn what_is_named_twice_is_fetched_once_and_not_before_its_pause_is_over() {
        let hooks = Hooks::new(None);
        let (workspace, sync): (WorkspaceId, SyncId) = ("main".parse().unwrap(), "people".parse().unwrap());
        hooks.put_back(workspace.clone(), sync.clone(), waiting(&["1", "2"], None));
        hooks.put_back(workspace.clone(), sync.clone(), waiting(&["2", "3"], Some(Instant(5))));
        assert!(hooks.due(Instant(4)).is_empty());
        let due = hooks.due(Instant(5));
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].2.hinted.changed.iter().collect::<Vec<_>>(), ["1", "2", "3"]);
        assert!(hooks.due(Instant(6)).is_empty());
    }

    #[test]
    fn the_address_is_the_public_one_or_as_the_caller_wrote_it() {
        let headers = [(header::HOST, "127.0.0.1:80".parse().unwrap())].into_iter().collect();
        assert_eq!(
            target(Some("https://crm.example.com"), &headers, "/hooks/a/b"),
            "https://crm.example.com/hooks/a/b"
        );
        assert_eq!(target(None, &headers, "/hooks/a/b?x=1"), "http://127.0.0.1:80/hooks/a/b?x=1");
    }
}
