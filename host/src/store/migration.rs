//! A store of an older schema, made one of this schema when it is opened. A crash on the way leaves the rest to the next time.

use serde_json::Value as Json;

use super::buckets::{Buckets, Edit};
use super::documents::last_number;
use super::lookup::{self, Lookups, bucket};
use super::table::Table;
use super::{SYSTEM, StoreError, key};
use crate::model::id::{OutboxId, SyncId};

/// Documents that are moved at once: bounds memory, and what a crash repeats.
const AT_ONCE: usize = 1_024;

/// Buckets of lookups that are moved at once.
const BUCKETS_AT_ONCE: usize = 16;

const OLD_OUTBOX: u8 = 18;
const OLD_RECEIPTS: u8 = 19;

/// Takes all steps from the schema that was found.
pub(super) fn bring_up(tree: &sled::Tree, found: u32) -> Result<(), StoreError> {
    let mut workspaces = Vec::new();
    for number in tree.scan_prefix(key::system(Table::Workspaces, &[])).values() {
        workspaces.push(key::read_u32(&number?)?);
    }
    for workspace in workspaces.into_iter().filter(|number| *number != SYSTEM) {
        if found < 2 {
            to_buckets(tree, workspace, [(30, Table::Contacts), (51, Table::Provenance)])?;
        }
        if found < 3 {
            to_ranges(tree, workspace)?;
        }
        to_buckets(tree, workspace, [(69, Table::Audit)])?;
        OutcomesMove::open(tree, workspace)?.all()?;
    }
    Ok(())
}

/// From tables where each document had a key of its own, to buckets.
fn to_buckets<const N: usize>(tree: &sled::Tree, workspace: u32, moves: [(u8, Table); N]) -> Result<(), StoreError> {
    for (old, table) in moves {
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
        edits.push((key::read_u64(&key[prefix.len()..])?, Some(document.to_vec())));
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

/// From schema 3, where entries of the outbox had keys of their own and each had a receipt by its id, to buckets of entries, of
/// receipts of what left, and lookups of both.
struct OutcomesMove<'a> {
    tree: &'a sled::Tree,
    workspace: u32,
    hash_key: [u8; 16],
    lookups: Lookups,
    next: u64,
}

impl<'a> OutcomesMove<'a> {
    fn open(tree: &'a sled::Tree, workspace: u32) -> Result<Self, StoreError> {
        let old = last_number(tree, workspace, OLD_OUTBOX)?;
        let new = last_number(tree, workspace, Table::Outbox as u8)?;
        let last = old.max(new).max(last_number(tree, workspace, Table::Receipts as u8)?);
        // Others know the numbers that were given under the old table: none is given again.
        let outbox = key::in_workspace(workspace, Table::LastNumbers, &[Table::Outbox as u8]);
        tree.insert(outbox, &last.to_be_bytes())?;
        let (hash_key, lookups) = (super::hash_key(tree)?, Lookups::open(tree.clone(), workspace)?);
        Ok(Self { tree, workspace, hash_key, lookups, next: last + 1 })
    }

    fn all(mut self) -> Result<(), StoreError> {
        while self.some_entries()? {}
        while self.some_receipts()? {}
        Ok(())
    }

    fn some_entries(&mut self) -> Result<bool, StoreError> {
        self.some(OLD_OUTBOX, Table::Outbox, |_, key, entry| {
            let hash = (entry["sync"].clone(), entry["outcome"]["id"].clone());
            Ok(Some((key::read_u64(key)?, hash)))
        })
    }

    fn some_receipts(&mut self) -> Result<bool, StoreError> {
        self.some(OLD_RECEIPTS, Table::Receipts, |next, _, receipt| {
            if receipt["state"].get("queued").is_some() {
                return Ok(None);
            }
            let number = *next;
            *next += 1;
            receipt["id"] = OutboxId(number).to_string().into();
            Ok(Some((number, (receipt["sync"].clone(), receipt["outcome_id"].clone()))))
        })
    }

    /// Moves some of a table: each to the number that `place` gives, found by the sync and id that it gives. Says whether there was
    /// anything to move.
    fn some(
        &mut self,
        old: u8,
        table: Table,
        mut place: impl FnMut(&mut u64, &[u8], &mut Json) -> Result<Option<(u64, (Json, Json))>, StoreError>,
    ) -> Result<bool, StoreError> {
        const BROKEN: StoreError = StoreError::Corrupt { what: "an outcome" };
        let prefix = key::under(self.workspace, old, &[]);
        let (mut batch, mut edits, mut found, mut any) = (sled::Batch::default(), Vec::new(), Vec::new(), false);
        for entry in self.tree.scan_prefix(&prefix).take(AT_ONCE) {
            let (key, bytes) = entry?;
            any = true;
            let mut document: Json = serde_json::from_slice(&bytes).map_err(|_| BROKEN)?;
            if let Some((number, (sync, outcome))) = place(&mut self.next, &key[prefix.len()..], &mut document)? {
                let sync: SyncId = serde_json::from_value(sync).map_err(|_| BROKEN)?;
                let hash = lookup::outcome_hash(&self.hash_key, &sync, outcome.as_str().ok_or(BROKEN)?);
                found.push(lookup::entry(hash, number));
                edits.push((number, Some(serde_json::to_vec(&document).map_err(|_| BROKEN)?)));
            }
            batch.remove(key);
        }
        Buckets::of(self.tree.clone(), self.workspace, table).stage(&mut batch, edits)?;
        self.lookups.stage(&mut batch, &found);
        self.tree.apply_batch(batch)?;
        self.lookups.staged(&found)?;
        Ok(any)
    }
}
