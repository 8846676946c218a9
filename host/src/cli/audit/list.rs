//! `ferry audit list`

use ferry::app::error::AppError;
use ferry::model::audit::AuditEntry;
use ferry::model::id::AuditId;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List what was changed, by whom and when, oldest first; --json shows before and after
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The most to show
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,

    /// Begin with this entry; without it, the newest are shown
    #[arg(long, value_name = "ID")]
    from: Option<AuditId>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let entries = match args.from {
        Some(from) => tenant.audit_log(from).take(args.limit).collect::<Result<Vec<_>, AppError>>()?,
        None => tenant.newest_audit(args.limit)?,
    };
    if context.output.json {
        return entries.iter().try_for_each(|entry| context.output.json_line(&documents::Audit::from(entry)));
    }
    let mut table = Table::new(&["id", "at", "who", "what", "parts"], "nothing was changed yet");
    for entry in &entries {
        let AuditEntry { id, at, who, deed, .. } = entry;
        let what = format!("{} {} {}", deed.action, deed.what, deed.subject);
        table.row(vec![id.to_string(), at.to_string(), who.to_string(), what, parts(entry)]);
    }
    context.output.table(&table)
}

/// The names of what differs.
fn parts(entry: &AuditEntry) -> String {
    let after = entry.deed.before.as_ref().and(entry.deed.after.as_ref());
    let names = after.and_then(|after| after.as_object()).map(|parts| parts.keys().cloned().collect::<Vec<_>>());
    names.unwrap_or_default().join(" ")
}
