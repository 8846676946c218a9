//! Ways to reach a party: records of their own, of which a party shows the first of each type as a field. Such a field can be filled
//! but neither searched nor changed, so both go by the records.

use std::collections::HashMap;

use ferry_sdk::connector::{Failure, Kind, Value};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, context, request};
use crate::objects::{OPPORTUNITY, PARTY};

const FIELDS: [(&str, Kind); 5] = [
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("mobile", Kind::Phone),
    ("fax", Kind::Phone),
    ("website", Kind::Url),
];

/// A party has a handful; beyond this something is wrong with it.
const MOST: usize = 20_000;

/// What kind of field it is, if it is one of these.
pub(crate) fn kind(model: &str, field: &str) -> Option<Kind> {
    let known = FIELDS.iter().find(|(name, _)| model == PARTY && *name == field);
    known.map(|(_, kind)| *kind)
}

/// Where the ways behind a column are records, and of which type: those of a party, or of the party that an opportunity is about.
pub(crate) fn behind<'a>(model: &str, column: &'a str) -> Option<(&'static str, &'a str)> {
    let (records, field) = match model {
        PARTY => ("contact_mechanisms", column),
        OPPORTUNITY => ("party.contact_mechanisms", column.strip_prefix("party.")?),
        _ => return None,
    };
    kind(PARTY, field).map(|_| (records, field))
}

/// The first mechanism of each type of some parties.
#[derive(Default)]
pub(crate) struct Held(HashMap<(i64, String), i64>);

#[derive(Deserialize)]
struct Mechanism {
    id: i64,
    party: i64,
    #[serde(rename = "type")]
    kind: String,
}

impl Held {
    pub(crate) fn of(api: &Api<'_>, parties: &[i64]) -> Result<Self, Failure> {
        if parties.is_empty() {
            return Ok(Self::default());
        }
        let types: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let domain = json!([["party", "in", parties], ["type", "in", types]]);
        // In Tryton's own order, so that the first of a type is the one that the party's field shows.
        let order = json!([["party", "ASC"], ["sequence", "ASC NULLS FIRST"], ["id", "ASC"]]);
        let params = vec![domain, json!(0), json!(MOST), order, json!(["party", "type"])];
        let model = "party.contact_mechanism";
        let mechanisms: Vec<Mechanism> = api.ask(request(model, "search_read", params, context()), model)?;
        let mut held = HashMap::new();
        for Mechanism { id, party, kind } in mechanisms {
            held.entry((party, kind)).or_insert(id);
        }
        Ok(Self(held))
    }

    /// The step that gives a party another first mechanism of this type; none where there is nothing to take away.
    pub(crate) fn step(&self, party: i64, field: &str, value: &Value) -> Result<Option<Json>, &'static str> {
        let first = self.0.get(&(party, field.to_owned()));
        Ok(match (value, first) {
            (Value::Null, Some(first)) => Some(json!(["write", [first], {"active": false}])),
            (Value::Null, None) => None,
            (Value::Text(text), Some(first)) => Some(json!(["write", [first], {"value": text}])),
            (Value::Text(text), None) => Some(json!(["create", [{"type": field, "value": text}]])),
            _ => return Err("is no text"),
        })
    }
}
