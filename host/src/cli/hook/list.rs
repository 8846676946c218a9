//! `ferry hook list`

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List the hooks, with what waits for each and how the last try ended
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let mut hooks = Vec::new();
    for hook in tenant.hooks()? {
        let (waiting, failure) = tenant.backlog(&hook.id)?;
        hooks.push(documents::Hook::of(&hook, waiting, failure));
    }
    context.output.answer(&hooks, || {
        let headers = ["name", "waiting", "audience", "url", "trouble"];
        let mut table = Table::new(&headers, "no hooks yet: `ferry hook add NAME --url URL`").numbers(&[1]);
        for hook in &hooks {
            table.row(vec![
                hook.name.to_string(),
                hook.waiting.to_string(),
                hook.audience.as_ref().map(ToString::to_string).unwrap_or_default(),
                hook.url.to_string(),
                hook.ended.clone().or_else(|| hook.failure.clone()).unwrap_or_default(),
            ]);
        }
        table
    })
}
