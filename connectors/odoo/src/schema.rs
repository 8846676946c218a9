//! The fields of a model, as Odoo describes them. Of a reference the name of the other record is a column too, `<field>.name`: Odoo
//! gives both at once.

use std::collections::BTreeMap;

use ferry_sdk::connector::{Choice, Failure, Field, Kind};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::Api;
use crate::objects::{ACTIVITY, EVENT, MESSAGE};
use crate::values::Reading;

/// What a record can't be without. Odoo calls many more fields required that it fills by itself.
const NEEDED: [&str; 5] = ["name", "start", "stop", "date_deadline", "body"];

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
    pub(crate) readonly: bool,
    #[serde(default)]
    selection: Json,
    #[serde(default)]
    pub(crate) relation: Option<String>,
    #[serde(default)]
    size: Option<u32>,
    /// Whether a domain may name it.
    #[serde(default)]
    pub(crate) searchable: bool,
    /// Kept, not computed when it is read.
    #[serde(default)]
    store: bool,
}

pub(crate) type Described = BTreeMap<String, CrmField>;

/// What Odoo says of all fields of a model.
pub(crate) fn described(api: &Api<'_>, model: &str) -> Result<Described, Failure> {
    let attributes = ["string", "type", "required", "readonly", "selection", "relation", "size", "searchable", "store"];
    api.ask(api.request(model, "fields_get", json!({"attributes": attributes})), model)
}

/// The field of a column, and how it is read.
pub(crate) fn column<'a>(described: &'a Described, name: &str) -> Result<(&'a CrmField, Reading), Failure> {
    let missing = || Failure::Missing(name.to_owned());
    let (root, is_name) = match name.split_once('.') {
        Some((root, "name")) => (root, true),
        Some(_) => return Err(missing()),
        None => (name, false),
    };
    let field = described.get(root).ok_or_else(missing)?;
    let (_, reading) = field.types().ok_or_else(missing)?;
    match (is_name, reading) {
        (false, reading) => Ok((field, reading)),
        (true, Reading::Reference) => Ok((field, Reading::Name)),
        (true, _) => Err(missing()),
    }
}

/// Every field of a model, as the host shows and checks it.
pub(crate) fn fields(api: &Api<'_>, model: &str) -> Result<Vec<Field>, Failure> {
    let described = described(api, model)?;
    let mut fields = Vec::new();
    for (name, field) in &described {
        let Some((kind, reading)) = field.types() else { continue };
        let is_own = name.starts_with("x_");
        let is_needed = is_own || NEEDED.contains(&name.as_str());
        // A message and an activity know what they belong to by a link.
        let by_link =
            matches!(model, MESSAGE | ACTIVITY) && matches!(name.as_str(), "model" | "res_id" | "res_model_id");
        fields.push(Field {
            required: field.required && is_needed && !field.readonly,
            writable: !field.readonly && !by_link,
            unique: name == "id",
            custom: is_own,
            derived: !field.store,
            length: field.size,
            ..field.shown(name.clone(), field.string.clone(), named_kind(name).unwrap_or(kind))
        });
        if reading == Reading::Reference {
            let label = format!("{} (name)", field.string);
            fields.push(Field { derived: true, ..field.shown(format!("{name}.name"), label, Kind::Text) });
        }
    }
    Ok(fields)
}

/// Odoo's texts of these names hold what they say.
fn named_kind(name: &str) -> Option<Kind> {
    match name {
        "email" | "email_from" => Some(Kind::Email),
        "phone" | "mobile" => Some(Kind::Phone),
        "website" => Some(Kind::Url),
        _ => None,
    }
}

impl CrmField {
    /// None for what has no counterpart: binaries, properties, and relations to many that belong to the record.
    pub(crate) fn types(&self) -> Option<(Kind, Reading)> {
        Some(match self.kind.as_str() {
            "char" | "reference" => (Kind::Text, Reading::Text),
            "text" | "html" => (Kind::LongText, Reading::Text),
            "integer" | "many2one_reference" => (Kind::Integer, Reading::Integer),
            "float" | "monetary" => (Kind::Decimal, Reading::Decimal),
            "boolean" => (Kind::Boolean, Reading::Boolean),
            "datetime" => (Kind::Instant, Reading::Instant),
            "date" => (Kind::Date, Reading::Date),
            "selection" => (Kind::Choice, Reading::Text),
            "many2one" => (Kind::Reference, Reading::Reference),
            "many2many" => (Kind::Choices, Reading::Ids),
            _ => return None,
        })
    }

    fn shown(&self, name: String, label: String, kind: Kind) -> Field {
        let pairs = self.selection.as_array().into_iter().flatten();
        let choice = |pair: &Json| {
            let (value, label) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
            Some(Choice { value: value.to_owned(), label: label.to_owned(), hidden: false })
        };
        Field {
            name,
            label,
            kind,
            choices: if kind == Kind::Choice { pairs.filter_map(choice).collect() } else { Vec::new() },
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

/// The field that leads from one model to a record of another, and as what `load` takes its id; none where there is none or several.
pub(crate) fn leading<'a>(described: &'a Described, model: &str, to: &str) -> Option<&'a str> {
    if model == EVENT && to == crate::objects::PARTNER {
        return described.get_key_value("partner_ids").map(|(name, _)| name.as_str());
    }
    let of_model = |(_, field): &(&String, &CrmField)| {
        field.kind == "many2one" && !field.readonly && field.store && field.relation.as_deref() == Some(to)
    };
    // A lead has one customer, whatever else of a partner it keeps.
    let customer = described.get_key_value("partner_id").filter(|(name, field)| of_model(&(name, field)));
    if let Some((name, _)) = customer {
        return Some(name);
    }
    let mut candidates = described.iter().filter(of_model);
    match (candidates.next(), candidates.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}
