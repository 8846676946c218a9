//! The sandbox: reads packages, compiles them once, and runs connectors and mappers in them. The only code that knows
//! wasmtime; it reaches a CRM through the port that each call is given, and no other way.

mod background;
mod bindings;
mod budget;
mod bulk;
mod cache;
pub mod compiler;
mod connector;
mod convert;
mod engine;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod group;
mod imports;
mod manifest;
mod mapper;
pub mod package;
mod sandbox;
mod schema;
mod shape;
pub mod signature;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use wasmtime::component::{Component, Linker};

use bindings::mapper::MapperPluginPre;
use budget::Starting;
use cache::Cache;
use connector::LinkedConnector;
pub use connector::{ConnectorContext, SandboxedConnector};
pub use manifest::ManifestError;
use mapper::MapperState;
pub use mapper::SandboxedMapper;
use package::{MAX_PACKAGE_BYTES, Package, PackageError};
use sandbox::Sandbox;
pub use shape::Face;

use crate::capability::log::{Excesses, LogSink, LogSinkOptions};
use crate::model::grant::{Digest, Grant};
use crate::model::id::WorkspaceId;
use crate::model::manifest::{Limits, Manifest, PluginKind};
use crate::model::share::Holder;

/// How plugins are loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where compiled plugins are kept. Made when it is needed, for the host's user alone.
    pub cache_dir: PathBuf,
    /// Seals what is kept, so that only a holder of the key can put machine code there. Without one, the rights of the
    /// folder alone protect it, and the seal guards against damage only.
    pub cache_key: Option<[u8; 32]>,
    /// The program that compiles in a process of its own: it is called with [`compiler::COMMAND`]. None to compile in this
    /// process, where a hostile component may take all its memory.
    pub compiler: Option<PathBuf>,
}

/// Why a plugin could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the plugin at `{path}` can't be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("the grant is for {granted}, and this plugin is {found}: it is another file than the one that was granted")]
    NotGranted { granted: Digest, found: Digest },
    /// The types of its functions are not those of the contract, or it imports what is not there.
    #[error("plugin `{plugin}` does not fit the contract: {reason}")]
    Mismatch { plugin: String, reason: String },
    #[error("plugin `{plugin}` can't be compiled: {reason}")]
    Compile { plugin: String, reason: String },
    #[error("plugin `{plugin}` is a {found}, not a {wanted}")]
    WrongKind { plugin: String, found: &'static str, wanted: &'static str },
    /// The machine has no room for the sandbox, or not the means.
    #[error("the sandbox can't be set up: {0}")]
    Sandbox(String),
}

/// All plugins of a process. Costs nothing until the first is loaded.
pub struct Plugins {
    cache: Cache,
    compiler: Option<PathBuf>,
    sandbox: OnceLock<Arc<Sandbox>>,
    loaded: Mutex<Loaded>,
    /// Compiling takes memory and every core, so it is one at a time.
    compiling: tokio::sync::Mutex<()>,
    excesses: Arc<Excesses>,
}

/// Plugins that were loaded last and are kept though nobody uses them: a command is over before the next one comes, and to load one
/// anew takes longer than most calls.
const KEPT: usize = 8;

#[derive(Default)]
struct Loaded {
    all: HashMap<Digest, Known>,
    /// The last one first.
    recent: VecDeque<Arc<Code>>,
}

/// Machine code, and the file that held its package when it was last read.
struct Known {
    code: Weak<Code>,
    file: Option<FileState>,
}

/// Tells whether a file is what it was. Whoever changes one can't set the time of that change.
#[derive(PartialEq, Eq)]
struct FileState {
    size: u64,
    place: (u64, u64),
    changed: [i64; 4],
}

/// A plugin's machine code, shared by all its connections.
struct Code {
    manifest: Manifest,
    sandbox: Arc<Sandbox>,
    body: Body,
}

enum Body {
    Connector(LinkedConnector),
    Mapper(MapperPluginPre<MapperState>),
}

/// A plugin under a grant, ready to be called.
#[derive(Clone)]
pub struct LoadedPlugin {
    code: Arc<Code>,
    limits: Limits,
    /// Whose share of the sandbox its calls take.
    holder: Holder,
    /// Counts what its logs have too much.
    excesses: Arc<Excesses>,
}

impl Plugins {
    pub fn new(options: Options) -> Self {
        Self {
            cache: Cache::new(options.cache_dir, options.cache_key),
            compiler: options.compiler,
            sandbox: OnceLock::new(),
            loaded: Mutex::default(),
            compiling: tokio::sync::Mutex::default(),
            excesses: Arc::default(),
        }
    }

