//! Three-way merge of a record into its contact, attribute by attribute: what was last agreed, what the CRM has, what we
//! have. Pure.

use crate::model::contact::{AttributeName, Contact};
use crate::model::id::SyncId;
use crate::model::ledger::Replaced;
use crate::model::mapping::Column;
use crate::model::policy::Policy;
use crate::model::time::Instant;
use crate::model::value::Value;

/// An attribute that gets another value, and the policy by which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub attribute: AttributeName,
    pub before: Value,
    pub after: Value,
    pub policy: Policy,
}

impl Change {
    /// What the ledger keeps of it.
    pub(super) fn replaced(&self) -> Replaced {
        Replaced { attribute: self.attribute.clone(), policy: self.policy, value: Some(self.before.clone()) }
    }
}

/// The three values of an attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    /// None where nothing was ever agreed: the record and the contact have just met.
    pub(super) base: Option<&'a Value>,
    pub(super) theirs: &'a Value,
    pub(super) ours: &'a Value,
    pub(super) is_theirs_newer: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Keep,
    Take,
    Ask,
}

pub(super) fn decide(policy: Policy, sides: Sides<'_>) -> Decision {
    let Sides { base, theirs, ours, is_theirs_newer } = sides;
    if theirs == ours || base == Some(theirs) {
        return Decision::Keep;
    }
    let was_ours_changed = *ours != *base.unwrap_or(&Value::Null);
    match policy {
        Policy::Crm => Decision::Take,
        Policy::FillIfEmpty if *ours == Value::Null => Decision::Take,
        Policy::FillIfEmpty => Decision::Keep,
        Policy::Ours | Policy::Newest | Policy::Ask if !was_ours_changed => Decision::Take,
        // Of a record that has just met its contact, an empty field says nothing.
        _ if base.is_none() && *theirs == Value::Null => Decision::Keep,
        Policy::Ours => Decision::Keep,
        Policy::Newest if is_theirs_newer => Decision::Take,
        Policy::Newest => Decision::Keep,
        Policy::Ask => Decision::Ask,
    }
}

/// A record on its way into a contact that is there already.
pub(super) struct Incoming<'a> {
    pub(super) sync: &'a SyncId,
    pub(super) record: &'a str,
    pub(super) values: Vec<(AttributeName, Value)>,
    /// In the order of the values.
    pub(super) policies: &'a [Policy],
    /// When the CRM says that the record changed.
    pub(super) modified: Instant,
    /// What the mapping filled when the record was last merged, if that was another version of it.
    pub(super) agreed: Option<&'a [Column]>,
    /// Attributes in which the record has what we wrote, and is not acknowledged yet.
    pub(super) echoed: Vec<String>,
    /// Of a row that came before: whether an attribute waits for a person. Whatever the mapping makes of it now, the record has
    /// not changed, and replaces nothing that was changed here since.
    pub(super) is_stored: Option<&'a dyn Fn(&str) -> bool>,
    /// The sync with which this one changes an attribute back and forth: its name, ours and theirs.
    pub(super) swings: &'a dyn Fn(&str, &Value, &Value) -> Option<SyncId>,
}

/// A value that a person has to decide about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) attribute: AttributeName,
    pub(super) base: Value,
    pub(super) theirs: Value,
    /// The other sync, where two change the value back and forth.
    pub(super) between: Option<SyncId>,
}

/// What a merge did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) changes: Vec<Change>,
    pub(super) held: Vec<Held>,
    /// What the record's link has to keep as its base.
    pub(super) base: Vec<(AttributeName, Value)>,
}

