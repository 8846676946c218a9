//! What every command needs: the state it works on, the workspace, the output, and threads for what waits.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use ferry::app::{App, AppOptions, KeySource, Tenant};
use ferry::model::audit::Actor;
use ferry::model::id::WorkspaceId;
use ferry::model::time::SystemClock;
use ferry::plugin::Options;
use ferry::vault::Secret;
use tokio::runtime::Handle;

use super::Global;
use super::failure::CliError;
use super::output::Output;

/// The sealing key itself, for machines that keep no files: 64 hexadecimal digits.
const KEY_VARIABLE: &str = "FERRY_KEY";

pub(super) struct Context {
    global: Global,
    pub(super) output: Output,
    home: Home,
}

/// Where a command runs.
enum Home {
    /// In the program that was called. It opens the state itself and leaves the subcommand's name to whoever finds it in use.
    Own { spoken: String },
    /// In a server, which has the state open.
    Server(Served),
}

/// What commands in a server share.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) app: Arc<App>,
    pub(super) runtime: Handle,
}

/// The program that runs now, even where another was put in its place on disk.
fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

impl Context {
    pub(super) fn own(global: Global, output: Output, spoken: String) -> Self {
        Self { global, output, home: Home::Own { spoken } }
    }

    pub(super) fn served(global: Global, output: Output, served: Served) -> Self {
        Self { global, output, home: Home::Server(served) }
    }

    pub(super) fn is_served(&self) -> bool {
        matches!(self.home, Home::Server(_))
    }

    pub(super) fn global(&self) -> &Global {
        &self.global
    }

    pub(super) fn workspace(&self) -> &WorkspaceId {
        &self.global.workspace
    }

    fn options(&self, spoken: &str) -> Result<AppOptions, CliError> {
        let state_dir = self.state_dir()?;
        let key = match (std::env::var(KEY_VARIABLE), &self.global.key_file, &self.global.keyring) {
            (Ok(text), ..) => KeySource::Text(Secret::new(text)),
            (Err(_), Some(path), _) => KeySource::File(path.clone()),
            (Err(_), None, Some(name)) => KeySource::Keyring(name.clone()),
            (Err(_), None, None) => KeySource::File(state_dir.join("sealing.key")),
        };
        let (command, compiler) = (spoken.to_owned(), Some(this_program()));
        Ok(AppOptions { state_dir, command, key, compiler, clock: Arc::new(SystemClock) })
    }

    /// How plugins are loaded by commands that need no state, and so no key.
    pub(super) fn trying(&self) -> Result<Options, CliError> {
        Ok(Options { cache_dir: self.state_dir()?.join("tried"), cache_key: None, compiler: Some(this_program()) })
    }

    pub(super) fn state_dir(&self) -> Result<PathBuf, CliError> {
        let usual = || dirs::data_dir().map(|folder| folder.join("ferry"));
        let dir = self.global.state.clone().or_else(usual);
        dir.ok_or_else(|| CliError::usage("there is no data directory for this user", "name one with --state DIR"))
    }

    /// The host over the state: opened now, or the server's.
    pub(super) fn app(&self) -> Result<Arc<App>, CliError> {
        match &self.home {
            Home::Own { spoken } => Ok(App::open(self.options(spoken)?)?),
            Home::Server(served) => Ok(Arc::clone(&served.app)),
        }
    }

    pub(super) fn tenant(&self) -> Result<Tenant, CliError> {
        Ok(self.app()?.tenant(self.workspace())?.acting_as(Actor::Person(self.output.console.person())))
    }

    /// Runs what waits for a CRM or a plugin. Commands that only read the state start no threads.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        if let Home::Server(served) = &self.home {
            return served.runtime.block_on(work);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Start)?;
        runtime.block_on(work)
    }
}
