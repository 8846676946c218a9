//! The side where the person is: the terminal, the files, the environment. Commands know only this, so they run the same
//! in the program that was called and in a server that it talks to.

mod draft;
mod local;
mod progress;

use std::future::Future;
use std::io::{self, Read, Write};
use std::path::Path;
use std::pin::Pin;

use ferry::model::sync::Counts;
use ferry::sync::Stopper;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

pub(super) use local::{LocalConsole, on_ctrl_c};

/// Stands for stdin among the files that can be read.
pub(super) const STDIN: &str = "-";

/// What is known of the terminal before anything is said.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    /// Stdout is a terminal, this wide.
    pub(super) width: Option<u16>,
    /// Stderr is a terminal.
    pub(super) watched: bool,
    /// Stdin is a terminal too.
    pub(super) interactive: bool,
}

/// Where a run that is watched has come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Step {
    Begin,
    /// The counts so far, and how many rows the CRM says there are.
    Page(Counts, Option<u64>),
    End,
}

/// A file that is written. Kept, it is there whole; dropped, it never was.
pub(super) trait Draft: Write {
    fn keep(self: Box<Self>) -> io::Result<()>;
}

/// Something that goes on until it is dropped.
pub(super) struct Watching(tokio::task::JoinHandle<()>);

impl Watching {
    pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) trait Console: Send + Sync {
    fn stdout(&self, bytes: &[u8]) -> io::Result<()>;

    fn stderr(&self, bytes: &[u8]) -> io::Result<()>;

    /// The account on the machine that the command was typed in. A server runs commands of its own account only.
    fn person(&self) -> String;

    /// Shows a question and gives the line that was typed.
    fn ask(&self, question: &str) -> io::Result<String>;

    /// A variable of the environment.
    fn variable(&self, name: &str) -> io::Result<Option<Zeroizing<String>>>;

    /// The file, or stdin for `-`.
    fn read(&self, path: &Path) -> io::Result<Box<dyn Read>>;

    fn write(&self, path: &Path) -> io::Result<Box<dyn Draft>>;

    /// Shows a run's progress; only called where somebody watches.
    fn progress(&self, step: Step);

    /// Opens the address for the person, if that can be done.
    fn open_browser(&self, address: &Url);

    /// Lets Ctrl-C stop what `stopper` stops, instead of everything at once; needs the runtime.
    fn stop_on_interrupt(&self, stopper: Stopper) -> Watching;

    /// Returns when nobody is there any more.
    fn gone(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}