/// Merges a record's values; `ours_at` says when one of ours was last changed.
pub(super) fn merge(contact: &mut Contact, incoming: Incoming<'_>, ours_at: impl Fn(&str) -> Instant) -> Merged {
    let Incoming { sync, record, values, policies, modified, agreed: filled, echoed, is_stored, swings } = incoming;
    let link = contact.links.iter_mut().find(|link| link.sync == *sync && link.record == record);
    let known = link.map(|link| std::mem::take(&mut link.base));
    let is_known = known.is_some();
    let mut merged = Merged { base: known.unwrap_or_default(), ..Merged::default() };
    if let Some(filled) = filled {
        merged.base.retain(|(name, _)| filled.iter().any(|column| column.name == **name));
    }
    for (place, (attribute, theirs)) in values.into_iter().enumerate() {
        let policy = policies.get(place).copied().unwrap_or_default();
        let agreed = merged.base.iter().position(|(name, _)| *name == attribute);
        let ours = contact.get(&attribute).unwrap_or(&Value::Null);
        let base = match agreed {
            Some(at) => Some(&merged.base[at].1),
            None => (is_known && was_filled(filled, &attribute)).then_some(ours),
        };
        let is_theirs_newer = policy == Policy::Newest && modified >= ours_at(&attribute);
        let is_ours = base.is_some_and(|base| base != ours) && is_stored.is_some_and(|is_held| !is_held(&attribute));
        let decision = match is_ours || echoed.iter().any(|name| **name == *attribute) {
            true => Decision::Keep,
            false => decide(policy, Sides { base, theirs: &theirs, ours, is_theirs_newer }),
        };
        let between = if decision == Decision::Take { swings(&attribute, ours, &theirs) } else { None };
        match if between.is_some() { Decision::Ask } else { decision } {
            Decision::Keep => agree(&mut merged.base, agreed, (&attribute, &theirs), ours),
            Decision::Take => {
                agree(&mut merged.base, agreed, (&attribute, &theirs), &theirs);
                if let Some(before) = contact.set(&attribute, theirs.clone()) {
                    merged.changes.push(Change { attribute, before, after: theirs, policy });
                }
            }
            Decision::Ask => {
                let base = base.cloned().unwrap_or(Value::Null);
                if agreed.is_none() {
                    // Said in so many words, or ours would count as agreed.
                    merged.base.push((attribute.clone(), base.clone()));
                }
                merged.held.push(Held { attribute, base, theirs, between });
            }
        }
    }
    merged
}

/// Whether the record had a say about the attribute when it was last merged.
fn was_filled(filled: Option<&[Column]>, attribute: &str) -> bool {
    filled.is_none_or(|columns| columns.iter().any(|column| column.name == attribute))
}

