//! The sealing key in the kernel's keyring of the host's user: in memory alone, gone when the machine restarts. The only code that
//! knows that keyring.

use std::fmt;

use linux_keyutils::{Key, KeyError as Refused, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

use super::key::{KeyError, SealingKey, parse};

/// A key and its line end; what is longer is none.
const ROOM: usize = 80;

/// What the kernel says of a key that it does not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelError(Refused);

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the kernel says: {}", self.0)
    }
}

impl std::error::Error for KernelError {}

impl SealingKey {
    /// The key that somebody has put into the keyring under a name. It is never made here: when the machine restarts it would be
    /// gone, and what it sealed with it.
    ///
    /// # Errors
    /// Where there is none, or the kernel does not give it to this user.
    pub fn from_keyring(name: &str) -> Result<Self, KeyError> {
        let failed = |error| match error {
            Refused::KeyDoesNotExist | Refused::KeyExpired | Refused::KeyRevoked => {
                KeyError::NotInKeyring { name: name.to_owned() }
            }
            error => refused(name, error),
        };
        let key = ring().and_then(|ring| ring.search(name)).map_err(failed)?;
        let mut room = Zeroizing::new([0_u8; ROOM]);
        let length = key.read(&mut *room).map_err(|error| refused(name, error))?;
        let text = room.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.and_then(parse).ok_or_else(|| KeyError::BadInKeyring { name: name.to_owned() })
    }

    /// Puts the key into the keyring under a name, in the place of what was there, for this user's processes to read.
    pub fn keep_in_keyring(&self, name: &str) -> Result<(), KeyError> {
        let kept =
            ring().and_then(|ring| ring.add_key(name, self.digits().as_bytes())).and_then(|key| open_to_user(&key));
        kept.map_err(|error| refused(name, error))
    }
}

/// A service's processes belong to the user, but to no session in which the key was put there.
fn open_to_user(key: &Key) -> Result<(), Refused> {
    let mine = Permission::VIEW | Permission::READ | Permission::SEARCH;
    key.set_perms(KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(mine).build())
}

fn ring() -> Result<KeyRing, Refused> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true)
}

fn refused(name: &str, error: Refused) -> KeyError {
    KeyError::Keyring { name: name.to_owned(), source: KernelError(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_keyring_is_the_one_that_was_put_there() {
        let name = format!("ferry-test-{:016x}", rand::random::<u64>());
        assert!(matches!(SealingKey::from_keyring(&name), Err(KeyError::NotInKeyring { .. })));
        let key = SealingKey::from_text(&"5a".repeat(32)).unwrap();
        key.keep_in_keyring(&name).unwrap();
        assert_eq!(SealingKey::from_keyring(&name).unwrap().0, key.0);
        let entry = ring().unwrap().search(&name).unwrap();
        entry.update(&"not a key").unwrap();
        assert!(matches!(SealingKey::from_keyring(&name), Err(KeyError::BadInKeyring { .. })));
        entry.invalidate().unwrap();
        assert!(matches!(SealingKey::from_keyring(&name), Err(KeyError::NotInKeyring { .. })));
    }
}
