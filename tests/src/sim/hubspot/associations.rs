//! Links between records: seeded ones are computed, changed ones stored from both ends.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::account::{Account, At, COMPANIES, CONTACTS, Source, Write};
use super::errors::ApiError;
use super::events::Change;
use super::link_types::{LinkType, plain, primary};
use super::seed::Seed;
use super::write;

/// Which records a record is linked with, and how.
pub(crate) type Ends = BTreeMap<u64, BTreeSet<LinkType>>;

/// A label that somebody defined for links between two objects.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) from: At,
    pub(crate) to: At,
    pub(crate) kind: LinkType,
    pub(crate) inverse: LinkType,
    pub(crate) label: String,
}

/// The links that differ from the seeded ones.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Ids of the seeded companies by their place.
    pub(crate) companies: Vec<u64>,
    changed: BTreeMap<(At, u64, At), Ends>,
    pub(crate) labels: Vec<Label>,
}

impl Links {
    /// Drops what is stored from this end; the other end no longer finds the record.
    pub(crate) fn forget(&mut self, at: At, id: u64) {
        self.changed.retain(|(one, own, _), _| (*one, *own) != (at, id));
    }

    fn ends(&self, seed: Option<&Seed>, at: At, id: u64, to: At) -> Ends {
        if let Some(ends) = self.changed.get(&(at, id, to)) {
            return ends.clone();
        }
        self.seeded(seed, at, id, to).unwrap_or_default()
    }

    fn seeded(&self, seed: Option<&Seed>, at: At, id: u64, to: At) -> Option<Ends> {
        let seed = seed?;
        match (at, to) {
            (CONTACTS, COMPANIES) => {
                let place = seed.company_of(seed.index(id)?)?;
                let company = *self.companies.get(usize::try_from(place).ok()?)?;
                Some(Ends::from([(company, BTreeSet::from([LinkType::hubspot(1), LinkType::hubspot(279)]))]))
            }
            (COMPANIES, CONTACTS) => {
                let place = self.companies.binary_search(&id).ok()?;
                let types = BTreeSet::from([LinkType::hubspot(2), LinkType::hubspot(280)]);
                Some(seed.contacts_of(place as u64).map(|index| (seed.id(index), types.clone())).collect())
            }
            _ => None,
        }
    }

    fn ends_mut(&mut self, seed: Option<&Seed>, at: At, id: u64, to: At) -> &mut Ends {
        let seeded = if self.changed.contains_key(&(at, id, to)) { None } else { self.seeded(seed, at, id, to) };
        self.changed.entry((at, id, to)).or_insert_with(|| seeded.unwrap_or_default())
    }
}

impl Account {
    /// The shown records of object `to` that a record is linked with.
    pub(crate) fn links_of(&self, at: At, id: u64, to: At) -> Ends {
        let mut ends = self.links.ends(self.table(CONTACTS).seed(), at, id, to);
        ends.retain(|end, _| self.table(to).shown_view(*end).is_some());
        ends
    }

    fn ends_mut(&mut self, at: At, id: u64, to: At) -> &mut Ends {
        self.links.ends_mut(self.objects[CONTACTS].table.seed(), at, id, to)
    }

    /// The type that goes with `kind` in the other direction; none when no such type links the two objects.
    fn inverse(&self, from: At, to: At, kind: LinkType) -> Option<LinkType> {
        let (one, other) = (&self.kind(from).type_id, &self.kind(to).type_id);
        let known = [Some(plain(one, other)), primary(one, other)];
        let fixed = known.into_iter().flatten().find(|(own, _)| *own == kind).map(|(_, inverse)| inverse);
        fixed.or_else(|| {
            self.links.labels.iter().find_map(|label| match (label.from, label.to) {
                ends if ends == (from, to) && label.kind == kind => Some(label.inverse),
                ends if ends == (to, from) && label.inverse == kind => Some(label.kind),
                _ => None,
            })
        })
    }

    /// The label of a type between two objects.
    pub(crate) fn label(&self, from: At, to: At, kind: LinkType) -> Option<String> {
        let one = primary(&self.kind(from).type_id, &self.kind(to).type_id);
        if one.is_some_and(|(own, _)| own == kind) {
            return Some("Primary".to_owned());
        }
        let labels = self.links.labels.iter();
        labels.filter(|label| label.kind == kind || label.inverse == kind).map(|label| label.label.clone()).next()
    }
}

