//! The side that has the state open: takes command lines from the socket and runs each in a thread of its own.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::frame::{self, CommandLine, Order, VERSION};
use super::remote::RemoteConsole;
use super::socket;
use crate::cli::failure::CliError;
use crate::cli::output::Output;

/// Commands at once. Each has a thread, and one more while it listens to its caller; a platform that calls more often than this is better off asking in one command. Several times
/// the places in the sandbox: commands that wait for one must not keep out the command that would release it.
const MOST_COMMANDS: usize = 256;

/// How long a caller may take to say what it wants.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// Runs a command line against this process's state; gives the exit code.
pub(in crate::cli) trait Runner: Send + Sync + 'static {
    fn run(&self, words: Vec<Vec<u8>>, workspace: &str, output: &Output) -> u8;
}

/// The open socket, for as long as it is served.
pub(in crate::cli) struct Host {
    listener: UnixListener,
    state_dir: PathBuf,
    places: Arc<Semaphore>,
    /// The connections of commands that run, to be cut where a command waits for somebody who does not come.
    open: Arc<Mutex<Open>>,
}

impl Host {
    /// Only the process that holds the state may call this; needs the runtime.
    pub(in crate::cli) fn listen(state_dir: &Path) -> io::Result<Self> {
        let listener = socket::listen(state_dir)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: UnixListener::from_std(listener)?,
            state_dir: state_dir.to_owned(),
            places: Arc::new(Semaphore::new(MOST_COMMANDS)),
            open: Arc::default(),
        })
    }

    /// Takes commands until it is dropped.
    pub(in crate::cli) async fn serve(&self, runner: Arc<dyn Runner>) {
        loop {
            // A failed accept is the caller's trouble, or a lack of files that passes.
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // The socket's mode says so too, but it is open to all for the moment before that is set.
            let own = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
            let Some(stream) = stream.into_std().ok().filter(|_| own) else { continue };
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
            let (runner, open) = (Arc::clone(&runner), Arc::clone(&self.open));
            tokio::task::spawn_blocking(move || {
                if let Err(error) = take(stream, &*runner, &open) {
                    tracing::debug!(%error, "a caller has gone");
                }
                drop(place);
            });
        }
    }

    /// Returns when no command runs; after `patience` those that are left lose their callers.
    pub(in crate::cli) async fn finish(self, patience: Duration) {
        socket::remove(&self.state_dir);
        let all = u32::try_from(MOST_COMMANDS).unwrap_or(u32::MAX);
        if tokio::time::timeout(patience, self.places.acquire_many(all)).await.is_ok() {
            return;
        }
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).streams.values() {
            // It may have been closed by its caller.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        let _ = tokio::time::timeout(patience, self.places.acquire_many(all)).await;
    }
}

fn take(mut stream: UnixStream, runner: &dyn Runner, open: &Mutex<Open>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(ASKED_WITHIN))?;
    frame::send(&mut stream, &VERSION)?;
    let line: CommandLine = frame::receive(&mut stream)?;
    stream.set_read_timeout(None)?;
    let _listed = Listed::add(stream.try_clone()?, open);
    let console = RemoteConsole::new(stream, line.person);
    let output = Output::new(line.json, line.facts, Arc::new(console.clone()));
    // A mistake of ours in one command must not take the others with it, nor leave its caller waiting.
    let run = std::panic::AssertUnwindSafe(|| runner.run(line.words, &line.workspace, &output));
    let code = std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let error = CliError::Panicked;
        error.report(&output);
        error.exit_code()
    });
    console.tell(&Order::Exit(code))
}

/// The connections of the commands that run.
#[derive(Default)]
struct Open {
    last: u64,
    streams: HashMap<u64, UnixStream>,
}

/// A connection's place among them.
struct Listed<'a> {
    number: u64,
    open: &'a Mutex<Open>,
}

impl<'a> Listed<'a> {
    fn add(stream: UnixStream, open: &'a Mutex<Open>) -> Self {
        let mut list = open.lock().unwrap_or_else(PoisonError::into_inner);
        list.last += 1;
        let number = list.last;
        list.streams.insert(number, stream);
        Self { number, open }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let stream = self.open.lock().unwrap_or_else(PoisonError::into_inner).streams.remove(&self.number);
        // Nothing more comes: this ends the thread that reads, too.
        let _ = stream.map(|stream| stream.shutdown(std::net::Shutdown::Read));
    }
}
