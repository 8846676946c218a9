//! A run over records that somebody named, as a webhook does: fetched afresh by their ids, beside the checkpoint.

use std::collections::{BTreeSet, HashSet};

use crate::model::connector::Slice;
use crate::model::sync::{Run, Sync};
use crate::model::value::Tombstone;

use super::inbound::Inbound;
use super::{Observer, Ports, Silent, StopSignal, SyncError, gone};

/// Ids in one request: what every connector takes.
const IDS_PER_PULL: usize = 1_000;

/// Pages of one request: a CRM that gives more turns in a circle.
const MOST_PAGES: usize = 1_000;

/// What was named of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hinted {
    pub changed: BTreeSet<String>,
    /// Said to be gone. Believed only where the CRM does not give them any more.
    pub gone: BTreeSet<String>,
}

impl Hinted {
    pub fn len(&self) -> usize {
        self.changed.len() + self.gone.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Fetches what was named. Returns the run as it was written down, also when it failed.
pub async fn run_hinted(ports: &Ports, sync: &Sync, hinted: &Hinted, stop: &StopSignal) -> Result<Run, SyncError> {
    let mut inbound = Inbound::open(ports, sync, 1).await?;
    let fetched = inbound.fetch_hinted(hinted, stop).await;
    inbound.end(fetched).await
}

impl Inbound<'_> {
    async fn fetch_hinted(&mut self, hinted: &Hinted, stop: &StopSignal) -> Result<(), SyncError> {
        let ids: Vec<String> = hinted.changed.union(&hinted.gone).cloned().collect();
        let there = self.fetch(&ids, &Silent, stop).await?;
        let gone = hinted.gone.iter().filter(|id| !there.contains(*id));
        let tombstones: Vec<_> = gone.map(|id| Tombstone { id: id.clone(), at: None, into: None }).collect();
        let mut graves = gone::Graves::of(self.ports, self.sync, self.run.id);
        let done = graves.bury_all(&tombstones).await;
        self.run.counts.gone += graves.buried;
        done
    }

    /// Brings in records by their ids, beside the checkpoint; gives the ids of those that are there.
    pub(super) async fn fetch(
        &mut self,
        ids: &[String],
        observer: &dyn Observer,
        stop: &StopSignal,
    ) -> Result<HashSet<String>, SyncError> {
        let mut there = HashSet::new();
        for ids in ids.chunks(IDS_PER_PULL) {
            let mut token = None;
            for _ in 0..MOST_PAGES {
                if stop.is_raised() {
                    return Err(SyncError::Stopped);
                }
                self.pages.asked = Some(self.ports.workspace.recent_writes().latest());
                let pulled = self.puller.pull(Slice::Ids(ids.to_vec()), token).await;
                let page = pulled.map_err(|source| self.call("pull", source))?;
                there.extend(page.rows.iter().map(|row| row.id.clone()));
                token = page.next.clone();
                self.commit(page, observer, |_| {}).await?;
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(there)
    }
}
