//! `ferry sync show`

use ferry::model::id::SyncId;
use ferry::model::sync::Sync;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::moment;
use crate::cli::table::Table;
use ferry::model::filter;

/// Show a sync with its mappings
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let sync = context.tenant()?.sync(&args.name)?;
    let output = &context.output;
    output.answer(&documents::sync(&sync), || sheet(&sync))?;
    if output.json {
        return Ok(());
    }
    output.line(&format!("\nmapping by {}:\n{}", sync.mapping.mapper, sync.mapping.configuration.trim_end()))?;
    for (kind, spec) in &sync.outbound {
        let (kind, mapping) = (kind.as_str(), &spec.mapping);
        output.line(&format!(
            "\n{kind} to {} by {}:\n{}",
            spec.object,
            mapping.mapper,
            mapping.configuration.trim_end()
        ))?;
    }
    Ok(())
}

fn sheet(sync: &Sync) -> Table {
    let filter: Vec<String> = sync.filter.iter().map(filter::show).collect();
    let reads: Vec<&str> = sync.columns.iter().map(|column| column.name.as_str()).collect();
    let keys: Vec<&str> = sync.match_keys.iter().map(|key| key.attribute()).collect();
    let policies: Vec<String> =
        sync.policies.iter().map(|(name, policy)| format!("{name}={}", policy.as_str())).collect();
    Table::sheet(vec![
        ("sync", sync.id.to_string()),
        ("connection", sync.connection.to_string()),
        ("object", sync.object.clone()),
        ("segment", sync.segment.clone().unwrap_or_default()),
        ("filter", filter.join("; ")),
        ("reads", reads.join(" ")),
        ("match", keys.join(", ")),
        ("policies", policies.join(", ")),
        ("created", moment(sync.created)),
    ])
}
