//! Whose value stands once two contacts are one: the order of precedence over all of their records, as if those that come along
//! had been matched with the contact that stays. Changes nothing; reads syncs, their mappings and what waits for a person.

use std::collections::BTreeSet;

use crate::model::conflict::Conflict;
use crate::model::contact::{AttributeName, Contact, Link};
use crate::model::ledger::Provenance;
use crate::model::mapping::Column;
use crate::model::policy::Policy;
use crate::model::sync::{MappingVersion, Sync};
use crate::model::value::Value;
use crate::store::{StoreError, Workspace};

use super::merge::{Decision, Sides, decide};

/// A contact, and where its values come from.
pub(super) struct Party<'a> {
    pub(super) contact: &'a Contact,
    pub(super) provenance: &'a Provenance,
    /// Those of its records that the two stand for together.
    pub(super) links: &'a [&'a Link],
}

/// What the contact that stays gets of an attribute.
pub(super) enum Word {
    Takes(AttributeName, Value, Policy),
    /// A person has to decide between its value and this one, of the `link`th record that comes along.
    Asks {
        attribute: AttributeName,
        theirs: Value,
        link: usize,
    },
}

/// A record that has a say: it is there, its sync follows it, and fills these attributes from it.
struct Source<'a> {
    link: &'a Link,
    place: usize,
    sync: Sync,
    filled: Vec<Column>,
}

impl Source<'_> {
    fn fills(&self, attribute: &str) -> bool {
        self.filled.iter().any(|column| column.name == attribute)
    }

    /// Who only fills what is empty comes after everybody else.
    fn rank(&self, attribute: &str) -> u8 {
        u8::from(self.sync.policy(attribute) == Policy::FillIfEmpty)
    }
}

/// What the records of `other` that come along have to say, where they come before those of `keep`. Where nobody comes before
/// anybody, its value stays, or under `newest` the later one. Empty says nothing.
pub(super) fn reckon(workspace: &Workspace, keep: &Party<'_>, other: &Party<'_>) -> Result<Vec<Word>, StoreError> {
    let (own, coming) = (sources(workspace, keep)?, sources(workspace, other)?);
    let attributes: BTreeSet<&str> =
        coming.iter().flat_map(|source| &source.filled).map(|column| column.name.as_str()).collect();
    let mut words = Vec::new();
    for attribute in attributes {
        let mut said = Vec::new();
        for source in coming.iter().filter(|source| source.fills(attribute)) {
            // What waits for a person goes on waiting, and says nothing meanwhile.
            let is_held = workspace.get::<Conflict>((&source.link.sync, other.contact.id, attribute))?.is_some();
            said.extend(other.says(source.link, attribute).filter(|_| !is_held).map(|theirs| (source, theirs)));
        }
        let Some((source, theirs)) = said.into_iter().min_by_key(|(source, _)| source.rank(attribute)) else {
            continue;
        };
        let before = own.iter().filter(|own| own.fills(attribute)).map(|own| own.rank(attribute)).min();
        let policy = source.sync.policy(attribute);
        let ours = keep.contact.get(attribute).unwrap_or(&Value::Null);
        let comes_first = *ours == Value::Null
            || before.is_none_or(|before| source.rank(attribute) < before)
            || (policy == Policy::Newest && before == Some(source.rank(attribute)));
        if !comes_first {
            continue;
        }
        let ours_at = keep.provenance.changed_at(attribute).unwrap_or(keep.contact.created);
        let is_theirs_newer = source.link.modified.is_some_and(|modified| modified >= ours_at);
        let attribute: AttributeName = attribute.into();
        match decide(policy, Sides { base: None, theirs, ours, is_theirs_newer }) {
            Decision::Keep => {}
            Decision::Take => words.push(Word::Takes(attribute, theirs.clone(), policy)),
            Decision::Ask => words.push(Word::Asks { attribute, theirs: theirs.clone(), link: source.place }),
        }
    }
    Ok(words)
}

impl Party<'_> {
    /// What a record says of an attribute, or what a person has made of that since; none where that is nothing.
    fn says<'c>(&'c self, link: &'c Link, attribute: &str) -> Option<&'c Value> {
        let ours = self.contact.get(attribute).unwrap_or(&Value::Null);
        let said = if self.provenance.is_by_hand(attribute) { ours } else { link.agreed(attribute, ours) };
        (*said != Value::Null).then_some(said)
    }
}

fn sources<'a>(workspace: &Workspace, party: &Party<'a>) -> Result<Vec<Source<'a>>, StoreError> {
    let mut sources = Vec::new();
    for (place, link) in party.links.iter().copied().enumerate().filter(|(_, link)| link.gone.or(link.left).is_none()) {
        let Some(sync) = workspace.get::<Sync>(&link.sync)? else { continue };
        // What was converted into another object is read by that one's sync.
        if sync.source() != link.source {
            continue;
        }
        let row = party.provenance.rows.iter().find(|row| row.sync == link.sync);
        let version = row.map_or(sync.version, |row| row.version);
        let filled = workspace.get::<MappingVersion>((&link.sync, version))?.map(|mapping| mapping.output);
        sources.push(Source { link, place, sync, filled: filled.unwrap_or_default() });
    }
    Ok(sources)
}
