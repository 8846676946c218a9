//! What distrust costs a page of contacts, in CPU of one thread: the requests of a page through egress, with target rules, addresses,
//! headers, allowance, sign-in and scrubbing, against the same requests of a bare client; and the digests that a run takes of its
//! packages before it loads them. Prints one line of JSON.
//!
//! `checks COMPONENTS_DIR` takes the packed `hubspot.wasm` and `field-mapper.wasm`.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

#[path = "shared/contacts.rs"]
mod contacts;
mod shared;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use ferry::capability::http::{HttpLine, HttpLineOptions};
use ferry::egress::{Bounds, Egress, EgressOptions, Governor, SystemResolver};
use ferry::model::connector::Connector;
use ferry::model::grant::Grant;
use ferry::model::http::{Lane, Method, Outbound, Request};
use ferry::model::id::{ConnectionId, WorkspaceId};
use ferry::model::secret::{Sealed, SealedStore, SealedStoreError};
use ferry::model::time::{Instant, SystemClock};
use ferry::plugin::{Options, Plugins, package};
use ferry::vault::{Credential, Keys, Place, SealingKey, Signer, Vault, VaultOptions};
use ferry_tests::sim;
use ferry_tests::sim::hubspot::HubSpot;
use reqwest::Client;
use shared::{connector, load, median};
use url::Url;

/// Pages of each side in one turn, and turns: by turns, so that what else the machine does meets both.
const PAGES: usize = 100;
const TURNS: usize = 31;

const TOKEN: &str = "pat-na1-0123456789-of-the-bench";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let components = arguments.next().context("usage: checks COMPONENTS_DIR")?;
    let packed = |name: &str| Path::new(&components).join(format!("{name}.wasm"));
    // The bare client has no other; egress takes the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asked = page(&packed("hubspot")).await?;
    let base = serve(&asked)?;
    let (checked, bare) = (Checked::new(&packed("hubspot"), &base).await?, Client::builder().no_proxy().build()?);
    let (mut checked_us, mut bare_us) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let before = cpu_us()?;
        for _ in 0..PAGES {
            checked.page(&asked).await?;
        }
        checked_us.push((cpu_us()? - before) / PAGES as f64);
        let before = cpu_us()?;
        for _ in 0..PAGES {
            bare_page(&bare, &base, &asked).await?;
        }
        bare_us.push((cpu_us()? - before) / PAGES as f64);
    }
    let answer = serde_json::json!({
        "requests_per_page": asked.len(), "checked_us": median(checked_us), "bare_us": median(bare_us),
        "digests_us": digests(&[packed("hubspot"), packed("field-mapper")])?,
    });
    println!("{answer}");
    Ok(())
}

/// A request of a page, and the body of its answer.
#[derive(Clone)]
struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl Asked {
    /// What the server knows it by. The query is the page's own, and no two requests of a page differ in it alone.
    fn name(&self) -> String {
        format!("{} {} {}", self.method, self.path, String::from_utf8_lossy(&self.body))
    }
}

/// What the connector asks for a page in the midst of a backfill.
async fn page(hubspot: &Path) -> Result<Vec<Asked>> {
    let cache = tempfile::TempDir::new()?;
    let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
    let plugin = load(&plugins, hubspot).await?;
    let crm = HubSpot::start(sim::hubspot::Options { contacts: 1_000, ..sim::hubspot::Options::default() })?;
    let seen = Arc::<Mutex<Vec<Asked>>>::default();
    let of_page = Arc::clone(&seen);
    let crm = connector(
        &plugin,
        "{}",
        Box::new(move |request| {
            let asked = request.clone();
            let reply = crm.ask(request);
            let (method, path, query, body) = (asked.method, asked.path, asked.query, asked.body.to_vec());
            let asked = Asked { method, path, query, body, answer: reply.body.to_vec() };
            of_page.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            reply
        }),
    )?;
    let second = crm.pull(contacts::request(None)).await?.next;
    seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let rows = crm.pull(contacts::request(second)).await?.rows.len();
    ensure!(rows == contacts::ROWS, "a page of {rows} rows");
    let asked = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ensure!(!asked.is_empty(), "the page was asked for in no request");
    Ok(asked)
}

/// A server on this machine that has these answers, each ready, in threads of its own; gives its address.
fn serve(asked: &[Asked]) -> Result<Url> {
    let whole = |asked: &Asked| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            asked.answer.len()
        );
        (asked.name(), [head.as_bytes(), &asked.answer].concat())
    };
    let answers: Arc<HashMap<String, Vec<u8>>> = Arc::new(asked.iter().map(whole).collect());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answers = Arc::clone(&answers);
            // A broken connection shows in the client.
            std::thread::spawn(move || drop(converse(&stream, &answers)));
        }
    });
    Ok(base)
}

fn converse(mut stream: &TcpStream, answers: &HashMap<String, Vec<u8>>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if input.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            input.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(("content-length", value)) = line.split_once(": ") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        let target = first.trim_end().trim_end_matches(" HTTP/1.1");
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let name = format!("{path} {}", String::from_utf8_lossy(&body));
        let answer = answers.get(&name).with_context(|| format!("nobody expected {name}"))?;
        stream.write_all(answer)?;
    }
}

