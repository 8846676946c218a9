//! Test ground: a clock that jumps, a raw TCP server whose answers are scripts, and the terms to send under.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Bounds, Egress, EgressOptions, Resolve, Terms};
use crate::model::grant::{Digest, Grant};
use crate::model::http::{Lane, Method, Request};
use crate::model::manifest::Limits;
use crate::model::time::{Clock, Instant};

/// Whoever sleeps moves this clock on at once.
#[derive(Default)]
pub(crate) struct JumpingClock {
    now: AtomicI64,
    pub(crate) sleeps: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Clock for JumpingClock {
    fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
        self.sleeps.lock().unwrap().push(span);
    }
}

impl JumpingClock {
    pub(crate) fn advance(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

/// Names from a table.
#[derive(Default)]
pub(crate) struct Table(pub(crate) HashMap<&'static str, Vec<IpAddr>>);

#[async_trait]
impl Resolve for Table {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.0.get(host).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

/// What the server does with one request.
pub(crate) enum Script {
    /// Writes this and keeps the connection for more.
    Whole(Vec<u8>),
    /// Writes this and closes.
    Cut(Vec<u8>),
    /// Writes this and stays silent.
    Silence(Vec<u8>),
}

/// A server for as many requests as it has scripts; what it was asked is kept.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<AtomicI64>,
}

impl Server {
    pub(crate) async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicI64::new(0));
        let scripts = Arc::new(Mutex::new(scripts.into_iter()));
        let (log, count) = (Arc::clone(&asked), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (scripts, log) = (Arc::clone(&scripts), Arc::clone(&log));
                tokio::spawn(serve(stream, scripts, log));
            }
        });
        Self { address, asked, connections }
    }

    pub(crate) fn base(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, scripts: Arc<Mutex<std::vec::IntoIter<Script>>>, log: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read_request(&mut stream).await {
        log.lock().unwrap().push(request);
        let script = scripts.lock().unwrap().next();
        match script {
            Some(Script::Whole(bytes)) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Some(Script::Cut(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Some(Script::Silence(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
            None => return,
        }
    }
}

/// Head and body as text.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ").and_then(|n| n.trim().parse::<usize>().ok()))
                .unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                return Some(text);
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

/// An answer with a length.
pub(crate) fn answer(status: &str, headers: &[&str], body: &[u8]) -> Script {
    Script::Whole(raw(status, headers, body.len(), body))
}

pub(crate) fn raw(status: &str, headers: &[&str], length: usize, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Limits short enough for tests that run into them.
pub(crate) fn short() -> Bounds {
    Bounds {
        connect: Duration::from_millis(2_000),
        first_byte: Duration::from_millis(300),
        idle_read: Duration::from_millis(200),
        total: Duration::from_millis(600),
        request_bytes: 1_000,
        header_bytes: 4_000,
    }
}

pub(crate) fn egress(clock: &Arc<JumpingClock>, bounds: Bounds, names: Table) -> Egress {
    let clock: Arc<dyn Clock> = Arc::<JumpingClock>::clone(clock);
    Egress::new(EgressOptions { clock, resolver: Arc::new(names), bounds })
}

pub(crate) fn grant(hosts: &[&str], loopback: &[&str]) -> Grant {
    let urls = |list: &[&str]| list.iter().map(|text| Url::parse(text).unwrap()).collect();
    Grant {
        digest: Digest("d".into()),
        hosts: urls(hosts),
        accounts: Vec::new(),
        private: Vec::new(),
        loopback: urls(loopback),
        limits: Limits::default(),
        at: Instant(0),
    }
}

pub(crate) fn get(target: &str) -> Request {
    Request {
        method: Method::Get,
        target: target.into(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        repeatable: true,
        bucket: None,
    }
}

pub(crate) fn post(target: &str, body: &str) -> Request {
    Request { method: Method::Post, body: Some(body.into()), repeatable: false, ..get(target) }
}

pub(crate) fn terms(now: Instant) -> Terms {
    Terms {
        governor: None,
        lane: Lane::Increment,
        waits_until: now.plus(Duration::from_secs(60)),
        ends: now.plus(Duration::from_secs(600)),
        body_limit: 100_000,
    }
}
