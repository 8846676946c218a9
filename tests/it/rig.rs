//! A simulated CRM and a host that is connected to it, driven by the commands that users type.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use ferry_tests::sim::clock::Start;
use ferry_tests::sim::hubspot::{HubSpot, Options};
use serde_json::Value;
use tempfile::TempDir;

/// Where `cargo xtask test` put a thing, or why it is not there.
fn built(variable: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| panic!("{variable} is not set: run these tests by `cargo xtask test`"))
}

pub(crate) fn component(id: &str) -> PathBuf {
    built("FERRY_COMPONENTS").join(format!("{id}.wasm"))
}

pub(crate) fn program() -> PathBuf {
    built("FERRY_BIN")
}

pub(crate) fn mapping(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/demo").join(name)
}

/// A mapping that a connector ships.
pub(crate) fn preset(connector: &str, name: &str) -> String {
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors");
    connectors.join(connector).join("presets").join(format!("{name}.toml")).display().to_string()
}

/// A state directory, the program on it, and the server that has it open, if one was started.
pub(crate) struct Host {
    pub(crate) state: TempDir,
    server: Option<Server>,
}

/// A running `ferry serve`; killed if it was not ended.
pub(crate) struct Server {
    process: Child,
    /// Where its API is.
    api: String,
    /// Where its metrics are.
    metrics: String,
}

impl Server {
    /// Asks it to end; gives how it ended.
    pub(crate) fn end(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The documents on stdout; the items where it is one list.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let documents = serde_json::Deserializer::from_str(&self.stdout).into_iter::<Value>();
        let documents: Vec<Value> =
            documents.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {self:?}"));
        match documents.as_slice() {
            [Value::Array(items)] => items.clone(),
            _ => documents,
        }
    }

    pub(crate) fn document(&self) -> Value {
        self.documents().into_iter().next().unwrap_or_else(|| panic!("no document: {self:?}"))
    }

    /// The error as a document.
    pub(crate) fn error(&self) -> Value {
        let line = self.stderr.lines().rev().find(|line| line.starts_with('{'));
        let line = line.unwrap_or_else(|| panic!("no error document: {self:?}"));
        serde_json::from_str::<Value>(line).unwrap()["error"].clone()
    }
}

impl Host {
    pub(crate) fn new() -> Self {
        let state = TempDir::with_prefix("ferry-it-").unwrap();
        // Compiling a plugin takes seconds: each once per test run.
        let compiled = state.path().join("compiled");
        std::fs::create_dir(&compiled).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&compiled, std::fs::Permissions::from_mode(0o700)).unwrap();
        for file in std::fs::read_dir(warm_cache()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), compiled.join(file.file_name())).unwrap();
        }
        // What was compiled is sealed with a key that follows from this one.
        std::fs::copy(warm_cache().with_file_name("sealing.key"), state.path().join("sealing.key")).unwrap();
        Self { state, server: None }
    }

    /// Starts a server: from now on every command goes through it.
    pub(crate) fn serve(&mut self) {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        let server = self.server.insert(Server { process, api: String::new(), metrics: String::new() });
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: it said {line:?}"));
        said["api"].as_str().unwrap().clone_into(&mut server.api);
        said["metrics"].as_str().unwrap().clone_into(&mut server.metrics);
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.as_ref().expect("a server was started").process.id()
    }

    /// Where the API of the server is.
    pub(crate) fn api(&self) -> &str {
        &self.server.as_ref().expect("a server was started").api
    }

    /// The page of its metrics.
    pub(crate) fn metrics(&self) -> String {
        let server = self.server.as_ref().expect("a server was started");
        let address = server.metrics.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    pub(crate) fn server(&mut self) -> Server {
        self.server.take().expect("a server was started")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(words).arg("--json").env("FERRY_STATE", self.state.path()).env_remove("FERRY_WORKSPACE");
        command
    }

    pub(crate) fn say(&self, words: &[&str]) -> Said {
        said(self.command(words).output().unwrap())
    }

    /// A command that must succeed.
    pub(crate) fn ok(&self, words: &[&str]) -> Said {
        let said = self.say(words);
        assert_eq!(said.code, Some(0), "ferry {}: {}", words.join(" "), said.stderr);
        said
    }

    /// A command that must fail with this code; gives the error.
    pub(crate) fn fails(&self, words: &[&str], code: &str) -> Value {
        let said = self.say(words);
        assert_ne!(said.code, Some(0), "ferry {} succeeded: {}", words.join(" "), said.stdout);
        assert_ne!(said.code, None, "ferry {} was killed", words.join(" "));
        let error = said.error();
        assert_eq!(error["code"], code, "{error:#}");
        for key in ["message", "whose", "remedy"] {
            assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "no {key}: {error:#}");
        }
        error
    }

    /// The contact of each record that is not gone.
    pub(crate) fn contacts(&self) -> BTreeMap<String, Value> {
        let contacts = self.ok(&["contacts", "list", "--limit", "1000000"]).documents();
        let links = contacts.iter().flat_map(|contact| {
            let live = contact["links"].as_array().unwrap().iter().filter(|link| link["gone"].is_null());
            live.map(|link| (link["record"].as_str().unwrap().to_owned(), contact.clone()))
        });
        links.collect()
    }

    pub(crate) fn install(&self, id: &str, loopback: Option<&str>) {
        let file = component(id).display().to_string();
        let loopback: Vec<&str> = loopback.into_iter().flat_map(|origin| ["--allow-loopback", origin]).collect();
        self.ok(&[&["plugin", "install", &file, "--yes"][..], &loopback].concat());
    }
}

