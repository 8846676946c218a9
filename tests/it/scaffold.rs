//! `ferry plugin new` and `dev`: every project that is made builds, packs and passes its tests as it is.
#![allow(clippy::unwrap_used, reason = "a test whose ground is missing is to stop at once")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use ferry_tests::sim::phonebook::{KEY, Phonebook};

use crate::clients::finish;
use crate::languages::{javascript, python, repository};
use crate::rig::{Host, Said, component, said};

/// A build takes seconds, half a minute on a busy machine. Beyond this something hangs.
const LIMIT: Duration = Duration::from_secs(300);

fn make(host: &Host, name: &str, words: [&str; 2], sdk: &Path) -> PathBuf {
    let folder = host.state.path().join(name);
    let [kind, language] = words;
    let (dir, sdk) = (folder.display().to_string(), sdk.display().to_string());
    let words = ["plugin", "new", name, "--kind", kind, "--lang", language, "--dir", &dir, "--sdk", &sdk];
    assert!(host.ok(&words).document()["files"].as_array().unwrap().len() >= 7);
    folder
}

/// Nothing is fetched: the tools and crates of this repository are there already.
fn dev(host: &Host, folder: &Path, more: &[&str]) -> Command {
    let folder = folder.display().to_string();
    let mut command = Command::new(crate::rig::program());
    command.args(["plugin", "dev", &folder]).args(more).env("FERRY_STATE", host.state.path());
    offline(&mut command);
    command
}

fn offline(command: &mut Command) -> &mut Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold");
    command.env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true").env_remove("FERRY_WORKSPACE")
}

