//! CRMs' own clients, or those that everybody uses, against the simulators, so that somebody who didn't build them says whether
//! they are right. Installs the pinned clients beside the build's output, each once per pin; what they check stands in `clients/`.

#![allow(clippy::unwrap_used, reason = "a test whose ground is missing is to stop at once")]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ferry_tests::sim::clock::Start;
use ferry_tests::sim::{hubspot, pipedrive, salesforce};
use sha2::{Digest as _, Sha256};

/// More than two pages of a list, and of a search.
const CONTACTS: u64 = 300;

/// An installation downloads some megabytes, and Tryton's makes a database, which computes for a minute of its own; the checks take
/// seconds. Beyond this something hangs.
const LIMIT: Duration = Duration::from_secs(600);

/// A program that had to succeed and did not.
pub(crate) type Failure = String;

/// A client: the folder of its checks, the language, and the CRM that it speaks to.
struct Client {
    folder: &'static str,
    language: &'static Language,
    run: fn(Command) -> Result<String, Failure>,
    /// Fewer than these, and not all of them ran.
    checks: usize,
}

/// The file that pins a client, and how it is installed and run.
struct Language {
    pin: &'static str,
    script: &'static str,
    /// Says its version, or is missing.
    program: &'static str,
    missing: &'static str,
    install: fn(&Path) -> Result<(), Failure>,
    run: fn(&Path) -> Command,
}

pub(crate) const NPM_MISSING: &str = "`npm` is not on the path: install Node.js 20 or later, with npm";

pub(crate) const PYTHON_MISSING: &str =
    "`python3` is not on the path: install Python 3.10 or later, with its `venv` module";

const JS: Language = Language {
    pin: "package.json",
    script: "check.mjs",
    program: "npm",
    missing: NPM_MISSING,
    install: npm_install,
    run: |_| Command::new("node"),
};

const PY: Language = Language {
    pin: "requirements.txt",
    script: "check.py",
    program: "python3",
    missing: PYTHON_MISSING,
    install: python_install,
    run: |home| Command::new(home.join("venv/bin/python")),
};

/// Runs the checks against a simulator of their own.
fn on_hubspot(mut checks: Command) -> Result<String, Failure> {
    let options = hubspot::Options { contacts: CONTACTS, clock: Start::Now, ..hubspot::Options::default() };
    let crm = hubspot::HubSpot::start(options).unwrap();
    let credentials = crm.credentials();
    checks
        .env("BASE_URL", crm.base_url())
        .env("CONTROL_URL", &credentials.control_url)
        .env("ACCESS_TOKEN", &credentials.access_token)
        .env("REFRESH_TOKEN", &credentials.refresh_token)
        .env("CLIENT_ID", &credentials.client_id)
        .env("CLIENT_SECRET", &credentials.client_secret);
    finish(&mut checks)
}

fn on_salesforce(mut checks: Command) -> Result<String, Failure> {
    let options = salesforce::Options { contacts: CONTACTS, clock: Start::Now, ..salesforce::Options::default() };
    let crm = salesforce::Salesforce::start(options).unwrap();
    let credentials = crm.credentials();
    checks
        .env("BASE_URL", crm.base_url())
        .env("CONTROL_URL", &credentials.control_url)
        .env("ACCESS_TOKEN", &credentials.access_token)
        .env("REFRESH_TOKEN", &credentials.refresh_token)
        .env("CLIENT_ID", &credentials.client_id)
        .env("CLIENT_SECRET", &credentials.client_secret)
        .env("USERNAME", &credentials.username)
        .env("PASSWORD", &credentials.password)
        .env("SECURITY_TOKEN", &credentials.security_token)
        .env("JWT_KEY_FILE", &credentials.jwt_key_file);
    finish(&mut checks)
}

fn on_pipedrive(mut checks: Command) -> Result<String, Failure> {
    let options = pipedrive::Options { contacts: CONTACTS, clock: Start::Now, ..pipedrive::Options::default() };
    let crm = pipedrive::Pipedrive::start(options).unwrap();
    let credentials = crm.credentials();
    checks
        .env("BASE_URL", crm.base_url())
        .env("CONTROL_URL", &credentials.control_url)
        .env("API_TOKEN", &credentials.api_token)
        .env("CLIENT_ID", &credentials.client_id)
        .env("CLIENT_SECRET", &credentials.client_secret);
    finish(&mut checks)
}

impl Client {
    fn source(&self, file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(self.folder).join(file)
    }

