//! One call of a connector: what it gives, and every way in which the sandbox ends it.

use std::sync::Arc;

use async_trait::async_trait;

use super::guests::{Guest, grant, pack};
use crate::model::connector::{Connector, Page, PullRequest, Slice};
use crate::model::failure::{CallError, Failure, Fault, FaultKind};
use crate::model::http::{HttpError, Outbound, Request, Response};
use crate::model::manifest::Limits;
use crate::model::time::SystemClock;
use crate::plugin::{ConnectorContext, Options, Plugins, SandboxedConnector};

/// A way out that never answers.
struct Silence;

#[async_trait]
impl Outbound for Silence {
    async fn send(&self, _: Request) -> Result<Response, HttpError> {
        std::future::pending().await
    }

    async fn send_all(&self, _: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        std::future::pending().await
    }

    fn verify_hmac_sha256(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

async fn load(guest: Guest<'_>, limits: Limits) -> SandboxedConnector {
    let cache = tempfile::tempdir().unwrap();
    let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
    let package = pack(&guest.connector(), "connector");
    let grant = grant(&package, limits);
    let loaded = plugins.load(package, &grant).await.unwrap();
    let context = ConnectorContext {
        connection: "main".parse().unwrap(),
        settings: "{}".into(),
        clock: Arc::new(SystemClock),
        outbound: Arc::new(Silence),
        gate: None,
        watch: None,
    };
    loaded.connector(context).unwrap()
}

fn small() -> Limits {
    Limits { memory_mib: 2, call_seconds: 30, host_calls: 3, answer_mib: 1, traffic_mib: 1 }
}

/// Calls `check`, which must end in a fault, and shows that the same guest is well in its next call.
async fn fault(items: &str, check: &str, limits: Limits) -> FaultKind {
    // `segments` answers the failure `token-expired`: a 1 and, where the failure begins, a 5.
    let well = "(i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 5)) (i32.const 64)";
    let bodies = [("check", check), ("segments", well)];
    let connector = load(Guest { items, bodies: &bodies, pages: 0 }, limits).await;
    let Err(CallError::Fault(Fault { plugin, verb, kind })) = connector.check().await else { panic!("no fault") };
    assert_eq!((plugin.as_str(), verb), ("test", "check"));
    // With no time at all, even a well call may be stopped.
    if limits.call_seconds > 0 {
        assert_eq!(connector.segments("x").await, Err(CallError::Advice(Failure::TokenExpired)));
    }
    kind
}

#[tokio::test]
async fn a_guest_that_traps_is_named_with_its_trap() {
    let kind = fault("", "unreachable", small()).await;
    assert_eq!(kind, FaultKind::Trap("wasm `unreachable` instruction executed".into()));
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped_at_its_deadline() {
    // No time at all: it is stopped at the first tick.
    let limits = Limits { call_seconds: 0, ..small() };
    assert_eq!(fault("", "(loop (br 0)) unreachable", limits).await, FaultKind::Deadline { limit_ms: 0 });
}

#[tokio::test]
async fn a_spinning_guest_lets_others_run_on_the_same_thread() {
    let bodies = [("check", "(loop (br 0)) unreachable")];
    let connector = load(Guest { bodies: &bodies, ..Guest::default() }, small()).await;
    let mut turns = 0;
    let beside = async {
        while turns < 3 {
            tokio::task::yield_now().await;
            turns += 1;
        }
    };
    tokio::select! {
        answer = connector.check() => panic!("it should still spin: {answer:?}"),
        () = beside => {}
    }
    assert_eq!(turns, 3);
}

#[tokio::test]
async fn a_guest_that_waits_for_ever_is_stopped_at_its_deadline() {
    let send = r#"(import "ferry:crm/http@0.1.0" "send" (func $send (param i32 i32)))"#;
    let connector = load(
        Guest {
            // All zeros: a GET of the empty target.
            items: &send.replace("(param i32 i32)", HTTP_SEND),
            bodies: &[("check", SEND_NOTHING)],
            pages: 0,
        },
        Limits { call_seconds: 0, ..small() },
    )
    .await;
    let Err(CallError::Fault(fault)) = connector.check().await else { panic!("no fault") };
    assert_eq!(fault.kind, FaultKind::Deadline { limit_ms: 0 });
}

/// The flattened parameters of `http.send`: method, target, query, headers, body, repeatable, bucket, and where the
/// answer goes.
const HTTP_SEND: &str = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)";
const SEND_NOTHING: &str = "(call $send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 1024)) unreachable";

#[tokio::test]
async fn a_guest_that_grows_without_end_has_too_little_memory() {
    let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    assert_eq!(fault("", grow, small()).await, FaultKind::Memory { limit_mib: 2 });
}

#[tokio::test]
async fn a_guest_that_grows_a_table_without_end_is_told_the_limit() {
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 30000))) unreachable";
    assert_eq!(fault("(table $t 1 funcref)", grow, small()).await, FaultKind::Tables { limit: 20_000 });
}

#[tokio::test]
async fn a_guest_that_begins_with_too_much_memory_is_refused_its_start() {
    let connector = load(Guest { pages: 64, ..Guest::default() }, small()).await;
    let Err(CallError::Fault(fault)) = connector.check().await else { panic!("no fault") };
    assert_eq!(fault.kind, FaultKind::Memory { limit_mib: 2 });
}

