//! The shapes that `--json` gives: named and stable, whatever form the store keeps. Times are RFC 3339, ids as texts.

use ferry::app::syncs::SyncStatus;
use ferry::model::conflict::Conflict;
use ferry::model::contact::Contact;
use ferry::model::health::PluginHealth;
use ferry::model::ledger::{Origin, Step};
use ferry::model::outcome::{Delivery, OutboxEntry};
use ferry::model::refusal::{Refusal, RefusalReason};
use ferry::model::sync::{Checkpoint, Connection, InstalledPlugin, Run, RunEnd, Sync};
use ferry::model::value::Value;
use ferry::vault::Summary;
use serde_json::{Map, Value as Json, json};

use super::filter;

pub(super) fn plugin(plugin: &InstalledPlugin) -> Json {
    let identity = &plugin.manifest.plugin;
    json!({
        "id": identity.id, "name": identity.name, "version": identity.version, "kind": identity.kind,
        "publisher": identity.publisher, "digest": plugin.digest, "size": plugin.size,
        "signed_by": plugin.publisher,
        "grant": {
            "hosts": plugin.grant.hosts, "accounts": plugin.grant.accounts, "private": plugin.grant.private,
            "loopback": plugin.grant.loopback, "limits": plugin.grant.limits,
            "at": plugin.grant.at.to_string(),
        },
        "presets": plugin.manifest.presets.keys().collect::<Vec<_>>(),
    })
}

/// How a plugin fares; null where it is well.
pub(super) fn health(health: Option<&PluginHealth>) -> Json {
    health.map_or(Json::Null, |health| {
        json!({
            "faults": health.faults, "verb": health.verb, "code": health.code, "last": health.last,
            "since": health.since.to_string(), "quarantined_until": health.rests_until.map(|at| at.to_string()),
        })
    })
}

pub(super) fn connection(connection: &Connection) -> Json {
    // The settings were JSON when they were kept.
    let settings: Json = serde_json::from_str(&connection.settings).unwrap_or_default();
    json!({
        "name": connection.id, "plugin": connection.plugin, "base_url": connection.base, "settings": settings,
        "account": connection.account, "created": connection.created.to_string(), "pinned": connection.pinned,
    })
}

pub(super) fn sign_in(summary: &Summary) -> Json {
    json!({
        "kind": summary.kind, "address": summary.instance, "scopes": summary.scopes,
        "expires": summary.expires_at.map(|at| at.to_string()), "refused": summary.refused,
    })
}

pub(super) fn sync(sync: &Sync) -> Json {
    let outbound: Map<String, Json> = sync
        .outbound
        .iter()
        .map(|(kind, spec)| (kind.as_str().to_owned(), json!({ "object": spec.object, "mapping": spec.mapping })))
        .collect();
    json!({
        "name": sync.id, "connection": sync.connection, "object": sync.object, "segment": sync.segment,
        "filter": sync.filter.iter().map(filter::show).collect::<Vec<_>>(),
        "mapping": sync.mapping, "mapping_version": sync.version, "reads": sync.columns, "match": sync.match_keys, "policies": sync.policies, "outbound": outbound,
        "created": sync.created.to_string(),
    })
}

pub(super) fn status(status: &SyncStatus) -> Json {
    let state = &status.state;
    json!({
        "name": status.sync.id, "connection": status.sync.connection, "object": status.sync.object,
        "linked": state.linked, "refused": state.refused, "conflicts": status.conflicts, "waiting": status.waiting, "dead": status.dead,
        "seen_until": state.high_water.map(|at| at.to_string()),
        "walking": state.checkpoint.as_ref().map(walking), "remapping": state.remap.is_some(),
        "last_run": status.last_run.as_ref().map(run),
    })
}

/// What is left of a run that ended early.
pub(super) fn walking(checkpoint: &Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::Backfill { .. } => "backfill",
        Checkpoint::Increment { .. } => "increment",
    }
}

pub(super) fn run(run: &Run) -> Json {
    let (end, error) = match &run.end {
        RunEnd::Running => ("running", Json::Null),
        RunEnd::Done => ("done", Json::Null),
        RunEnd::Failed { code, message, remedy } => {
            ("failed", json!({ "code": code, "message": message, "remedy": remedy }))
        }
    };
    json!({
        "id": run.id, "sync": run.sync, "direction": run.direction, "started": run.started.to_string(),
        "ended": run.ended.map(|at| at.to_string()), "counts": run.counts, "end": end, "error": error,
    })
}

