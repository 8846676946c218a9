//! Documents with numbers, neighbours side by side under one key: a key costs as much to write as a kilobyte, sled holds some of every
//! few keys in memory, and what is made together lies together.
//!
//! A bucket is, for each of its documents in order, the place in the bucket, the length and the bytes. A document that is
//! too long to be written again with each change of a neighbour stands under a key of its own, right behind its bucket's.

use super::table::Table;
use super::{StoreError, key};

/// Documents of one bucket. More make a backfill hardly cheaper, and each later change of one of them dearer.
const PLACES: u64 = 16;

/// The longest document that lies in a bucket.
const LONGEST: usize = 2 * 1024;

/// The length that stands where a document lies under a key of its own; no document is empty.
const ELSEWHERE: u32 = 0;

/// How often a bucket is looked for when it is read in passing. sled looks at what it holds of the pages in one of the 256 parts of
/// its cache at every 64th use of that part: read once each, thousands of pages would stay. A page has 8 to 16 buckets.
const USES: usize = 4;

/// What is to become of the document of a number; none removes it.
pub(super) type Edit = (u64, Option<Vec<u8>>);

/// All documents of one kind in a workspace.
#[derive(Clone)]
pub(super) struct Buckets {
    tree: sled::Tree,
    workspace: u32,
    table: Table,
}

impl Buckets {
    pub(super) fn of(tree: sled::Tree, workspace: u32, table: Table) -> Self {
        Self { tree, workspace, table }
    }

    fn key(&self, bucket: u64) -> Vec<u8> {
        key::in_workspace(self.workspace, self.table, &bucket.to_be_bytes())
    }

    fn own_key(&self, bucket: u64, place: u8) -> Vec<u8> {
        let mut key = self.key(bucket);
        key.push(place);
        key
    }

    /// What `read` makes of a document.
    pub(super) fn get<T>(
        &self,
        id: u64,
        read: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        /// A commit may move the document between the two looks that it takes; more often than this is no chance.
        const MOST_LOOKS: usize = 100;
        let (bucket, wanted) = position(id);
        for _ in 0..MOST_LOOKS {
            let Some(bytes) = self.tree.get(self.key(bucket))? else { return Ok(None) };
            let document =
                Documents(&bytes).find(|document| document.as_ref().map_or(true, |(place, _)| *place == wanted));
            match document.transpose()? {
                None => return Ok(None),
                Some((_, Some(document))) => return read(document).map(Some),
                Some((_, None)) => {
                    if let Some(document) = self.tree.get(self.own_key(bucket, wanted))? {
                        return read(&document).map(Some);
                    }
                }
            }
        }
        Err(BROKEN)
    }

    /// What `read` makes of the documents from a number on, in order. Memory does not grow with how many there are.
    pub(super) fn from<T, R>(
        &self,
        from: u64,
        read: R,
    ) -> impl DoubleEndedIterator<Item = Result<T, StoreError>> + use<T, R>
    where
        R: Fn(u64, &[u8]) -> Result<T, StoreError>,
    {
        let keys = self.key(position(from).0)..=self.own_key(u64::MAX, u8::MAX);
        let (buckets, of_keys) = (self.clone(), self.clone());
        let found = self.tree.range(keys).filter_map(move |entry| of_keys.used(entry).transpose());
        found.flat_map(move |found| {
            let read_all = found.and_then(|(bucket, bytes)| buckets.read_all(bucket, &bytes, from, &read));
            read_all.unwrap_or_else(|error| vec![Err(error)])
        })
    }

    /// As [`Buckets::bucket`], of one among many that are read in order: lets sled see to it that those before do not stay.
    fn used(
        &self,
        entry: Result<(sled::IVec, sled::IVec), sled::Error>,
    ) -> Result<Option<(u64, sled::IVec)>, StoreError> {
        let (key, bytes) = entry?;
        for _ in 0..USES {
            self.tree.contains_key(&key)?;
        }
        self.bucket(Ok((key, bytes)))
    }

