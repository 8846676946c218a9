//! A console at the other end of the control socket.

use std::future::Future;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use ferry::sync::Stopper;
use tokio::sync::watch;
use url::Url;
use zeroize::Zeroizing;

use super::frame::{self, Answer, Order, PIECE, Reply, Trouble};
use crate::cli::console::{Console, Draft, Step, Watching};

/// What has come over from the caller beside answers.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    interrupted: bool,
    gone: bool,
}

type Answered = Result<Answer, Trouble>;

/// The caller's console.
#[derive(Clone)]
pub(super) struct RemoteConsole(Arc<Link>);

struct Link {
    orders: Mutex<UnixStream>,
    /// Held from an order to its answer.
    answers: Mutex<mpsc::Receiver<Answered>>,
    signs: watch::Receiver<Signs>,
}

impl RemoteConsole {
    /// Reads what comes over in a thread of its own, which ends with the connection.
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        let from = stream.try_clone()?;
        // One answer is waited for at a time.
        let (answer, answers) = mpsc::sync_channel(1);
        let (sign, signs) = watch::channel(Signs::default());
        std::thread::Builder::new().name("control-reader".into()).spawn(move || listen(from, &answer, &sign))?;
        Ok(Self(Arc::new(Link { orders: Mutex::new(stream), answers: Mutex::new(answers), signs })))
    }

    pub(super) fn tell(&self, order: &Order) -> io::Result<()> {
        let mut to = self.0.orders.lock().unwrap_or_else(PoisonError::into_inner);
        frame::send(&mut *to, order)
    }

    fn ask_for(&self, order: &Order) -> io::Result<Answer> {
        let answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell(order)?;
        let answered = answers.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(answered?)
    }

    fn text(&self, order: &Order) -> io::Result<Option<String>> {
        match self.ask_for(order)? {
            Answer::Text(text) => Ok(text),
            _ => Err(misanswered()),
        }
    }

    fn done(&self, order: &Order) -> io::Result<()> {
        match self.ask_for(order)? {
            Answer::Done => Ok(()),
            _ => Err(misanswered()),
        }
    }

    fn file(&self, order: &Order) -> io::Result<u32> {
        match self.ask_for(order)? {
            Answer::File(file) => Ok(file),
            _ => Err(misanswered()),
        }
    }

    async fn until(signs: &mut watch::Receiver<Signs>, wanted: impl FnMut(&Signs) -> bool) {
        // The reader ends by saying that the caller has gone, so an error comes after that.
        let _ = signs.wait_for(wanted).await;
    }
}

fn misanswered() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the caller gave another answer than it was asked for")
}

fn listen(mut from: UnixStream, answer: &mpsc::SyncSender<Answered>, sign: &watch::Sender<Signs>) {
    while let Ok(reply) = frame::receive(&mut from) {
        match reply {
            Reply::Interrupt => sign.send_modify(|signs| signs.interrupted = true),
            Reply::Answer(answered) => {
                // Nobody asked: the caller does not keep to the rules.
                if answer.try_send(answered).is_err() {
                    break;
                }
            }
        }
    }
    sign.send_modify(|signs| signs.gone = true);
}

impl Console for RemoteConsole {
    fn stdout(&self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(PIECE).try_for_each(|piece| self.tell(&Order::Stdout(piece.to_vec())))
    }

    fn stderr(&self, bytes: &[u8]) -> io::Result<()> {
        self.tell(&Order::Stderr(bytes.to_vec()))
    }

    fn ask(&self, question: &str) -> io::Result<String> {
        Ok(self.text(&Order::Ask(question.to_owned()))?.unwrap_or_default())
    }

    fn variable(&self, name: &str) -> io::Result<Option<Zeroizing<String>>> {
        Ok(self.text(&Order::Variable(name.to_owned()))?.map(Zeroizing::new))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        let file = self.file(&Order::Open(path.as_os_str().as_bytes().to_vec()))?;
        Ok(Box::new(RemoteReader { console: self.clone(), file, piece: io::Cursor::default(), ended: false }))
    }

    fn write(&self, path: &Path) -> io::Result<Box<dyn Draft>> {
        let file = self.file(&Order::Create(path.as_os_str().as_bytes().to_vec()))?;
        Ok(Box::new(RemoteDraft { console: self.clone(), file, unsent: Vec::new() }))
    }

    fn progress(&self, step: Step) {
        // Where nobody is there, the next answer says so.
        let _ = self.tell(&Order::Progress(step));
    }

    fn open_browser(&self, address: &Url) {
        let _ = self.tell(&Order::OpenBrowser(address.to_string()));
    }

    fn stop_on_interrupt(&self, stopper: Stopper) -> Watching {
        let _ = self.tell(&Order::CatchInterrupts);
        let mut signs = self.0.signs.clone();
        Watching::spawn(async move {
            Self::until(&mut signs, |signs| signs.interrupted || signs.gone).await;
            stopper.stop();
        })
    }

    fn gone(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut signs = self.0.signs.clone();
        Box::pin(async move { Self::until(&mut signs, |signs| signs.gone).await })
    }
}

struct RemoteReader {
    console: RemoteConsole,
    file: u32,
    piece: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl Read for RemoteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.piece.read(buffer)?;
        if read > 0 || self.ended || buffer.is_empty() {
            return Ok(read);
        }
        let Answer::Piece(piece) = self.console.ask_for(&Order::Read(self.file))? else { return Err(misanswered()) };
        self.ended = piece.is_empty();
        self.piece = io::Cursor::new(piece);
        self.piece.read(buffer)
    }
}

struct RemoteDraft {
    console: RemoteConsole,
    file: u32,
    unsent: Vec<u8>,
}

impl Write for RemoteDraft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unsent.extend_from_slice(bytes);
        if self.unsent.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.unsent);
        self.console.done(&Order::Write(self.file, bytes))
    }
}

impl Draft for RemoteDraft {
    fn keep(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        self.console.done(&Order::Keep(self.file))
    }
}

impl Drop for RemoteDraft {
    fn drop(&mut self) {
        // A kept file is gone from the caller's list already.
        let _ = self.console.tell(&Order::Drop(self.file));
    }
}
