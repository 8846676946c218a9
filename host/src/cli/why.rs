//! `ferry why`, and how a change is told.

use ferry::model::ledger::{Origin, Step};
use ferry::model::value::Value;
use serde_json::{Value as Json, json};

use super::contacts::find;
use super::context::Context;
use super::documents;
use super::failure::CliError;
use super::table::Table;

/// Say where a contact's values come from: record, run, page, mapping, policy, time, and what was there before
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An id as in c17, an e-mail address, or a phone number as in +4930123456
    contact: String,

    /// Only this attribute
    attribute: Option<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let contact = find(&tenant, &args.contact)?;
    let provenance = tenant.provenance(contact.id)?;
    let steps = provenance.steps(&contact);
    // What was taken away has an origin too.
    let mut names: Vec<&str> = contact.attributes.iter().map(|(name, _)| &**name).collect();
    for step in &steps {
        if !names.contains(&&**step.attribute) {
            names.push(step.attribute);
        }
    }
    if let Some(wanted) = &args.attribute {
        names.retain(|name| name == wanted);
        if names.is_empty() {
            return Err(CliError::usage(
                format!("{} has no `{wanted}` and has had none", contact.id),
                format!("`ferry contacts show {}` names what it has", contact.id),
            ));
        }
    }
    let newest = |name: &str| steps.iter().find(|step| &**step.attribute == name);
    let shown: Vec<Json> = names
        .iter()
        .map(|name| match newest(name) {
            Some(step) => documents::step(step),
            None => json!({ "attribute": name, "value": contact.get(name).map(Value::to_json), "by": Json::Null }),
        })
        .collect();
    context.output.answer(&shown, || {
        let headers = ["attribute", "value", "from", "run", "mapping", "policy", "at", "replaced"];
        let mut table = Table::new(&headers, "this contact has no values");
        for name in names {
            table.row(match newest(name) {
                Some(step) => [vec![name.to_owned(), step.after.to_cell()], told(step)].concat(),
                None => vec![
                    name.to_owned(),
                    contact.get(name).map(Value::to_cell).unwrap_or_default(),
                    "not written down".to_owned(),
                ],
            });
        }
        table
    })
}

/// From whom, run, mapping, policy, time, and what was replaced.
pub(super) fn told(step: &Step<'_>) -> Vec<String> {
    let replaced = match step.before {
        Some(Value::Null) => String::new(),
        Some(value) => value.to_cell(),
        None => "(forgotten)".to_owned(),
    };
    let (from, run, mapping, policy) = match step.origin {
        Origin::Record { sync, record, run, page, version, .. } => (
            format!("{sync} {record}"),
            format!("{run} page {page}"),
            format!("v{version}"),
            step.policy.as_str().to_owned(),
        ),
        Origin::Person => ("by hand".to_owned(), String::new(), String::new(), String::new()),
    };
    vec![from, run, mapping, policy, step.at.to_string(), replaced]
}
