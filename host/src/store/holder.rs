//! Who has the store open, for the one who finds it locked.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;

#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    command: String,
    since: String,
}

/// The note beside the store; gone when the store closes in good order.
pub(super) struct Holder {
    path: PathBuf,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("holder.json")
}

impl Holder {
    /// Leaves the note. Only the process that has sled's lock may call this.
    pub(super) fn write(dir: &Path, command: &str) -> Result<Self, StoreError> {
        let path = path(dir);
        let note =
            Note { pid: std::process::id(), command: command.to_owned(), since: jiff::Timestamp::now().to_string() };
        let text = serde_json::to_string(&note).map_err(|error| StoreError::Encode(error.into()))?;
        std::fs::write(&path, text).map_err(|source| StoreError::Directory { dir: dir.to_owned(), source })?;
        Ok(Self { path })
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A note that stays behind is overwritten by the next holder.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What a failure to open means.
pub(super) fn explain(dir: &Path, error: sled::Error) -> StoreError {
    match &error {
        // sled wraps the refusal of the file lock in a text of its own.
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => {
            StoreError::Held { dir: dir.to_owned(), holder: read(dir) }
        }
        _ => error.into(),
    }
}

fn read(dir: &Path) -> String {
    let note = std::fs::read_to_string(path(dir)).ok().and_then(|text| serde_json::from_str::<Note>(&text).ok());
    match note {
        Some(note) => format!("process {} (`{}`, since {})", note.pid, note.command, note.since),
        None => "another process".to_owned(),
    }
}
