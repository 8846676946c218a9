//! Plugins from a registry and from addresses: a real registry server from Debian's packages, artifacts as `wkg` lays them out, and
//! whatever a server may do instead of giving the file.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::clients::{Failure, finish, install_once};
use crate::rig::{Host, component};

const MISSING: &str = "these tests need Debian's `docker-registry`, which `apt-get download` fetches (its lists must be there: \
                       `apt-get update`); on another system, put the program into a folder and name it in FERRY_TEST_REGISTRY";

/// The program, fetched once beside the build's output; nothing is installed on the machine.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(given) = std::env::var_os("FERRY_TEST_REGISTRY") {
            return given.into();
        }
        let pin = Path::new(env!("CARGO_MANIFEST_DIR")).join("live/registry.txt");
        let home = install_once("registry", &pin, "apt-get", MISSING, fetch);
        home.unwrap_or_else(|why| panic!("there is no registry to test against: {MISSING}\n{why}"))
            .join("usr/bin/docker-registry")
    })
}

fn fetch(home: &Path) -> Result<(), Failure> {
    let download = || finish(Command::new("apt-get").args(["download", "docker-registry"]).current_dir(home));
    // A fresh machine has no lists yet.
    download().or_else(|_| finish(Command::new("apt-get").arg("update")).and_then(|_| download()))?;
    let mut files = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    let package = files.find(|path| path.extension().is_some_and(|it| it == "deb")).ok_or("nothing was downloaded")?;
    finish(Command::new("dpkg").arg("-x").arg(package).arg(home)).map(drop)
}

/// A registry on a free port; it ends with this.
pub(crate) struct Registry {
    process: Child,
    pub(crate) address: String,
    /// What the test itself asks it with.
    authorization: Option<String>,
    _home: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    fn start() -> Self {
        Self::guarded(|_| String::new(), None)
    }

    /// One that asks who comes, as this line of its configuration says; it is made in the registry's folder.
    pub(crate) fn guarded(auth: impl FnOnce(&Path) -> String, authorization: Option<String>) -> Self {
        let home = TempDir::with_prefix("ferry-registry-").unwrap();
        let config = home.path().join("config.yml");
        let storage = home.path().join("blobs").display().to_string();
        std::fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n{}",
                auth(home.path())
            ),
        )
        .unwrap();
        let mut command = Command::new(program());
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|why| panic!("{}: {why}. {MISSING}", program().display()));
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let said = |line: String| line.split_once("listening on ").map(|(_, rest)| rest.to_owned());
        let rest = lines.by_ref().map_while(Result::ok).find_map(said).expect("the registry says where it listens");
        let address = rest.split([' ', '"', ',']).next().unwrap().to_owned();
        // A full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address, authorization, _home: home }
    }

    fn send(&self, method: &str, target: &str, kind: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let target = target.strip_prefix(&format!("http://{}", self.address)).unwrap_or(target);
        let signed = self.authorization.iter().map(|it| format!("authorization: {it}\r\n")).collect::<String>();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{signed}content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{method} {target}: {answer}");
        answer
    }

    /// Puts a blob there; gives how a manifest names it.
    fn blob(&self, kind: &str, bytes: &[u8]) -> Value {
        let answer = self.send("POST", "/v2/acme/hostile/blobs/uploads/", "application/json", b"");
        let place = answer.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
        let digest = format!("sha256:{}", hex(bytes));
        self.send("PUT", &format!("{place}&digest={digest}"), "application/octet-stream", bytes);
        json!({ "mediaType": kind, "digest": digest, "size": bytes.len() })
    }

    /// Puts a plugin there under a tag.
    pub(crate) fn plugin(&self, tag: &str, plugin: &[u8]) -> String {
        self.artifact(tag, CONFIG, &[(LAYER, plugin)]);
        format!("oci://{}/acme/hostile:{tag}", self.address)
    }

    /// Puts an artifact there under a tag; gives the digest of its manifest.
    fn artifact(&self, tag: &str, config: &str, layers: &[(&str, &[u8])]) -> String {
        let created = json!({
            "created": "2026-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2", "layerDigests": [],
        });
        let layers: Vec<Value> = layers.iter().map(|(kind, bytes)| self.blob(kind, bytes)).collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": self.blob(config, created.to_string().as_bytes()), "layers": layers,
        });
        let bytes = manifest.to_string().into_bytes();
        self.send("PUT", &format!("/v2/acme/hostile/manifests/{tag}"), MANIFEST, &bytes);
        hex(&bytes)
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn install<'a>(place: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["plugin", "install", place, "--yes", "--from-loopback"], more].concat()
}

