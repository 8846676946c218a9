//! What an admin set up: connections and syncs, and how far a sync has come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::connector::{Condition, Window};
use super::grant::{Digest, Grant};
use super::id::{ConnectionId, ContactId, InvalidName, PluginId, RunId, SyncId};
use super::manifest::Manifest;
use super::mapping::{Column, Direction};
use super::outcome::OutcomeKind;
use super::policy::Policy;
use super::publisher::PublisherKey;
use super::schema::{Abilities, Account};
use super::time::Instant;

/// A plugin that is installed in a workspace. Its bytes lie beside the store, under their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledPlugin {
    pub manifest: Manifest,
    pub digest: Digest,
    pub size: u64,
    pub grant: Grant,
    /// Who signed it; none where nobody did.
    #[serde(default)]
    pub publisher: Option<PublisherKey>,
}

/// A version of a plugin beside the one that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherVersion {
    pub plugin: InstalledPlugin,
    pub standing: Standing,
}

/// What a version beside the installed one is there for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Standing {
    /// It was installed until then. The settings that the upgrade changed are kept as they were under it.
    Former { until: Instant, settings: BTreeMap<ConnectionId, String> },
    /// It was installed, and an admin went back to the one before.
    Withdrawn { since: Instant },
    /// It asks for more than was granted, and waits for somebody who grants it.
    Proposed { since: Instant },
}

impl Standing {
    /// Whether an admin granted it once.
    pub fn was_granted(&self) -> bool {
        !matches!(self, Self::Proposed { .. })
    }

    /// For machines.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Former { .. } => "former",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Proposed { .. } => "proposed",
        }
    }

    /// Since when it is so.
    pub fn since(&self) -> Instant {
        match self {
            Self::Former { until: at, .. } | Self::Withdrawn { since: at } | Self::Proposed { since: at } => *at,
        }
    }
}

/// A connector with settings and credentials: one CRM account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub plugin: PluginId,
    /// Where relative targets lead.
    pub base: Option<Url>,
    /// JSON that satisfies the manifest's schema.
    pub settings: String,
    /// As the last check told it; none until a check has succeeded.
    pub account: Option<Account>,
    pub created: Instant,
    /// The version that it stays with, whatever is installed; none to follow what is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Digest>,
}

/// A mapper plugin and what it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingSpec {
    pub mapper: PluginId,
    pub configuration: String,
}

/// How contacts are found for records without a link. In this order; a match by a later one must not contradict an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchKey {
    Email,
    Phone,
}

impl MatchKey {
    pub const ALL: [Self; 2] = [Self::Email, Self::Phone];

    /// The attribute that holds its value.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// Where outcomes of one kind go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundSpec {
    /// The CRM's object that a write creates, or the sync's own object to update the record itself.
    pub object: String,
    /// What the connector can do with that object.
    pub abilities: Abilities,
    pub mapping: MappingSpec,
    /// What has waited for longer, in seconds, is not sent any more but left to a person.
    #[serde(default)]
    pub expires_s: Option<u64>,
}

/// connection + object + segment/filter + mapping, inbound and outbound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    pub id: SyncId,
    pub connection: ConnectionId,
    pub object: String,
    pub segment: Option<String>,
    pub filter: Vec<Condition>,
    pub mapping: MappingSpec,
    /// The mapping's version, counted from 1.
    #[serde(default = "first_version")]
    pub version: u32,
    /// What the connector can do with the object, and how late its records may appear, as it said then.
    pub abilities: Abilities,
    pub lateness_ms: u32,
    /// What the mapping reads, with the types that the CRM gave when the sync was created.
    pub columns: Vec<Column>,
    pub match_keys: Vec<MatchKey>,
    /// By attribute; the rest is the CRM's.
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
    pub outbound: BTreeMap<OutcomeKind, OutboundSpec>,
    pub created: Instant,
}

/// The connection of syncs whose records come from files; no account can be connected under its name.
const FILES: &str = "file";

