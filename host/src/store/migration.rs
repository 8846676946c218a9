//! A store of an older schema, made one of this schema when it is opened. A crash on the way leaves the rest to the next time.

use super::buckets::{Buckets, Edit};
use super::lookup::{Lookups, bucket};
use super::table::Table;
use super::{SYSTEM, StoreError, key};
use crate::model::id::ContactId;

/// Documents that are moved at once: bounds memory, and what a crash repeats.
const AT_ONCE: usize = 1_024;

/// Buckets of lookups that are moved at once.
const BUCKETS_AT_ONCE: usize = 16;

/// Takes all steps from the schema that was found.
pub(super) fn bring_up(tree: &sled::Tree, found: u32) -> Result<(), StoreError> {
    let mut workspaces = Vec::new();
    for number in tree.scan_prefix(key::system(Table::Workspaces, &[])).values() {
        workspaces.push(key::read_u32(&number?)?);
    }
    for workspace in workspaces.into_iter().filter(|number| *number != SYSTEM) {
        if found < 2 {
            to_buckets(tree, workspace)?;
        }
        to_ranges(tree, workspace)?;
    }
    Ok(())
}

/// From schema 1, where each contact and each provenance had a key of its own, to buckets.
fn to_buckets(tree: &sled::Tree, workspace: u32) -> Result<(), StoreError> {
    for (old, table) in [(30, Table::Contacts), (51, Table::Provenance)] {
        let buckets = Buckets::of(tree.clone(), workspace, table);
        while move_some(tree, &key::under(workspace, old, &[]), &buckets)? {}
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

/// From schema 2, where the lookups were merged as one, to ranges: what the old buckets hold is taken as if it were new. Old
/// buckets that no longer counted may be among them; what they hold is written twice at worst.
fn to_ranges(tree: &sled::Tree, workspace: u32) -> Result<(), StoreError> {
    let [meta, old_buckets, filter] = [40, 42, 43].map(|table| key::under(workspace, table, &[]));
    let mut lookups = Lookups::open(tree.clone(), workspace)?;
    loop {
        let mut batch = sled::Batch::default();
        let (mut moved, mut found) = (0, Vec::new());
        for bucket in tree.scan_prefix(&old_buckets).take(BUCKETS_AT_ONCE) {
            let (key, bytes) = bucket?;
            found.extend(bucket::entries(&bytes));
            batch.remove(key);
            moved += 1;
        }
        if moved == 0 {
            break;
        }
        lookups.stage(&mut batch, &found);
        tree.apply_batch(batch)?;
        lookups.staged(&found)?;
    }
    let mut batch = sled::Batch::default();
    for old in [meta, filter].iter().flat_map(|prefix| tree.scan_prefix(prefix).keys()) {
        batch.remove(old?);
    }
    tree.apply_batch(batch)?;
    Ok(())
}