    /// Loads the package at `path`; see [`Plugins::load`]. One that is loaded is read again where the file has changed.
    pub async fn load_file(&self, path: &Path, grant: &Grant) -> Result<LoadedPlugin, LoadError> {
        let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let file = FileState::of(&tokio::fs::metadata(path).await.map_err(unreadable)?);
        if let Some(code) = self.lock_loaded().known(&grant.digest, Some(&file)) {
            return Ok(self.under(code, at_most(grant.limits)));
        }
        if file.size > MAX_PACKAGE_BYTES {
            return Err(PackageError::TooLarge { bytes: file.size }.into());
        }
        let loaded = self.load(tokio::fs::read(path).await.map_err(unreadable)?, grant).await?;
        self.lock_loaded().note(&grant.digest, file);
        Ok(loaded)
    }

    /// Loads a package for which there is a grant. Compiled once per host and version, then taken from the cache.
    pub async fn load(&self, package: Vec<u8>, grant: &Grant) -> Result<LoadedPlugin, LoadError> {
        let (found, package) = off_thread(move || (package::digest(&package), package)).await?;
        if found != grant.digest {
            return Err(LoadError::NotGranted { granted: grant.digest.clone(), found });
        }
        let limits = at_most(grant.limits);
        let _compiling = self.compiling.lock().await;
        if let Some(code) = self.lock_loaded().known(&found, None) {
            return Ok(self.under(code, limits));
        }
        let (cache, compiler, sandbox) = (self.cache.clone(), self.compiler.clone(), self.sandbox.get().cloned());
        let digest = found.clone();
        let load = move || Code::load(&cache, compiler.as_deref(), sandbox, digest, package);
        let code = Arc::new(off_thread(load).await??);
        // The lock on compiling is held, so no other load can have set it.
        self.sandbox.get_or_init(|| Arc::clone(&code.sandbox));
        self.lock_loaded().add(found, &code);
        Ok(self.under(code, limits))
    }

    fn under(&self, code: Arc<Code>, limits: Limits) -> LoadedPlugin {
        LoadedPlugin { code, limits, holder: None, excesses: Arc::clone(&self.excesses) }
    }

    /// Places of calls and of open mappings that are taken, each of how many; none before the first plugin is loaded.
    pub fn taken(&self) -> Option<[(usize, usize); 2]> {
        self.sandbox.get().map(|sandbox| sandbox.taken())
    }

    /// How many calls went on beyond a limit and had the excess dropped, by its code.
    pub fn excesses(&self) -> Vec<(&'static str, u64)> {
        self.excesses.read()
    }

    fn lock_loaded(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    fn add(&mut self, digest: Digest, code: &Arc<Code>) {
        self.all.retain(|_, known| known.code.strong_count() > 0);
        self.all.insert(digest, Known { code: Arc::downgrade(code), file: None });
        self.keep(code);
    }

    /// What is loaded; with a file only where that is what it was.
    fn known(&mut self, digest: &Digest, file: Option<&FileState>) -> Option<Arc<Code>> {
        let known = self.all.get(digest).filter(|known| file.is_none() || known.file.as_ref() == file)?;
        let code = known.code.upgrade()?;
        self.keep(&code);
        Some(code)
    }

    fn note(&mut self, digest: &Digest, file: FileState) {
        if let Some(known) = self.all.get_mut(digest) {
            known.file = Some(file);
        }
    }

    fn keep(&mut self, code: &Arc<Code>) {
        self.recent.retain(|kept| !Arc::ptr_eq(kept, code));
        self.recent.push_front(Arc::clone(code));
        self.recent.truncate(KEPT);
    }
}

impl FileState {
    fn of(file: &std::fs::Metadata) -> Self {
        let changed = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
        Self { size: file.len(), place: (file.dev(), file.ino()), changed }
    }
}

/// Does what keeps a core busy where it holds up no other task.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LoadError::Sandbox(error.to_string()))
}

/// A grant can't give more than the host can bear.
fn at_most(limits: Limits) -> Limits {
    Limits {
        memory_mib: limits.memory_mib.min(Limits::MOST.memory_mib),
        call_seconds: limits.call_seconds.min(Limits::MOST.call_seconds),
        host_calls: limits.host_calls.min(Limits::MOST.host_calls),
        answer_mib: limits.answer_mib.min(Limits::MOST.answer_mib),
        traffic_mib: limits.traffic_mib.min(Limits::MOST.traffic_mib),
    }
}

