//! What a conformance run found, for people and for machines.

use serde::Serialize;

use crate::model::grant::Digest;
use crate::model::id::PluginId;
use crate::model::manifest::{Limits, PluginKind};

/// Findings of one check that are kept; the rest is counted.
const MOST_KEPT: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub plugin: PluginId,
    pub version: semver::Version,
    pub kind: PluginKind,
    pub digest: Digest,
    /// Interfaces that it asks the host for.
    pub imports: Vec<String>,
    pub limits: Limits,
    pub checks: Vec<Check>,
    pub measures: Vec<Measure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Passed,
    Failed,
    /// Nothing in the cassettes to try it on.
    NotTried,
}

/// One rule of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable, as in `lost-replies`.
    pub id: &'static str,
    pub rule: &'static str,
    /// How often it was tried.
    pub tried: u32,
    pub failed: u32,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Cassette, call and request.
    pub place: String,
    pub problem: String,
}

/// The most that calls of one verb used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    pub verb: &'static str,
    pub calls: u32,
    pub memory_bytes: u64,
    pub host_calls: u32,
    pub milliseconds: u64,
}

impl Check {
    pub(super) fn new(id: &'static str, rule: &'static str) -> Self {
        Self { id, rule, tried: 0, failed: 0, findings: Vec::new() }
    }

    pub fn verdict(&self) -> Verdict {
        match (self.tried, self.failed) {
            (_, 1..) => Verdict::Failed,
            (0, _) => Verdict::NotTried,
            _ => Verdict::Passed,
        }
    }

    /// One more trial, and what was wrong with it.
    pub(super) fn tried(&mut self, place: impl FnOnce() -> String, problem: Option<String>) {
        self.tried += 1;
        let Some(problem) = problem else { return };
        self.failed += 1;
        if self.findings.len() < MOST_KEPT {
            self.findings.push(Finding { place: place(), problem });
        }
    }
}

impl Report {
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.verdict() != Verdict::Failed)
    }
}
