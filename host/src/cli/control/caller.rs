//! The side that was called: hands the command line over and is its terminal, files and environment until it ends.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::frame::{self, Answer, CommandLine, Order, PIECE, Reply, VERSION};
use super::socket;
use crate::cli::Global;
use crate::cli::console::{Console, Draft, LocalConsole, on_ctrl_c};
use crate::cli::failure::CliError;

/// Only these variables are told to a server: it has no business with others.
const VARIABLES: &str = "FERRY_";

/// A server that can run the command.
pub(in crate::cli) struct Server(UnixStream);

/// The server of this state, if one runs.
pub(in crate::cli) fn find(state_dir: &Path) -> Option<Server> {
    socket::connect(state_dir).map(Server)
}

impl Server {
    /// Has the server run this process's command line.
    pub(in crate::cli) fn run(mut self, global: &Global) -> Result<ExitCode, CliError> {
        let lost = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                CliError::ServerGone
            }
            _ => CliError::Server(error),
        };
        let server: String = frame::receive(&mut self.0).map_err(lost)?;
        if server != VERSION {
            return Err(CliError::OtherVersion { server });
        }
        let line = CommandLine {
            words: std::env::args_os().map(|word| word.as_bytes().to_vec()).collect(),
            workspace: global.workspace.to_string(),
            json: global.json,
            person: LocalConsole::default().person(),
            facts: LocalConsole::facts(),
        };
        frame::send(&mut self.0, &line).map_err(lost)?;
        let replies = Arc::new(Mutex::new(self.0.try_clone().map_err(lost)?));
        let mut errand = Errand { console: LocalConsole::default(), replies, readers: Vec::new(), drafts: Vec::new() };
        loop {
            match frame::receive(&mut self.0).map_err(lost)? {
                Order::Exit(code) => return Ok(ExitCode::from(code)),
                order => errand.follow(order)?,
            }
        }
    }
}

/// One command on its way through the server.
struct Errand {
    console: LocalConsole,
    replies: Arc<Mutex<UnixStream>>,
    /// By the numbers that the server knows them by; taken out when they are done with.
    readers: Vec<Option<Box<dyn Read>>>,
    drafts: Vec<Option<Box<dyn Draft>>>,
}

impl Errand {
    fn follow(&mut self, order: Order) -> Result<(), CliError> {
        let answer = match order {
            Order::Stdout(bytes) => return self.console.stdout(&bytes).map_err(CliError::Output),
            Order::Stderr(bytes) => {
                // A closed stderr is nobody's loss.
                let _ = self.console.stderr(&bytes);
                return Ok(());
            }
            Order::Progress(step) => {
                self.console.progress(step);
                return Ok(());
            }
            Order::OpenBrowser(address) => {
                if let Ok(address) = url::Url::parse(&address) {
                    self.console.open_browser(&address);
                }
                return Ok(());
            }
            Order::CatchInterrupts => {
                catch_interrupts(Arc::clone(&self.replies));
                return Ok(());
            }
            Order::Drop(file) => {
                self.drafts.get_mut(file as usize).and_then(Option::take);
                return Ok(());
            }
            Order::Exit(_) => return Ok(()),
            Order::Ask(question) => self.console.ask(&question).map(|line| Answer::Text(Some(line))),
            Order::Variable(name) => self.variable(&name),
            Order::Open(path) => {
                let opened = self.console.read(Path::new(OsStr::from_bytes(&path)));
                opened.map(|reader| keep_open(&mut self.readers, reader))
            }
            Order::Read(file) => self.piece(file),
            Order::Create(path) => {
                let created = self.console.write(Path::new(OsStr::from_bytes(&path)));
                created.map(|draft| keep_open(&mut self.drafts, draft))
            }
            Order::Write(file, bytes) => open(&mut self.drafts, file).and_then(|draft| {
                let draft = draft.as_mut().ok_or_else(not_open)?;
                draft.write_all(&bytes).map(|()| Answer::Done)
            }),
            Order::Keep(file) => open(&mut self.drafts, file)
                .and_then(|draft| draft.take().ok_or_else(not_open)?.keep().map(|()| Answer::Done)),
        };
        let mut to = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the server has gone, the next receive says so.
        let _ = frame::send(&mut *to, &Reply::Answer(answer.map_err(Into::into)));
        Ok(())
    }

    fn variable(&self, name: &str) -> io::Result<Answer> {
        if !name.starts_with(VARIABLES) {
            return Ok(Answer::Text(None));
        }
        Ok(Answer::Text(self.console.variable(name)?.map(|value| value.to_string())))
    }

    fn piece(&mut self, file: u32) -> io::Result<Answer> {
        let reader = open(&mut self.readers, file)?;
        let mut piece = vec![0; PIECE];
        let read = reader.as_mut().ok_or_else(not_open)?.read(&mut piece)?;
        piece.truncate(read);
        if read == 0 {
            *reader = None;
        }
        Ok(Answer::Piece(piece))
    }
}

fn keep_open<T>(files: &mut Vec<Option<T>>, file: T) -> Answer {
    files.push(Some(file));
    Answer::File(u32::try_from(files.len() - 1).unwrap_or(u32::MAX))
}

fn open<T>(files: &mut [Option<T>], file: u32) -> io::Result<&mut Option<T>> {
    files.get_mut(file as usize).ok_or_else(not_open)
}

fn not_open() -> io::Error {
    io::Error::other("the file is not open")
}

/// Tells the server of the first Ctrl-C; the second ends this process.
fn catch_interrupts(replies: Arc<Mutex<UnixStream>>) {
    let tell = move || {
        let mut to = replies.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = frame::send(&mut *to, &Reply::Interrupt);
    };
    thread::spawn(move || {
        // Without a runtime Ctrl-C does what it always does: the run goes on in the server up to its next page.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(on_ctrl_c(tell));
        }
    });
}
