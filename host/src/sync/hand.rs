//! What people decide about a contact: values set by hand, and with them the conflicts that waited for it.

use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeName, Contact, Link};
use crate::model::ledger::{Entry, Origin, Replaced, Retention};
use crate::model::policy::Policy;
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::store::{Changes, StoreError, Workspace};

use super::matching;

/// Sets attributes as a person wants them, and settles the conflicts about them. Gives the contact as it will be.
///
/// Whoever commits the changes must hold the workspace's writing lock since before the contact was read.
pub fn set_by_hand(
    workspace: &Workspace,
    mut contact: Contact,
    values: &[(AttributeName, Value)],
    now: Instant,
    changes: &mut Changes,
) -> Result<Contact, StoreError> {
    let before = contact.clone();
    let mut entry = Entry { origin: Origin::Person, at: now, replaced: Vec::new() };
    for (attribute, value) in values {
        if let Some(old) = contact.set(attribute, value.clone()) {
            contact.changed = now;
            let (attribute, policy) = (attribute.clone(), Policy::default());
            entry.replaced.push(Replaced { attribute, policy, value: Some(old) });
        }
        for link in &mut contact.links {
            let key = (&link.sync, contact.id, &**attribute);
            if let Some(conflict) = workspace.get::<Conflict>(key)? {
                changes.remove::<Conflict>(key);
                link.agree(attribute, conflict.theirs, value);
            }
        }
    }
    if !entry.replaced.is_empty() {
        let mut provenance = workspace.provenance(contact.id)?.unwrap_or_default();
        let retention = workspace.get::<Retention>(())?.unwrap_or_default();
        provenance.write(entry, retention.horizon(now));
        changes.provenance(contact.id, provenance);
    }
    let is_changed = |attribute: &str| before.get(attribute) != contact.get(attribute);
    let new_keys: Vec<_> = matching::hashes(workspace, &contact, |key| is_changed(key.attribute())).collect();
    if contact != before {
        changes.contact(contact.clone(), &new_keys);
    }
    Ok(contact)
}

/// Those of `attributes`, as `contact` has them, in which the CRM has, as far as we know, something else.
pub fn unsent(contact: &Contact, link: &Link, attributes: &[AttributeName]) -> Vec<(String, Value)> {
    let ours = attributes.iter().map(|name| (name.to_string(), contact.get(name).cloned().unwrap_or(Value::Null)));
    ours.filter(|(name, ours)| link.agreed(name, ours) != ours).collect()
}
