//! The side that has the state open: takes command lines from the socket and runs each in a thread of its own, apart from what only
//! waits for a plugin.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::frame::{self, CommandLine, Order, VERSION};
use super::remote::RemoteConsole;
use super::socket;
use crate::cli::failure::CliError;
use crate::cli::output::Output;

/// Commands at once. Most have a thread, and one more while they listen to their caller; a platform that calls more often than this
/// is better off asking in one command. Several times the places in the sandbox: commands that wait for one must not keep out the
/// command that would release it.
const MOST_COMMANDS: usize = 256;

/// How long a caller may take to say what it wants.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// Runs a command line against this process's state; gives the exit code.
pub(in crate::cli) trait Runner: Send + Sync + 'static {
    fn run(&self, words: Vec<Vec<u8>>, workspace: &str, output: &Output) -> Ran;
}

/// What became of a command.
pub(in crate::cli) enum Ran {
    /// It is over, with this exit code.
    Ended(u8),
    /// It waits without a thread; to tell what came of it takes one.
    Waits(BoxFuture<'static, Telling>),
}

/// Tells the caller what came of its command, and gives the exit code.
pub(in crate::cli) type Telling = Box<dyn FnOnce() -> u8 + Send>;

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
            tokio::spawn(async move {
                if let Err(error) = attend(stream, runner, open).await {
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

/// A command that waits without a thread.
struct Waiting {
    console: RemoteConsole,
    output: Output,
    stream: UnixStream,
    answer: BoxFuture<'static, Telling>,
    _listed: Listed,
}

async fn attend(stream: UnixStream, runner: Arc<dyn Runner>, open: Arc<Mutex<Open>>) -> io::Result<()> {
    let begun = tokio::task::spawn_blocking(move || begin(stream, &*runner, open)).await??;
    let Some(Waiting { console, output, stream, answer, _listed }) = begun else { return Ok(()) };
    // It was asked nothing, so what comes from it is that it has gone: then nobody waits for the answer any more.
    stream.set_nonblocking(true)?;
    let caller = tokio::net::UnixStream::from_std(stream)?;
    let answer = tokio::select! {
        answer = AssertUnwindSafe(answer).catch_unwind() => answer,
        _ = caller.readable() => return Ok(()),
    };
    // The console writes to the same socket.
    caller.into_std()?.set_nonblocking(false)?;
    let tell = move || {
        let code = answer.and_then(guarded).unwrap_or_else(|_| panicked(&output));
        console.tell(&Order::Exit(code))
    };
    tokio::task::spawn_blocking(tell).await?
}

fn begin(mut stream: UnixStream, runner: &dyn Runner, open: Arc<Mutex<Open>>) -> io::Result<Option<Waiting>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(ASKED_WITHIN))?;
    frame::send(&mut stream, &VERSION)?;
    let line: CommandLine = frame::receive(&mut stream)?;
    stream.set_read_timeout(None)?;
    let listed = Listed::add(stream.try_clone()?, open);
    let own = stream.try_clone()?;
    let console = RemoteConsole::new(stream, line.person);
    let output = Output::new(line.json, line.facts, Arc::new(console.clone()));
    let ran = guarded(|| runner.run(line.words, &line.workspace, &output));
    match ran.unwrap_or_else(|_| Ran::Ended(panicked(&output))) {
        Ran::Ended(code) => console.tell(&Order::Exit(code)).map(|()| None),
        Ran::Waits(answer) => Ok(Some(Waiting { console, output, stream: own, answer, _listed: listed })),
    }
}

/// A mistake of ours in one command must not take the others with it, nor leave its caller waiting.
fn guarded<T>(run: impl FnOnce() -> T) -> std::thread::Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(run))
}

fn panicked(output: &Output) -> u8 {
    let error = CliError::Panicked;
    error.report(output);
    error.exit_code()
}

/// The connections of the commands that run.
#[derive(Default)]
struct Open {
    last: u64,
    streams: HashMap<u64, UnixStream>,
}

/// A connection's place among them.
struct Listed {
    number: u64,
    open: Arc<Mutex<Open>>,
}

impl Listed {
    fn add(stream: UnixStream, open: Arc<Mutex<Open>>) -> Self {
        let mut list = open.lock().unwrap_or_else(PoisonError::into_inner);
        list.last += 1;
        let number = list.last;
        list.streams.insert(number, stream);
        drop(list);
        Self { number, open }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let stream = self.open.lock().unwrap_or_else(PoisonError::into_inner).streams.remove(&self.number);
        // Nothing more comes: this ends the thread that reads, too.
        let _ = stream.map(|stream| stream.shutdown(std::net::Shutdown::Read));
    }
}