pub(crate) fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Returns when something has come to pass that takes a moment, or fails after a minute.
pub(crate) fn until(mut come: impl FnMut() -> bool) {
    let patience = std::time::Duration::from_secs(60);
    let since = std::time::Instant::now();
    while !come() {
        assert!(since.elapsed() < patience, "it did not come to pass");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A folder with all plugins compiled.
fn warm_cache() -> &'static Path {
    static WARM: OnceLock<TempDir> = OnceLock::new();
    let warm = WARM.get_or_init(|| {
        let host = Host { state: TempDir::with_prefix("ferry-warm-").unwrap(), server: None };
        ["hubspot", "field-mapper", "hostile"].iter().for_each(|id| host.install(id, None));
        host.state
    });
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| warm.path().join("compiled"))
}

/// A host with both plugins, a connection `crm` and a sync `people`, and the CRM behind it.
pub(crate) struct Rig {
    pub(crate) crm: HubSpot,
    pub(crate) host: Host,
}

impl Rig {
    pub(crate) fn new(contacts: u64, seed: u64) -> Self {
        let rig = Self::connected(contacts, seed);
        rig.create_sync(&[]);
        rig
    }

    pub(crate) fn connected(contacts: u64, seed: u64) -> Self {
        Self::on(Host::new(), contacts, seed)
    }

    /// As [`Rig::connected`], with a server that every command goes through.
    pub(crate) fn served(contacts: u64, seed: u64) -> Self {
        let mut host = Host::new();
        host.serve();
        Self::on(host, contacts, seed)
    }

    fn on(host: Host, contacts: u64, seed: u64) -> Self {
        let crm = HubSpot::start(Options { contacts, seed, clock: Start::Now, ..Options::default() }).unwrap();
        host.install("hubspot", Some(crm.base_url()));
        host.install("field-mapper", None);
        let token = host.state.path().join("token");
        std::fs::write(&token, &crm.credentials().service_key).unwrap();
        let token = token.display().to_string();
        let words = ["connection", "add", "crm", "--plugin", "hubspot", "--base-url", crm.base_url()];
        // What the CRM signs its webhooks with.
        let secret = host.state.path().join("secret");
        std::fs::write(&secret, &crm.credentials().client_secret).unwrap();
        let secret = secret.display().to_string();
        let sign_in = ["--sign-in", "bearer", "--token-file", &token, "--signing-secret-file", &secret];
        host.ok(&[&words[..], &sign_in].concat());
        Self { crm, host }
    }

    pub(crate) fn create_sync(&self, more: &[&str]) {
        self.create_sync_named("people", more);
    }

    pub(crate) fn create_sync_named(&self, name: &str, more: &[&str]) {
        let path = |name: &str| mapping(name).display().to_string();
        let (call, meeting) =
            (format!("call=calls:{}", path("call.toml")), format!("appointment=meetings:{}", path("appointment.toml")));
        let words = ["sync", "create", name, "--connection", "crm", "--object", "contacts"];
        let mapping = path("contacts.toml");
        let rest = ["--mapping", &mapping, "--outbound", &call, "--outbound", &meeting];
        self.host.ok(&[&words[..], &rest, more].concat());
    }

    /// The counts of the last inbound run that this command reports.
    pub(crate) fn run_inbound(&self) -> Value {
        self.host.ok(&["sync", "run", "people", "--inbound-only"]).document()["inbound"]["counts"].clone()
    }

    /// Every record of the CRM is a contact with its values, or is refused; and there is nothing else.
    pub(crate) fn assert_complete(&self) {
        let records = self.crm.records("contacts", 0, usize::MAX).unwrap();
        let contacts = self.host.ok(&["contacts", "list", "--limit", "1000000"]).documents();
        let refused =
            self.host.ok(&["contacts", "list", "--sync", "people", "--refused", "--limit", "1000000"]).documents();
        let mut here: std::collections::BTreeMap<String, Option<Value>> = std::collections::BTreeMap::new();
        for contact in contacts {
            for link in contact["links"].as_array().unwrap() {
                let record = link["record"].as_str().unwrap().to_owned();
                let twice = here.insert(record.clone(), Some(contact.clone()));
                assert_eq!(twice, None, "record {record} stands in two contacts");
            }
        }
        for refusal in &refused {
            here.entry(refusal["record"].as_str().unwrap().to_owned()).or_insert(None);
        }
        for record in records.iter().filter(|record| !record.archived) {
            let found = here.remove(&record.id).unwrap_or_else(|| panic!("record {} is missing", record.id));
            let Some(contact) = found else { continue };
            let theirs = record.properties.get("city").map(|city| city.trim());
            assert_eq!(contact["attributes"]["city"].as_str(), theirs, "record {}", record.id);
        }
        assert_eq!(here.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "records that the CRM does not have");
    }
}
