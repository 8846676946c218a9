//! What one call may use, counted as it runs, and the name of what stopped it. Knows no connector and no mapper.

use std::time::{Duration, Instant};

use wasmtime::{Engine, ResourceLimiter, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use super::engine::TABLE_ELEMENTS;
use crate::capability::log::clean;
use crate::model::failure::FaultKind;
use crate::model::manifest::Limits;
use crate::model::probe::Usage;

/// Core instances, tables and memories of one store; see the engine's pool for their sizes.
const INSTANCES: usize = 64;
const TABLES: usize = 64;
const MEMORIES: usize = 16;

/// Handles of resources that a guest may hold at once: streams of its standard output, and its own.
const HANDLES: u32 = 1_000;

/// Bytes of a trap's text that a person gets to see.
const TRAP_TEXT_BYTES: usize = 300;

/// The text of wasmtime's private error for an answer beyond `Store::set_hostcall_fuel`.
const COPY_LIMIT_TEXT: &str = "fuel allocated for hostcalls has been exhausted";

/// The text of wasmtime's private error for a handle beyond `Store::set_max_component_handles`.
const HANDLE_LIMIT_TEXT: &str = "store handle limit exceeded";

/// A call that took longer than it may.
pub(super) fn late(limit: Duration) -> FaultKind {
    FaultKind::Deadline { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
}

/// The text of wasmtime's note on where an access outside of memory went; the address follows in hex.
const FAULT_TEXT: &str = "memory fault at wasm address 0x";

/// How far below zero a frame of a guest's own stack may reach: arrays of a megabyte do occur in one.
const STACK_REACH: u64 = 16 << 20;

/// The allowance of a call, and what is left of it.
pub(super) struct Budget {
    limits: Limits,
    begun: Instant,
    deadline: Instant,
    memory_bytes: usize,
    /// The last growth that was allowed, to be taken back if the engine could not do it.
    granted_bytes: usize,
    memory_denied: bool,
    host_calls: u32,
    host_calls_denied: bool,
    traffic_bytes: u64,
    traffic_denied: bool,
    tables_denied: bool,
}

/// The mark on an error of starting a guest, before it was asked anything.
#[derive(Debug, thiserror::Error)]
#[error("the plugin could not be started")]
pub(super) struct Starting;

/// A store's data that carries a budget.
pub(super) trait Budgeted: Send + 'static {
    fn budget(&mut self) -> &mut Budget;
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        let mut budget = Self {
            limits,
            begun: Instant::now(),
            deadline: Instant::now(),
            memory_bytes: 0,
            granted_bytes: 0,
            memory_denied: false,
            host_calls: 0,
            host_calls_denied: false,
            traffic_bytes: 0,
            traffic_denied: false,
            tables_denied: false,
        };
        budget.rearm();
        budget
    }

    /// Gives a new call its time and its host calls; memory stays counted, for it is still there.
    pub(super) fn rearm(&mut self) {
        self.begun = Instant::now();
        self.deadline = self.begun + self.time();
        self.host_calls = 0;
        self.host_calls_denied = false;
        (self.traffic_bytes, self.traffic_denied, self.tables_denied) = (0, false, false);
    }

    /// How long a call may take on the wall.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(u64::from(self.limits.call_seconds))
    }

    /// Counts so many host calls; an error stops the guest.
    pub(super) fn host_calls(&mut self, number: usize) -> wasmtime::Result<()> {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.host_calls = self.host_calls.saturating_add(number);
        self.host_calls_denied = self.host_calls > self.limits.host_calls;
        if self.host_calls_denied {
            return Err(wasmtime::Error::msg("too many host calls"));
        }
        Ok(())
    }

    /// Counts bytes that went out or came in; an error stops the guest.
    pub(super) fn traffic(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.traffic_bytes = self.traffic_bytes.saturating_add(bytes as u64);
        self.traffic_denied = self.traffic_bytes > u64::from(self.limits.traffic_mib) << 20;
        if self.traffic_denied {
            return Err(wasmtime::Error::msg("too many bytes of requests and answers"));
        }
        Ok(())
    }

    /// What the call has used so far.
    pub(super) fn usage(&self) -> Usage {
        Usage { memory_bytes: self.memory_bytes as u64, host_calls: self.host_calls, time: self.begun.elapsed() }
    }

    /// What stopped the guest.
    pub(super) fn fault(&self, error: &wasmtime::Error) -> FaultKind {
        let trap = error.downcast_ref::<Trap>().copied();
        match trap {
            Some(Trap::Interrupt) => return late(self.time()),
            Some(Trap::StackOverflow) => return FaultKind::StackOverflow,
            Some(Trap::MemoryOutOfBounds) if fault_below_zero(error) => return FaultKind::StackOverflow,
            _ => {}
        }
        if self.host_calls_denied {
            return FaultKind::HostCalls { limit: self.limits.host_calls };
        }
        if self.traffic_denied {
            return FaultKind::Traffic { limit_mib: self.limits.traffic_mib };
        }
        let cause = error.root_cause().to_string();
        if cause.contains(COPY_LIMIT_TEXT) {
            return FaultKind::AnswerSize { limit_mib: self.limits.answer_mib };
        }
        if cause.contains(HANDLE_LIMIT_TEXT) {
            return FaultKind::Handles { limit: HANDLES };
        }
        // A guest that is refused memory gives up in its own way, mostly by an illegal instruction.
        if self.memory_denied {
            return FaultKind::Memory { limit_mib: self.limits.memory_mib };
        }
        if self.tables_denied {
            return FaultKind::Tables { limit: TABLE_ELEMENTS as u32 };
        }
        let text = clean(cause.strip_prefix("wasm trap: ").unwrap_or(&cause), TRAP_TEXT_BYTES);
        // A guest runs code of its own while it starts: where that broke off, it is no trouble of the host's.
        let is_its_own = trap.is_some() || error.is::<I32Exit>();
        if error.is::<Starting>() && !is_its_own { FaultKind::Start(text) } else { FaultKind::Trap(text) }
    }
}

