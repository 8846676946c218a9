//! The shapes that `--json` gives, beside those that the API gives too: named and stable, whatever form the store keeps.
//! Times are RFC 3339, ids as texts.

use ferry::model::conflict::Conflict;
use ferry::model::health::PluginHealth;
use ferry::model::ledger::{Origin, Step};
use ferry::model::refusal::{Refusal, RefusalReason};
use ferry::model::sync::{Connection, InstalledPlugin, Sync};
use ferry::model::value::Value;
pub(super) use ferry::server::documents::{
    Audience, Audit, Contact, Event, Hook, Member, OutboxEntry, Run, Status, Suppression, Timing, Token, Values, values,
};
use ferry::vault::Summary;
use serde_json::{Map, Value as Json, json};

use ferry::model::filter;

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

/// How what of a plugin has failed fares.
pub(super) fn health(health: &PluginHealth) -> Json {
    json!({
        "faults": health.faults, "verb": health.verb, "code": health.code, "last": health.last,
        "since": health.since.to_string(), "quarantined_until": health.rests_until.map(|at| at.to_string()),
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
        "back_and_forth_with": conflict.between,
    })
}
