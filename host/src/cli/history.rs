//! `ferry history`

use super::contacts::find;
use super::context::Context;
use super::documents;
use super::failure::CliError;
use super::table::Table;
use super::why::told;

/// Tell what has happened to a contact's values, newest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An id as in c17, an e-mail address, or a phone number as in +4930123456
    contact: String,

    /// The most to show
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let contact = find(&tenant, &args.contact)?;
    let provenance = tenant.provenance(contact.id)?;
    let mut steps = provenance.steps(&contact);
    steps.truncate(args.limit);
    let shown: Vec<_> = steps.iter().map(documents::step).collect();
    context.output.answer(&shown, || {
        let headers = ["attribute", "became", "from", "run", "mapping", "policy", "at", "replaced"];
        let mut table = Table::new(&headers, "nothing is written down about this contact");
        for step in &steps {
            table.row([vec![step.attribute.to_string(), step.after.to_cell()], told(step)].concat());
        }
        table
    })
}
