//! Mappings: one instance for one run, dead after a fault.

use super::guests::{Guest, grant, pack};
use crate::model::failure::{Fault, FaultKind};
use crate::model::manifest::Limits;
use crate::model::mapping::{Direction, Mapped, Mapper, Mapping, MappingError, Mistake};
use crate::model::value::Value;
use crate::plugin::{Options, Plugins, SandboxedMapper};

/// `open` gives the resource of the number 7; its output is no columns.
const OPEN: [(&str, &str); 2] = [
    (
        "[static]mapping.open",
        "(i32.store (i32.const 68) (call $new (i32.const 7))) (i32.store8 (i32.const 64) (i32.const 0)) (i32.const 64)",
    ),
    ("[method]mapping.output", "(i32.const 96)"),
];

const NEW: &str =
    r#"(import "[export]ferry:crm/mapper@0.1.0" "[resource-new]mapping" (func $new (param i32) (result i32)))"#;

/// Gives as many empty rows as it is given, out of 64 KiB of zeros.
const EMPTY_ROWS: &str =
    "(i32.store (i32.const 64) (i32.const 1024)) (i32.store (i32.const 68) (local.get 2)) (i32.const 64)";

async fn load(items: &str, bodies: &[(&str, &str)], limits: Limits) -> SandboxedMapper {
    let cache = tempfile::tempdir().unwrap();
    let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
    let package = pack(&Guest { items, bodies, pages: 0 }.mapper(), "mapper");
    let grant = grant(&package, limits);
    plugins.load(package, &grant).await.unwrap().mapper().unwrap()
}

async fn open(rows: &str, limits: Limits) -> Box<dyn Mapping> {
    let bodies = [OPEN[0], OPEN[1], ("[method]mapping.rows", rows)];
    let mapper = load(NEW, &bodies, limits).await;
    mapper.open("", Direction::Inbound, &[]).await.unwrap()
}

fn fault(kind: FaultKind) -> Fault {
    Fault { plugin: "test".parse().unwrap(), verb: "rows", kind }
}

#[tokio::test]
async fn a_mapping_maps_batch_after_batch() {
    let mut mapping = open(EMPTY_ROWS, Limits::default()).await;
    assert_eq!(mapping.output(), []);
    for _ in 0..3 {
        assert_eq!(mapping.rows(vec![Vec::new(); 2]).await, Ok(vec![Mapped::Values(Vec::new()); 2]));
    }
}

#[tokio::test]
async fn a_mapping_gives_a_result_for_each_row() {
    let mut mapping = open("(i32.const 96)", Limits::default()).await;
    let bad = fault(FaultKind::BadAnswer("it gives 0 results for 2 rows".into()));
    assert_eq!(mapping.rows(vec![vec![Value::Null]; 2]).await, Err(bad));
}

#[tokio::test]
async fn a_mapping_that_was_stopped_stays_dead() {
    let mut mapping = open("unreachable", Limits::default()).await;
    let trap = fault(FaultKind::Trap("wasm `unreachable` instruction executed".into()));
    for _ in 0..2 {
        assert_eq!(mapping.rows(vec![Vec::new()]).await, Err(trap.clone()));
    }
}

#[tokio::test]
async fn a_mapper_that_spins_is_stopped_at_its_deadline() {
    let limits = Limits { call_seconds: 0, ..Limits::default() };
    let mapper = load("", &[("reads", "(loop (br 0)) unreachable")], limits).await;
    let late = Fault { verb: "reads", ..fault(FaultKind::Deadline { limit_ms: 0 }) };
    assert_eq!(mapper.reads("", Direction::Inbound).await, Err(MappingError::Fault(late)));
}

#[tokio::test]
async fn a_mapping_whose_call_was_given_up_stays_dead() {
    let mut mapping = open("(loop (br 0)) unreachable", Limits::default()).await;
    tokio::select! {
        biased;
        answer = mapping.rows(vec![Vec::new()]) => panic!("it should still spin: {answer:?}"),
        () = tokio::task::yield_now() => {}
    }
    let given_up = fault(FaultKind::Trap("a call before this one was given up".into()));
    assert_eq!(mapping.rows(vec![Vec::new()]).await, Err(given_up));
}

#[tokio::test]
async fn mistakes_of_a_configuration_are_not_faults() {
    // A list of one mistake, all zeros but the 1 for an error.
    let body = "(i32.store8 (i32.const 64) (i32.const 1)) (i32.store (i32.const 68) (i32.const 1024))
        (i32.store (i32.const 72) (i32.const 1)) (i32.const 64)";
    let mapper = load("", &[("reads", body), ("[static]mapping.open", body)], Limits::default()).await;
    let mistake = Mistake { line: None, path: String::new(), message: String::new(), hint: None };
    assert_eq!(mapper.reads("", Direction::Inbound).await, Err(MappingError::Mistakes(vec![mistake.clone()])));
    let opened = mapper.open("", Direction::Inbound, &[]).await.map(|mapping| mapping.output().to_vec());
    assert_eq!(opened, Err(MappingError::Mistakes(vec![mistake])));
}