/// Whether an access failed just below address zero. Compilers put a guest's own stack at the beginning of its memory and
/// let it grow down, so that is where it ends when it recurses too deeply.
fn fault_below_zero(error: &wasmtime::Error) -> bool {
    const TOP: u64 = 1 << 32;
    let below = |message: String| {
        let digits = message.strip_prefix(FAULT_TEXT)?.split_whitespace().next()?.to_owned();
        let address = u64::from_str_radix(&digits, 16).ok()?;
        Some((TOP - STACK_REACH..TOP + STACK_REACH).contains(&address))
    };
    error.chain().any(|cause| below(cause.to_string()) == Some(true))
}

impl ResourceLimiter for Budget {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let wanted = self.memory_bytes.saturating_add(growth);
        if wanted > (self.limits.memory_mib as usize) << 20 {
            self.memory_denied = true;
            return Ok(false);
        }
        self.memory_bytes = wanted;
        self.granted_bytes = growth;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.granted_bytes);
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.tables_denied |= desired > TABLE_ELEMENTS;
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

/// A store whose guest is held to the budget in its data.
pub(super) fn store<T: Budgeted>(engine: &Engine, mut data: T) -> Store<T> {
    let answer_bytes = (data.budget().limits.answer_mib as usize) << 20;
    let mut store = Store::new(engine, data);
    store.limiter(|data| data.budget());
    store.set_hostcall_fuel(answer_bytes);
    store.set_max_component_handles(HANDLES as usize);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let late = Instant::now() >= context.data_mut().budget().deadline;
        // A busy guest gives way at every tick, so that it can't starve the tasks beside it.
        Ok(if late { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
    store
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Component, Linker};

    use super::*;
    use crate::plugin::engine::TickingEngine;

    impl Budgeted for Budget {
        fn budget(&mut self) -> &mut Budget {
            self
        }
    }

    #[tokio::test]
    async fn a_guest_that_hoards_handles_is_told_the_limit() {
        let text = r#"(component
            (type $r (resource (rep i32)))
            (core func $new (canon resource.new $r))
            (core module $m
                (import "" "new" (func $new (param i32) (result i32)))
                (func (export "hoard") (loop (drop (call $new (i32.const 1))) (br 0))))
            (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
            (func (export "hoard") (canon lift (core func $i "hoard"))))"#;
        let ticking = TickingEngine::new().unwrap();
        let component = Component::new(ticking.engine(), wat::parse_str(text).unwrap()).unwrap();
        let mut store = store(ticking.engine(), Budget::new(Limits::default()));
        let linker = Linker::new(ticking.engine());
        let instance = linker.instantiate_async(&mut store, &component).await.unwrap();
        let hoard = instance.get_typed_func::<(), ()>(&mut store, "hoard").unwrap();
        let error = hoard.call_async(&mut store, ()).await.unwrap_err();
        assert_eq!(store.data().fault(&error), FaultKind::Handles { limit: HANDLES });
    }

    #[test]
    fn only_what_the_host_could_not_do_is_trouble_with_starting() {
        let budget = Budget::new(Limits::default());
        let fault = |error: wasmtime::Error| budget.fault(&error.context(Starting));
        assert_eq!(fault(wasmtime::Error::msg("no room")), FaultKind::Start("no room".into()));
        let exit = fault(I32Exit(1).into());
        assert_eq!(exit, FaultKind::Trap("Exited with i32 exit status 1".into()), "a guest that left by itself");
    }

    #[test]
    fn traffic_is_counted_in_both_directions_and_anew_for_each_call() {
        let mut budget = Budget::new(Limits { traffic_mib: 1, ..Limits::default() });
        assert!(budget.traffic(1 << 19).is_ok() && budget.traffic(1 << 19).is_ok());
        let error = budget.traffic(1).unwrap_err();
        assert_eq!(budget.fault(&error), FaultKind::Traffic { limit_mib: 1 });
        budget.rearm();
        assert!(budget.traffic(1).is_ok());
    }
}
