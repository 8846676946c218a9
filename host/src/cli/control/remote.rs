//! A console at the other end of the control socket.

use std::future::Future;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

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
    person: String,
    orders: Mutex<UnixStream>,
    /// Begun by the first who waits for something: most commands only tell. None where that failed.
    reader: OnceLock<Option<Reader>>,
}

/// What comes over, read in a thread that ends with the connection.
struct Reader {
    /// Held from an order to its answer.
    answers: Mutex<mpsc::Receiver<Answered>>,
    signs: watch::Receiver<Signs>,
}

impl Reader {
    fn begin(stream: &Mutex<UnixStream>) -> io::Result<Self> {
        let from = stream.lock().unwrap_or_else(PoisonError::into_inner).try_clone()?;
        // One answer is waited for at a time.
        let (answer, answers) = mpsc::sync_channel(1);
        let (sign, signs) = watch::channel(Signs::default());
        std::thread::Builder::new().name("control-reader".into()).spawn(move || listen(from, &answer, &sign))?;
        Ok(Self { answers: Mutex::new(answers), signs })
    }
}

impl RemoteConsole {
    pub(super) fn new(stream: UnixStream, person: String) -> Self {
        Self(Arc::new(Link { person, orders: Mutex::new(stream), reader: OnceLock::new() }))
    }

    fn reader(&self) -> io::Result<&Reader> {
        let reader = self.0.reader.get_or_init(|| {
            let begun = Reader::begin(&self.0.orders);
            begun.inspect_err(|error| tracing::warn!(%error, "a caller can't be listened to")).ok()
        });
        reader.as_ref().ok_or_else(|| io::Error::other("the caller can't be listened to"))
    }

    pub(super) fn tell(&self, order: &Order) -> io::Result<()> {
        let mut to = self.0.orders.lock().unwrap_or_else(PoisonError::into_inner);
        frame::send(&mut *to, order)
    }

    fn ask_for(&self, order: &Order) -> io::Result<Answer> {
        let answers = self.reader()?.answers.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Returns when a sign has come, or none can.
    fn until(&self, wanted: fn(&Signs) -> bool) -> impl Future<Output = ()> + Send + use<> {
        let signs = self.reader().ok().map(|reader| reader.signs.clone());
        async move {
            if let Some(mut signs) = signs {
                // The reader ends by saying that the caller has gone, so an error comes after that.
                let _ = signs.wait_for(wanted).await;
            }
        }
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

    fn person(&self) -> String {
        self.0.person.clone()
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
        let sign = self.until(|signs| signs.interrupted || signs.gone);
        Watching::spawn(async move {
            sign.await;
            stopper.stop();
        })
    }

    fn gone(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.until(|signs| signs.gone))
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
