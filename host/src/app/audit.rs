//! The audit log: read, proved, shortened.

use super::Tenant;
use super::error::AppError;
use crate::model::audit::{Actor, AuditEntry, Deed, Flaw, nothing_before};
use crate::model::id::AuditId;
use crate::store::Changes;

/// What a proof of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub entries: u64,
    /// The last entry and its hash: noted elsewhere, they show later that nothing before was changed, and nothing cut off.
    pub end: Option<(AuditId, String)>,
    /// The first flaw; none where the log is whole.
    pub flaw: Option<Flaw>,
}

impl Tenant {
    /// The same, on behalf of somebody else: what is changed is theirs.
    #[must_use]
    pub fn acting_as(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// Entries from `from` on, oldest first.
    pub fn audit_log(&self, from: AuditId) -> impl Iterator<Item = Result<AuditEntry, AppError>> + use<> {
        self.store().scan_from::<AuditEntry>(from).map(|entry| entry.map_err(AppError::from))
    }

    /// The newest entries, at most so many, oldest first.
    pub fn newest_audit(&self, most: usize) -> Result<Vec<AuditEntry>, AppError> {
        let mut newest = self.store().scan::<AuditEntry>().rev().take(most).collect::<Result<Vec<_>, _>>()?;
        newest.reverse();
        Ok(newest)
    }

    /// Reckons the chain from its beginning to its end, and whether `noted` stands in it.
    pub fn prove_log(&self, noted: Option<&(AuditId, String)>) -> Result<Proof, AppError> {
        let mut proof = Proof { entries: 0, end: None, flaw: None };
        let (mut begin, mut shortened, mut seen) = (None, None, noted.is_none());
        for entry in self.audit_log(AuditId(0)) {
            let entry = entry?;
            proof.entries += 1;
            let follows = match &proof.end {
                Some((id, hash)) => id.0 + 1 == entry.id.0 && hash == &entry.previous,
                None => true,
            };
            if proof.flaw.is_none() && (!follows || entry.reckoned() != entry.hash) {
                proof.flaw = Some(Flaw::Changed(entry.id));
            }
            if proof.end.is_none() {
                begin = Some((AuditId(entry.id.0.saturating_sub(1)), entry.previous.clone()));
            }
            if let Some(end) = end_of_shortening(&entry) {
                shortened = Some(end);
            }
            seen |= noted.is_some_and(|(id, hash)| *id == entry.id && *hash == entry.hash);
            proof.end = Some((entry.id, entry.hash));
        }
        let whole = begin.as_ref().is_none_or(|(id, hash)| id.0 == 0 && hash == &nothing_before());
        if let Some((id, _)) = begin.as_ref().filter(|_| !whole && begin != shortened) {
            proof.flaw = Some(Flaw::Gap(AuditId(id.0 + 1)));
        }
        if let Some((id, _)) = noted.filter(|_| !seen && proof.flaw.is_none()) {
            proof.flaw = Some(Flaw::NotAsNoted(*id));
        }
        Ok(proof)
    }

    /// Takes away all entries before `until`. That is an entry itself, with which the rest can still be proved.
    pub(super) fn shorten_log(&self, until: AuditId) -> Result<u64, AppError> {
        let (mut changes, mut last, mut count) = (Changes::default(), None, 0);
        for entry in self.audit_log(AuditId(0)) {
            let entry = entry?;
            if entry.id >= until {
                break;
            }
            changes.remove::<AuditEntry>(entry.id);
            count += 1;
            last = Some(entry);
        }
        if let Some(last) = last {
            let mut deed = Deed::done("shortened", "audit log", last.id);
            deed.after = Some(serde_json::json!({ "hash": last.hash }));
            self.store().commit_audited(changes, vec![deed], &Actor::Host, self.clock().now())?;
        }
        Ok(count)
    }
}

/// The last entry that was taken away, and its hash.
fn end_of_shortening(entry: &AuditEntry) -> Option<(AuditId, String)> {
    let deed = &entry.deed;
    let ours = deed.action == "shortened" && deed.what == "audit log";
    let hash = deed.after.as_ref().filter(|_| ours)?.get("hash")?.as_str()?;
    Some((deed.subject.parse().ok()?, hash.to_owned()))
}