    /// What `read` makes of the documents of one bucket.
    fn read_all<T>(
        &self,
        bucket: u64,
        bytes: &[u8],
        from: u64,
        read: impl Fn(u64, &[u8]) -> Result<T, StoreError>,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let mut found = Vec::new();
        for document in Documents(bytes) {
            let (place, document) = document?;
            let id = bucket * PLACES + u64::from(place);
            if id >= from {
                found.extend(match document {
                    Some(document) => Some(read(id, document)),
                    None => self.get(id, |document| read(id, document)).transpose(),
                });
            }
        }
        Ok(found)
    }

    /// A bucket's number and bytes; none for a document under a key of its own.
    fn bucket(
        &self,
        entry: Result<(sled::IVec, sled::IVec), sled::Error>,
    ) -> Result<Option<(u64, sled::IVec)>, StoreError> {
        let (key, bytes) = entry?;
        let own = self.key(0).len();
        if key.len() > own { Ok(None) } else { Ok(Some((key::read_u64(&key[own - 8..])?, bytes))) }
    }

    /// The greatest number that has a document.
    pub(super) fn last(&self) -> Result<Option<u64>, StoreError> {
        let prefix = key::in_workspace(self.workspace, self.table, &[]);
        for entry in self.tree.scan_prefix(prefix).rev() {
            if let Some((bucket, bytes)) = self.bucket(entry)? {
                let last = Documents(&bytes).last().ok_or(BROKEN)??;
                return Ok(Some(bucket * PLACES + u64::from(last.0)));
            }
        }
        Ok(None)
    }

    /// Puts what the edits make of the buckets into `batch`; of two edits of one number, the later counts. Whoever calls this
    /// lets nobody else do so until the batch is applied.
    pub(super) fn stage(&self, batch: &mut sled::Batch, mut edits: Vec<Edit>) -> Result<(), StoreError> {
        edits.sort_by_key(|(id, _)| *id);
        for edits in edits.chunk_by(|(left, _), (right, _)| position(*left).0 == position(*right).0) {
            let bucket = position(edits[0].0).0;
            let known = self.tree.get(self.key(bucket))?.unwrap_or_default();
            let mut documents: [Option<Option<&[u8]>>; PLACES as usize] = [None; PLACES as usize];
            for document in Documents(&known) {
                let (place, document) = document?;
                *documents.get_mut(usize::from(place)).ok_or(BROKEN)? = Some(document);
            }
            for (id, edit) in edits {
                let place = position(*id).1;
                let now = &mut documents[usize::from(place)];
                let was_elsewhere = *now == Some(None);
                let edit = edit.as_deref();
                *now = edit.map(|document| Some(document).filter(|document| document.len() <= LONGEST));
                match (edit, *now) {
                    (Some(long), Some(None)) => batch.insert(self.own_key(bucket, place), long),
                    _ if was_elsewhere => batch.remove(self.own_key(bucket, place)),
                    _ => {}
                }
            }
            match written(&documents)? {
                bytes if bytes.is_empty() => batch.remove(self.key(bucket)),
                bytes => batch.insert(self.key(bucket), bytes),
            }
        }
        Ok(())
    }
}

const BROKEN: StoreError = StoreError::Corrupt { what: "a bucket of documents" };

/// The bucket of a number, and the place there.
fn position(id: u64) -> (u64, u8) {
    // Smaller than `PLACES`.
    (id / PLACES, (id % PLACES) as u8)
}

fn written(documents: &[Option<Option<&[u8]>>]) -> Result<Vec<u8>, StoreError> {
    let length = |document: &Option<&[u8]>| 5 + document.map_or(0, <[u8]>::len);
    let mut bytes = Vec::with_capacity(documents.iter().flatten().map(length).sum());
    for (place, document) in (0_u8..).zip(documents) {
        let Some(document) = document else { continue };
        let document = document.unwrap_or_default();
        bytes.push(place);
        bytes.extend(u32::try_from(document.len()).map_err(|_| BROKEN)?.to_be_bytes());
        bytes.extend_from_slice(document);
    }
    Ok(bytes)
}