#[tokio::test]
async fn a_guest_that_breaks_off_while_it_starts_has_crashed_like_any_other() {
    let items = "(func $begin unreachable) (start $begin)";
    let connector = load(Guest { items, ..Guest::default() }, small()).await;
    let Err(CallError::Fault(fault)) = connector.check().await else { panic!("no fault") };
    assert_eq!(fault.kind, FaultKind::Trap("wasm `unreachable` instruction executed".into()));
}

#[tokio::test]
async fn a_guest_that_recurses_without_end_overflows_its_own_stack() {
    let items = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    assert_eq!(fault(items, "(call $deep (i32.const 0))", small()).await, FaultKind::StackOverflow);
}

#[tokio::test]
async fn a_guest_whose_own_stack_runs_out_of_memory_overflowed_it_too() {
    let store = |address: &str| format!("(i32.store (i32.const {address}) (i32.const 1)) unreachable");
    assert_eq!(fault("", &store("-512"), small()).await, FaultKind::StackOverflow);
    let elsewhere = FaultKind::Trap("out of bounds memory access".into());
    assert_eq!(fault("", &store("0x10000000"), small()).await, elsewhere);
}

#[tokio::test]
async fn a_guest_that_calls_the_host_without_end_is_stopped() {
    let items = r#"(import "ferry:crm/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let flood = "(loop (call $log (i32.const 1) (i32.const 0) (i32.const 1)) (br 0)) unreachable";
    assert_eq!(fault(items, flood, small()).await, FaultKind::HostCalls { limit: 3 });
}

#[tokio::test]
async fn an_answer_beyond_its_size_is_not_taken_in() {
    // `forbidden`: a list of 1,000 texts, all of them the same 50,000 zeros.
    let body = "(local i32)
        (loop
            (i32.store (i32.add (i32.const 81924) (i32.mul (local.get 3) (i32.const 8))) (i32.const 50000))
            (local.set 3 (i32.add (local.get 3) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 3) (i32.const 1000))))
        (i32.store8 (i32.const 60000) (i32.const 1))
        (i32.store8 (i32.const 60008) (i32.const 1))
        (i32.store (i32.const 60016) (i32.const 81920))
        (i32.store (i32.const 60020) (i32.const 1000))
        (i32.const 60000)";
    assert_eq!(fault("", body, small()).await, FaultKind::AnswerSize { limit_mib: 1 });
}

#[tokio::test]
async fn an_answer_that_lies_outside_memory_is_a_crash() {
    let kind = fault("", "(i32.const -8)", small()).await;
    assert!(matches!(kind, FaultKind::Trap(_)), "{kind:?}");
}

#[tokio::test]
async fn what_a_guest_logged_can_be_shown_after_it_failed() {
    let items = r#"(import "ferry:crm/log@0.1.0" "write" (func $log (param i32 i32 i32)))
        (data (i32.const 16) "no such property")"#;
    let body = "(call $log (i32.const 2) (i32.const 16) (i32.const 16)) unreachable";
    let connector = load(Guest { items, bodies: &[("check", body)], pages: 0 }, small()).await;
    assert!(connector.check().await.is_err());
    let lines: Vec<_> = connector.recent_lines().into_iter().map(|line| (line.level.as_str(), line.text)).collect();
    assert_eq!(lines, [("warn", "no such property".to_owned())]);
}

fn request(columns: usize, token: Option<&str>) -> PullRequest {
    PullRequest {
        object: "contacts".into(),
        columns: vec!["x".into(); columns],
        filter: Vec::new(),
        segment: None,
        slice: Slice::All,
        token: token.map(str::to_owned),
        limit: 100,
    }
}

#[tokio::test]
async fn an_empty_page_ends_a_slice() {
    let connector = load(Guest { bodies: &[("pull", "(i32.const 64)")], ..Guest::default() }, small()).await;
    assert_eq!(connector.pull(request(2, None)).await, Ok(Page::default()));
}

#[tokio::test]
async fn an_answer_that_breaks_the_contract_is_a_fault_of_the_plugin() {
    // One row, all zeros: its id is empty.
    let body = "(i32.store (i32.const 72) (i32.const 1024)) (i32.store (i32.const 76) (i32.const 1)) (i32.const 64)";
    let connector = load(Guest { bodies: &[("pull", body)], ..Guest::default() }, small()).await;
    let answer = connector.pull(request(0, None)).await;
    let kind = FaultKind::BadAnswer("a row's id is empty".into());
    let fault = Fault { plugin: "test".parse().unwrap(), verb: "pull", kind };
    assert_eq!(answer, Err(CallError::Fault(fault)));
}

#[tokio::test]
async fn nothing_survives_a_call() {
    // Answers `token-expired` the first time that this memory is used, and `temporary` the second.
    let body = "(i32.store8 (i32.const 64) (i32.const 1))
        (i32.store8 (i32.const 72) (i32.add (i32.const 5) (i32.load (i32.const 4096))))
        (i32.store (i32.const 4096) (i32.const 1))
        (i32.const 64)";
    let connector = load(Guest { bodies: &[("check", body)], ..Guest::default() }, small()).await;
    for _ in 0..3 {
        assert_eq!(connector.check().await, Err(CallError::Advice(Failure::TokenExpired)));
    }
}
