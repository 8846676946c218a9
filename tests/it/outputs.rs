//! What the commands say, whole. Each file in `outputs/` is a session at a shell: after each command its stdout (`| `), its
//! stderr (`! `) and its exit code (`= 3`, where it is not 0), with what differs from run to run replaced. A line
//! `% fault = { .. }` is a step as in `tests/scenarios`, something that happens to the CRM, or one that happens to the state.
//!
//! With `FERRY_WRITE_OUTPUTS=1` the files are written as the commands answer now, to be read before they are committed.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ferry::store::Store;
use ferry_tests::sim::clock::Start;
use ferry_tests::sim::hubspot::{HubSpot, Options};
use regex::Regex;

use crate::rig::{Host, Rig, Said, component, program, said};
use crate::scenarios::take;

/// What differs from run to run, and what stands for it.
const UNSTABLE: [(&str, &str); 12] = [
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"(?m)( )[0-9a-f]{12}( |$)", "${1}DIGEST$2"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b\d+\.\d s\b", "N s"),
    (r"\b\d+ bytes", "N bytes"),
    (r#""(size|bytes)": \d+"#, r#""$1": N"#),
    (r#"(?m)\b\d+(\.\d)? [GMK]iB( free)?(",?)?$"#, "SIZE$2$3"),
    (r"\b\d+(?:\.\d+)? of (\d+) MiB( +\b)?", "N of $1 MiB "),
    (r"\b\d+ ms of", "N ms of"),
    (r#""(milliseconds|memory_bytes)": \d+"#, r#""$1": N"#),
    (r"process \d+", "process PID"),
    (r" +\n", "\n"),
];

struct Session {
    rig: Rig,
    work: PathBuf,
    unstable: Vec<(Regex, &'static str)>,
}

impl Session {
    fn new(contacts: u64) -> Self {
        let crm = HubSpot::start(Options { contacts, seed: 7, clock: Start::Now, ..Options::default() }).unwrap();
        let rig = Rig { crm, host: Host::new() };
        let work = rig.host.state.path().join("work");
        std::fs::create_dir(&work).unwrap();
        for file in std::fs::read_dir(folder().join("files")).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), work.join(file.file_name())).unwrap();
        }
        std::fs::write(work.join("token"), &rig.crm.credentials().service_key).unwrap();
        let unstable = UNSTABLE.iter().map(|(pattern, name)| (Regex::new(pattern).unwrap(), *name)).collect();
        Self { rig, work, unstable }
    }

    fn type_in(&self, line: &str) -> Said {
        let bin = program().parent().unwrap().display().to_string();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&self.work).env_clear().env("PATH", path).env("HOME", &self.work);
        command.env("FERRY_STATE", self.rig.host.state.path()).env("CRM", self.rig.crm.base_url());
        command.env("PLUGINS", components()).env("BUILT", components().parent().unwrap());
        said(command.output().unwrap())
    }

    /// The lines of a stream as a session shows them.
    fn shown(&self, mark: char, text: &str) -> String {
        let mut text = text.replace(self.rig.crm.base_url(), "$CRM");
        let address = self.rig.crm.base_url().trim_start_matches("http://");
        text = text.replace(address, "$CRM_ADDRESS");
        text = text.replace(&components().display().to_string(), "$PLUGINS");
        text = text.replace(&self.rig.host.state.path().display().to_string(), "$STATE");
        for (pattern, name) in &self.unstable {
            text = pattern.replace_all(&text, *name).into_owned();
        }
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\\ no line end\n" };
        let lines: String = text.lines().map(|line| format!("{mark} {line}").trim_end().to_owned() + "\n").collect();
        lines + end
    }

    /// The same session with the answers of today.
    fn played(&self, script: &str) -> String {
        let mut played = String::new();
        let mut held = None;
        let mut lines = script.lines().filter(|line| !line.starts_with(['|', '!', '=', '\\']));
        while let Some(line) = lines.next() {
            played.push_str(line);
            played.push('\n');
            match line.strip_prefix("% ") {
                Some("hold-state") => held = Some(Store::open(self.rig.host.state.path(), "a test").unwrap()),
                Some("release-state") => held = None,
                Some("newer-state") => self.age_program(),
                Some(step) => take(&self.rig, toml::from_str(step).unwrap_or_else(|error| panic!("{line}: {error}"))),
                None => {}
            }
            let Some(first) = line.strip_prefix("$ ") else { continue };
            let mut typed = first.to_owned();
            while typed.ends_with('\\') {
                let more = lines.next().expect("a line follows a backslash");
                played.push_str(&format!("{more}\n"));
                typed.push_str(&format!("\n{more}"));
            }
            let said = self.type_in(&typed);
            played.push_str(&self.shown('|', &said.stdout));
            played.push_str(&self.shown('!', &said.stderr));
            match said.code {
                Some(0) => {}
                Some(code) => played.push_str(&format!("= {code}\n")),
                None => played.push_str("= killed\n"),
            }
        }
        drop(held);
        played
    }

    /// Makes the state one that a version after this one has written.
    fn age_program(&self) {
        let tree = sled::open(self.rig.host.state.path().join("data")).unwrap().open_tree("ferry").unwrap();
        let schema = tree.iter().find_map(|entry| {
            let (key, _) = entry.unwrap();
            key.ends_with(b"schema").then_some(key)
        });
        tree.insert(schema.unwrap(), &99u32.to_be_bytes()).unwrap();
        tree.flush().unwrap();
    }
}

fn components() -> PathBuf {
    component("hubspot").parent().unwrap().to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/outputs")
}

fn play(name: &str, contacts: u64) {
    let path = folder().join(format!("{name}.txt"));
    let script = std::fs::read_to_string(&path).unwrap();
    let played = Session::new(contacts).played(&script);
    if std::env::var_os("FERRY_WRITE_OUTPUTS").is_some() {
        std::fs::write(&path, played).unwrap();
        return;
    }
    let place = script.lines().zip(played.lines()).take_while(|(expected, now)| expected == now).count();
    let from = |text: &str| text.lines().skip(place.saturating_sub(5)).take(20).collect::<Vec<_>>().join("\n");
    assert!(
        script == played,
        "{name}: other from line {} on\n--- expected\n{}\n--- now\n{}",
        place + 1,
        from(&script),
        from(&played)
    );
}

#[test]
fn a_tour_for_people() {
    play("tour", 12);
}

#[test]
fn a_tour_for_machines() {
    play("tour-json", 4);
}

#[test]
fn help_is_complete_and_fits_a_terminal() {
    play("help", 0);
}

#[test]
fn mistakes_are_told_with_whose_they_are_and_what_to_do() {
    play("mistakes", 12);
}

#[test]
fn bad_input_is_told_and_nothing_is_lost() {
    play("bad-input", 12);
}
