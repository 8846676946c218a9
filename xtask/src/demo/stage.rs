//! Where the demonstration plays: a state directory, and the commands as a user would type them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::browser;
use crate::cargo::{self, Profile};
use crate::simulator::Simulator;

pub(super) struct Stage {
    state: TempDir,
    packed: PathBuf,
}

impl Stage {
    pub(super) fn set(packed: PathBuf, keep: bool) -> Result<Self> {
        let mut state = TempDir::with_prefix("ferry-demo-").context("no place for the state")?;
        state.disable_cleanup(keep);
        Ok(Self { state, packed })
    }

    pub(super) fn packed(&self, id: &str) -> String {
        let path = self.packed.join(format!("{id}.wasm"));
        shorter(&path)
    }

    pub(super) fn mapping(&self, name: &str) -> String {
        shorter(&Path::new("xtask/demo").join(name))
    }

    pub(super) fn title(&self, text: &str) {
        println!("\n# {text}");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(cargo::binary(Profile::Dev, "ferry"));
        command.args(words).current_dir(cargo::root());
        command.env("FERRY_STATE", self.state.path()).env_remove("FERRY_WORKSPACE");
        command
    }

    /// Shows a command and what it prints.
    pub(super) fn ferry(&self, words: &[&str]) -> Result<()> {
        println!("\n$ {}", typed(words));
        let status = self.command(words).status().context("ferry could not be started")?;
        ensure!(status.success(), "`{}` failed ({status})", typed(words));
        Ok(())
    }

    /// A command's answer as JSON, not shown.
    fn ask(&self, words: &[&str]) -> Result<Vec<Value>> {
        let output = self.command(words).arg("--json").output().context("ferry could not be started")?;
        ensure!(output.status.success(), "`{}` failed: {}", typed(words), String::from_utf8_lossy(&output.stderr));
        let documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        let documents = documents.collect::<Result<Vec<Value>, _>>()?;
        Ok(match documents.as_slice() {
            [Value::Array(items)] => items.clone(),
            _ => documents,
        })
    }

    /// Runs a command that signs in, and opens the address that it names.
    pub(super) fn sign_in(&self, simulator: &Simulator, words: &[&str]) -> Result<()> {
        let mut all = words.to_vec();
        let (base, authorize) = (simulator.base_url.as_str(), format!("{}/oauth/authorize", simulator.base_url));
        all.extend(["--base-url", base, "--authorize-url", &authorize, "--client-id", &simulator.client_id]);
        all.extend(["--redirect-port", "0", "--no-browser"]);
        println!("\n$ {}", typed(&all));
        let mut command = self.command(&all);
        // A secret on the command line could be read by every process.
        command.env("FERRY_CLIENT_SECRET", &simulator.client_secret).stderr(Stdio::piped());
        let mut child = command.spawn().context("ferry could not be started")?;
        let stderr = child.stderr.take().context("ferry has no stderr")?;
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            eprintln!("{line}");
            if let Some((_, address)) = line.split_once("open this address to sign in: ") {
                browser::visit(address.trim())?;
            }
        }
        let status = child.wait()?;
        ensure!(status.success(), "`{}` failed ({status})", typed(&all));
        Ok(())
    }

    /// The last inbound or outbound run of a sync.
    pub(super) fn last_run(&self, sync: &str) -> Result<Value> {
        let status = self.ask(&["sync", "status", sync])?;
        let status = status.into_iter().next().context("no status")?;
        Ok(status["last_run"].clone())
    }

    /// The ids of the first contacts.
    pub(super) fn contacts(&self, count: usize) -> Result<Vec<String>> {
        let contacts = self.first_contacts(count)?;
        contacts.iter().map(|contact| text(&contact["id"])).collect()
    }

    /// The CRM's ids of the first contacts.
    pub(super) fn records(&self, count: usize) -> Result<Vec<String>> {
        let contacts = self.first_contacts(count)?;
        contacts.iter().map(|contact| text(&contact["links"][0]["record"])).collect()
    }

    fn first_contacts(&self, count: usize) -> Result<Vec<Value>> {
        let contacts = self.ask(&["contacts", "list", "--limit", &count.to_string()])?;
        ensure!(contacts.len() == count, "there are only {} contacts", contacts.len());
        Ok(contacts)
    }

    pub(super) fn close(self) {
        let kept = self.state.path().to_owned();
        drop(self.state);
        if kept.exists() {
            println!("\nDone. The state is in {}: try `ferry --state {0} contacts list`.", kept.display());
        } else {
            println!("\nDone. The state is removed; `cargo xtask demo --keep` keeps it.");
        }
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is not a text"))
}

/// A path as a user in the project's folder would type it.
fn shorter(path: &Path) -> String {
    path.strip_prefix(cargo::root()).unwrap_or(path).display().to_string()
}

fn typed(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| {
        let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,".contains(&byte));
        if plain { (*word).to_owned() } else { format!("'{word}'") }
    });
    format!("ferry {}", quoted.collect::<Vec<_>>().join(" "))
}
