//! What is kept under which table, and how: one document type per table, as JSON, so that it can grow fields.
//! Contacts have a compact form of their own.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key;
use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeDefinition, MergedInto};
use crate::model::drift::SeenFields;
use crate::model::grant::Digest;
use crate::model::health::PluginHealth;
use crate::model::id::{ConnectionId, ContactId, OutboxId, PluginId, RunId, SyncId};
use crate::model::ledger::{Retention, SetAside};
use crate::model::outcome::{OutboxEntry, Receipt};
use crate::model::publisher::{PublisherKey, TrustedPublisher};
use crate::model::refusal::Refusal;
use crate::model::schedule::Timetable;
use crate::model::sync::{Connection, InstalledPlugin, MappingVersion, OtherVersion, Run, Sync, SyncState};

/// The byte after the workspace's number. Released values are never given another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    System = 1,
    Workspaces = 2,
    Names = 3,
    Plugins = 10,
    Connections = 11,
    Credentials = 12,
    Syncs = 13,
    SyncStates = 14,
    Runs = 15,
    Attributes = 16,
    Refusals = 17,
    Outbox = 18,
    Receipts = 19,
    Timetables = 20,
    Publishers = 21,
    PluginVersions = 22,
    PluginHealth = 23,
    Contacts = 30,
    LookupMeta = 40,
    LookupRecent = 41,
    LookupBuckets = 42,
    LookupFilter = 43,
    Conflicts = 50,
    Provenance = 51,
    SetAside = 52,
    Retention = 53,
    MappingVersions = 54,
    SeenFields = 55,
    MergedInto = 56,
    // 57 to 59: the engine's; 60 to 69: events, audiences, suppressions.
}

/// Something that is kept whole under a key.
pub trait Document: Serialize + DeserializeOwned {
    /// What its key is made of, borrowed.
    type Key<'a>;
    /// The table's number, unique among documents.
    const TABLE: u8;
    const NAME: &'static str;

    fn key(key: Self::Key<'_>) -> Vec<u8>;
}

macro_rules! documents {
    ($($document:ty, $table:ident, $name:literal, <$a:lifetime> $key_type:ty, |$key:pat_param| $bytes:expr;)+) => {$(
        impl Document for $document {
            type Key<$a> = $key_type;
            const TABLE: u8 = Table::$table as u8;
            const NAME: &'static str = $name;

            fn key($key: Self::Key<'_>) -> Vec<u8> {
                $bytes
            }
        }
    )+};
}

documents! {
    InstalledPlugin, Plugins, "plugin", <'a> &'a PluginId, |id| key::text(&[id.as_str()]);
    TrustedPublisher, Publishers, "trusted publisher", <'a> (&'a PluginId, &'a PublisherKey),
        |(plugin, key)| key::text(&[plugin.as_str(), &key.to_string()]);
    OtherVersion, PluginVersions, "plugin version", <'a> (&'a PluginId, &'a Digest),
        |(plugin, digest)| key::text(&[plugin.as_str(), &digest.0]);
    PluginHealth, PluginHealth, "plugin health", <'a> (&'a PluginId, &'a Digest),
        |(plugin, digest)| key::text(&[plugin.as_str(), &digest.0]);
    Connection, Connections, "connection", <'a> &'a ConnectionId, |id| key::text(&[id.as_str()]);
    Sync, Syncs, "sync", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    SyncState, SyncStates, "sync state", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    Timetable, Timetables, "timetable", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    Run, Runs, "run", <'a> RunId, |id| id.0.to_be_bytes().to_vec();
    AttributeDefinition, Attributes, "attribute", <'a> &'a str, |name| key::text(&[name]);
    Refusal, Refusals, "refused row", <'a> (&'a SyncId, &'a str), |(sync, record)| key::text(&[sync.as_str(), record]);
    Conflict, Conflicts, "conflict", <'a> (&'a SyncId, ContactId, &'a str), |(sync, contact, attribute)|
        [key::text(&[sync.as_str()]), contact.0.to_be_bytes().to_vec(), key::text(&[attribute])].concat();
    SetAside, SetAside, "row set aside", <'a> (&'a SyncId, &'a str), |(sync, record)| key::text(&[sync.as_str(), record]);
    Retention, Retention, "retention", <'a> (), |()| Vec::new();
    MappingVersion, MappingVersions, "mapping version", <'a> (&'a SyncId, u32), |(sync, number)|
        [key::text(&[sync.as_str()]), number.to_be_bytes().to_vec()].concat();
    SeenFields, SeenFields, "fields that were seen", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    MergedInto, MergedInto, "merged contact", <'a> ContactId, |id| id.0.to_be_bytes().to_vec();
    OutboxEntry, Outbox, "outbox entry", <'a> OutboxId, |id| id.0.to_be_bytes().to_vec();
    Receipt, Receipts, "receipt", <'a> (&'a SyncId, &'a str), |(sync, id)| key::text(&[sync.as_str(), id]);
}
