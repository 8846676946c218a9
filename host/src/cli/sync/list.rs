//! `ferry sync list`

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::filter;
use crate::cli::table::Table;

/// List the syncs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let syncs = context.tenant()?.syncs()?;
    let document: Vec<_> = syncs.iter().map(documents::sync).collect();
    context.output.answer(&document, || {
        let headers = ["name", "connection", "object", "only", "outbound"];
        let mut table = Table::new(&headers, "no syncs yet: `ferry sync create NAME ..`");
        for sync in &syncs {
            let mut only: Vec<String> = sync.filter.iter().map(filter::show).collect();
            only.extend(sync.segment.iter().map(|id| format!("segment {id}")));
            let outbound: Vec<&str> = sync.outbound.keys().map(|kind| kind.as_str()).collect();
            table.row(vec![
                sync.id.to_string(),
                sync.connection.to_string(),
                sync.object.clone(),
                only.join("; "),
                outbound.join(" "),
            ]);
        }
        table
    })
}
