//! A test sync: pulls a sample, maps it, and tells what a run would do. Writes nothing.

use crate::model::connector::Slice;
use crate::model::contact::AttributeName;
use crate::model::id::RunId;
use crate::model::sync::{Counts, Sync};
use crate::model::value::Value;

use super::draft::Waiting;
use super::inbound::open_pages;
use super::page::Verdict;
use super::walk::{PAGE_ROWS, Puller};
use super::{Ports, SyncError};

/// Calls until the sample is full: a filtered CRM may give many empty pages.
const MOST_PAGES: u32 = 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialRow {
    pub record: String,
    pub verdict: Verdict,
    /// The mapped values; empty where the row is not mapped.
    pub values: Vec<(AttributeName, Value)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialReport {
    pub rows: Vec<TrialRow>,
    pub counts: Counts,
    /// How many rows the CRM says there are in all.
    pub total: Option<u64>,
    /// How many pages that is, by the size of the first; a backfill costs at least one call for each.
    pub pages: Option<u64>,
}

/// Tries a sync on the first `sample` rows that its filter lets through.
pub async fn try_sync(ports: &Ports, sync: &Sync, sample: u32) -> Result<TrialReport, SyncError> {
    // A number that no run has: nothing of this is written.
    let mut pages = open_pages(ports, sync, RunId(0)).await?;
    // Rows that were refused before are mapped again, to show what is wrong with them now.
    pages.waiting = Waiting::default();
    let mut puller = Puller::of(ports, sync);
    let mut report = TrialReport { rows: Vec::new(), counts: Counts::default(), total: None, pages: None };
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let wanted = sample as usize - report.rows.len();
        puller.request.limit = PAGE_ROWS;
        let pulled = puller.pull(Slice::All, token).await;
        let mut page = pulled.map_err(|source| SyncError::call(sync, "pull", source))?;
        report.total = report.total.or(page.total);
        let size = if page.next.is_some() { page.rows.len() as u64 } else { u64::from(PAGE_ROWS) };
        report.pages = report.pages.or(report.total.filter(|_| size > 0).map(|total| total.div_ceil(size).max(1)));
        page.rows.truncate(wanted);
        token = page.next.take();
        let rows = &mut report.rows;
        let mut tell = |record: &str, verdict: &Verdict, values: &[(AttributeName, Value)]| {
            rows.push(TrialRow { record: record.to_owned(), verdict: verdict.clone(), values: values.to_vec() });
        };
        let changes = pages.changes(page, ports.clock.now(), Some(&mut tell)).await?;
        report.counts.add(&changes.counts);
        if token.is_none() || report.rows.len() >= sample as usize {
            break;
        }
    }
    Ok(report)
}