pub(super) fn contact(contact: &Contact) -> Json {
    let links: Vec<Json> = contact
        .links
        .iter()
        .map(|link| {
            json!({
                "sync": link.sync, "connection": link.source.connection, "object": &*link.source.object,
                "record": link.record, "modified": link.modified.map(|at| at.to_string()),
                "gone": link.gone.map(|at| at.to_string()),
            })
        })
        .collect();
    json!({
        "id": contact.id, "created": contact.created.to_string(), "changed": contact.changed.to_string(),
        "attributes": values(contact.attributes.iter().map(|(name, value)| (&**name, value))), "links": links,
    })
}

pub(super) fn values<'a>(values: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Json {
    values.into_iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect::<Map<_, _>>().into()
}

pub(super) fn reason(reason: &RefusalReason) -> Json {
    match reason {
        RefusalReason::Problems(problems) => json!({ "kind": "problems", "problems": problems }),
        RefusalReason::Held { by, candidates } => json!({ "kind": "held", "by": by, "candidates": candidates }),
    }
}

pub(super) fn refusal(refusal: &Refusal) -> Json {
    json!({
        "sync": refusal.sync, "record": refusal.record, "run": refusal.run, "at": refusal.at.to_string(),
        "reason": reason(&refusal.reason), "message": refusal.reason.describe(),
    })
}

/// One change of an attribute, and who made it.
pub(super) fn step(step: &Step<'_>) -> Json {
    let by = match step.origin {
        Origin::Record { sync, record, run, page, version, modified } => json!({
            "kind": "record", "sync": sync, "record": record, "run": run, "page": page, "mapping_version": version,
            "modified": modified.map(|at| at.to_string()), "policy": step.policy,
        }),
        Origin::Person => json!({ "kind": "person" }),
    };
    json!({
        "attribute": &**step.attribute, "value": step.after.to_json(), "replaced": step.before.map(Value::to_json),
        "at": step.at.to_string(), "by": by,
    })
}

pub(super) fn conflict(conflict: &Conflict, ours: &Value) -> Json {
    json!({
        "contact": conflict.contact, "attribute": conflict.attribute, "ours": ours.to_json(),
        "theirs": conflict.theirs.to_json(), "agreed": conflict.base.to_json(), "sync": conflict.sync,
        "record": conflict.record, "run": conflict.run, "at": conflict.at.to_string(),
    })
}

/// Whether customers' values are written out. Lists of what went wrong end up in tickets and chats, where they do not belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Shown,
    /// By type and length.
    Veiled,
}

impl Values {
    pub(super) fn cell(self, value: &Value) -> String {
        match (self, value) {
            (Self::Shown, value) => value.to_cell(),
            (_, Value::Null) => "empty".to_owned(),
            (_, Value::Boolean(_)) => "yes or no".to_owned(),
            (_, Value::Integer(_) | Value::Decimal(_)) => "number".to_owned(),
            (_, Value::Text(text)) => format!("text of {} characters", text.chars().count()),
            (_, Value::Instant(_)) => "time".to_owned(),
            (_, Value::Date(_)) => "date".to_owned(),
            (_, Value::Texts(items)) => format!("{} texts", items.len()),
        }
    }

    fn json(self, value: &Value) -> Json {
        match self {
            Self::Shown => value.to_json(),
            Self::Veiled => json!({ "veiled": self.cell(value) }),
        }
    }
}

pub(super) fn outbox_entry(entry: &OutboxEntry, shown: Values) -> Json {
    let outcome = &entry.outcome;
    let delivery = match &entry.delivery {
        Delivery::Waiting { attempts, not_before } => {
            json!({ "state": "waiting", "attempts": attempts, "not_before": not_before.to_string() })
        }
        Delivery::Unknown { attempts, not_before, .. } => {
            json!({ "state": "unknown", "attempts": attempts, "not_before": not_before.to_string() })
        }
        Delivery::Dead { problems, remedy, at } => {
            json!({ "state": "dead", "problems": problems, "remedy": remedy, "at": at.to_string() })
        }
    };
    json!({
        "id": entry.id, "sync": entry.sync, "record": entry.record, "created": entry.created.to_string(),
        "retried": entry.retried.map(|at| at.to_string()), "delivery": delivery,
        "outcome": {
            "id": outcome.id, "kind": outcome.kind, "contact": outcome.contact, "at": outcome.at.to_string(),
            "values": outcome.values.iter().map(|(name, value)| (name.clone(), shown.json(value))).collect::<Map<_, _>>(),
        },
    })
}
