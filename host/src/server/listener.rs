//! HTTP/1.1 for the API: a bounded number of connections, each with bounded patience, ended in good order. Where all are taken, the
//! one that was quiet for longest gives way: so nobody keeps others out by holding connections open.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::Extensions;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::model::share::Share;

/// Connections at once: each has some tens of kilobytes of buffers. Far more than requests that may be under way, so that there is
/// always a quiet one.
const MOST_CONNECTIONS: usize = 512;

/// How long a caller may take for the head of a request, and be idle between two.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// The head of a request in bytes; common servers take 8 to 16 KiB.
const HEAD_BYTES: usize = 32 * 1024;

/// The pause after a failed accept: a lack of files passes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound address, before anything is taken from it.
pub(super) struct Listener {
    socket: TcpListener,
    pub(super) address: SocketAddr,
    most: usize,
}

impl Listener {
    pub(super) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { address: socket.local_addr()?, socket, most: MOST_CONNECTIONS })
    }

    /// Answers until `end` is raised, then what was begun.
    pub(super) async fn serve(self, router: Router, mut end: watch::Receiver<bool>) {
        let (callers, graceful) = (Callers::new(self.most), GracefulShutdown::new());
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.socket) => accepted,
                _ = end.wait_for(|end| *end) => break,
            };
            let Some(stream) = accepted else { continue };
            let caller = callers.join();
            let (answers, of) = (TowerToHyperService::new(router.clone()), caller.clone());
            let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                request.extensions_mut().insert(of.clone());
                let (answer, of) = (answers.call(request), of.clone());
                async move {
                    let answer = answer.await;
                    of.rest();
                    answer
                }
            });
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                tokio::select! {
                    ended = connection => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a caller of the API has gone");
                        }
                    }
                    () = caller.gives_way() => tracing::debug!("a quiet connection gave way to a new one"),
                }
                caller.leave();
            });
        }
        graceful.shutdown().await;
    }
}

/// The next connection.
async fn accept(socket: &TcpListener) -> Option<TcpStream> {
    match socket.accept().await {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "a connection could not be taken");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Whoever is connected.
struct Callers {
    most: usize,
    connected: Mutex<Connected>,
}

#[derive(Default)]
struct Connected {
    /// Counts what happens, so that it has an order.
    now: u64,
    lines: HashMap<u64, Line>,
}

struct Line {
    /// When it came, or when its last request was answered.
    quiet_since: u64,
    /// What the request that is under way holds of its workspace's share.
    share: Option<Share>,
    gives_way: Arc<Notify>,
}

/// One connection, as its requests know it.
#[derive(Clone)]
pub(super) struct Caller {
    of: Arc<Callers>,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Callers {
    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, connected: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A further connection, in the place of the one that was quiet for longest where all are taken.
    fn join(self: &Arc<Self>) -> Caller {
        let mut connected = self.lock();
        connected.now += 1;
        let number = connected.now;
        if connected.lines.len() >= self.most {
            let quiet = connected.lines.iter().filter(|(_, line)| line.share.is_none());
            let longest = quiet.min_by_key(|(_, line)| line.quiet_since).map(|(number, _)| *number);
            if let Some(line) = longest.and_then(|number| connected.lines.remove(&number)) {
                line.gives_way.notify_one();
            }
        }
        let gives_way = Arc::<Notify>::default();
        let line = Line { quiet_since: number, share: None, gives_way: Arc::clone(&gives_way) };
        connected.lines.insert(number, line);
        Caller { of: Arc::clone(self), number, gives_way }
    }
}

impl Caller {
    /// The connection that a request came on; none where it came on none of a [`Listener`].
    pub(super) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Keeps a share until the request is answered: so long the connection gives way to nobody.
    pub(super) fn hold(&self, share: Share) {
        if let Some(line) = self.of.lock().lines.get_mut(&self.number) {
            line.share = Some(share);
        }
    }

    /// The request is answered.
    fn rest(&self) {
        let mut connected = self.of.lock();
        connected.now += 1;
        let now = connected.now;
        if let Some(line) = connected.lines.get_mut(&self.number) {
            (line.quiet_since, line.share) = (now, None);
        }
    }

    async fn gives_way(&self) {
        self.gives_way.notified().await;
    }

    fn leave(&self) {
        self.of.lock().lines.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::model::share::Shares;

    /// A server for four, whose `/held` answers once `go` is told.
    async fn server(go: &Arc<Notify>, shares: &Arc<Shares>) -> (SocketAddr, watch::Sender<bool>) {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener { most: 4, ..Listener::bind(address).await.unwrap() };
        let (address, end) = (listener.address, watch::Sender::new(false));
        let (go, shares) = (Arc::clone(go), Arc::clone(shares));
        let held = async move |request: Request| {
            Caller::of(request.extensions()).unwrap().hold(shares.try_take(&None).unwrap());
            go.notified().await;
            "held"
        };
        let router = Router::new().route("/", get(async || "here")).route("/held", get(held));
        tokio::spawn(listener.serve(router, end.subscribe()));
        (address, end)
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut answer = vec![0; 1_000];
        let length = stream.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn whoever_comes_new_is_served_and_the_longest_quiet_gives_way() {
        let (address, _end) = server(&Arc::default(), &Shares::new(4)).await;
        let mut idle = Vec::new();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            ask(&mut stream, "/").await;
            assert!(answer(&mut stream).await.ends_with("here"));
            idle.push(stream);
        }
        // The first one has spoken since, so the second was quiet for longest.
        ask(&mut idle[0], "/").await;
        assert!(answer(&mut idle[0]).await.ends_with("here"));
        let mut new = TcpStream::connect(address).await.unwrap();
        ask(&mut new, "/").await;
        assert!(answer(&mut new).await.ends_with("here"));
        assert_eq!(answer(&mut idle[1]).await, "", "it is closed");
        for stream in [0, 2, 3] {
            ask(&mut idle[stream], "/").await;
            assert!(answer(&mut idle[stream]).await.ends_with("here"), "{stream}");
        }
    }

    #[tokio::test]
    async fn a_request_under_way_gives_way_to_nobody() {
        let (go, shares) = (Arc::<Notify>::default(), Shares::new(4));
        let (address, _end) = server(&go, &shares).await;
        let mut held = TcpStream::connect(address).await.unwrap();
        ask(&mut held, "/held").await;
        for _ in 0..10 {
            let mut new = TcpStream::connect(address).await.unwrap();
            ask(&mut new, "/").await;
            assert!(answer(&mut new).await.ends_with("here"));
        }
        assert_eq!(shares.taken().0, 1);
        go.notify_one();
        assert!(answer(&mut held).await.ends_with("held"));
        shares.all_free().await;
    }
}
