//! `ferry serve`

use std::sync::Arc;
use std::time::Duration;

use ferry::server::{keep_retention, keep_schedules};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::context::{Context, Served};
use super::control::host::{Host, Runner};
use super::failure::CliError;
use super::output::Output;

/// How long a stop waits for runs to come to the end of their page, and for commands to come to theirs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The exit code of a program that was interrupted at once.
const INTERRUPTED: i32 = 130;

/// Run syncs by their schedules; every other command talks to this process while it runs
///
/// Runs until SIGTERM or Ctrl-C: then nothing new begins, and runs end after the page that they are at. A second signal ends
/// it where it is; what was committed stays.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let app = context.app()?;
    let state_dir = context.state_dir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Start)?;
    runtime.block_on(async {
        let mut signals = Signals::catch().map_err(CliError::Start)?;
        let host = Host::listen(&state_dir).map_err(CliError::Listen)?;
        let served = Served { app: Arc::clone(&app), runtime: runtime.handle().clone() };
        say_ready(context)?;
        let runner: Arc<dyn Runner> = Arc::new(Commands(served));
        let schedules = tokio::spawn(keep_schedules(Arc::clone(&app)));
        let retention = tokio::spawn(keep_retention(Arc::clone(&app)));
        tokio::select! {
            () = host.serve(runner) => {}
            () = signals.next() => {}
        }
        context.output.note("stopping: runs end after their page; a second signal ends them at once");
        retention.abort();
        app.stop_runs();
        tokio::select! {
            () = finish(host, schedules) => Ok(()),
            () = signals.next() => std::process::exit(INTERRUPTED),
        }
    })
}

/// Returns when no command and no run by schedule is left.
async fn finish(host: Host, schedules: JoinHandle<()>) {
    host.finish(PATIENCE).await;
    if let Err(error) = schedules.await {
        tracing::error!(%error, "the schedules ended by themselves");
    }
}

fn say_ready(context: &Context) -> Result<(), CliError> {
    let state = context.state_dir()?;
    if context.output.json {
        return context.output.json_line(&json!({ "serving": state, "process": std::process::id() }));
    }
    context.output.line(&format!("serving {}; other commands reach it by themselves", state.display()))
}

/// The signals that ask for an end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

struct Commands(Served);

impl Runner for Commands {
    fn run(&self, words: Vec<Vec<u8>>, workspace: &str, output: &Output) -> u8 {
        super::run_served(words, workspace, output, &self.0)
    }
}