fn once(host: &Host, folder: &Path, more: &[&str]) -> Said {
    let said = said(dev(host, folder, &[&["--once"], more].concat()).output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    said
}

/// Built, packed and tried by `dev`, then installed.
fn assert_passes(host: &Host, name: &str, folder: &Path) {
    let said = once(host, folder, &[]);
    assert!(said.stdout.contains("answers") && said.stdout.contains("passed"), "{said:?}");
    assert!(!said.stdout.contains("FAILED"), "{said:?}");
    let packed = folder.join(format!("{name}.wasm")).display().to_string();
    assert_eq!(host.ok(&["plugin", "install", &packed, "--yes"]).document()["id"], name);
}

#[test]
fn a_new_project_in_rust_builds_packs_and_passes_its_tests() {
    let host = Host::new();
    for kind in ["connector", "mapper"] {
        let name = format!("acme-{kind}");
        let folder = make(&host, &name, [kind, "rust"], &repository().join("sdk/rust"));
        // The versions that this repository was built with.
        std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let tested = finish(offline(Command::new("cargo").arg("test").current_dir(&folder)));
        let tested = tested.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(tested.contains("running 3 tests") || tested.contains("running 2 tests"), "{tested}");
        assert_passes(&host, &name, &folder);
    }
}

fn javascript_project(host: &Host, name: &str, kind: &str) -> PathBuf {
    let folder = make(host, name, [kind, "js"], &javascript().home);
    let words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--offline"];
    finish(Command::new("npm").args(words).current_dir(&folder)).unwrap_or_else(|failure| panic!("{failure}"));
    folder
}

#[test]
fn a_new_project_in_javascript_builds_packs_and_passes_its_tests() {
    let host = Host::new();
    for kind in ["connector", "mapper"] {
        let name = format!("acme-{kind}");
        let folder = javascript_project(&host, &name, kind);
        let tested = finish(Command::new("npm").arg("test").current_dir(&folder));
        let tested = tested.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(tested.contains("\n# fail 0\n") && !tested.contains("\n# pass 0\n"), "{tested}");
        assert_passes(&host, &name, &folder);
    }
}

#[test]
fn a_new_project_in_python_builds_packs_and_passes_its_tests() {
    let host = Host::new();
    for kind in ["connector", "mapper"] {
        let name = format!("acme-{kind}");
        let folder = make(&host, &name, [kind, "python"], &python().home);
        // What its requirements name is installed there.
        std::os::unix::fs::symlink(python().home.join("venv"), folder.join("venv")).unwrap();
        let words = "exec venv/bin/python -m unittest discover -s tests 2>&1";
        let tested = finish(Command::new("sh").args(["-c", words]).current_dir(&folder).env("PYTHONPATH", "src"));
        let tested = tested.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(tested.contains("\nOK\n") && !tested.contains("Ran 0 tests"), "{tested}");
        assert_passes(&host, &name, &folder);
    }
}

#[test]
fn a_call_of_a_connection_shows_its_requests_and_its_answer() {
    let host = Host::new();
    let crm = Phonebook::start(3).unwrap();
    let folder = javascript_project(&host, "acme", "connector");
    once(&host, &folder, &[]);
    let packed = folder.join("acme.wasm").display().to_string();
    host.ok(&["plugin", "install", &packed, "--yes", "--allow-loopback", crm.base_url()]);
    let key = host.state.path().join("key");
    std::fs::write(&key, KEY).unwrap();
    let key = key.display().to_string();
    let connect = ["connection", "add", "crm", "--plugin", "acme", "--base-url", crm.base_url()];
    host.ok(&[&connect[..], &["--sign-in", "bearer", "--token-file", &key]].concat());
    // Its log is shown too.
    let source = folder.join("src/plugin.js");
    let text = std::fs::read_to_string(&source).unwrap();
    std::fs::write(&source, text.replace("  check(call) {", "  check(call) {\n    console.log('looked');")).unwrap();
    let words = ["--yes", "--allow-loopback", crm.base_url(), "--", "crm", "check"];
    let shown = once(&host, &folder, &words).stdout;
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(lines.contains(&vec!["log", "info", "looked"]), "{shown}");
    assert!(lines.iter().any(|line| line.starts_with(&["request", "GET", "/me", "->", "200,"])), "{shown}");
    assert!(lines.iter().any(|line| line.first() == Some(&"answer")), "{shown}");
}

/// A running `dev`; killed if it was not ended.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let send = send.clone();
            std::thread::spawn(move || {
                // Nobody listens any more when the test is over.
                BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| send.send(line)).ok();
            });
        }
        Self { child, lines }
    }

    /// What it says until a line that holds `text`.
    fn until(&self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let line = self.lines.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("it never said `{text}`:\n{all}"));
            all.push_str(&line);
            all.push('\n');
            if line.contains(text) {
                return all;
            }
        }
    }

    fn interrupt(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn dev_tries_again_after_every_change_and_ends_on_ctrl_c() {
    let host = Host::new();
    let project = host.state.path().join("careless");
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/hostile");
    std::fs::create_dir_all(project.join("cassettes")).unwrap();
    for file in ["plugin.toml", "settings.schema.json", "cassettes/crm.toml"] {
        std::fs::copy(guest.join(file), project.join(file)).unwrap();
    }
    // Its build is a copy of what was built before.
    let built = component("hostile").with_file_name("../wasm32-wasip2/component/ferry_hostile.wasm");
    let build = format!("mkdir -p dist && cp '{}' dist/plugin.wasm", built.display());
    let package = serde_json::json!({ "name": "careless", "scripts": { "build": build } });
    std::fs::write(project.join("package.json"), package.to_string()).unwrap();
    let watching = Watching::start(dev(&host, &project, &[]));
    let first = watching.until("watching ");
    assert!(first.contains("packed hostile") && !first.contains("FAILED"), "{first}");
    let cassette = project.join("cassettes/crm.toml");
    let text = std::fs::read_to_string(&cassette).unwrap();
    std::fs::write(&cassette, text.replace("\"careful\"", "\"trusting\"")).unwrap();
    let second = watching.until("watching ");
    assert!(second.contains("FAILED") && second.contains("signature"), "{second}");
    std::fs::write(project.join("plugin.toml"), "[plugin").unwrap();
    let third = watching.until("watching ");
    assert!(third.contains("error: the manifest can't be read: line 1"), "{third}");
    assert_eq!(watching.interrupt(), Some(0));
}

#[test]
fn a_project_that_can_not_be_made_is_told_why_and_nothing_is_written() {
    let host = Host::new();
    let dir = host.state.path().join("full");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("mine"), "").unwrap();
    let (dir, sdk) = (dir.display().to_string(), repository().join("sdk/rust").display().to_string());
    let new = ["plugin", "new", "acme", "--kind", "connector", "--lang", "rust"];
    let error = host.fails(&[&new[..], &["--dir", &dir, "--sdk", &sdk]].concat(), "project");
    assert_eq!(error["message"], format!("`{dir}` is there already and is not empty"));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    let error = host.fails(&[&new[..], &["--dir", "nowhere", "--sdk", &dir]].concat(), "project");
    assert_eq!(error["message"], format!("`{dir}` is not the SDK for rust"));
    assert!(!Path::new("nowhere").exists());
}
