//! Which keys there are, without reading them: asking is a hundred times cheaper than asking the tree.

use std::collections::HashSet;
use std::hash::Hasher;
use std::marker::PhantomData;

use siphasher::sip::SipHasher13;

use super::table::Document;

/// Keys of documents, kept as hashes: asking it is a hundred times cheaper than asking the tree.
pub struct KeySet<D> {
    hashes: HashSet<u64>,
    hash_key: [u8; 16],
    of: PhantomData<fn() -> D>,
}

impl<D> Default for KeySet<D> {
    fn default() -> Self {
        Self { hashes: HashSet::new(), hash_key: [0; 16], of: PhantomData }
    }
}

impl<D: Document> KeySet<D> {
    pub(super) fn empty(hash_key: [u8; 16]) -> Self {
        Self { hashes: HashSet::new(), hash_key, of: PhantomData }
    }

    pub(super) fn add_bytes(&mut self, key: &[u8]) {
        self.hashes.insert(self.hash(key));
    }

    /// Whether there is, or was, a document under this key. Affirms one in billions that it does not hold.
    pub fn may_hold(&self, key: D::Key<'_>) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&self.hash(&D::key(key)))
    }

    pub fn add(&mut self, key: D::Key<'_>) {
        self.add_bytes(&D::key(key));
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.hash_key);
        hasher.write(key);
        hasher.finish()
    }
}
