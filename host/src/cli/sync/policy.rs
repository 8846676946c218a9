//! `ferry sync policy`

use std::collections::BTreeMap;

use ferry::model::id::SyncId;
use ferry::model::policy::Policy;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Say whose value stands when both sides have changed an attribute; alone it shows what was said
///
/// crm: the CRM's. ours: ours, where we have changed it. newest: the later change. fill-if-empty: the CRM only fills what is
/// empty. ask: a person decides, with `ferry conflicts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// An attribute and its policy, as in phone=ours
    #[arg(value_name = "ATTRIBUTE=POLICY", value_parser = policy)]
    policies: Vec<(String, Policy)>,
}

pub(in crate::cli) fn policy(text: &str) -> Result<(String, Policy), String> {
    let (name, policy) = text.split_once('=').ok_or("write it as in phone=ours")?;
    Ok((name.to_owned(), policy.parse()?))
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let policies: BTreeMap<String, Policy> = args.policies.into_iter().collect();
    let sync =
        if policies.is_empty() { tenant.sync(&args.name)? } else { tenant.set_policies(&args.name, &policies)? };
    context.output.answer(&documents::sync(&sync), || {
        let mut table = Table::new(&["attribute", "policy"], "what the CRM has changed stands, in every attribute");
        for (attribute, policy) in &sync.policies {
            table.row(vec![attribute.clone(), policy.as_str().to_owned()]);
        }
        table
    })
}
