//! The SDKs for other languages than Rust: their own tests, and their examples built, packed, installed and run by the host
//! against a simulated CRM. What the languages' tools need is installed beside the build's output, once per pin.

#![allow(clippy::unwrap_used, reason = "a test whose ground is missing is to stop at once")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use ferry_tests::sim::phonebook::{KEY, Phonebook};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::clients::{Failure, NPM_MISSING, PYTHON_MISSING, finish, install_once, npm_install, python_venv};
use crate::rig::Host;

/// More than two pages of a hundred.
const PEOPLE: usize = 250;

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of an SDK, the examples' too, but for what was installed or built there.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.is_dir() {
            true if matches!(name.as_str(), "node_modules" | "dist" | "__pycache__") => {}
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

/// An SDK with its tools and the contract: a copy, so that nothing is written among the sources.
pub(crate) struct Sdk {
    pub(crate) home: PathBuf,
    /// Of all its files and the contract: a component is built anew when one of them has changed.
    hash: String,
    /// The build as its author starts it in the folder of a plugin, but for where the component goes.
    build: fn(&Path) -> Command,
}

pub(crate) fn javascript() -> &'static Sdk {
    static INSTALLED: OnceLock<Sdk> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let sdk = repository().join("sdk/js");
        let home = install_once("sdk-js", &sdk.join("package.json"), "npm", NPM_MISSING, npm_install)
            .unwrap_or_else(|failure| panic!("{failure}"));
        let hash = copy(&[(&sdk, &home), (&repository().join("wit"), &home.join("wit"))]);
        let link = home.join("node_modules/ferry-sdk");
        if !link.exists() {
            std::os::unix::fs::symlink(&home, &link).unwrap();
        }
        let build = |home: &Path| {
            let mut command = Command::new("node");
            command.arg(home.join("bin/ferry-build.js"));
            command
        };
        Sdk { home, hash, build }
    })
}

/// The Python SDK installed as a newcomer does it, but from the copy.
fn python_install(home: &Path) -> Result<(), Failure> {
    copy(&[(&repository().join("sdk/python"), home)]);
    python_venv(home, &["--editable", "."])
}

pub(crate) fn python() -> &'static Sdk {
    static INSTALLED: OnceLock<Sdk> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let sdk = repository().join("sdk/python");
        let pin = sdk.join("pyproject.toml");
        let home = install_once("sdk-python", &pin, "python3", PYTHON_MISSING, python_install)
            .unwrap_or_else(|failure| panic!("{failure}"));
        let hash = copy(&[(&sdk, &home), (&repository().join("wit"), &home.join("wit"))]);
        Sdk { home, hash, build: |home| Command::new(home.join("venv/bin/ferry-build")) }
    })
}

