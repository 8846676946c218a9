//! `ferry suppress list`

use ferry::app::error::AppError;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List who is suppressed, since when and why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let suppressions = context.tenant()?.suppressions();
    if context.output.json {
        for suppression in suppressions {
            context.output.json_line(&documents::Suppression::from(&suppression?))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["by", "value", "at", "reason"], "nobody is suppressed");
    for suppression in suppressions.collect::<Result<Vec<_>, AppError>>()? {
        let documents::Suppression { by, value, at, reason } = documents::Suppression::from(&suppression);
        table.row(vec![by.to_owned(), value, at, reason.unwrap_or_default()]);
    }
    context.output.table(&table)
}
