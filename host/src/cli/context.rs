//! What every command needs: the state it works on, the workspace, the output, and threads for what waits.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use ferry::app::{App, AppOptions, KeySource, Tenant};
use ferry::model::id::WorkspaceId;
use ferry::model::time::SystemClock;
use ferry::vault::Secret;

use super::Global;
use super::failure::CliError;
use super::output::Output;

/// The sealing key itself, for machines that keep no files: 64 hexadecimal digits.
const KEY_VARIABLE: &str = "FERRY_KEY";

pub(super) struct Context {
    global: Global,
    pub(super) output: Output,
    /// The subcommand, for whoever finds the state in use.
    spoken: String,
}

impl Context {
    pub(super) fn new(global: Global, output: Output, spoken: String) -> Self {
        Self { global, output, spoken }
    }

    pub(super) fn workspace(&self) -> &WorkspaceId {
        &self.global.workspace
    }

    pub(super) fn options(&self) -> Result<AppOptions, CliError> {
        let state_dir = self.state_dir()?;
        let key = match (std::env::var(KEY_VARIABLE), &self.global.key_file) {
            (Ok(text), _) => KeySource::Text(Secret::new(text)),
            (Err(_), Some(path)) => KeySource::File(path.clone()),
            (Err(_), None) => KeySource::File(state_dir.join("sealing.key")),
        };
        Ok(AppOptions { state_dir, command: self.spoken.clone(), key, clock: Arc::new(SystemClock) })
    }

    fn state_dir(&self) -> Result<PathBuf, CliError> {
        let usual = || dirs::data_dir().map(|folder| folder.join("ferry"));
        let dir = self.global.state.clone().or_else(usual);
        dir.ok_or_else(|| CliError::usage("there is no data directory for this user", "name one with --state DIR"))
    }

    /// Opens the state.
    pub(super) fn tenant(&self) -> Result<Tenant, CliError> {
        Ok(App::open(self.options()?)?.tenant(self.workspace())?)
    }

    /// Runs what waits for a CRM or a plugin. Commands that only read the state start no threads.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Start)?;
        runtime.block_on(work)
    }
}
