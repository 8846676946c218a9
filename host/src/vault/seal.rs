//! Sealing: XChaCha20-Poly1305, bound to the connection it is for, so that sealed bytes can't be moved to another.

use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::SealingKey;
use crate::model::id::{ConnectionId, WorkspaceId};

/// The first byte of everything sealed: another layout gets another number.
const VERSION: u8 = 1;
/// So long that random ones never meet.
const NONCE_BYTES: usize = 24;

/// The bytes were not sealed with this key, for this connection, or were changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsealable;

/// Version, nonce, then the ciphertext with its tag. None only if the plaintext is absurdly long (256 GiB).
pub(super) fn seal(
    key: &SealingKey,
    workspace: &WorkspaceId,
    connection: &ConnectionId,
    plain: &[u8],
) -> Result<Vec<u8>, Unsealable> {
    let mut nonce = [0; NONCE_BYTES];
    OsRng.fill_bytes(&mut nonce);
    let aad = bound_to(workspace, connection);
    let cipher = XChaCha20Poly1305::new(key.0.as_ref().into());
    let sealed =
        cipher.encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: &aad }).map_err(|_| Unsealable)?;
    Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
}

pub(super) fn unseal(
    key: &SealingKey,
    workspace: &WorkspaceId,
    connection: &ConnectionId,
    bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let (nonce, sealed) = match bytes.split_first() {
        Some((&VERSION, rest)) => rest.split_at_checked(NONCE_BYTES).ok_or(Unsealable)?,
        _ => return Err(Unsealable),
    };
    let aad = bound_to(workspace, connection);
    let cipher = XChaCha20Poly1305::new(key.0.as_ref().into());
    let plain = cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &aad });
    plain.map(Zeroizing::new).map_err(|_| Unsealable)
}

/// Names hold no zero byte, so no two pairs of them make the same bytes.
fn bound_to(workspace: &WorkspaceId, connection: &ConnectionId) -> Vec<u8> {
    format!("ferry credential\0{workspace}\0{connection}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> SealingKey {
        SealingKey::from_text(&digit.repeat(64)).unwrap()
    }

    #[test]
    fn what_was_sealed_is_read_with_the_same_key_for_the_same_connection() {
        let (main, other): (WorkspaceId, WorkspaceId) = ("main".parse().unwrap(), "other".parse().unwrap());
        let (hub, sales): (ConnectionId, ConnectionId) = ("hub".parse().unwrap(), "sales".parse().unwrap());
        let sealed = seal(&key("a"), &main, &hub, b"token").unwrap();
        assert!(!sealed.windows(5).any(|five| five == b"token"));
        assert_ne!(sealed, seal(&key("a"), &main, &hub, b"token").unwrap(), "every sealing has its own nonce");
        assert_eq!(unseal(&key("a"), &main, &hub, &sealed).unwrap().as_slice(), b"token");
        assert_eq!(unseal(&key("b"), &main, &hub, &sealed), Err(Unsealable));
        assert_eq!(unseal(&key("a"), &other, &hub, &sealed), Err(Unsealable));
        assert_eq!(unseal(&key("a"), &main, &sales, &sealed), Err(Unsealable));
    }

    #[test]
    fn every_change_is_noticed() {
        let (main, hub) = ("main".parse().unwrap(), "hub".parse().unwrap());
        let sealed = seal(&key("a"), &main, &hub, b"token").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(unseal(&key("a"), &main, &hub, &changed), Err(Unsealable), "byte {at}");
            assert_eq!(unseal(&key("a"), &main, &hub, &sealed[..at]), Err(Unsealable), "cut at {at}");
        }
    }
}
