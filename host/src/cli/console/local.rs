//! This process's own terminal, files and environment.

use std::fs::File;
use std::future::Future;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use ferry::sync::Stopper;
use url::Url;
use zeroize::Zeroizing;

use super::draft::LocalDraft;
use super::progress::Progress;
use super::{Console, Draft, Facts, STDIN, Step, Watching};
use crate::cli::table::Table;

/// Used where a terminal does not tell its width.
const USUAL_WIDTH: u16 = 100;

/// The exit code of a program that was interrupted at once.
const INTERRUPTED: i32 = 130;

#[derive(Default)]
pub(in crate::cli) struct LocalConsole {
    progress: Mutex<Option<Progress>>,
}

impl LocalConsole {
    pub(in crate::cli) fn facts() -> Facts {
        let watched = io::stderr().is_terminal();
        Facts {
            width: io::stdout().is_terminal().then(|| Table::terminal_width().unwrap_or(USUAL_WIDTH)),
            watched,
            interactive: watched && io::stdin().is_terminal(),
        }
    }
}

impl Console for LocalConsole {
    fn stdout(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush())
    }

    fn stderr(&self, bytes: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(bytes)
    }

    fn person(&self) -> String {
        let name = std::env::var("USER").ok().filter(|name| !name.is_empty());
        name.unwrap_or_else(|| format!("uid {}", rustix::process::geteuid().as_raw()))
    }

    fn ask(&self, question: &str) -> io::Result<String> {
        self.stderr(question.as_bytes())?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer)
    }

    fn variable(&self, name: &str) -> io::Result<Option<Zeroizing<String>>> {
        Ok(std::env::var(name).ok().map(Zeroizing::new))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(if path == Path::new(STDIN) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) })
    }

    fn write(&self, path: &Path) -> io::Result<Box<dyn Draft>> {
        Ok(Box::new(LocalDraft::create(path)?))
    }

    fn progress(&self, step: Step) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            Step::Begin => *progress = Some(Progress::begin()),
            Step::Page(counts, total) => progress.iter().for_each(|bar| bar.page(&counts, total)),
            Step::End => progress.take().iter().for_each(Progress::end),
        }
    }

    fn open_browser(&self, address: &Url) {
        let program = std::env::var_os("BROWSER").filter(|name| !name.is_empty()).unwrap_or_else(|| "xdg-open".into());
        let nothing = std::process::Stdio::null;
        let started = std::process::Command::new(program)
            .arg(address.as_str())
            .stdin(nothing())
            .stdout(nothing())
            .stderr(nothing())
            .spawn();
        if let Err(error) = started {
            tracing::info!(%error, "no browser could be opened");
        }
    }

    fn stop_on_interrupt(&self, stopper: Stopper) -> Watching {
        Watching::spawn(on_ctrl_c(move || stopper.stop()))
    }

    fn gone(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

/// The first Ctrl-C does what is asked, the second ends the program where it is.
pub(in crate::cli) async fn on_ctrl_c(first: impl FnOnce()) {
    if tokio::signal::ctrl_c().await.is_ok() {
        first();
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(INTERRUPTED);
    }
}
