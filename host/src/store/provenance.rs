//! Rows and ledger as bytes: one compact document per contact, because keys are dear and bytes are cheap.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::names::{Names, Numbers};
use crate::model::id::{RunId, SyncId};
use crate::model::ledger::{Entry, Origin, PackedValues, Provenance, RawRow, Replaced};
use crate::model::policy::Policy;
use crate::model::time::Instant;
use crate::model::value::Value;

/// The first byte of every document, to be raised when the form changes.
const FORM: u8 = 1;

/// `T` is a text, `B` bytes and `V` a value: borrowed when written, owned when read.
#[derive(Serialize, Deserialize)]
struct Stored<T, B, V> {
    rows: Vec<StoredRow<T, B>>,
    entries: Vec<StoredEntry<T, V>>,
}

#[derive(Serialize, Deserialize)]
struct StoredRow<T, B> {
    sync: u32,
    record: T,
    modified: Option<Instant>,
    version: u32,
    values: B,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry<T, V> {
    origin: StoredOrigin<T>,
    at: Instant,
    replaced: Vec<(u32, u8, Option<V>)>,
}

#[derive(Serialize, Deserialize)]
enum StoredOrigin<T> {
    Record { sync: u32, record: T, run: u64, page: u64, version: u32, modified: Option<Instant> },
    Person,
}

/// Bytes that are written whole: a list of them would go byte by byte.
struct Whole<'a>(&'a [u8]);

impl Serialize for Whole<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Numbers of the policies, as they are written down.
const POLICIES: [Policy; 5] = [Policy::Crm, Policy::Ours, Policy::Newest, Policy::FillIfEmpty, Policy::Ask];

pub(super) fn encode(provenance: &Provenance, names: &mut Numbers<'_>) -> Result<Vec<u8>, StoreError> {
    let mut rows = Vec::with_capacity(provenance.rows.len());
    for row in &provenance.rows {
        rows.push(StoredRow {
            sync: names.number(row.sync.shared())?,
            record: row.record.as_str(),
            modified: row.modified,
            version: row.version,
            values: Whole(&row.values.0),
        });
    }
    let mut entries = Vec::with_capacity(provenance.entries.len());
    for entry in &provenance.entries {
        let origin = match &entry.origin {
            Origin::Record { sync, record, run, page, version, modified } => StoredOrigin::Record {
                sync: names.number(sync.shared())?,
                record: record.as_str(),
                run: run.0,
                page: *page,
                version: *version,
                modified: *modified,
            },
            Origin::Person => StoredOrigin::Person,
        };
        let mut replaced = Vec::with_capacity(entry.replaced.len());
        for Replaced { attribute, policy, value } in &entry.replaced {
            let policy = POLICIES.iter().position(|known| known == policy).and_then(|at| u8::try_from(at).ok());
            replaced.push((names.number(attribute)?, policy.unwrap_or_default(), value.as_ref()));
        }
        entries.push(StoredEntry { origin, at: entry.at, replaced });
    }
    let mut bytes = Vec::with_capacity(384);
    bytes.push(FORM);
    postcard::to_extend(&Stored { rows, entries }, bytes).map_err(|error| StoreError::Encode(error.into()))
}

pub(super) fn decode(bytes: &[u8], names: &Names) -> Result<Provenance, StoreError> {
    const BROKEN: StoreError = StoreError::Corrupt { what: "where a contact's values come from" };
    let Some((&FORM, rest)) = bytes.split_first() else { return Err(BROKEN) };
    let stored: Stored<String, &[u8], Value> = postcard::from_bytes(rest).map_err(|_| BROKEN)?;
    let sync = |number| SyncId::try_from(names.name(number)?).map_err(|_| BROKEN);
    let mut provenance = Provenance::default();
    for StoredRow { sync: number, record, modified, version, values } in stored.rows {
        let values = PackedValues(values.to_vec());
        provenance.rows.push(RawRow { sync: sync(number)?, record, modified, version, values });
    }
    for StoredEntry { origin, at, replaced } in stored.entries {
        let origin = match origin {
            StoredOrigin::Record { sync: number, record, run, page, version, modified } => {
                Origin::Record { sync: sync(number)?, record, run: RunId(run), page, version, modified }
            }
            StoredOrigin::Person => Origin::Person,
        };
        let mut named = Vec::with_capacity(replaced.len());
        for (attribute, policy, value) in replaced {
            let policy = *POLICIES.get(usize::from(policy)).ok_or(BROKEN)?;
            named.push(Replaced { attribute: names.name(attribute)?, policy, value });
        }
        provenance.entries.push(Entry { origin, at, replaced: named });
    }
    Ok(provenance)
}
