//! The key that seals: where it comes from, and how it is changed.

use std::path::{Path, PathBuf};

use super::error::AppError;
use super::{App, KeySource};
use crate::vault::{SealingKey, opens};

/// What a change of the key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Credentials of all workspaces.
    pub credentials: usize,
    /// Where the new key lies.
    pub key_file: PathBuf,
    /// The old key came from elsewhere: whoever gave it has to give the new one from now on.
    pub to_be_given: bool,
}

impl App {
    pub(super) fn sealing_key(&self) -> Result<SealingKey, AppError> {
        match &self.options.key {
            KeySource::Text(text) => Ok(SealingKey::from_text(text.expose())?),
            KeySource::Keyring(name) => Ok(SealingKey::from_keyring(name)?),
            KeySource::File(path) => {
                if SealingKey::has_next(path) {
                    self.settle(path)?;
                }
                Ok(SealingKey::from_file(path)?)
            }
        }
    }

    /// Ends a change of the key that a crash has broken off: the key that opens the credentials is the one.
    fn settle(&self, path: &Path) -> Result<(), AppError> {
        let old_opens = path.exists() && opens(&SealingKey::from_file(path)?, &*self.store)?;
        if old_opens {
            return Ok(SealingKey::drop_next(path)?);
        }
        if opens(&SealingKey::next(path)?, &*self.store)? {
            SealingKey::promote(path)?;
        }
        Ok(())
    }

    /// Puts the key into the kernel's keyring under a name, so that no file with it has to stay on this machine.
    pub fn keep_key(&self, name: &str) -> Result<(), AppError> {
        Ok(self.sealing_key()?.keep_in_keyring(name)?)
    }

    /// Seals every credential with a new key. It takes the old one's place in its file, or goes into `file`, where it is made
    /// if it is not there.
    ///
    /// # Errors
    /// Where the old key does not open every credential, or the new one can't be kept: then nothing has changed.
    pub fn rotate_key(&self, file: Option<&Path>) -> Result<Rotated, AppError> {
        let vault = self.vault()?;
        match (&self.options.key, file) {
            (KeySource::File(path), None) => {
                let credentials = vault.rotate(SealingKey::next(path)?)?;
                SealingKey::promote(path)?;
                Ok(Rotated { credentials, key_file: path.clone(), to_be_given: false })
            }
            (_, Some(path)) => {
                let credentials = vault.rotate(SealingKey::from_file(path)?)?;
                Ok(Rotated { credentials, key_file: path.to_owned(), to_be_given: true })
            }
            (KeySource::Text(_) | KeySource::Keyring(_), None) => Err(AppError::KeyFileMissing),
        }
    }
}