/// Copies the sources of each folder; gives their hash.
fn copy(folders: &[(&Path, &Path)]) -> String {
    let mut hash = Sha256::new();
    for (from, to) in folders {
        let mut files = Vec::new();
        sources(from, &mut files);
        files.sort();
        for file in files {
            let name = file.strip_prefix(from).unwrap();
            let bytes = fs::read(&file).unwrap();
            hash.update(name.as_os_str().as_encoded_bytes());
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(&bytes);
            fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
            fs::write(to.join(name), bytes).unwrap();
        }
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Sdk {
    /// An example as its author builds it, unless it was built from these very files before.
    fn build(&self, example: &str) -> PathBuf {
        self.build_in(&self.home.join("examples").join(example), &self.hash)
    }

    /// A plugin of the tests, built in a copy that finds the SDK.
    fn build_guest(&self, guest: &str) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests").join(guest);
        let folder = self.home.join("guests").join(guest);
        let hash = copy(&[(&from, &folder)]);
        self.build_in(&folder, &format!("{}-{hash}", self.hash))
    }

    /// `name` is of all that goes into it.
    fn build_in(&self, folder: &Path, name: &str) -> PathBuf {
        let out = format!("dist/{name}.wasm");
        if !folder.join(&out).exists() {
            let built = finish((self.build)(&self.home).args(["--out", &out]).current_dir(folder));
            built.unwrap_or_else(|failure| panic!("{failure}"));
        }
        folder.join(out)
    }
}

/// Packs a component with the manifest of its example and installs it.
fn install(host: &Host, component: &Path, loopback: &[&str]) {
    let packed = pack(host, component);
    host.ok(&[&["plugin", "install", &packed, "--yes"][..], loopback].concat());
}

fn pack(host: &Host, component: &Path) -> String {
    let folder = component.parent().unwrap().parent().unwrap();
    let packed = host.state.path().join("packed.wasm").display().to_string();
    let (component, manifest) = (component.display().to_string(), folder.join("plugin.toml").display().to_string());
    host.ok(&["plugin", "pack", &component, "--manifest", &manifest, "--out", &packed]);
    packed
}

#[test]
fn the_javascript_sdk_and_its_examples_pass_their_own_tests() {
    let sdk = javascript();
    for folder in ["", "examples/phonebook", "examples/people-mapper"] {
        let said = finish(Command::new("node").args(["--test", "test/"]).current_dir(sdk.home.join(folder)));
        let said = said.unwrap_or_else(|failure| panic!("{folder}: {failure}"));
        assert!(said.contains("\n# fail 0\n") && !said.contains("\n# pass 0\n"), "{folder}: {said}");
    }
}

/// Packs a component with the manifest beside its folder, and tries it on cassettes.
fn try_out(host: &Host, component: &Path, cassettes: &Path) {
    let (packed, cassettes) = (pack(host, component), cassettes.display().to_string());
    let said = host.say(&["plugin", "test", &packed, "--cassettes", &cassettes]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let checks = said.document()["report"]["checks"].as_array().unwrap().clone();
    assert!(checks.iter().any(|check| check["id"] == "answers" && check["tried"] != 0), "{checks:?}");
}

#[test]
fn plugins_in_other_languages_keep_the_rules_of_the_contract() {
    let host = Host::new();
    let templates = repository().join("host/templates");
    for sdk in [javascript(), python()] {
        try_out(&host, &sdk.build("phonebook"), &templates.join("connector/cassettes"));
        try_out(&host, &sdk.build("people-mapper"), &templates.join("mapper/cassettes"));
    }
}

/// Made as an author makes it who leaves out the switch by which the SDK's build shuts the runtime in.
#[test]
fn a_runtime_that_reaches_beyond_the_contract_is_told_with_what_to_do() {
    let (sdk, host) = (python(), Host::new());
    let folder = sdk.home.join("examples/phonebook");
    let open = "import ferry_sdk.build as build, subprocess, sys\n\
        class Open:\n    run = staticmethod(lambda words, **how: subprocess.run([it for it in words if it != '--stub-wasi'], **how))\n\
        build.subprocess = Open\nbuild.build('src/plugin.py', sys.argv[1])";
    let mut command = Command::new(sdk.home.join("venv/bin/python"));
    let text = |path: PathBuf| path.display().to_string();
    // Not beside the example's own component.
    let (component, manifest) = (text(host.state.path().join("reaching.wasm")), text(folder.join("plugin.toml")));
    let built = finish(command.args(["-c", open, &component]).current_dir(&folder));
    built.unwrap_or_else(|failure| panic!("{failure}"));
    let out = text(host.state.path().join("packed.wasm"));
    let refused =
        host.fails(&["plugin", "pack", &component, "--manifest", &manifest, "--out", &out], "package-imports");
    let message = refused["message"].as_str().unwrap();
    assert!(message.starts_with("the component imports `wasi:") && message.contains("`wasi:sockets/"), "{message}");
    assert!(message.contains("; a connector may import `http`, `log` and `signature` of the contract"), "{message}");
    assert!(refused["remedy"].as_str().unwrap().contains("build it with the SDK of its language"), "{refused}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_mapper_in_javascript_gives_the_same_for_ever_whatever_it_reaches_for() {
    let (sdk, host) = (javascript(), Host::new());
    let cassettes = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/reaching-mapper-js/cassettes");
    try_out(&host, &sdk.build_guest("reaching-mapper-js"), &cassettes);
}

#[test]
fn a_connector_and_a_mapper_in_javascript_carry_people() {
    let sdk = javascript();
    let crm = Phonebook::start(PEOPLE).unwrap();
    let host = Host::new();
    install(&host, &sdk.build("phonebook"), &["--allow-loopback", crm.base_url()]);
    install(&host, &sdk.build("people-mapper"), &[]);
    carry(&host, &crm, "phonebook-js", "people-mapper-js");
}

#[test]
fn the_python_sdk_and_its_examples_pass_their_own_tests() {
    let sdk = python();
    for folder in ["", "examples/phonebook", "examples/people-mapper"] {
        // What it says goes to stderr.
        let words = format!("exec '{}' -m unittest discover -s tests 2>&1", sdk.home.join("venv/bin/python").display());
        let mut tests = Command::new("sh");
        tests.args(["-c", &words]).current_dir(sdk.home.join(folder)).env("PYTHONPATH", "src");
        let said = finish(&mut tests).unwrap_or_else(|failure| panic!("{folder}: {failure}"));
        assert!(said.contains("\nOK\n") && !said.contains("Ran 0 tests"), "{folder}: {said}");
    }
}

#[test]
fn a_connector_and_a_mapper_in_python_carry_people() {
    let sdk = python();
    let crm = Phonebook::start(PEOPLE).unwrap();
    let host = Host::new();
    install(&host, &sdk.build("phonebook"), &["--allow-loopback", crm.base_url()]);
    install(&host, &sdk.build("people-mapper"), &[]);
    carry(&host, &crm, "phonebook-python", "people-mapper-python");
}

/// Every person of the CRM becomes a contact through the mapper.
fn carry(host: &Host, crm: &Phonebook, connector: &str, mapper: &str) {
    let file = |name: &str, text: &str| {
        let path = host.state.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = file("key", KEY);
    let connect = ["connection", "add", "crm", "--plugin", connector, "--base-url", crm.base_url()];
    host.ok(&[&connect[..], &["--sign-in", "bearer", "--token-file", &key]].concat());
    let mapping = file("people.json", r#"{"name": "name", "copy": {"email": "email"}}"#);
    let create = ["sync", "create", "people", "--connection", "crm", "--object", "people"];
    host.ok(&[&create[..], &["--mapper", mapper, "--mapping", &mapping]].concat());
    let counts = host.ok(&["sync", "run", "people"]).document()["inbound"]["counts"].clone();
    assert_eq!(counts["created"], PEOPLE, "{counts}");
    let mut people = host.ok(&["contacts", "list", "--limit", "1000"]).documents();
    people.sort_by_key(|contact| contact["links"][0]["record"].as_str().unwrap().parse::<usize>().unwrap());
    assert_eq!(people.len(), PEOPLE);
    for (number, contact) in (1..).zip(&people) {
        let mut expected = json!({"first_name": format!("Zoë {number}"), "last_name": "Müller"});
        if number % 10 != 0 {
            expected["email"] = format!("person{number}@example.com").into();
        }
        assert_eq!(contact["attributes"], expected);
    }
}