    /// A folder with the pinned client in it, and with the checks as they are now.
    fn installed(&self) -> Result<PathBuf, Failure> {
        let Language { pin, program, missing, install, .. } = self.language;
        let home = install_once(self.folder, &self.source(pin), program, missing, *install)?;
        for file in fs::read_dir(self.source("")).unwrap().map(|file| file.unwrap()) {
            if file.file_type().unwrap().is_file() {
                fs::copy(file.path(), home.join(file.file_name())).unwrap();
            }
        }
        Ok(home)
    }

    /// Runs all checks; gives their lines.
    fn check(&self) -> Result<String, Failure> {
        let home = self.installed()?;
        let mut checks = (self.language.run)(&home);
        checks.arg(self.language.script).current_dir(&home).env("CONTACTS", CONTACTS.to_string());
        (self.run)(checks)
    }

    /// Every check that the script defines has passed.
    fn assert_satisfied(&self) {
        let said = self.check().unwrap_or_else(|failure| panic!("{failure}"));
        assert!(said.lines().count() >= self.checks, "only these checks ran:\n{said}");
        assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
    }
}

pub(crate) fn npm_install(home: &Path) -> Result<(), Failure> {
    let words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    finish(Command::new("npm").args(words).current_dir(home)).map(drop)
}

pub(crate) fn python_install(home: &Path) -> Result<(), Failure> {
    python_venv(home, &["-r", "requirements.txt"])
}

/// An environment of Python in a folder, with what these words name installed in it.
pub(crate) fn python_venv(home: &Path, what: &[&str]) -> Result<(), Failure> {
    finish(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(home))?;
    let words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    finish(Command::new(home.join("venv/bin/python")).args(words).args(what).current_dir(home)).map(drop)
}

/// A folder in which what `pin` names was installed, once per pin and version of the program that installs it.
pub(crate) fn install_once(
    name: &str,
    pin: &Path,
    program: &str,
    missing: &str,
    install: fn(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let version = finish(Command::new(program).arg("--version")).map_err(|why| format!("{missing}\n{why}"))?;
    let pinned = fs::read(pin).unwrap();
    let hash = Sha256::new().chain_update(&pinned).chain_update(&version).finalize();
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let clients = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let (home, done) = (clients.join(format!("{name}-{hash}")), clients.join(format!("{name}-{hash}.done")));
    fs::create_dir_all(&clients).unwrap();
    // Two runs of the tests may want to install at the same time; the lock ends with the file.
    let lock = File::create(clients.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if !done.exists() {
        // What an interrupted run has left is of no use.
        drop(fs::remove_dir_all(&home));
        fs::create_dir(&home).unwrap();
        fs::write(home.join(pin.file_name().unwrap()), &pinned).unwrap();
        install(&home)?;
        fs::write(&done, &version).unwrap();
    }
    Ok(home)
}

/// Runs a program to its end; gives what it wrote, or all about why it failed.
pub(crate) fn finish(command: &mut Command) -> Result<String, Failure> {
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| format!("{command:?} did not start: {error}"))?;
    let (stdout, stderr) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let said = stdout.recv_timeout(LIMIT);
    if said.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let complaints = stderr.recv_timeout(LIMIT).unwrap_or_default();
    match said {
        Ok(said) if status.success() => Ok(said),
        Ok(said) => Err(format!("{command:?} ended with {status}\n{said}\n{complaints}")),
        Err(_) => Err(format!("{command:?} was ended after {LIMIT:?}\n{complaints}")),
    }
}

/// Reads to the end, beside the other stream, so that the program can't be stuck on a full pipe.
fn drain(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        // Nobody listens any more when the limit is over.
        drop(send.send(String::from_utf8_lossy(&all).into_owned()));
    });
    receive
}

#[test]
fn the_official_client_for_node_finds_hubspot_in_the_simulator() {
    Client { folder: "js", language: &JS, run: on_hubspot, checks: 15 }.assert_satisfied();
}

#[test]
fn the_official_client_for_python_finds_hubspot_in_the_simulator() {
    Client { folder: "py", language: &PY, run: on_hubspot, checks: 15 }.assert_satisfied();
}

#[test]
fn jsforce_finds_salesforce_in_the_simulator() {
    Client { folder: "salesforce-js", language: &JS, run: on_salesforce, checks: 23 }.assert_satisfied();
}

#[test]
fn simple_salesforce_finds_salesforce_in_the_simulator() {
    Client { folder: "salesforce-py", language: &PY, run: on_salesforce, checks: 16 }.assert_satisfied();
}

#[test]
fn the_official_client_for_node_finds_pipedrive_in_the_simulator() {
    Client { folder: "pipedrive", language: &JS, run: on_pipedrive, checks: 16 }.assert_satisfied();
}
