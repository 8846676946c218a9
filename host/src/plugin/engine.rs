//! The engine that compiles and runs components, and the clock tick that interrupts them. One per process; made when
//! the first plugin is loaded, because it costs address space and a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::model::manifest::Limits;

/// How often running guests look up: a deadline is kept to within two of these, and a busy guest lets other work run
/// this often. So long may a call compute before anybody knows that it does.
pub(super) const TICK: Duration = Duration::from_millis(2);

/// How long the ticking thread sleeps when no guest runs, before it looks whether the engine is still there.
const IDLE: Duration = Duration::from_secs(1);

/// Calls and open mappings that may be inside the sandbox at once. Beyond, they wait for a place.
pub(super) const PLACES: u32 = 64;

/// Core instances, memories and tables of one component. Rust needs 3, 1 and 2; a component with a JavaScript engine in it some
/// more, and with Python, whose extension modules are linked as instances of their own, 38 instances.
const CORE_INSTANCES: u32 = 64;
const MEMORIES: u32 = 4;
const TABLES: u32 = 16;

/// Elements of one table: an entry for each function whose address is taken. Large language runtimes have 10,000.
pub(super) const TABLE_ELEMENTS: usize = 20_000;

/// The stack of a guest: deep recursion of a JSON parser fits, and a runaway one ends early.
const GUEST_STACK_BYTES: usize = 1 << 20;

/// The stack that guest and host calls share; the host's part is what is above the guest's.
const CALL_STACK_BYTES: usize = 2 << 20;

/// Bytes of a table that stay in memory of a used place.
const KEPT_TABLE_BYTES: usize = 16 << 10;

/// Bytes of a linear memory that stay with a used place, where Linux (6.7 and newer) can tell which pages a guest has touched:
/// they are cleared one by one, and the next guest meets no page faults. Enough for a page of a hundred records. Elsewhere
/// nothing stays, for clearing what may not have been touched costs more than letting it go.
const KEPT_MEMORY_BYTES: usize = 2 << 20;

/// Places that keep what they had when nobody uses them.
const WARM_PLACES: u32 = 16;

/// Address space that a memory reserves where there is little: the usual 4 GiB would let no two guests run at once. A guest
/// that grows beyond is moved.
const SCARCE_RESERVATION_BYTES: u64 = 64 << 20;

/// An engine that only compiles, for an engine that runs: it reserves nothing.
pub(super) fn compiling(scarce: bool) -> wasmtime::Result<Engine> {
    let mut config = config();
    if scarce {
        config.memory_reservation(SCARCE_RESERVATION_BYTES);
    }
    Engine::new(&config)
}

/// An engine with its tick. The tick stops when the engine is dropped.
pub(super) struct TickingEngine {
    engine: Engine,
    /// There is little address space, so that memories reserve less of it.
    scarce: bool,
    tick: Arc<Tick>,
}

struct Tick {
    /// Guests that are running now.
    running: AtomicUsize,
    thread: Thread,
}

/// Keeps the tick going while a guest runs.
pub(super) struct Running(Arc<Tick>);

impl TickingEngine {
    pub(super) fn new() -> wasmtime::Result<Self> {
        let (engine, scarce) = pooled_or_on_demand()?;
        let weak = engine.weak();
        let (send, receive) = std::sync::mpsc::channel::<std::sync::Weak<Tick>>();
        let handle = std::thread::Builder::new().name("ferry-tick".into()).spawn(move || {
            if let Ok(tick) = receive.recv() {
                keep_ticking(&weak, &tick);
            }
        })?;
        let tick = Arc::new(Tick { running: AtomicUsize::new(0), thread: handle.thread().clone() });
        // The thread waits for this, so it can't be gone.
        let _ = send.send(Arc::downgrade(&tick));
        Ok(Self { engine, scarce, tick })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn is_scarce(&self) -> bool {
        self.scarce
    }

    /// To be held as long as a guest runs: without it the tick rests, and a deadline would never come.
    pub(super) fn running(&self) -> Running {
        if self.tick.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.tick.thread.unpark();
        }
        Running(Arc::clone(&self.tick))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn keep_ticking(engine: &EngineWeak, tick: &std::sync::Weak<Tick>) {
    loop {
        let Some(running) = tick.upgrade().map(|tick| tick.running.load(Ordering::SeqCst)) else { return };
        if running == 0 {
            std::thread::park_timeout(IDLE);
            continue;
        }
        std::thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}

/// Pooled memory makes an instance cheap, but reserves some 2 TiB of address space; where that is not to be had, the
/// engine works without.
fn pooled_or_on_demand() -> wasmtime::Result<(Engine, bool)> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    Engine::new(&config).map(|engine| (engine, false)).or_else(|error| {
        tracing::warn!(%error, "no pooled memory for plugins: calls are slower");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand).memory_reservation(SCARCE_RESERVATION_BYTES);
        Ok((Engine::new(&config)?, true))
    })
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Calls are one at a time per instance; without the machinery for more, each costs a third.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        .cranelift_opt_level(OptLevel::Speed)
        // The same rows give the same rows on every machine.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        // Release builds of plugins have no names that a backtrace could show.
        .wasm_backtrace_max_frames(None);
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let places = PLACES * 2;
    pool.total_component_instances(places)
        .total_core_instances(places * CORE_INSTANCES)
        .total_memories(places * 2)
        .total_tables(places * 4)
        .total_stacks(places)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .max_memories_per_module(MEMORIES)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size((Limits::MOST.memory_mib as usize) << 20)
        .table_keep_resident(KEPT_TABLE_BYTES)
        .max_unused_warm_slots(WARM_PLACES);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT_MEMORY_BYTES);
    }
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compiled_elsewhere_fits() {
        let hash = |engine: &Engine| {
            use std::hash::{Hash, Hasher};
            let mut hasher = siphasher::sip::SipHasher13::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        let ticking = TickingEngine::new().unwrap();
        assert_eq!(hash(ticking.engine()), hash(&compiling(ticking.is_scarce()).unwrap()));
        assert_ne!(hash(&compiling(false).unwrap()), hash(&compiling(true).unwrap()));
    }

    #[test]
    fn the_tick_runs_only_while_a_guest_runs() {
        let ticking = TickingEngine::new().unwrap();
        assert_eq!(ticking.tick.running.load(Ordering::SeqCst), 0);
        let (one, two) = (ticking.running(), ticking.running());
        assert_eq!(ticking.tick.running.load(Ordering::SeqCst), 2);
        drop((one, two));
        assert_eq!(ticking.tick.running.load(Ordering::SeqCst), 0);
    }
}
