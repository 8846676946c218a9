//! The key that seals what the store keeps. It never lies in the store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::keyring::KernelError;

const KEY_BYTES: usize = 32;
const KEY_DIGITS: usize = 2 * KEY_BYTES;
/// Read and write for the owner, nothing for anybody else.
const PRIVATE: u32 = 0o600;

/// 32 random bytes.
pub struct SealingKey(pub(super) Zeroizing<[u8; KEY_BYTES]>);

/// Why there is no key. Each is for the admin of this machine to settle.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file `{}` can't be read or created", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "the key file `{}` can be read by others (mode {mode:03o}): run `chmod 600` on it, and renew the credentials if \
         others use this machine",
        path.display()
    )]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("the key file `{}` does not hold a key: {KEY_DIGITS} hexadecimal digits are expected; restore it from a backup", path.display())]
    BadFile { path: PathBuf },
    #[error("the key that was given is not {KEY_DIGITS} hexadecimal digits")]
    BadText,
    #[error("there is no key `{name}` in the kernel's keyring of this user")]
    NotInKeyring { name: String },
    #[error("what is in the kernel's keyring as `{name}` is not a key: {KEY_DIGITS} hexadecimal digits are expected")]
    BadInKeyring { name: String },
    #[error("the key `{name}` can't be used in the kernel's keyring")]
    Keyring { name: String, source: KernelError },
}

impl SealingKey {
    /// The key as the caller holds it: 64 hexadecimal digits.
    ///
    /// # Errors
    /// `BadText`; the text is not repeated in it.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        parse(text).ok_or(KeyError::BadText)
    }

    /// The key in a file; at the first use, a new one.
    ///
    /// # Errors
    /// Where the file can't be used, or is open to others.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                File::open(path).map_err(failed)?
            }
            other => other.map_err(failed)?,
        };
        // Of the open file, so that nobody can exchange it in between.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::TooOpen { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        // One byte more than a key and its line end shows that there is too much.
        let most = KEY_DIGITS as u64 + 2;
        let read = Read::by_ref(&mut file).take(most).read_to_string(&mut text);
        match read {
            Ok(_) => parse(&text).ok_or_else(|| KeyError::BadFile { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(KeyError::BadFile { path: path.to_owned() })
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Where a key that is to take the place of another waits, so that a crash leaves no credential without its key.
fn next_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

impl SealingKey {
    /// A new key beside the one in the file, to be put in its place by [`SealingKey::promote`].
    pub fn next(path: &Path) -> Result<Self, KeyError> {
        Self::from_file(&next_of(path))
    }

    /// Whether a key waits beside the one in the file: changing it was begun and not ended.
    pub fn has_next(path: &Path) -> bool {
        next_of(path).exists()
    }

    /// Puts the waiting key in the place of the one in the file.
    pub fn promote(path: &Path) -> Result<(), KeyError> {
        let moved = fs::rename(next_of(path), path).and_then(|()| File::open(folder_of(path))?.sync_all());
        moved.map_err(|source| KeyError::File { path: path.to_owned(), source })
    }

    /// Drops a waiting key with which nothing is sealed.
    pub fn drop_next(path: &Path) -> Result<(), KeyError> {
        fs::remove_file(next_of(path)).map_err(|source| KeyError::File { path: next_of(path), source })
    }

    /// As it is written in a file.
    pub(super) fn digits(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(KEY_DIGITS + 1));
        for byte in self.0.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(digit.into(), 16));
            }
        }
        text
    }

    /// A key for something else than credentials, which tells nothing of this one.
    pub fn derived(&self, purpose: &str) -> [u8; KEY_BYTES] {
        // HMAC takes keys of any length.
        let mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_ref()).ok().map(|mac| mac.chain_update(b"ferry derived key 1\0"));
        mac.map(|mac| mac.chain_update(purpose.as_bytes()).finalize().into_bytes().into()).unwrap_or_default()
    }
}

pub(super) fn parse(text: &str) -> Option<SealingKey> {
    let digits = text.strip_suffix('\n').unwrap_or(text).as_bytes();
    if digits.len() != KEY_DIGITS {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(SealingKey(key))
}

/// Writes a whole key beside the path and links it there: two processes that start together end up with one key, and
/// a crash leaves none or a whole one.
fn create(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    OsRng.fill_bytes(key.as_mut());
    let mut text = SealingKey(key).digits();
    text.push('\n');
    let draft = path.with_extension(format!("new-{:016x}", OsRng.next_u64()));
    let written = write_private(&draft, text.as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder)?.sync_all(),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/key");
        let first = SealingKey::from_file(&path).unwrap();
        let again = SealingKey::from_file(&path).unwrap();
        assert_eq!(first.0, again.0);
        assert_ne!(*first.0, [0; KEY_BYTES]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn those_who_come_together_get_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| SealingKey::from_file(&path).unwrap().0)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        SealingKey::from_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = SealingKey::from_file(&path).err();
            assert!(matches!(refused, Some(KeyError::TooOpen { mode: m, .. }) if m == mode), "{refused:?}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(SealingKey::from_file(&path).is_ok());
    }

    #[test]
    fn a_damaged_key_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for content in ["".as_bytes(), b"abc", &[b'z'; 64], &[b'a'; 65], &[b'a'; 200], &[0xff; 64]] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(PRIVATE)).unwrap();
            assert!(matches!(SealingKey::from_file(&path), Err(KeyError::BadFile { .. })));
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_derived_key_hangs_on_the_key_and_its_purpose() {
        let key = |digit: &str| SealingKey::from_text(&digit.repeat(64)).unwrap();
        let derived = key("a").derived("x");
        assert_eq!(derived, key("a").derived("x"));
        assert!(derived != key("b").derived("x") && derived != key("a").derived("y") && derived != *key("a").0);
    }

    #[test]
    fn a_key_is_also_taken_as_text() {
        assert_eq!(
            *SealingKey::from_text(&"0aF".repeat(22)[..64]).unwrap().0.first_chunk::<3>().unwrap(),
            [0x0a, 0xf0, 0xaf]
        );
        assert!(matches!(SealingKey::from_text("secret"), Err(KeyError::BadText)));
    }
}
