//! HTTP/1.1 for the API: a bounded number of connections, each with bounded patience, ended in good order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections at once: each has some tens of kilobytes of buffers.
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
}

impl Listener {
    pub(super) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { address: socket.local_addr()?, socket })
    }

    /// Answers until `end` is raised, then what was begun.
    pub(super) async fn serve(self, router: Router, mut end: watch::Receiver<bool>) {
        let (places, graceful) = (Arc::new(Semaphore::new(MOST_CONNECTIONS)), GracefulShutdown::new());
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.socket, &places) => accepted,
                _ = end.wait_for(|end| *end) => break,
            };
            let Some((stream, place)) = accepted else { continue };
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a caller of the API has gone");
                }
                drop(place);
            });
        }
        graceful.shutdown().await;
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::debug!(%error, "a connection could not be taken");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
