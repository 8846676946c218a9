//! `ferry serve`

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ferry::app::retention::Retention;
use ferry::server::{Server, ServerOptions};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use url::Url;

use super::context::{Context, Served};
use super::control::host::{Host, Ran, Runner};
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
pub(super) struct Args {
    /// Serve the API here, as in 127.0.0.1:8080; plain HTTP, so put a proxy with TLS in front of any other address
    #[arg(long, env = "FERRY_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Serve metrics here for Prometheus, over all workspaces and with no sign-in: an address that only you reach
    #[arg(long, env = "FERRY_METRICS", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,

    /// The address that CRMs send webhooks to, where a proxy stands in front, as in https://ferry.example.com
    #[arg(long, env = "FERRY_PUBLIC_URL", value_name = "URL", requires = "listen")]
    public_url: Option<Url>,

    /// How long runs can be read, in days, or `ever`; the last of each sync always can
    #[arg(long, value_name = "DAYS", default_value = "90", value_parser = days)]
    keep_runs: Keep,

    /// How long events can be read, in days, or `ever`
    #[arg(long, value_name = "DAYS", default_value = "30", value_parser = days)]
    keep_events: Keep,

    /// How long the audit log can be read, in days, or `ever`
    #[arg(long, value_name = "DAYS", default_value = "ever", value_parser = days)]
    keep_audit: Keep,
}

/// How long something is kept; none for ever.
#[derive(Debug, Clone, Copy)]
struct Keep(Option<Duration>);

fn days(text: &str) -> Result<Keep, String> {
    if text == "ever" {
        return Ok(Keep(None));
    }
    match text.parse::<u32>() {
        Ok(days) if days > 0 => Ok(Keep(Some(Duration::from_secs(u64::from(days) * 24 * 60 * 60)))),
        _ => Err("write a number of days, or `ever`".to_owned()),
    }
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let app = context.app()?;
    let state_dir = context.state_dir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Start)?;
    runtime.block_on(async {
        let mut signals = Signals::catch().map_err(CliError::Start)?;
        let host = Host::listen(&state_dir).map_err(CliError::Listen)?;
        let served = Served { app: Arc::clone(&app), runtime: runtime.handle().clone() };
        let options = ServerOptions {
            listen: args.listen,
            metrics: args.metrics,
            public_url: args.public_url.clone(),
            retention: Retention { runs: args.keep_runs.0, events: args.keep_events.0, audit: args.keep_audit.0 },
        };
        let server = Server::start(Arc::clone(&app), &options).await.map_err(CliError::ListenHttp)?;
        say_ready(&server, context)?;
        let runner: Arc<dyn Runner> = Arc::new(Commands(served));
        tokio::select! {
            () = host.serve(runner) => {}
            () = signals.next() => {}
        }
        context.output.note("stopping: runs end after their page; a second signal ends them at once");
        app.stop_runs();
        tokio::select! {
            () = finish(host, server) => Ok(()),
            () = signals.next() => std::process::exit(INTERRUPTED),
        }
    })
}

/// Returns when no command, no request and no run is left.
async fn finish(host: Host, server: Server) {
    tokio::join!(host.finish(PATIENCE), server.finish(PATIENCE));
}

fn say_ready(server: &Server, context: &Context) -> Result<(), CliError> {
    let address = |address: Option<SocketAddr>| address.map(|address| format!("http://{address}"));
    let (api, metrics) = (address(server.address()), address(server.metrics()));
    let state = context.state_dir()?;
    if context.output.json {
        return context.output.json_line(&json!({
            "serving": state, "process": std::process::id(), "api": api, "metrics": metrics,
        }));
    }
    context.output.line(&format!("serving {}; other commands reach it by themselves", state.display()))?;
    if let Some(api) = api {
        context.output.line(&format!("the API is at {api}/v1"))?;
    }
    match metrics {
        Some(metrics) => context.output.line(&format!("the metrics are at {metrics}/metrics")),
        None => Ok(()),
    }
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
    fn run(&self, words: Vec<Vec<u8>>, workspace: &str, output: &Output) -> Ran {
        super::run_served(words, workspace, output, &self.0)
    }
}
