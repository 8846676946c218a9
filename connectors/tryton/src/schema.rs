//! The fields of a model, as Tryton describes them. A column may lead through a relation, as in `lang.code`: of a relation to many it
//! is the first record, which for addresses is the one that Tryton prefers.

use std::collections::{BTreeMap, BTreeSet};

use ferry_sdk::connector::{Choice, Failure, Field, Kind};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, context, request};
use crate::mechanisms;
use crate::objects::{NOTE, OPPORTUNITY, PARTY};
use crate::values::Reading;

/// Columns through a relation that a party is rarely without.
const OF_A_PARTY: [&str; 5] =
    ["addresses.street", "addresses.postal_code", "addresses.city", "addresses.country.code", "lang.code"];

/// An opportunity has no name and no address of its own: they are those of the party that it is about.
const OF_AN_OPPORTUNITY: [&str; 12] = [
    "party.name",
    "party.code",
    "party.email",
    "party.phone",
    "party.mobile",
    "party.fax",
    "party.website",
    "party.addresses.street",
    "party.addresses.postal_code",
    "party.addresses.city",
    "party.addresses.country.code",
    "party.lang.code",
];

/// The steps of a column: deeper ones are a mistake.
const STEPS_MOST: usize = 4;

/// A field as `fields_get` describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CrmField {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    string: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    readonly: bool,
    /// A list of values with their labels, or the name of a method that gives it.
    #[serde(default)]
    selection: Json,
    #[serde(default)]
    pub(crate) relation: Option<String>,
}

pub(crate) type Described = BTreeMap<String, CrmField>;

/// What Tryton says of some fields of a model, or of all where none is named. One that is not there is left out.
pub(crate) fn described<'a>(
    api: &Api<'_>,
    model: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Described, Failure> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    api.ask(request(model, "fields_get", vec![json!(names)], context()), model)
}

/// The field at the end of each column; none where a column leads nowhere. Asks each model once.
fn ends(api: &Api<'_>, model: &str, columns: &[&str], steps: usize) -> Result<Vec<Option<CrmField>>, Failure> {
    let step = |column: &&'_ str| column.split_once('.').map_or((*column).to_owned(), |(step, _)| step.to_owned());
    let steps_now: Vec<String> = columns.iter().map(step).collect();
    let described = described(api, model, steps_now.iter().map(String::as_str))?;
    let mut ends: Vec<Option<CrmField>> = steps_now.iter().map(|step| described.get(step).cloned()).collect();
    let mut further: BTreeMap<String, Vec<(usize, &str)>> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        let Some((_, rest)) = column.split_once('.') else { continue };
        let relation = ends.get_mut(at).and_then(Option::take).and_then(|field| field.relation);
        if let Some(relation) = relation.filter(|_| steps > 1) {
            further.entry(relation).or_default().push((at, rest));
        }
    }
    for (relation, columns) in further {
        let rests: Vec<&str> = columns.iter().map(|(_, rest)| *rest).collect();
        for ((at, _), end) in columns.iter().zip(self::ends(api, &relation, &rests, steps - 1)?) {
            ends[*at] = end;
        }
    }
    Ok(ends)
}

/// How the columns are read.
pub(crate) fn readings(api: &Api<'_>, model: &str, columns: &[&str]) -> Result<Vec<Reading>, Failure> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let ends = ends(api, model, columns, STEPS_MOST)?.into_iter().zip(columns);
    ends.map(|(end, column)| {
        let (_, reading) = end.and_then(|field| field.types()).ok_or_else(|| Failure::Missing((*column).to_owned()))?;
        Ok(reading)
    })
    .collect()
}

/// Every field of a model, as the host shows and checks it.
pub(crate) fn fields(api: &Api<'_>, model: &str) -> Result<Vec<Field>, Failure> {
    let described = described(api, model, [])?;
    let defaults = defaults(api, model, &described)?;
    let mut fields = Vec::new();
    for (name, field) in &described {
        let Some((kind, _)) = field.types() else { continue };
        let kind = mechanisms::kind(model, name).unwrap_or(kind);
        let is_given = defaults.contains_key(name) || (model == PARTY && name == "code");
        fields.push(Field {
            required: field.required && !field.readonly && !is_given,
            writable: !field.readonly && field.is_written(),
            unique: name == "id" || (model == PARTY && name == "code"),
            ..field.shown(name.clone(), field.string.clone(), kind)
        });
        if field.kind == "many2one" {
            let label = format!("{} (name)", field.string);
            fields.push(Field { derived: true, ..field.shown(format!("{name}.rec_name"), label, Kind::Text) });
        }
    }
    fields.extend(through_relations(api, model)?);
    Ok(fields)
}

