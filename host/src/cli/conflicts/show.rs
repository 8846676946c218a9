//! `ferry conflicts show`

use ferry::model::value::Value;

use crate::cli::contacts::find;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Show a contact's conflicts side by side: what was agreed, what we have, what the CRM has
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An id as in c17, an e-mail address, or a phone number as in +4930123456
    contact: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let contact = find(&tenant, &args.contact)?;
    let found = tenant.conflicts_of(&contact)?;
    let ours = |attribute: &str| contact.get(attribute).cloned().unwrap_or(Value::Null);
    let shown: Vec<_> =
        found.iter().map(|conflict| documents::conflict(conflict, &ours(&conflict.attribute))).collect();
    context.output.answer(&shown, || {
        let headers = ["attribute", "agreed", "ours", "theirs", "from", "since"];
        let mut table = Table::new(&headers, "nothing has to be decided about this contact");
        for conflict in &found {
            table.row(vec![
                conflict.attribute.clone(),
                conflict.base.to_cell(),
                ours(&conflict.attribute).to_cell(),
                conflict.theirs.to_cell(),
                format!("{} {}", conflict.sync, conflict.record),
                conflict.at.to_string(),
            ]);
        }
        table
    })?;
    for conflict in &found {
        if let Some(other) = &conflict.between {
            context.output.note(&format!(
                "{}: `{}` and `{other}` change it back and forth; it stays as it is until you decide, and something in one of \
                 their CRMs has to be mended",
                conflict.attribute, conflict.sync
            ));
        }
    }
    if !found.is_empty() {
        context
            .output
            .note(&format!("`ferry conflicts decide {} ATTRIBUTE --theirs`, or --ours, or --value", contact.id));
    }
    Ok(())
}