/// The documents of a bucket with their places, in order; none for one that lies elsewhere.
struct Documents<'a>(&'a [u8]);

impl<'a> Iterator for Documents<'a> {
    type Item = Result<(u8, Option<&'a [u8]>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (place, rest) = self.0.split_first()?;
        let read = rest.split_first_chunk().and_then(|(length, rest)| {
            let length = u32::from_be_bytes(*length);
            let (document, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((rest, Some(document).filter(|_| length != ELSEWHERE)))
        });
        // What can't be read ends the bucket.
        self.0 = read.map_or(&[], |(rest, _)| rest);
        Some(read.map(|(_, document)| (*place, document)).ok_or(BROKEN))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn buckets() -> Buckets {
        let db = sled::Config::new().temporary(true).open().unwrap();
        Buckets::of(db.open_tree("test").unwrap(), 1, Table::Contacts)
    }

    fn apply(buckets: &Buckets, edits: Vec<Edit>) {
        let mut batch = sled::Batch::default();
        buckets.stage(&mut batch, edits).unwrap();
        buckets.tree.apply_batch(batch).unwrap();
    }

    fn all(buckets: &Buckets, from: u64) -> BTreeMap<u64, Vec<u8>> {
        buckets.from(from, |id, bytes| Ok((id, bytes.to_vec()))).map(Result::unwrap).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn buckets_hold_what_a_map_holds(
            commits in prop::collection::vec(
                prop::collection::vec((0_u64..40, prop::option::of((1_usize..5_000, any::<u8>()))), 1..12), 1..12),
            from in 0_u64..45,
        ) {
            let buckets = buckets();
            let mut map: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for commit in commits {
                let mut edits = Vec::new();
                for (id, edit) in commit {
                    let document = edit.map(|(length, byte)| vec![byte; length]);
                    match document.clone() {
                        Some(document) => map.insert(id, document),
                        None => map.remove(&id),
                    };
                    edits.push((id, document));
                }
                apply(&buckets, edits);
            }
            prop_assert_eq!(all(&buckets, 0), map.clone());
            let backwards = buckets.from(from, |id, _| Ok(id)).rev().map(Result::unwrap);
            prop_assert_eq!(backwards.collect::<Vec<_>>(), map.range(from..).rev().map(|(id, _)| *id).collect::<Vec<_>>());
            prop_assert_eq!(all(&buckets, from), map.split_off(&from));
            let whole = all(&buckets, 0);
            for id in 0..45 {
                prop_assert_eq!(buckets.get(id, |bytes| Ok(bytes.to_vec())).unwrap(), whole.get(&id).cloned());
            }
            prop_assert_eq!(buckets.last().unwrap(), whole.keys().next_back().copied());
        }
    }

    #[test]
    fn nothing_is_left_of_documents_that_are_gone() {
        let buckets = buckets();
        apply(&buckets, vec![(3, Some(vec![1; 5_000])), (4, Some(vec![2]))]);
        assert_eq!(buckets.tree.len(), 2);
        apply(&buckets, vec![(3, None), (4, None)]);
        assert_eq!(buckets.tree.len(), 0);
    }

    #[test]
    fn a_broken_bucket_is_an_error() {
        let buckets = buckets();
        buckets.tree.insert(buckets.key(0), &[3, 0, 0, 0, 9, 1]).unwrap();
        assert!(buckets.get(3, |_| Ok(())).is_err());
        assert!(buckets.from(0, |_, _| Ok(())).any(|found| found.is_err()));
        buckets.tree.insert(buckets.key(0), &[3, 0, 0, 0, 0]).unwrap();
        assert!(buckets.get(3, |_| Ok(())).is_err());
    }
}
