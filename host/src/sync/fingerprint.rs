//! Tells an unchanged row from a changed one without keeping it.

use std::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;

use crate::model::sync::Sync;
use crate::model::value::Value;

/// Fingerprints rows as one version of a sync's mapping sees them: another mapping or other columns give other ones.
#[derive(Debug, Clone)]
pub(super) struct Fingerprints(SipHasher13);

impl Fingerprints {
    pub(super) fn of(sync: &Sync) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0, 0);
        sync.mapping.mapper.hash(&mut hasher);
        sync.mapping.configuration.hash(&mut hasher);
        for column in &sync.columns {
            column.name.hash(&mut hasher);
        }
        Self(hasher)
    }

    pub(super) fn row(&self, values: &[Value]) -> u64 {
        let mut hasher = self.0;
        values.hash(&mut hasher);
        hasher.finish()
    }
}
