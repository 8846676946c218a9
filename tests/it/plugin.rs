//! The sandbox against a real guest: whatever a plugin does, the fault is named, it stays within its limits, and a
//! well-behaved call beside it is well.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::sync::Arc;

use async_trait::async_trait;
use ferry::model::connector::{Connector, Operation, Page, PullRequest, Slice, Write};
use ferry::model::failure::{CallError, Fault, FaultKind};
use ferry::model::grant::Grant;
use ferry::model::http::{HttpError, Outbound, Request, Response};
use ferry::model::manifest::Limits;
use ferry::model::time::{Instant, SystemClock};
use ferry::plugin::{ConnectorContext, LoadedPlugin, Options, Plugins, SandboxedConnector, package};
use tempfile::TempDir;

use crate::rig::component;

/// A way out behind which nothing is.
struct Nowhere;

#[async_trait]
impl Outbound for Nowhere {
    async fn send(&self, _: Request) -> Result<Response, HttpError> {
        Err(HttpError::Unreachable("nothing is there".into()))
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        requests.iter().map(|_| Err(HttpError::Unreachable("nothing is there".into()))).collect()
    }

    fn verify_hmac_sha256(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

const LIMITS: Limits = Limits { memory_mib: 64, call_seconds: 30, host_calls: 100, answer_mib: 16, traffic_mib: 64 };

static LOADING: tokio::sync::Mutex<Option<(TempDir, Plugins)>> = tokio::sync::Mutex::const_new(None);

/// The hostile plugin under `limits`, compiled once for all tests of this binary.
async fn hostile(limits: Limits) -> LoadedPlugin {
    let mut loading = LOADING.lock().await;
    let (_, plugins) = loading.get_or_insert_with(|| {
        let cache = TempDir::new().unwrap();
        let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
        (cache, plugins)
    });
    let bytes = std::fs::read(component("hostile")).unwrap();
    let digest = package::digest(&bytes);
    let (hosts, accounts, private, loopback) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let grant = Grant { digest, hosts, accounts, private, loopback, limits, at: Instant(0) };
    plugins.load(bytes, &grant).await.unwrap()
}

async fn connector(mode: &str, limits: Limits) -> SandboxedConnector {
    connector_of("main", mode, limits).await
}

async fn connector_of(workspace: &str, mode: &str, limits: Limits) -> SandboxedConnector {
    let context = ConnectorContext {
        connection: "main".parse().unwrap(),
        settings: format!(r#"{{"mode": "{mode}", "rows": 3, "page": 2}}"#),
        clock: Arc::new(SystemClock),
        outbound: Arc::new(Nowhere),
        gate: None,
        watch: None,
    };
    hostile(limits).await.held_by(&workspace.parse().unwrap()).connector(context).unwrap()
}

fn request(token: Option<&str>) -> PullRequest {
    PullRequest {
        object: "contacts".into(),
        columns: vec!["first_name".into(), "email".into()],
        filter: Vec::new(),
        segment: None,
        slice: Slice::All,
        token: token.map(str::to_owned),
        limit: 100,
    }
}

/// Pulls with a hostile connector and, beside it, with a well-behaved one.
async fn pull(mode: &str, limits: Limits, token: Option<&str>) -> Result<Page, CallError> {
    let (bad, good) = (connector(mode, limits).await, connector("ok", LIMITS).await);
    let (answer, page) = tokio::join!(bad.pull(request(token)), good.pull(request(None)));
    assert_eq!(page.map(|page| page.rows.len()), Ok(2), "beside `{mode}`");
    answer
}

async fn fault(mode: &str, limits: Limits, token: Option<&str>) -> FaultKind {
    match pull(mode, limits, token).await {
        Err(CallError::Fault(Fault { plugin, verb: "pull", kind })) if plugin.as_str() == "hostile" => kind,
        other => panic!("`{mode}` ended as {other:?}"),
    }
}

#[tokio::test]
async fn a_slice_is_pulled_page_by_page() {
    let connector = connector("ok", LIMITS).await;
    let first = connector.pull(request(None)).await.unwrap();
    let last = connector.pull(request(first.next.as_deref())).await.unwrap();
    assert_eq!((first.rows.len(), last.rows.len(), last.next), (2, 1, None));
    assert_eq!(first.total, Some(3));
}

#[tokio::test]
async fn what_a_guest_does_to_the_machine_ends_as_the_right_fault() {
    for (mode, limits, expected) in [
        ("trap", LIMITS, FaultKind::Trap("wasm `unreachable` instruction executed".into())),
        // No time at all: stopped at the first tick.
        ("spin", Limits { call_seconds: 0, ..LIMITS }, FaultKind::Deadline { limit_ms: 0 }),
        ("allocate", LIMITS, FaultKind::Memory { limit_mib: 64 }),
        ("overflow-stack", LIMITS, FaultKind::StackOverflow),
        ("flood-log", LIMITS, FaultKind::HostCalls { limit: 100 }),
        ("many-calls", LIMITS, FaultKind::HostCalls { limit: 100 }),
        ("huge-list", LIMITS, FaultKind::Memory { limit_mib: 64 }),
        ("huge-list", Limits { memory_mib: 1024, ..LIMITS }, FaultKind::AnswerSize { limit_mib: 16 }),
        ("huge-text", Limits { memory_mib: 256, ..LIMITS }, FaultKind::AnswerSize { limit_mib: 16 }),
    ] {
        assert_eq!(fault(mode, limits, None).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_contract_is_told_which_rule() {
    for (mode, token, expected) in [
        ("same-token", Some("again"), "the next page is this page again"),
        ("short-row", None, "a row has 0 values for 2 columns"),
        ("empty-id", None, "a row's id is empty"),
        ("long-id", None, "a row's id has 1048576 bytes, and 255 are the most"),
        ("bad-decimal", None, "a decimal is not in plain digits"),
    ] {
        assert_eq!(fault(mode, LIMITS, token).await, FaultKind::BadAnswer(expected.into()), "{mode}");
    }
}

#[tokio::test]
async fn an_outcome_cannot_be_missing() {
    let write = |key: &str| Write {
        key: key.into(),
        operation: Operation::Create,
        values: Vec::new(),
        links: Vec::new(),
        version: None,
    };
    let answer = connector("lying-push", LIMITS).await.push("contacts", &[write("a"), write("b")]).await;
    let kind = FaultKind::BadAnswer("it gives 1 outcomes for 2 writes".into());
    assert_eq!(answer, Err(CallError::Fault(Fault { plugin: "hostile".parse().unwrap(), verb: "push", kind })));
}

#[tokio::test]
async fn a_flood_of_log_lines_is_bounded_and_the_last_can_be_read() {
    let flooding = connector("flood-log", Limits { host_calls: 10_000, ..LIMITS }).await;
    assert!(flooding.check().await.is_err());
    let lines = flooding.recent_lines();
    assert_eq!(lines.len(), 50);
    assert!(lines[49].text.starts_with("plugin-log-lines: the rest is dropped, as a call may write 200 lines; "));
    let long = connector("long-log-line", LIMITS).await;
    assert!(long.check().await.is_ok());
    assert!(long.recent_lines()[0].text.len() < 2_100);
}

#[tokio::test]
async fn what_a_panic_says_is_among_the_lines() {
    let trapping = connector("trap", LIMITS).await;
    assert!(trapping.check().await.is_err());
    let lines: Vec<String> = trapping.recent_lines().into_iter().map(|line| line.text).collect();
    assert!(lines.iter().any(|line| line.contains("on purpose")), "{lines:?}");
}

/// A page of every way to misbehave, many times over, while a healthy connection walks its records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hostile_calls_leave_a_healthy_walk_well() {
    const MODES: [&str; 8] =
        ["trap", "spin", "allocate", "overflow-stack", "flood-log", "many-calls", "short-row", "long-id"];
    let limits = Limits { call_seconds: 1, memory_mib: 32, ..LIMITS };
    let hostile = (0..200).map(|number| async move {
        let mode = MODES[number % MODES.len()];
        match connector_of("hostile", mode, limits).await.pull(request(None)).await {
            Err(CallError::Fault(fault)) => assert!(fault.kind.code().starts_with("plugin-"), "{mode}"),
            other => panic!("`{mode}` ended as {other:?}"),
        }
    });
    let hostile: Vec<_> = hostile.map(tokio::spawn).collect();
    let healthy = connector("ok", LIMITS).await;
    let mut walks = 0;
    while walks < 20 || !hostile.iter().all(tokio::task::JoinHandle::is_finished) {
        let first = healthy.pull(request(None)).await.unwrap();
        let last = healthy.pull(request(first.next.as_deref())).await.unwrap();
        assert_eq!((first.rows.len(), last.rows.len(), last.next), (2, 1, None));
        walks += 1;
    }
    for call in hostile {
        call.await.unwrap();
    }
}

/// More calls than there are places, all of one workspace, each of which would keep its place for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_takes_all_it_can_get_leaves_another_its_share() {
    let limits = Limits { call_seconds: 5, ..LIMITS };
    let greedy = (0..200).map(|_| async move { connector_of("greedy", "spin", limits).await.check().await });
    let greedy: Vec<_> = greedy.map(tokio::spawn).collect();
    // Until they hold what a plugin can get whose calls do not end, and the others wait.
    while LOADING.lock().await.as_ref().unwrap().1.taken().unwrap()[0].0 < 4 {
        tokio::task::yield_now().await;
    }
    let modest = connector_of("modest", "ok", LIMITS).await;
    assert_eq!(modest.pull(request(None)).await.unwrap().rows.len(), 2);
    let ended = greedy.iter().filter(|call| call.is_finished()).count();
    assert!(ended <= 8, "it waited behind {ended} of the others");
    greedy.iter().for_each(tokio::task::JoinHandle::abort);
}
