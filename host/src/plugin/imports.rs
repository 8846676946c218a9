//! What a connector's guest finds behind its imports: the ports that the call was given, counted and converted.

use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand::rngs::SmallRng;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Result};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{HostWallClock, WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::{cli, clocks, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::IoView;
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{OutputStream, StreamResult};

use super::bindings::connector::ferry::crm::{http, log, signature, types};
use super::budget::{Budget, Budgeted};
use super::convert;
use crate::capability::log::{CallLog, Level, MAX_LINE_BYTES};
use crate::model::http::{HttpError, Outbound, Request, Response};
use crate::model::time::{Clock, Instant};

/// Random bytes that a guest may ask for at once: seeds and ids, not data.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// Bytes that a guest may write to its standard output in one go.
const STDOUT_PERMIT: usize = 64 << 10;

/// What a connector's imports lead to.
pub(super) struct Ports {
    pub(super) outbound: Arc<dyn Outbound>,
    pub(super) log: CallLog,
    pub(super) clock: Arc<dyn Clock>,
    /// Where all randomness comes from; none for what nobody can foretell.
    pub(super) seed: Option<u64>,
}

/// The data of a store in which a connector runs one call.
pub(super) struct ConnectorState {
    budget: Budget,
    outbound: Arc<dyn Outbound>,
    log: CallLog,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl ConnectorState {
    pub(super) fn new(budget: Budget, ports: Ports) -> Self {
        let Ports { outbound, log, clock, seed } = ports;
        let mut wasi = WasiCtx::builder();
        if let Some(seed) = seed {
            let random = |stream| SmallRng::seed_from_u64(seed ^ stream);
            wasi.secure_random(random(1)).insecure_random(random(2)).insecure_random_seed(seed.into());
        }
        let wasi = wasi
            .stdout(LineStream::new(log.clone(), Level::Info))
            .stderr(LineStream::new(log.clone(), Level::Warn))
            .wall_clock(WallClock(clock))
            .max_random_size(MAX_RANDOM_BYTES)
            .build();
        Self { budget, outbound, log, wasi, table: ResourceTable::new() }
    }
}

/// The imports of a connector: the contract's, and what a language's runtime needs of WASI. No files, no sockets.
pub(super) fn connector_linker(engine: &Engine) -> Result<Linker<ConnectorState>> {
    type State = ConnectorState;
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    types::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    http::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    signature::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    wasmtime_wasi_io::add_to_linker_async(l)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    Ok(linker)
}

impl Budgeted for ConnectorState {
    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

impl WasiView for ConnectorState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl IoView for ConnectorState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl types::Host for ConnectorState {}

fn answered(answer: &std::result::Result<Response, HttpError>) -> usize {
    answer.as_ref().map_or(0, Response::size)
}

impl http::Host for ConnectorState {
    async fn send(&mut self, request: http::Request) -> Result<std::result::Result<http::Response, http::Error>> {
        self.budget.host_calls(1)?;
        let request = convert::request(request);
        self.budget.traffic(request.size())?;
        let answer = self.outbound.send(request).await;
        self.budget.traffic(answered(&answer))?;
        Ok(convert::response(answer))
    }

    async fn send_all(
        &mut self,
        requests: Vec<http::Request>,
    ) -> Result<Vec<std::result::Result<http::Response, http::Error>>> {
        self.budget.host_calls(requests.len().max(1))?;
        let requests: Vec<_> = requests.into_iter().map(convert::request).collect();
        self.budget.traffic(requests.iter().map(Request::size).sum())?;
        let answers = self.outbound.send_all(requests).await;
        self.budget.traffic(answers.iter().map(answered).sum())?;
        Ok(answers.into_iter().map(convert::response).collect())
    }
}

impl log::Host for ConnectorState {
    fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        self.budget.host_calls(1)?;
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log.write(level, &message);
        Ok(())
    }
}

impl signature::Host for ConnectorState {
    fn hmac_sha256(&mut self, message: Vec<u8>, mac: Vec<u8>) -> Result<bool> {
        self.budget.host_calls(1)?;
        Ok(self.outbound.verify_hmac_sha256(&message, &mac))
    }
}

/// The host's clock, as a language's runtime asks for it.
struct WallClock(Arc<dyn Clock>);

impl HostWallClock for WallClock {
    fn resolution(&self) -> std::time::Duration {
        std::time::Duration::from_micros(1)
    }

    fn now(&self) -> std::time::Duration {
        self.0.now().since(Instant(0))
    }
}

/// Standard output or error of a guest, as lines in the log. Never full: what is too much is dropped and marked there.
#[derive(Clone)]
struct LineStream {
    log: CallLog,
    level: Level,
    /// The line that has no end yet.
    begun: Arc<Mutex<Vec<u8>>>,
}

impl LineStream {
    fn new(log: CallLog, level: Level) -> Self {
        Self { log, level, begun: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            // One byte more than a line may have shows that it was longer.
            let room = (MAX_LINE_BYTES + 1).saturating_sub(begun.len());
            begun.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end(&mut begun);
            }
        }
    }

    fn end(&self, begun: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(begun);
        if !text.trim().is_empty() {
            self.log.write(self.level, &text);
        }
        begun.clear();
    }
}

impl Drop for LineStream {
    fn drop(&mut self) {
        // The last of the clones writes the line that never ended.
        if let Some(begun) = Arc::get_mut(&mut self.begun) {
            let mut begun = std::mem::take(begun.get_mut().unwrap_or_else(PoisonError::into_inner));
            self.end(&mut begun);
        }
    }
}

impl IsTerminal for LineStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineStream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form, and no plugin has that.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LineStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(STDOUT_PERMIT)
    }
}

#[async_trait::async_trait]
impl Pollable for LineStream {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::log::{LogSink, LogSinkOptions};

    fn sink() -> Arc<LogSink> {
        let (plugin, connection) = ("p".parse().unwrap(), "main".parse().unwrap());
        LogSink::new(LogSinkOptions { plugin, connection, excesses: Arc::default(), probe: None })
    }

    #[test]
    fn standard_output_becomes_whole_lines() {
        let sink = sink();
        let stream = LineStream::new(sink.call("pull"), Level::Info);
        let twin = stream.clone();
        stream.take(b"one\ntw");
        twin.take(b"o\n\nthree");
        drop((stream, twin));
        let texts: Vec<String> = sink.recent().into_iter().map(|line| line.text).collect();
        assert_eq!(texts, ["one", "two", "three"]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let sink = sink();
        let stream = LineStream::new(sink.call("pull"), Level::Info);
        for _ in 0..10 {
            stream.take(&[b'x'; 10_000]);
        }
        assert_eq!(stream.begun.lock().unwrap().len(), MAX_LINE_BYTES + 1);
        stream.take(b"y\n");
        assert!(sink.recent()[0].text.ends_with("x… (cut)"));
    }
}