/// Whether a connection stands for files, not for an account.
pub fn is_of_files(connection: &ConnectionId) -> bool {
    connection.as_str() == FILES
}

fn first_version() -> u32 {
    1
}

/// A mapping that a sync has, or had: versions are kept, so that a value can be traced to the one that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingVersion {
    pub sync: SyncId,
    pub number: u32,
    pub mapping: MappingSpec,
    /// What it reads.
    pub columns: Vec<Column>,
    /// What it fills.
    pub output: Vec<Column>,
    /// The version that was there before it.
    pub replaces: Option<u32>,
    pub created: Instant,
}

impl Sync {
    /// The mapping that it has now, to be kept.
    pub fn mapping_version(&self, output: Vec<Column>, created: Instant) -> MappingVersion {
        MappingVersion {
            sync: self.id.clone(),
            number: self.version,
            mapping: self.mapping.clone(),
            columns: self.columns.clone(),
            output,
            replaces: None,
            created,
        }
    }

    /// Whether its records come from files, and not from a CRM.
    pub fn is_import(&self) -> bool {
        is_of_files(&self.connection)
    }

    /// The connection of every import.
    pub fn import_connection() -> Result<ConnectionId, InvalidName> {
        FILES.parse()
    }

    pub fn policy(&self, attribute: &str) -> Policy {
        self.policies.get(attribute).copied().unwrap_or_default()
    }
}

/// A sync that was removed, as long as something of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    pub sync: SyncId,
    pub begun: Instant,
}

/// How far one partition of a backfill has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Where it begins, to start over when a token has expired.
    pub begin: Option<String>,
    pub next: Option<String>,
    pub done: bool,
}

/// What a sync is walking through, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checkpoint {
    /// Every record, once.
    Backfill { started: Option<Instant>, partitions: Vec<Partition> },
    /// Windows still to walk, the current one last; `next` is the page token within it.
    Increment { started: Option<Instant>, windows: Vec<Window>, next: Option<String> },
}

impl Checkpoint {
    /// What time it was at the CRM when the walk began; none until a row has told.
    pub fn started(&mut self) -> &mut Option<Instant> {
        match self {
            Self::Backfill { started, .. } | Self::Increment { started, .. } => started,
        }
    }
}

/// How far a changed mapping has come through the stored rows: first those of contacts, then those set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remap {
    Contacts { from: ContactId },
    Aside { after: String },
}

impl Remap {
    pub fn start() -> Self {
        Self::Contacts { from: ContactId(0) }
    }
}

/// A sync's progress; committed with every page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// Everything modified before this, by the CRM's clock, has been seen.
    pub high_water: Option<Instant>,
    /// The greatest stamp that the CRM has given a row.
    #[serde(default)]
    pub latest: Option<Instant>,
    /// Everything that went before this is marked; moves after the pages of a run, and apart from them.
    #[serde(default)]
    pub gone_until: Option<Instant>,
    pub checkpoint: Option<Checkpoint>,
    /// Where a changed mapping stands on its way through the stored rows.
    #[serde(default)]
    pub remap: Option<Remap>,
    pub last_run: Option<RunId>,
    /// Links that this sync holds.
    pub linked: u64,
    /// Rows that wait for a person.
    pub refused: u64,
}

/// What happened to the rows and writes of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub pages: u64,
    pub rows: u64,
    pub created: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub skipped: u64,
    pub refused: u64,
    /// Values that wait for a person to decide.
    #[serde(default)]
    pub held: u64,
    pub gone: u64,
    pub delivered: u64,
    pub retried: u64,
    pub dead: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    Running,
    Done,
    /// Ended early; what was committed stays and the next run goes on from there.
    Failed {
        code: String,
        message: String,
        remedy: String,
    },
}

/// One execution of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub sync: SyncId,
    pub direction: Direction,
    pub started: Instant,
    pub ended: Option<Instant>,
    pub counts: Counts,
    pub end: RunEnd,
}
