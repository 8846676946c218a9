//! A store of an older schema, made one of this schema when it is opened.

use super::buckets::{Buckets, Edit};
use super::key;
use super::table::Table;
use super::{SYSTEM, StoreError};
use crate::model::id::ContactId;

/// Documents that are moved at once: bounds memory, and what a crash repeats.
const AT_ONCE: usize = 1_024;

/// From schema 1, where each contact and each provenance had a key of its own, to buckets. A crash on the way leaves the rest
/// to the next time.
pub(super) fn to_buckets(tree: &sled::Tree) -> Result<(), StoreError> {
    let mut workspaces = Vec::new();
    for number in tree.scan_prefix(key::system(Table::Workspaces, &[])).values() {
        workspaces.push(key::read_u32(&number?)?);
    }
    for workspace in workspaces.into_iter().filter(|number| *number != SYSTEM) {
        for (old, table) in [(30, Table::Contacts), (51, Table::Provenance)] {
            let buckets = Buckets::of(tree.clone(), workspace, table);
            while move_some(tree, &key::under(workspace, old, &[]), &buckets)? {}
        }
    }
    Ok(())
}

/// Says whether there was anything to move.
fn move_some(tree: &sled::Tree, prefix: &[u8], buckets: &Buckets) -> Result<bool, StoreError> {
    let mut batch = sled::Batch::default();
    let mut edits: Vec<Edit> = Vec::new();
    for entry in tree.scan_prefix(prefix).take(AT_ONCE) {
        let (key, document) = entry?;
        edits.push((ContactId(key::read_u64(&key[prefix.len()..])?), Some(document.to_vec())));
        batch.remove(key);
    }
    let any = !edits.is_empty();
    buckets.stage(&mut batch, edits)?;
    tree.apply_batch(batch)?;
    Ok(any)
}