/// One link to be made or ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) from: At,
    pub(crate) id: u64,
    pub(crate) to: At,
    pub(crate) to_id: u64,
}

/// Checks the `types` of a link: each must fit the two objects.
pub(crate) fn types(account: &Account, from: At, to: At, body: &Value) -> Result<Vec<LinkType>, ApiError> {
    let types = body.as_array().filter(|types| !types.is_empty());
    let types =
        types.ok_or_else(|| ApiError::invalid("Invalid input JSON: some required fields were not set: [types]"))?;
    let parse = |spec: &Value| {
        let user_defined = match spec["associationCategory"].as_str() {
            Some("HUBSPOT_DEFINED") => false,
            Some("USER_DEFINED") => true,
            _ => return Err(ApiError::invalid("associationCategory must be HUBSPOT_DEFINED or USER_DEFINED")),
        };
        let id = spec["associationTypeId"].as_u64().and_then(|id| u32::try_from(id).ok());
        let kind = id.map(|id| LinkType { user_defined, id });
        let fits = kind.filter(|kind| account.inverse(from, to, *kind).is_some());
        fits.ok_or_else(|| {
            let (one, other) = (&account.kind(from).type_id, &account.kind(to).type_id);
            ApiError::invalid(format!(
                "association type {} doesn't exist between {one} and {other}",
                spec["associationTypeId"]
            ))
        })
    };
    types.iter().map(parse).collect()
}

/// Links two records, which must be shown. The same link twice is one link. What is logged on a timeline moves the modified
/// stamp of the record there; links among other records move nothing.
pub(crate) fn link(account: &mut Account, link: Link, types: &[LinkType], source: Source) -> Result<(), ApiError> {
    let Link { from, id, to, to_id } = link;
    for (at, id) in [(from, id), (to, to_id)] {
        if account.table(at).shown_view(id).is_none() {
            let message = format!("{} with id {id} does not exist", account.kind(at).title());
            return Err(ApiError::not_found(message).with_context(json!({"id": [id.to_string()]})));
        }
    }
    let (default, _) = plain(&account.kind(from).type_id, &account.kind(to).type_id);
    let primary = primary(&account.kind(from).type_id, &account.kind(to).type_id);
    let is_primary = primary.is_some_and(|(kind, _)| types.contains(&kind));
    for kind in types.iter().copied().chain([default]) {
        let Some(inverse) = account.inverse(from, to, kind) else { continue };
        if primary.is_some_and(|(own, _)| own == kind) {
            end_primary(account, link, kind, inverse);
        }
        account.ends_mut(from, id, to).entry(to_id).or_default().insert(kind);
        account.ends_mut(to, to_id, from).entry(id).or_default().insert(inverse);
    }
    if account.kind(from).is_engagement() && !account.kind(to).is_engagement() {
        write::touch(account, to, to_id);
    } else if account.kind(to).is_engagement() && !account.kind(from).is_engagement() {
        write::touch(account, from, id);
    }
    let label = if is_primary { "primary" } else { "" };
    account.tell(from, id, Change::Linked { to: label, to_at: to, to_id, removed: false }, source);
    note(account, link, types, "associate", source);
    Ok(())
}

/// A record has one primary company: the one before is an ordinary one from now on. The company's end may have many.
fn end_primary(account: &mut Account, link: Link, kind: LinkType, inverse: LinkType) {
    let Link { from, id, to, .. } = link;
    // Seen from the company, kind and inverse change places, and the other end is the one with a single primary.
    let owner_is_from = to == COMPANIES;
    let (owner, owner_id, company, own_kind, other_kind) =
        if owner_is_from { (from, id, to, kind, inverse) } else { (to, link.to_id, from, inverse, kind) };
    let before: Vec<u64> = account
        .ends_mut(owner, owner_id, company)
        .iter_mut()
        .filter_map(|(end, types)| types.remove(&own_kind).then_some(*end))
        .collect();
    for end in before {
        if let Some(types) = account.ends_mut(company, end, owner).get_mut(&owner_id) {
            types.remove(&other_kind);
        }
    }
}