impl Code {
    /// Reads, checks, compiles and links. Blocks for as long as that takes.
    fn load(
        cache: &Cache,
        compiler: Option<&Path>,
        sandbox: Option<Arc<Sandbox>>,
        digest: Digest,
        bytes: Vec<u8>,
    ) -> Result<Self, LoadError> {
        let sandbox = match sandbox {
            Some(sandbox) => sandbox,
            None => Arc::new(Sandbox::new().map_err(|error| LoadError::Sandbox(format!("{error:#}")))?),
        };
        let engine = sandbox.engine();
        // What the cache holds was checked before it was compiled, so the manifest is all that is needed.
        let package = package::identify(bytes, digest)?;
        let (manifest, component) = match cache.load(engine, &package.digest) {
            Some(component) => (package.manifest, component),
            None => compile(cache, compiler, &sandbox, package)?,
        };
        let body = link(&sandbox, manifest.plugin.kind, &component).map_err(|error| LoadError::Mismatch {
            plugin: manifest.plugin.id.to_string(),
            reason: format!("{error:#}"),
        })?;
        Ok(Self { manifest, sandbox, body })
    }
}

fn compile(
    cache: &Cache,
    compiler: Option<&Path>,
    sandbox: &Sandbox,
    package: Package,
) -> Result<(Manifest, Component), LoadError> {
    let package = package::check(package)?;
    let failed = |reason| LoadError::Compile { plugin: package.manifest.plugin.id.to_string(), reason };
    let engine = sandbox.engine();
    let compiled = match compiler {
        Some(program) => compiler::elsewhere(program, sandbox.is_scarce(), &package.bytes),
        None => engine.precompile_component(&package.bytes).map_err(|error| format!("{error:#}")),
    };
    let compiled = compiled.map_err(failed)?;
    let component = cache::component(engine, &compiled).map_err(|error| failed(format!("{error:#}")))?;
    cache.save(engine, &package.digest, &compiled);
    Ok((package.manifest, component))
}

fn link(sandbox: &Sandbox, kind: PluginKind, component: &Component) -> wasmtime::Result<Body> {
    let engine = sandbox.engine();
    Ok(match kind {
        PluginKind::Connector => {
            let linker = imports::connector_linker(engine)?;
            Body::Connector(LinkedConnector::new(linker.instantiate_pre(component)?)?)
        }
        PluginKind::Mapper => {
            let linker = Linker::<MapperState>::new(engine);
            Body::Mapper(MapperPluginPre::new(linker.instantiate_pre(component)?)?)
        }
    })
}

impl LoadedPlugin {
    /// Its calls take places of this workspace's share.
    #[must_use]
    pub fn held_by(self, workspace: &WorkspaceId) -> Self {
        Self { holder: Some(workspace.clone()), ..self }
    }

    pub fn manifest(&self) -> &Manifest {
        &self.code.manifest
    }

    /// The connector of one connection.
    pub fn connector(&self, context: ConnectorContext) -> Result<SandboxedConnector, LoadError> {
        let plugin = self.code.manifest.plugin.id.clone();
        match &self.code.body {
            Body::Connector(pre) => Ok(SandboxedConnector {
                sandbox: Arc::clone(&self.code.sandbox),
                linked: pre.clone(),
                log: LogSink::new(LogSinkOptions {
                    plugin: plugin.clone(),
                    connection: context.connection.clone(),
                    excesses: Arc::clone(&self.excesses),
                    probe: context.watch.as_ref().map(|watch| Arc::clone(&watch.probe)),
                }),
                plugin,
                limits: self.limits,
                holder: self.holder.clone(),
                context,
            }),
            Body::Mapper(_) => Err(self.wrong_kind("mapper", "connector")),
        }
    }

    pub fn mapper(&self) -> Result<SandboxedMapper, LoadError> {
        match &self.code.body {
            Body::Mapper(pre) => Ok(SandboxedMapper {
                sandbox: Arc::clone(&self.code.sandbox),
                pre: pre.clone(),
                plugin: self.code.manifest.plugin.id.clone(),
                limits: self.limits,
                holder: self.holder.clone(),
            }),
            Body::Connector(_) => Err(self.wrong_kind("connector", "mapper")),
        }
    }

    fn wrong_kind(&self, found: &'static str, wanted: &'static str) -> LoadError {
        LoadError::WrongKind { plugin: self.code.manifest.plugin.id.to_string(), found, wanted }
    }
}

/// Marks an error as one of starting a guest, before it was asked anything.
fn starting(error: wasmtime::Error) -> wasmtime::Error {
    error.context(Starting)
}