/// The way of a run: a line for each call, over one egress, one governor and one credential.
struct Checked {
    egress: Egress,
    signer: Signer,
    grant: Arc<Grant>,
    governor: Arc<Governor>,
}

impl Checked {
    async fn new(hubspot: &Path, base: &Url) -> Result<Self> {
        let package = package::read(std::fs::read(hubspot)?)?;
        let grant = Arc::new(Grant::as_asked(&package.manifest, package.digest, vec![base.clone()], Instant(0)));
        let clock = Arc::new(SystemClock);
        let options = EgressOptions { clock, resolver: Arc::new(SystemResolver), bounds: Bounds::default() };
        let egress = Egress::new(options);
        let key = SealingKey::from_text(&"0a".repeat(32))?;
        let store: Arc<dyn SealedStore> = Arc::new(InMemory::default());
        let vault = Vault::new(VaultOptions { key, store, egress: egress.clone() });
        let (workspace, connection): (WorkspaceId, ConnectionId) = ("bench".parse()?, "crm".parse()?);
        let credential = Credential { keys: Keys::Bearer(TOKEN.into()), signing_secret: None };
        vault.put(&workspace, &connection, credential).await?;
        let place = Place { grant: Arc::clone(&grant), base: base.clone(), sign_in: package.manifest.sign_in.clone() };
        // No rates: a bench does not wait.
        let governor = egress.governor("bench", &[], None, None);
        Ok(Self { signer: vault.signer(&workspace, &connection, place)?, egress, grant, governor })
    }

    async fn page(&self, asked: &[Asked]) -> Result<()> {
        let line = HttpLine::new(HttpLineOptions {
            egress: self.egress.clone(),
            signer: self.signer.clone(),
            grant: Arc::clone(&self.grant),
            governor: Arc::clone(&self.governor),
            lane: Lane::Backfill,
        });
        for asked in asked {
            let answer = line.send(request(asked)?).await?;
            ensure!(answer.body.len() == asked.answer.len(), "another answer than the CRM's");
        }
        Ok(())
    }
}

/// The request as a plugin makes it.
fn request(asked: &Asked) -> Result<Request> {
    let method = match asked.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => anyhow::bail!("a page asks by {other}"),
    };
    Ok(Request {
        method,
        target: asked.path.clone(),
        query: asked.query.clone(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: (!asked.body.is_empty()).then(|| asked.body.clone()),
        repeatable: true,
        bucket: None,
    })
}

/// The same without a question asked.
async fn bare_page(client: &Client, base: &Url, asked: &[Asked]) -> Result<()> {
    for asked in asked {
        let mut address = base.join(&asked.path)?;
        if !asked.query.is_empty() {
            address.query_pairs_mut().extend_pairs(&asked.query);
        }
        let mut request = client.request(asked.method.parse()?, address);
        request = request.header("content-type", "application/json").bearer_auth(TOKEN);
        if !asked.body.is_empty() {
            request = request.body(asked.body.clone());
        }
        let body = request.send().await?.error_for_status()?.bytes().await?;
        ensure!(body.len() == asked.answer.len(), "another answer than the CRM's");
    }
    Ok(())
}

/// What it takes to hash the packages of a run, in microseconds of CPU.
fn digests(packages: &[std::path::PathBuf]) -> Result<f64> {
    let packages = packages.iter().map(std::fs::read).collect::<std::io::Result<Vec<_>>>()?;
    let before = cpu_us()?;
    for package in std::iter::repeat_n(&packages, TURNS).flatten() {
        std::hint::black_box(package::digest(package));
    }
    Ok((cpu_us()? - before) / TURNS as f64)
}

/// CPU that this thread has taken.
fn cpu_us() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("the kernel counts no CPU of threads")?;
    let nanoseconds = text.split_whitespace().next().context("it counts nothing")?;
    Ok(nanoseconds.parse::<f64>()? / 1e3)
}

/// Sealed credentials, gone with the process.
#[derive(Default)]
struct InMemory(Mutex<Vec<Sealed>>);

impl InMemory {
    fn all_but(&self, workspace: &WorkspaceId, connection: &ConnectionId, new: Option<Sealed>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| (&one.workspace, &one.connection) != (workspace, connection));
        all.extend(new);
    }
}

impl SealedStore for InMemory {
    fn load(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<Option<Vec<u8>>, SealedStoreError> {
        let all = self.all()?;
        let found = all.into_iter().find(|one| (&one.workspace, &one.connection) == (workspace, connection));
        Ok(found.map(|one| one.bytes))
    }

    fn save(&self, workspace: &WorkspaceId, connection: &ConnectionId, sealed: &[u8]) -> Result<(), SealedStoreError> {
        let (of, bytes) = (workspace.clone(), sealed.to_vec());
        self.all_but(workspace, connection, Some(Sealed { workspace: of, connection: connection.clone(), bytes }));
        Ok(())
    }

    fn remove(&self, workspace: &WorkspaceId, connection: &ConnectionId) -> Result<(), SealedStoreError> {
        self.all_but(workspace, connection, None);
        Ok(())
    }

    fn all(&self) -> Result<Vec<Sealed>, SealedStoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save_all(&self, all: &[Sealed]) -> Result<(), SealedStoreError> {
        all.iter().try_for_each(|one| self.save(&one.workspace, &one.connection, &one.bytes))
    }
}