/// Ends a link, or only some of its types. What was not there is no error.
pub(crate) fn unlink(account: &mut Account, link: Link, types: Option<&[LinkType]>, source: Source) {
    let Link { from, id, to, to_id } = link;
    let gone: Vec<LinkType> = match types {
        Some(types) => types.to_vec(),
        None => account.ends_mut(from, id, to).get(&to_id).into_iter().flatten().copied().collect(),
    };
    if gone.is_empty() {
        return;
    }
    for kind in &gone {
        let inverse = account.inverse(from, to, *kind).unwrap_or(*kind);
        for (at, own, other_at, other, kind) in [(from, id, to, to_id, *kind), (to, to_id, from, id, inverse)] {
            let ends = account.ends_mut(at, own, other_at);
            if let Some(left) = ends.get_mut(&other) {
                left.remove(&kind);
                if left.is_empty() {
                    ends.remove(&other);
                }
            }
        }
    }
    account.tell(from, id, Change::Linked { to: "", to_at: to, to_id, removed: true }, source);
    note(account, link, &gone, "dissociate", source);
}

fn note(account: &mut Account, link: Link, types: &[LinkType], operation: &str, source: Source) {
    let object = account.kind(link.from).name.clone();
    let types: Vec<String> = types.iter().map(|kind| kind.id.to_string()).collect();
    let properties = [
        ("to_object".to_owned(), account.kind(link.to).name.clone()),
        ("to_id".to_owned(), link.to_id.to_string()),
        ("types".to_owned(), types.join(";")),
    ];
    account.note(Write {
        object: &object,
        id: &link.id,
        operation,
        properties: &properties,
        trace_id: None,
        by: source,
    });
}

/// Moves all links of a merged record to the new one.
pub(crate) fn move_links(account: &mut Account, at: At, old: u64, new: u64) {
    for to in 0..account.objects.len() {
        for (end, types) in account.links.ends(account.table(CONTACTS).seed(), at, old, to) {
            for kind in types {
                let inverse = account.inverse(at, to, kind).unwrap_or(kind);
                account.ends_mut(at, new, to).entry(end).or_default().insert(kind);
                account.ends_mut(to, end, at).entry(new).or_default().insert(inverse);
            }
            account.ends_mut(to, end, at).remove(&old);
        }
    }
    account.links.forget(at, old);
}

/// The links of a record as object reads show them: `{companies: {results: [{id, type}]}}`.
pub(crate) fn shown(account: &Account, at: At, id: u64, wanted: &[At]) -> Map<String, Value> {
    let mut shown = Map::new();
    for to in wanted {
        let mut results = Vec::new();
        for (end, types) in account.links_of(at, id, *to) {
            let (from_name, to_name) = (&account.kind(at).singular, &account.kind(*to).singular);
            for kind in types {
                let suffix = account.label(at, *to, kind).is_none();
                let name = if suffix {
                    format!("{from_name}_to_{to_name}_unlabeled")
                } else {
                    format!("{from_name}_to_{to_name}")
                };
                results.push(json!({"id": end.to_string(), "type": name}));
            }
        }
        if !results.is_empty() {
            shown.insert(account.kind(*to).name.clone(), json!({ "results": results }));
        }
    }
    shown
}

/// The inline `associations` of a create: what to link the new record with.
pub(crate) fn inline(account: &Account, at: At, body: &Value) -> Result<Vec<(At, u64, Vec<LinkType>)>, ApiError> {
    let Some(list) = body.as_array() else {
        return if body.is_null() { Ok(Vec::new()) } else { Err(ApiError::invalid("associations must be a list")) };
    };
    list.iter().map(|item| inline_one(account, at, item)).collect()
}

fn inline_one(account: &Account, at: At, item: &Value) -> Result<(At, u64, Vec<LinkType>), ApiError> {
    let to_id = super::body::id(&item["to"]["id"]).ok_or_else(|| ApiError::invalid("associations need to.id"))?;
    // The request does not name the other object; the type does.
    for to in 0..account.objects.len() {
        if let Ok(types) = types(account, at, to, &item["types"]) {
            if account.table(to).shown_view(to_id).is_none() {
                let message = format!("{} with id {to_id} does not exist", account.kind(to).title());
                return Err(ApiError::invalid(message).with_context(json!({"id": [to_id.to_string()]})));
            }
            return Ok((to, to_id, types));
        }
    }
    Err(ApiError::invalid(format!("One or more associations are not valid: {item}")))
}
