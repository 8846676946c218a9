//! A simulated CRM for the bench, and a host that is connected to it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::measure::{Taken, measure};
use crate::cargo::{self, Profile};
use crate::simulator::{Options, Simulator};

pub(super) struct Crm {
    pub(super) base_url: String,
    pub(super) access_token: String,
    pub(super) folder: TempDir,
    simulator: Simulator,
}

/// A state directory with plugins, connection and sync.
pub(super) struct State(pub(super) std::path::PathBuf);

impl State {
    pub(super) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(super) fn ferry(&self, words: &[&str]) -> Command {
        let mut command = Command::new(cargo::binary(Profile::Release, "ferry"));
        command.args(words).env("FERRY_STATE", &self.0).env_remove("FERRY_WORKSPACE").current_dir(cargo::root());
        command
    }

    pub(super) fn run(&self, words: &[&str]) -> Result<()> {
        let output = self.ferry(words).output().context("ferry could not be started")?;
        ensure!(output.status.success(), "ferry {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

impl Crm {
    pub(super) fn start(contacts: u64, latency_ms: u64) -> Result<Self> {
        let options =
            Options { crm: "hubspot", profile: Profile::Release, contacts, seed: 7, latency_ms, limits: false };
        let simulator = Simulator::start(&options)?;
        let folder = TempDir::with_prefix("ferry-bench-")?;
        let (base_url, access_token) = (simulator.base_url.clone(), simulator.access_token.clone());
        Ok(Self { base_url, access_token, folder, simulator })
    }

    /// Everything that comes before the first run.
    pub(super) fn set_up(&self, packed: &Path) -> Result<State> {
        let state = State::at(&self.folder.path().join("state"));
        let plugin = |name: &str| packed.join(format!("{name}.wasm")).display().to_string();
        let token = self.folder.path().join("token");
        std::fs::write(&token, &self.access_token)?;
        let token = token.display().to_string();
        state.run(&["plugin", "install", &plugin("hubspot"), "--allow-loopback", &self.base_url, "--yes"])?;
        state.run(&["plugin", "install", &plugin("field-mapper"), "--yes"])?;
        let connect = ["connection", "add", "crm", "--plugin", "hubspot", "--base-url", &self.base_url];
        state.run(&[&connect[..], &["--sign-in", "bearer", "--token-file", &token]].concat())?;
        let sync = ["sync", "create", "people", "--connection", "crm", "--object", "contacts"];
        let mappings = ["--mapping", "xtask/demo/contacts.toml", "--outbound", "call=calls:xtask/demo/call.toml"];
        state.run(&[&sync[..], &mappings].concat())?;
        Ok(state)
    }

    /// Edits a contact, as somebody in the CRM would.
    pub(super) fn edit(&self, record: &str, city: &str) -> Result<()> {
        self.simulator.edit(record, &json!({ "city": city }))
    }

    /// The first run of a sync, measured.
    pub(super) fn run_sync(&self, packed: &Path, options: &[&str]) -> Result<Taken> {
        let state = self.set_up(packed)?;
        measure(&mut state.ferry(&[&["sync", "run", "people"], options].concat()))
    }
}