fn through_relations(api: &Api<'_>, model: &str) -> Result<Vec<Field>, Failure> {
    let columns: &[&str] = match model {
        PARTY => &OF_A_PARTY,
        OPPORTUNITY => &OF_AN_OPPORTUNITY,
        _ => return Ok(Vec::new()),
    };
    let ends = ends(api, model, columns, STEPS_MOST)?;
    // A database without the module of countries has no field of that name.
    let there = columns.iter().zip(ends).filter_map(|(column, end)| Some((*column, end?)));
    let field = |(column, field): (&str, CrmField)| {
        let kind = mechanisms::behind(model, column).and_then(|(_, field)| mechanisms::kind(PARTY, field));
        let label = column.replace(['.', '_'], " ");
        Field { derived: true, ..field.shown(column.to_owned(), label, kind.unwrap_or(Kind::Text)) }
    };
    Ok(there.map(field).collect())
}

/// What a new record has without being told.
fn defaults(api: &Api<'_>, model: &str, described: &Described) -> Result<BTreeMap<String, Json>, Failure> {
    let required: Vec<&String> = described.iter().filter(|(_, field)| field.required).map(|(name, _)| name).collect();
    if required.is_empty() || model == NOTE {
        return Ok(BTreeMap::new());
    }
    let mut defaults: BTreeMap<String, Json> =
        api.ask(request(model, "default_get", vec![json!(required), json!(false), json!(false)], context()), model)?;
    defaults.retain(|_, value| !value.is_null());
    Ok(defaults)
}

impl CrmField {
    /// None for what has no counterpart: binaries, dictionaries, spans of time, and relations to many that belong to the record.
    pub(crate) fn types(&self) -> Option<(Kind, Reading)> {
        Some(match self.kind.as_str() {
            "char" => (Kind::Text, Reading::Text),
            "text" | "fulltext" => (Kind::LongText, Reading::Text),
            "integer" => (Kind::Integer, Reading::Integer),
            "numeric" => (Kind::Decimal, Reading::Decimal),
            "float" => (Kind::Decimal, Reading::Float),
            "boolean" => (Kind::Boolean, Reading::Boolean),
            "datetime" | "timestamp" => (Kind::Instant, Reading::Instant),
            "date" => (Kind::Date, Reading::Date),
            "selection" => (Kind::Choice, Reading::Text),
            "multiselection" => (Kind::Choices, Reading::Texts),
            "many2one" | "one2one" => (Kind::Reference, Reading::Reference),
            // The model and the id of any record, as in `party.party,7`.
            "reference" => (Kind::Text, Reading::Text),
            "many2many" => (Kind::Choices, Reading::Texts),
            _ => return None,
        })
    }

    /// A relation to many is changed by steps, which an attribute has no word for.
    fn is_written(&self) -> bool {
        self.kind != "many2many"
    }

    fn shown(&self, name: String, label: String, kind: Kind) -> Field {
        let pairs = self.selection.as_array().into_iter().flatten();
        let choice = |pair: &Json| {
            let (value, label) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
            let is_value = !value.is_empty();
            is_value.then(|| Choice { value: value.to_owned(), label: label.to_owned(), hidden: false })
        };
        let of_a_choice = matches!(kind, Kind::Choice | Kind::Choices);
        Field {
            name,
            label: if label.is_empty() { self.string.clone() } else { label },
            kind,
            choices: if of_a_choice { pairs.filter_map(choice).collect() } else { Vec::new() },
            refers_to: self.relation.iter().filter(|_| kind == Kind::Reference).cloned().collect(),
            required: false,
            writable: false,
            unique: false,
            custom: false,
            derived: false,
            length: None,
        }
    }
}

#[cfg(test)]
mod tests;
