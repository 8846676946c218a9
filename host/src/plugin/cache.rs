//! Compiled components on disk, so that a plugin is compiled once. A file that is not exactly what this host wrote is
//! compiled anew and never run.

use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::model::grant::Digest;

/// What a file begins with; the number is that of this layout.
const MAGIC: &[u8; 8] = b"ferryaot";

/// The bytes of the seal behind the magic number: HMAC-SHA256.
const SEAL: usize = 32;

/// Files that are kept: every plugin of a large installation, in two versions.
const MAX_FILES: usize = 256;

/// Only the user that runs the host may read or write the folder: what lies in it is executed.
const FOLDER_MODE: u32 = 0o700;

/// Machine code that this host compiled, ready to be run. To be called with nothing else.
pub(super) fn component(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    #[allow(unsafe_code, reason = "the only way to load machine code; the callers know where it comes from")]
    // SAFETY: the bytes come from the compiler that was just run, or from a file whose seal shows that this host wrote
    // them, under a name that fixes the engine's version and configuration.
    unsafe {
        Component::deserialize(engine, compiled)
    }
}

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
    /// Seals the files. Without one the seal only guards against damage.
    key: Option<[u8; 32]>,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, key: Option<[u8; 32]>) -> Self {
        Self { folder, key }
    }

    /// The compiled form of the component with that digest, if it is there and whole.
    pub(super) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let name = file_name(engine, digest);
        let bytes = std::fs::read(self.folder.join(&name)).ok()?;
        let Some(compiled) = self.open(&name, &bytes) else {
            tracing::warn!(file = name, "a compiled plugin is damaged: compiling it again");
            return None;
        };
        component(engine, compiled)
            .inspect_err(|error| tracing::warn!(file = name, %error, "a compiled plugin does not load"))
            .ok()
    }

    /// Keeps a compiled component. A cache that can't be written costs time, nothing else.
    pub(super) fn save(&self, engine: &Engine, digest: &Digest, compiled: &[u8]) {
        let name = file_name(engine, digest);
        let saved = self.write(&name, compiled).and_then(|()| self.drop_oldest());
        if let Err(error) = saved {
            tracing::warn!(folder = %self.folder.display(), %error, "a compiled plugin can't be kept");
        }
    }

    fn write(&self, name: &str, compiled: &[u8]) -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder)?;
        std::fs::set_permissions(&self.folder, std::fs::Permissions::from_mode(FOLDER_MODE))?;
        let temporary = self.folder.join(temporary_name(name));
        let written = write_durably(&temporary, &[MAGIC, &self.seal(name, compiled), compiled])
            .and_then(|()| std::fs::rename(&temporary, self.folder.join(name)));
        if written.is_err() {
            // It may not even be there; the error that counts is the first.
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn open<'a>(&self, name: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (seal, compiled) = bytes.strip_prefix(MAGIC)?.split_at_checked(SEAL)?;
        self.mac(name, compiled)?.verify_slice(seal).ok()?;
        Some(compiled)
    }

    fn seal(&self, name: &str, compiled: &[u8]) -> Vec<u8> {
        self.mac(name, compiled).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    /// Over the name too, so that no file can stand in for another.
    fn mac(&self, name: &str, compiled: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key.unwrap_or_default()).ok()?;
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(compiled);
        Some(mac)
    }

    fn drop_oldest(&self) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(MAX_FILES);
        files.into_iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }
}

fn write_durably(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

/// Two hosts, or two threads of one, never write the same temporary file.
fn temporary_name(name: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("{name}.{}.{}.new", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Another engine, another configuration or another host gives another name.
fn file_name(engine: &Engine, digest: &Digest) -> String {
    let mut hasher = siphasher::sip::SipHasher13::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    format!("{:016x}-{digest}.cwasm", hasher.finish())
}