#[test]
fn a_plugin_comes_from_a_registry_under_its_tag_and_under_its_digest() {
    let (host, registry) = (Host::new(), Registry::start());
    let plugin = std::fs::read(component("hostile")).unwrap();
    let digest = registry.artifact("1.0.0", CONFIG, &[(LAYER, &plugin)]);
    let at = |reference: &str| format!("oci://{}/acme/hostile{reference}", registry.address);
    // Without a word of the admin, a server on this machine is reached by nobody, and nothing travels in the clear.
    let place = at(":1.0.0");
    host.fails(&["plugin", "install", &place, "--yes"], "plugin-address-denied");
    host.fails(&["plugin", "install", &place, "--yes", "--from-private"], "plugin-address-denied");
    let installed = host.ok(&install(&place, &[])).document();
    let digests = (&installed["digest"], &installed["artifact"]);
    assert_eq!(digests, (&hex(&plugin).into(), &digest.as_str().into()));
    host.ok(&install(&at(&format!("@sha256:{digest}")), &["--digest", &hex(&plugin)]));
    let other = "0".repeat(64);
    host.fails(&install(&at(&format!("@sha256:{other}")), &[]), "plugin-fetch");
    host.fails(&install(&place, &["--digest", &other]), "plugin-digest");
    host.fails(&install(&at(":9.9.9"), &[]), "plugin-fetch");
    // A tag that was moved to other bytes under the same version.
    let mut moved = plugin.clone();
    moved.extend_from_slice(b"\x00\x05\x04note");
    registry.artifact("1.0.0", CONFIG, &[(LAYER, &moved)]);
    host.fails(&install(&place, &[]), "plugin-switched");
    host.ok(&install(&at(&format!("@sha256:{digest}")), &[]));
}

#[test]
fn an_artifact_that_is_no_component_is_refused_with_the_reason() {
    let (host, registry) = (Host::new(), Registry::start());
    let plugin = std::fs::read(component("hostile")).unwrap();
    for (tag, config, layers, told) in [
        (
            "image",
            "application/vnd.oci.image.config.v1+json",
            &[(LAYER, &plugin[..])][..],
            "its configuration is of type",
        ),
        ("two", CONFIG, &[(LAYER, &plugin[..]), (LAYER, b"more")], "it has 2 layers"),
        ("zip", CONFIG, &[("application/zip", b"PK")], "its layer is of type `application/zip`"),
    ] {
        registry.artifact(tag, config, layers);
        let error =
            host.fails(&install(&format!("oci://{}/acme/hostile:{tag}", registry.address), &[]), "plugin-artifact");
        assert!(error["message"].as_str().unwrap().contains(told), "{error:#}");
    }
    registry.artifact("garbage", CONFIG, &[(LAYER, b"not wasm")]);
    host.fails(&install(&format!("oci://{}/acme/hostile:garbage", registry.address), &[]), "package-not-wasm");
}

/// A server that gives one answer to each request, in turn, and keeps the heads of what it was asked.
fn answering(listener: TcpListener, answers: Vec<Vec<u8>>) -> Arc<Mutex<Vec<String>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&asked);
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut head = BufReader::new(stream.try_clone().unwrap());
            let mut lines = String::new();
            while head.read_line(&mut lines).is_ok_and(|length| length > 2) {}
            heads.lock().unwrap().push(lines);
            let _ = stream.write_all(&answer);
        }
    });
    asked
}

fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn whole(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn a_plugin_comes_from_an_address_and_a_server_that_lies_gets_nowhere() {
    let host = Host::new();
    let plugin = std::fs::read(component("hostile")).unwrap();
    let at = |answers: Vec<Vec<u8>>| {
        let (listener, address) = listening();
        answering(listener, answers);
        format!("http://{address}/hostile.wasm?key=very-secret")
    };
    let sent_on = |to: &str| whole("302 Found", &format!("location: {to}\r\n"), b"");
    let place = at(vec![sent_on("/elsewhere.wasm"), whole("200 OK", "", &plugin)]);
    assert_eq!(host.ok(&install(&place, &["--digest", &hex(&plugin)])).document()["digest"], hex(&plugin).as_str());
    for (answers, code) in [
        (vec![whole("200 OK", "", &plugin[..plugin.len() / 2])], "package-truncated"),
        (vec![whole("404 Not Found", "", b"no")], "plugin-fetch"),
        (vec![whole("401 Unauthorized", "", b"no")], "plugin-fetch-sign-in"),
        (vec![sent_on("/a"); 9], "plugin-fetch"),
        (vec![sent_on("http://169.254.169.254/latest/meta-data")], "plugin-address-denied"),
        (vec![sent_on("https://169.254.169.254/latest/meta-data")], "plugin-address-denied"),
        (vec![sent_on("https://127.0.0.1:1/x")], "plugin-address-denied"),
        (vec![sent_on("file:///etc/passwd")], "plugin-address-denied"),
        (vec![b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_vec()], "plugin-fetch-large"),
        (vec![b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec()], "plugin-fetch"),
    ] {
        let place = at(answers);
        let error = host.fails(&install(&place, &["--allow-downgrade"]), code);
        assert!(!error.to_string().contains("very-secret"), "{error:#}");
    }
    host.fails(&["plugin", "install", "oci://registry.example.com/acme", "--yes"], "plugin-address");
}

#[test]
fn a_registry_that_wants_a_token_is_asked_with_the_one_it_gives_and_nobody_else_is() {
    let host = Host::new();
    let plugin = std::fs::read(component("hostile")).unwrap();
    let layer = json!({ "mediaType": LAYER, "digest": format!("sha256:{}", hex(&plugin)), "size": plugin.len() });
    let config = json!({ "mediaType": CONFIG, "digest": format!("sha256:{}", hex(b"{}")), "size": 2 });
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let ((registry, address), (storage, elsewhere)) = (listening(), listening());
    let challenge = format!(
        "www-authenticate: Bearer realm=\"http://{address}/token\",service=\"reg\",scope=\"repository:acme/hostile:pull\"\r\n"
    );
    let asked = answering(
        registry,
        vec![
            whole("401 Unauthorized", &challenge, b"{}"),
            whole("200 OK", "", br#"{"token":"very-secret"}"#),
            whole("200 OK", "", manifest.to_string().as_bytes()),
            whole("302 Found", &format!("location: http://{elsewhere}/blob\r\n"), b""),
        ],
    );
    // The storage is another origin, which the admin did not name: it is not even connected to.
    let never = answering(storage, vec![whole("200 OK", "", &plugin)]);
    let place = format!("oci://{address}/acme/hostile:1.0.0");
    host.fails(&install(&place, &[]), "plugin-address-denied");
    let heads = asked.lock().unwrap().clone();
    let signed: Vec<bool> = heads.iter().map(|head| head.contains("authorization: Bearer very-secret")).collect();
    assert_eq!(signed, [false, false, true, true], "{heads:#?}");
    assert!(heads[1].starts_with("GET /token?service=reg&scope=repository%3Aacme%2Fhostile%3Apull "), "{}", heads[1]);
    assert_eq!(never.lock().unwrap().len(), 0);
}

#[test]
fn a_workspace_can_take_signed_plugins_only() {
    let host = Host::new();
    let key = host.state.path().join("publisher.pem").display().to_string();
    let public = host.ok(&["plugin", "keygen", &key]).document()["key"].as_str().unwrap().to_owned();
    let unsigned = component("hostile").display().to_string();
    let signed = host.state.path().join("signed.wasm").display().to_string();
    std::fs::copy(&unsigned, &signed).unwrap();
    host.ok(&["plugin", "sign", &signed, "--key", &key]);
    assert_eq!(host.ok(&["plugin", "trust", "signed-only", "on"]).document()["signed_only"], true);
    host.fails(&["plugin", "install", &unsigned, "--yes"], "plugin-signed-only");
    // A signature of somebody whom nobody knows proves nothing.
    host.fails(&["plugin", "install", &signed, "--yes"], "plugin-signed-only");
    host.ok(&["plugin", "install", &signed, "--yes", "--trust"]);
    let trusted = host.ok(&["plugin", "trust", "list"]).documents();
    assert_eq!(trusted[0]["key"], public.as_str());
    let log = host.ok(&["audit", "list"]).stdout;
    assert!(log.contains("admission of plugins"), "{log}");
    host.ok(&["plugin", "trust", "signed-only", "off"]);
}
