//! Pulls pages side by side with what becomes of them: each partition, or the walk over windows, in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::model::connector::{Connector, Page, PullRequest, Slice};
use crate::model::failure::{CallError, Failure};
use crate::model::sync::{Checkpoint, Partition, Sync};
use crate::model::time::Clock;
use crate::store::Workspace;

use super::Ports;
use super::advice::Patience;
use super::windows::WindowWalk;

/// Pages that wait for the commit, over all tasks: enough that neither side waits for the other, few enough that memory
/// does not depend on who is faster.
const PAGES_AHEAD: usize = 2;

/// The most rows per page. Connectors give what their CRM gives; more than this would make commits coarse.
pub(super) const PAGE_ROWS: u32 = 500;

/// The longest pause between two looks at what a CRM is at work on, whatever a plugin asks for: a run must not seem dead.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Where a walk stands once a page is committed.
#[derive(Debug)]
pub(super) enum Position {
    Partition { index: usize, next: Option<String> },
    Windows(WindowWalk),
}

#[derive(Debug)]
pub(super) struct Pulled {
    /// As [`crate::store::RecentWrites`] stood when the page was asked for.
    pub(super) asked: u64,
    pub(super) page: Page,
    pub(super) position: Position,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum WalkError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("one instant holds too much")]
    TooDense(crate::model::connector::Window),
}

/// The running tasks; dropping it ends them.
pub(super) struct Walk {
    pub(super) pages: mpsc::Receiver<Result<Pulled, WalkError>>,
    _tasks: JoinSet<()>,
}

/// Who pulls, and what every request has in common.
#[derive(Clone)]
pub(super) struct Puller {
    pub(super) connector: Arc<dyn Connector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) request: PullRequest,
    workspace: Arc<Workspace>,
}

impl Puller {
    pub(super) fn of(ports: &Ports, sync: &Sync) -> Self {
        let request = PullRequest {
            object: sync.object.clone(),
            columns: sync.columns.iter().map(|column| column.name.clone()).collect(),
            filter: sync.filter.clone(),
            segment: sync.segment.clone(),
            slice: Slice::All,
            token: None,
            limit: PAGE_ROWS,
        };
        let workspace = ports.workspace.clone();
        Self { connector: ports.connector.clone(), clock: ports.clock.clone(), request, workspace }
    }

    /// The partitions of a backfill; one that is everything where the connector offers none.
    pub(super) async fn partitions(&self, sync: &Sync, most: u32) -> Result<Vec<Partition>, CallError> {
        let whole = || vec![Partition { begin: None, next: None, done: false }];
        if !sync.abilities.partitions || most == 1 {
            return Ok(whole());
        }
        let mut patience = Patience::default();
        loop {
            match self.connector.partition(self.request.clone(), most).await {
                Ok(tokens) if tokens.is_empty() => return Ok(whole()),
                Ok(tokens) => return Ok(tokens.into_iter().map(Partition::from_token).collect()),
                Err(CallError::Advice(Failure::Unsupported(_))) => return Ok(whole()),
                Err(error) => patience.after(error, &*self.clock).await?,
            }
        }
    }

    /// Starts to pull from where the checkpoint stands.
    pub(super) fn start(&self, checkpoint: &Checkpoint) -> Walk {
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        let mut tasks = JoinSet::new();
        match checkpoint {
            Checkpoint::Backfill { partitions, .. } => {
                for (index, partition) in partitions.iter().enumerate().filter(|(_, partition)| !partition.done) {
                    tasks.spawn(self.clone().walk_partition(index, partition.clone(), sender.clone()));
                }
            }
            Checkpoint::Increment { windows, next, .. } => {
                let walk = WindowWalk { windows: windows.clone(), next: next.clone() };
                tasks.spawn(self.clone().walk_windows(walk, sender));
            }
        }
        Walk { pages, _tasks: tasks }
    }

    async fn walk_partition(self, index: usize, partition: Partition, pages: mpsc::Sender<Result<Pulled, WalkError>>) {
        let mut token = partition.next;
        loop {
            let asked = self.workspace.recent_writes().latest();
            let page = match self.pull(Slice::All, token.clone()).await {
                // The partition starts over; its rows are recognised by their fingerprints.
                Err(CallError::Advice(Failure::TokenExpired)) if token != partition.begin => {
                    token = partition.begin.clone();
                    continue;
                }
                Err(error) => {
                    let _ = pages.send(Err(error.into())).await;
                    return;
                }
                Ok(page) => page,
            };
            token = page.next.clone();
            let wait = page.wait;
            let position = Position::Partition { index, next: page.next.clone() };
            // Nobody listens any more: the run has ended.
            if pages.send(Ok(Pulled { asked, page, position })).await.is_err() || token.is_none() {
                return;
            }
            self.wait_for_crm(wait).await;
        }
    }

    async fn walk_windows(self, mut walk: WindowWalk, pages: mpsc::Sender<Result<Pulled, WalkError>>) {
        while let Some(window) = walk.current() {
            let asked = self.workspace.recent_writes().latest();
            let pulled = match self.pull(Slice::Window(window), walk.next.clone()).await {
                Err(CallError::Advice(Failure::WindowTooLarge(_))) => match walk.halve() {
                    Some(()) => continue,
                    None => Err(WalkError::TooDense(window)),
                },
                Err(CallError::Advice(Failure::TokenExpired)) if walk.next.is_some() => {
                    walk.restart();
                    continue;
                }
                Err(error) => Err(error.into()),
                Ok(page) => {
                    walk.advance(page.next.clone());
                    Ok(Pulled { asked, page, position: Position::Windows(walk.clone()) })
                }
            };
            let (failed, wait) = (pulled.is_err(), pulled.as_ref().ok().and_then(|pulled| pulled.page.wait));
            if pages.send(pulled).await.is_err() || failed {
                return;
            }
            self.wait_for_crm(wait).await;
        }
    }

    pub(super) async fn pull(&self, slice: Slice, token: Option<String>) -> Result<Page, CallError> {
        let request = PullRequest { slice, token, ..self.request.clone() };
        let mut patience = Patience::default();
        loop {
            match self.connector.pull(request.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => patience.after(error, &*self.clock).await?,
            }
        }
    }

    /// As long as the CRM is at work, with the page's token on its way into the checkpoint: a run that ends meanwhile goes
    /// on with what the CRM has begun.
    async fn wait_for_crm(&self, wait: Option<Duration>) {
        if let Some(wait) = wait {
            self.clock.sleep(wait.min(LONGEST_PAUSE)).await;
        }
    }
}

impl Partition {
    fn from_token(token: String) -> Self {
        Self { begin: Some(token.clone()), next: Some(token), done: false }
    }
}

/// Puts what has been walked into the checkpoint; says whether that was the last of it.
pub(super) fn advance(checkpoint: &mut Checkpoint, position: Position) -> bool {
    match (checkpoint, position) {
        (Checkpoint::Backfill { partitions, .. }, Position::Partition { index, next }) => {
            if let Some(partition) = partitions.get_mut(index) {
                partition.done = next.is_none();
                partition.next = next;
            }
            partitions.iter().all(|partition| partition.done)
        }
        (Checkpoint::Increment { windows, next, .. }, Position::Windows(walk)) => {
            *windows = walk.windows;
            *next = walk.next;
            windows.is_empty()
        }
        // A walk reports positions of the checkpoint that it was started with.
        (Checkpoint::Backfill { .. }, Position::Windows(_))
        | (Checkpoint::Increment { .. }, Position::Partition { .. }) => false,
    }
}
