//! The HTTP side of every simulator: one thread with a small runtime for each listener, plain HTTP/1.1 on loopback. Handlers are plain
//! functions from request to reply; a reply says how it is delivered, so that broken transport is data too.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener, TcpStream as TcpStreamBlocking};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::clock::Clock;
use super::stamp;

/// Larger than any batch a CRM takes; a greater body is answered with 413.
const REQUEST_BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// A trickled body comes in this many pieces.
const TRICKLE_PIECES: usize = 20;

/// A status line is some twenty bytes; more than this is no HTTP.
const STATUS_LINE_MAX_BYTES: u64 = 1024;

/// The pause between two pieces of a trickled body.
const TRICKLE_PAUSE: Duration = Duration::from_millis(25);

/// Takes a lock also after a panic elsewhere: a simulator's state is still good enough to answer.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request, read to its end.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// As it came, without query.
    pub path: String,
    /// Decoded pairs in order.
    pub query: Vec<(String, String)>,
    /// As they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Request {
    /// A request as the tests of the logic make it, without a network.
    pub fn new(method: &str, target: &str, body: impl Into<Bytes>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs(query.as_bytes()),
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter, those joined by commas apart.
    pub fn query_list(&self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        values.flat_map(|(_, value)| value.split(',')).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as form pairs.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The decoded segments of the path; empty ones (a trailing slash) are left out.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(percent_decode).collect()
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An answer and the way it is delivered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Beside the content length.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
    /// How it leaves.
    pub delivery: Delivery,
    /// How long it is held back.
    pub delay: Duration,
}

/// How a reply leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As HTTP asks.
    #[default]
    Whole,
    /// Half of the body, then the connection closes.
    Truncated,
    /// In small pieces with pauses.
    Trickle,
    /// Not at all: the connection closes.
    Drop,
}

impl Reply {
    /// A JSON answer of anything that serialises.
    pub fn json<T: serde::Serialize + ?Sized>(status: u16, body: &T) -> Self {
        // Only maps with keys that are no text fail, and none is built here.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self::of(status, "application/json;charset=utf-8", body)
    }

    /// An answer of some content type.
    pub fn of(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into(), ..Self::default() }
    }

    /// An answer without body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// What answers requests.
pub type Answer = Arc<dyn Fn(Request) -> Reply + Send + Sync>;

/// Tells with each answer what time it is by a simulated CRM's own clock, as servers do.
pub(crate) fn dated(clock: &Arc<Clock>, answer: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Answer {
    let clock = Arc::clone(clock);
    Arc::new(move |request| {
        let date = stamp::http_date(clock.now_ms());
        answer(request).with_header("date", date)
    })
}

/// Listeners that serve until this is dropped.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Serves each `(port, answer)` on 127.0.0.1; port 0 takes a free one. Returns once all of them listen.
    pub fn start(services: Vec<(u16, Answer)>) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut server = Self { addresses: Vec::new(), stop, threads: Vec::new() };
        for (port, answer) in services {
            let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            server.addresses.push(listener.local_addr()?);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let stopped = stopped.clone();
            let run = move || runtime.block_on(serve_until(listener, answer, stopped));
            server.threads.push(std::thread::Builder::new().name("crm-sim".to_owned()).spawn(run)?);
        }
        Ok(server)
    }

    /// Where the services listen, in the order they were given.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The receiver is gone only when the thread has ended already.
        let _ = self.stop.send(true);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

async fn serve_until(listener: StdListener, answer: Answer, mut stopped: watch::Receiver<bool>) {
    if let Ok(listener) = TcpListener::from_std(listener) {
        tokio::spawn(accept(listener, answer));
    }
    // Ends when told to stop or when the server is gone; the runtime drops the tasks.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn accept(listener: TcpListener, answer: Answer) {
    while let Ok((stream, _)) = listener.accept().await {
        // Small answers would wait for the peer's delayed acknowledgement otherwise.
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream, Arc::clone(&answer)));
    }
}

async fn serve(stream: TcpStream, answer: Answer) {
    let service = service_fn(move |request| respond(request, Arc::clone(&answer)));
    // An error here is a broken connection, ours on purpose or the peer's: nobody is left to tell.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: hyper::Request<Incoming>, answer: Answer) -> Result<hyper::Response<ReplyBody>, io::Error> {
    let (parts, body) = request.into_parts();
    let reply = match Limited::new(body, REQUEST_BODY_MAX_BYTES).collect().await {
        Ok(body) => answer(Request {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or("").as_bytes()),
            headers: parts.headers,
            body: body.to_bytes(),
        }),
        Err(_) => Reply::empty(413),
    };
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if reply.delivery == Delivery::Drop {
        // An error of the service makes hyper close the connection without an answer.
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    }
    into_response(reply)
}

fn into_response(reply: Reply) -> Result<hyper::Response<ReplyBody>, io::Error> {
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    if reply.status != 204 {
        response = response.header(CONTENT_LENGTH, reply.body.len());
    }
    response.body(ReplyBody::new(reply.body, reply.delivery)).map_err(io::Error::other)
}

/// A body that comes whole, cut or slowly.
struct ReplyBody {
    rest: Bytes,
    piece: usize,
    cut: bool,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl ReplyBody {
    fn new(body: Bytes, delivery: Delivery) -> Self {
        match delivery {
            Delivery::Whole | Delivery::Drop => Self { piece: body.len(), rest: body, cut: false, pause: None },
            Delivery::Truncated => {
                let half = body.slice(..body.len() / 2);
                Self { piece: half.len(), rest: half, cut: true, pause: None }
            }
            Delivery::Trickle => {
                let piece = body.len().div_ceil(TRICKLE_PIECES).max(1);
                Self { piece, rest: body, cut: false, pause: Some(Box::pin(tokio::time::sleep(TRICKLE_PAUSE))) }
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.rest.is_empty() {
            let cut = std::mem::take(&mut self.cut);
            return Poll::Ready(cut.then(|| Err(io::Error::from(io::ErrorKind::ConnectionReset))));
        }
        if let Some(pause) = self.pause.as_mut() {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = Some(Box::pin(tokio::time::sleep(TRICKLE_PAUSE)));
        }
        let length = self.piece.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.cut
    }
}

/// Posts a body to an `http://` address and returns the status; for webhooks to a receiver on loopback. Blocks the
/// caller at most `timeout` for each step. Plain HTTP only.
pub fn post(url: &url::Url, headers: &[(String, String)], body: &[u8], timeout: Duration) -> io::Result<u16> {
    let address = url
        .socket_addrs(|| Some(80))?
        .into_iter()
        .next()
        .ok_or_else(|| io::Error::other(format!("`{url}` leads nowhere")))?;
    let mut stream = TcpStreamBlocking::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut head =
        format!("POST {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut status_line = String::new();
    BufReader::new(stream.take(STATUS_LINE_MAX_BYTES)).read_line(&mut status_line)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer has no status line"))
}
