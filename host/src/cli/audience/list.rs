//! `ferry audience list`

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List the audiences
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let audiences = context.block_on(async {
        tenant.follow_contacts().await?;
        Ok(tenant.audiences()?)
    })?;
    let document: Vec<_> = audiences.iter().map(documents::Audience::from).collect();
    context.output.answer(&document, || {
        let headers = ["name", "members", "sync", "rule"];
        let mut table =
            Table::new(&headers, "no audiences yet: `ferry audience create NAME --where RULE`").numbers(&[1]);
        for audience in &audiences {
            table.row(vec![
                audience.id.to_string(),
                audience.members.to_string(),
                audience.sync.as_ref().map(ToString::to_string).unwrap_or_default(),
                audience.rule.text().to_owned(),
            ]);
        }
        table
    })
}