/// What the CRM has is the base from now on; kept only where it is not ours.
fn agree(
    base: &mut Vec<(AttributeName, Value)>,
    at: Option<usize>,
    (attribute, theirs): (&AttributeName, &Value),
    ours: &Value,
) {
    match at {
        Some(at) if theirs == ours => {
            base.swap_remove(at);
        }
        Some(at) => base[at].1.clone_from(theirs),
        None if theirs == ours => {}
        None => base.push((attribute.clone(), theirs.clone())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::contact::{Link, Source};
    use crate::model::id::ContactId;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![Just(Value::Null), (0i64..4).prop_map(Value::Integer)]
    }

    fn policy() -> impl Strategy<Value = Policy> {
        (0..Policy::ALL.len()).prop_map(|at| Policy::ALL[at])
    }

    fn text(text: &str) -> Value {
        if text.is_empty() { Value::Null } else { Value::Text(text.into()) }
    }

    /// A contact whose city is `ours`, with a link that last agreed on `base`.
    fn contact(ours: &Value, base: Option<&Value>) -> Contact {
        let (name, sync): (AttributeName, SyncId) = ("city".into(), "in".parse().unwrap());
        let mut contact =
            Contact { id: ContactId(1), created: Instant(0), changed: Instant(0), attributes: vec![], links: vec![] };
        contact.set(&name, base.unwrap_or(ours).clone());
        if base.is_some() {
            let source = Source { connection: "crm".parse().unwrap(), object: "contacts".into() };
            let (record, fingerprint) = ("1".to_owned(), 0);
            let link = Link { sync, source, record, fingerprint, modified: None, gone: None, left: None, base: vec![] };
            contact.links.push(link);
        }
        contact.set(&name, ours.clone());
        contact
    }

    /// Merges `theirs`; gives our value after it, whether a person is asked, and leaves the link as it will be kept.
    fn come(contact: &mut Contact, theirs: &Value, policy: Policy, modified: i64) -> (Value, bool) {
        let sync = "in".parse().unwrap();
        let values = vec![("city".into(), theirs.clone())];
        let incoming = Incoming {
            sync: &sync,
            record: "1",
            values,
            policies: &[policy],
            modified: Instant(modified),
            agreed: None,
            echoed: vec![],
            is_stored: None,
            swings: &|_, _, _| None,
        };
        let merged = merge(contact, incoming, |_| Instant(100));
        if let Some(link) = contact.links.first_mut() {
            link.base = merged.base;
        }
        (contact.get("city").cloned().unwrap_or(Value::Null), !merged.held.is_empty())
    }

    #[test]
    fn each_policy_decides_as_it_is_described() {
        use Policy::{Ask, Crm, FillIfEmpty, Newest, Ours};
        // base (`-` if they have just met), theirs, ours, policy, when theirs changed (ours did at 100): ours after, asked
        for (base, theirs, ours, policy, modified, after, asked) in [
            ("a", "b", "a", Crm, 0, "b", false),
            ("a", "b", "c", Crm, 0, "b", false),
            ("a", "a", "c", Crm, 999, "c", false),
            ("a", "", "a", Crm, 0, "", false),
            ("-", "", "c", Crm, 0, "", false),
            ("a", "b", "c", Ours, 999, "c", false),
            ("a", "b", "a", Ours, 0, "b", false),
            ("-", "b", "c", Ours, 0, "c", false),
            ("-", "b", "", Ours, 0, "b", false),
            ("a", "b", "c", Newest, 101, "b", false),
            ("a", "b", "c", Newest, 99, "c", false),
            ("-", "", "c", Newest, 101, "c", false),
            ("a", "b", "a", FillIfEmpty, 999, "a", false),
            ("", "b", "", FillIfEmpty, 0, "b", false),
            ("a", "", "a", FillIfEmpty, 0, "a", false),
            ("a", "b", "c", Ask, 0, "c", true),
            ("a", "b", "a", Ask, 0, "b", false),
            ("a", "b", "b", Ask, 0, "b", false),
            ("-", "b", "c", Ask, 0, "c", true),
            ("-", "", "c", Ask, 0, "c", false),
        ] {
            let mut contact = contact(&text(ours), (base != "-").then(|| text(base)).as_ref());
            let result = come(&mut contact, &text(theirs), policy, modified);
            assert_eq!(result, (text(after), asked), "base {base} theirs {theirs} ours {ours} {policy:?}");
        }
    }

    proptest! {
        #[test]
        fn no_policy_invents_a_value(base in proptest::option::of(value()), theirs in value(), ours in value(), policy in policy(), at in 0i64..200) {
            let mut contact = contact(&ours, base.as_ref());
            let (after, asked) = come(&mut contact, &theirs, policy, at);
            prop_assert!(after == ours || after == theirs);
            prop_assert!(!asked || after == ours, "a person is asked and the value is gone");
        }

        #[test]
        fn the_same_record_again_changes_nothing(base in value(), theirs in value(), ours in value(), policy in policy(), at in 0i64..200) {
            let mut contact = contact(&ours, Some(&base));
            let first = come(&mut contact, &theirs, policy, at);
            let kept = contact.clone();
            prop_assert_eq!(come(&mut contact, &theirs, policy, at), first);
            prop_assert_eq!(contact, kept);
        }

        #[test]
        fn the_base_moves_to_what_the_crm_has_unless_a_person_is_asked(base in value(), theirs in value(), ours in value(), policy in policy(), at in 0i64..200) {
            let mut contact = contact(&ours, Some(&base));
            let (after, asked) = come(&mut contact, &theirs, policy, at);
            let now = contact.links[0].base.iter().find(|(name, _)| &**name == "city").map_or(&after, |(_, value)| value);
            prop_assert_eq!(now, if asked { &base } else { &theirs });
        }

        #[test]
        fn a_value_that_we_wrote_and_that_comes_back_changes_nothing(base in value(), ours in value(), policy in policy(), at in 0i64..200) {
            let mut contact = contact(&ours, Some(&base));
            prop_assert_eq!(come(&mut contact, &ours.clone(), policy, at), (ours, false));
            prop_assert_eq!(contact.links[0].base.len(), 0);
        }
    }
}
