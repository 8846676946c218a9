//! What is kept under which table, and how: one document type per table, as JSON, so that it can grow fields.
//! Contacts have a compact form of their own.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key;
use crate::model::allowance::LearnedAllowance;
use crate::model::audience::{Audience, ContactChanges, Member};
use crate::model::audit::AuditEntry;
use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeDefinition, MergedInto};
use crate::model::drift::SeenFields;
use crate::model::event::{Event, Hook, Posting};
use crate::model::grant::Digest;
use crate::model::health::{Callee, PluginHealth};
use crate::model::id::{
    AudienceId, AuditId, ConnectionId, ContactId, EventId, HookId, OutboxId, PluginId, RunId, SyncId, TokenId,
};
use crate::model::ledger::{Retention, SetAside};
use crate::model::outcome::{OutboxEntry, Receipt};
use crate::model::publisher::{Admission, PublisherKey, TrustedPublisher};
use crate::model::refusal::Refusal;
use crate::model::repeat::KeyedRequest;
use crate::model::schedule::Timetable;
use crate::model::suppression::{Suppressed, Suppression};
use crate::model::sync::{Connection, InstalledPlugin, MappingVersion, OtherVersion, Removal, Run, Sync, SyncState};
use crate::model::token::Token;

/// The byte after the workspace's number. Released values are never given another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Table {
    System = 1,
    Workspaces = 2,
    Names = 3,
    LastNumbers = 4,
    Plugins = 10,
    Connections = 11,
    Credentials = 12,
    Syncs = 13,
    SyncStates = 14,
    Runs = 15,
    Attributes = 16,
    Refusals = 17,
    Timetables = 20,
    Publishers = 21,
    PluginVersions = 22,
    PluginHealth = 23,
    Admission = 24,
    Allowances = 25,
    /// Buckets of contacts; 30 had one key a contact.
    Contacts = 31,
    LookupRecent = 41,
    /// Of ranges; 40, 42 and 43 were of all lookups as one.
    LookupMeta = 44,
    LookupBuckets = 45,
    LookupFilter = 46,
    Conflicts = 50,
    SetAside = 52,
    Retention = 53,
    MappingVersions = 54,
    SeenFields = 55,
    MergedInto = 56,
    /// Buckets of provenances; 51 had one key a contact.
    Provenance = 57,
    Tokens = 60,
    KeyedRequests = 61,
    ContactChanges = 62,
    Audiences = 63,
    Members = 64,
    Events = 65,
    Hooks = 66,
    Postings = 67,
    Suppressions = 68,
    Removals = 70,
    /// 18 had one key an entry.
    Outbox = 71,
    /// 19 had one key a receipt, also for what was still in the outbox.
    Receipts = 72,
    /// 69 had one key an entry.
    Audit = 73,
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
    Admission, Admission, "admission of plugins", <'a> (), |()| key::text(&["plugins"]);
    OtherVersion, PluginVersions, "plugin version", <'a> (&'a PluginId, &'a Digest),
        |(plugin, digest)| key::text(&[plugin.as_str(), &digest.0]);
    PluginHealth, PluginHealth, "plugin health", <'a> &'a Callee, |callee| callee_key(callee);
    Connection, Connections, "connection", <'a> &'a ConnectionId, |id| key::text(&[id.as_str()]);
    LearnedAllowance, Allowances, "learned allowance", <'a> &'a str, |account| key::text(&[account]);
    Sync, Syncs, "sync", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    SyncState, SyncStates, "sync state", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    Timetable, Timetables, "timetable", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
    Removal, Removals, "removal of a sync", <'a> &'a SyncId, |id| key::text(&[id.as_str()]);
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
    ContactChanges, ContactChanges, "list of changed contacts", <'a> u64, |number| number.to_be_bytes().to_vec();
    Audience, Audiences, "audience", <'a> &'a AudienceId, |id| key::text(&[id.as_str()]);
    Member, Members, "member", <'a> (&'a AudienceId, ContactId), |(id, contact)| numbered(id.as_str(), contact.0);
    Event, Events, "event", <'a> EventId, |id| id.0.to_be_bytes().to_vec();
    Hook, Hooks, "hook", <'a> &'a HookId, |id| key::text(&[id.as_str()]);
    Posting, Postings, "posting", <'a> (&'a HookId, EventId), |(id, event)| numbered(id.as_str(), event.0);
    Suppression, Suppressions, "suppression", <'a> &'a Suppressed, |who| suppressed(who);
    Token, Tokens, "token", <'a> &'a TokenId, |id| key::text(&[id.as_str()]);
    KeyedRequest, KeyedRequests, "keyed request", <'a> &'a str, |key| key::text(&[key]);
    AuditEntry, Audit, "audit entry", <'a> AuditId, |id| id.0.to_be_bytes().to_vec();
    Receipt, Receipts, "receipt", <'a> OutboxId, |id| id.0.to_be_bytes().to_vec();
}

/// Those with numbers of which there may be millions: they lie in buckets.
pub(super) const NUMBERED: [Table; 3] = [Table::Outbox, Table::Receipts, Table::Audit];

/// Whose changes are written down, as far as somebody answers for them: what people set up, and what waits for them.
const AUDITED: [(u8, &str); 13] = [
    (InstalledPlugin::TABLE, InstalledPlugin::NAME),
    (OtherVersion::TABLE, OtherVersion::NAME),
    (TrustedPublisher::TABLE, TrustedPublisher::NAME),
    (Admission::TABLE, Admission::NAME),
    (Connection::TABLE, Connection::NAME),
    (Sync::TABLE, Sync::NAME),
    (Timetable::TABLE, Timetable::NAME),
    (AttributeDefinition::TABLE, AttributeDefinition::NAME),
    (OutboxEntry::TABLE, OutboxEntry::NAME),
    (Token::TABLE, Token::NAME),
    (Audience::TABLE, Audience::NAME),
    (Hook::TABLE, Hook::NAME),
    (Suppression::TABLE, Suppression::NAME),
];

/// What a key stands for, if its changes are written down: the kind of thing, and its name.
pub(super) fn audited(table: u8, key: &[u8]) -> Option<(&'static str, String)> {
    let (_, what) = AUDITED.into_iter().find(|(audited, _)| *audited == table)?;
    Some((what, super::audit::subject(key)))
}

/// All of a plugin's version stand together.
fn callee_key(callee: &Callee) -> Vec<u8> {
    let version = [callee.plugin.as_str(), callee.digest.0.as_str()];
    let configuration = callee.configuration.as_ref().map(|digest| digest.0.as_str());
    key::text(&version.into_iter().chain(configuration).collect::<Vec<_>>())
}

/// Something of a name, in the order of its numbers.
fn numbered(name: &str, number: u64) -> Vec<u8> {
    [&key::text(&[name])[..], &number.to_be_bytes()].concat()
}

fn suppressed(who: &Suppressed) -> Vec<u8> {
    let (by, value) = who.parts();
    key::text(&[by, &value])
}
