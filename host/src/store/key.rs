//! How keys are laid out: workspace number, table, then the document's own key. Big-endian, so that order is order.

use super::table::Table;
use super::{SYSTEM, StoreError};

/// A key or a prefix in a workspace.
pub(super) fn in_workspace(number: u32, table: Table, rest: &[u8]) -> Vec<u8> {
    under(number, table as u8, rest)
}

/// The same, of a table that is known by its number.
pub(super) fn under(number: u32, table: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + rest.len());
    key.extend_from_slice(&number.to_be_bytes());
    key.push(table);
    key.extend_from_slice(rest);
    key
}

pub(super) fn system(table: Table, rest: &[u8]) -> Vec<u8> {
    in_workspace(SYSTEM, table, rest)
}

pub(super) fn read_u32(bytes: &[u8]) -> Result<u32, StoreError> {
    bytes.try_into().map(u32::from_be_bytes).map_err(|_| StoreError::Corrupt { what: "a number" })
}

pub(super) fn read_u64(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Corrupt { what: "a number" })
}

/// Texts in a key end with a zero byte, so that one name is never the prefix of another.
pub(super) fn text(parts: &[&str]) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}
